"""Computes PESQ (ITU-T P.862; wide band P.862.2) by the package `pesq`. No other module imports it."""

import math
from collections.abc import Iterable
from typing import Literal

import pesq
import torch
from torch import Tensor

from schedsearch.metrics.clips import Samples, obstacle, paired
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.processes import spread
from vocoder.audio.reading import resample

# The package writes past its arrays, up to a segmentation fault, when speech has more than 50 utterances. Its detector
# gives each at least 0.2 s, and a pause of 0.204 s after it: 20 s cannot hold more.
LONGEST = 20.0  # seconds
# MOS-LQO of audio that is its own reference: a raw score of 4.5 through P.862.2 and P.862.1, in the package's float32.
BEST = {"wb": 4.643888473510742, "nb": 4.548638343811035}


def pesq_mode(sample_rate: int) -> Literal["wb", "nb"]:
    """Returns narrow band at 8 kHz, which has no other mode, else wide band. Their scores are not comparable."""
    return "nb" if sample_rate == 8000 else "wb"


def pesq_column(sample_rate: int) -> str:
    """Returns the name of the scores' column, "pesq_wb" or "pesq_nb"."""
    return f"pesq_{pesq_mode(sample_rate)}"


def parallel_pesq(pairs: Iterable[tuple[Tensor, Tensor]], sample_rate: int, jobs: int) -> list[float | Failure]:
    """Scores each (reference, estimate), [samples] each, in order over `jobs` processes.

    MOS-LQO from 1 to 4.64 (wide band) or 4.55 (narrow band), higher is better. 8 kHz is scored in narrow band, every
    other rate in wide band, resampled to 16 kHz. PESQ aligns levels and time itself, so a pure gain changes nothing and
    a pure delay little. A Failure for what PESQ cannot score: silence, NaN, less than 0.25 s, more than 20 s. Raises
    InputError for unequal lengths, which would cost a whole point unnoticed.
    """
    return spread(_score, [(*paired("PESQ", *pair), sample_rate) for pair in pairs], jobs)


def _score(reference: Samples, estimate: Samples, sample_rate: int) -> float | Failure:
    failure = _obstacle("reference", reference, sample_rate) or _obstacle("estimate", estimate, sample_rate)
    if failure is not None:
        return failure
    rate = 8000 if sample_rate == 8000 else 16000
    # Copied: ray's processes get read-only arrays, of which torch warns.
    pair = [resample(torch.tensor(audio), sample_rate, rate).numpy() for audio in (reference, estimate)]
    try:
        score = float(pesq.pesq(rate, *pair, pesq_mode(sample_rate)))
    except Exception as error:  # the package raises its own kinds and plain ValueErrors, by no rule
        return Failure(f"PESQ: {_reason(error)}")
    return score if math.isfinite(score) else Failure(f"PESQ returned {score}")


def _obstacle(name: str, audio: Samples, sample_rate: int) -> Failure | None:
    """Keeps near-silence, which PESQ would amplify, and very long speech, which crashes it, from PESQ."""
    if len(audio) > LONGEST * sample_rate:
        return Failure(f"{name} lasts {len(audio) / sample_rate:.1f} s, PESQ takes {LONGEST:g} s at most")
    return obstacle(name, audio)


def _reason(error: Exception) -> str:
    """Returns an error's message in one line; the package's own errors carry bytes."""
    message = error.args[0] if error.args else type(error).__name__
    return message.decode() if isinstance(message, bytes) else " ".join(str(message).split())
