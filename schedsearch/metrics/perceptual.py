"""PESQ (ITU-T P.862; wide band P.862.2), through the package `pesq`: the only place that imports it."""

import math
from collections.abc import Iterable
from typing import Literal

import pesq
import torch
from torch import Tensor

from schedsearch.metrics.clips import Samples, obstacle, paired, spread
from schedsearch.metrics.failure import Failure
from vocoder.audio.reading import resample

# The package writes past its arrays, up to a segmentation fault, when speech falls into more than 50
# utterances. Its detector gives each at least 0.2 s, and 0.204 s of pause after it: 20 s cannot hold more.
LONGEST = 20.0  # seconds
# MOS-LQO of audio that is its own reference: a raw score of 4.5 through P.862.2 and P.862.1, in the package's float32.
BEST = {"wb": 4.643888473510742, "nb": 4.548638343811035}


def pesq_mode(sample_rate: int) -> Literal["wb", "nb"]:
    """Narrow band at 8 kHz, which has no other, else wide band. Scores of the two are never comparable."""
    return "nb" if sample_rate == 8000 else "wb"


def pesq_column(sample_rate: int) -> str:
    """The name that its scores stand under, "pesq_wb" or "pesq_nb"."""
    return f"pesq_{pesq_mode(sample_rate)}"


def pesq_score(reference: Tensor, estimate: Tensor, sample_rate: int) -> float | Failure:
    """MOS-LQO of one clip [samples]: 1 to 4.64 (wide band) or 4.55 (narrow band), higher is better.

    8 kHz is scored in narrow band, every other rate in wide band at 16 kHz, resampled to it where need be.
    PESQ aligns the levels and the time itself, so a pure gain changes nothing and a pure delay little. A Failure
    for what PESQ cannot score: silence, NaN, less than 0.25 s, more than 20 s. InputError for unequal lengths,
    which would cost a whole point unnoticed.
    """
    return _score(*paired("PESQ", reference, estimate), sample_rate)


def parallel_pesq(pairs: Iterable[tuple[Tensor, Tensor]], sample_rate: int, jobs: int) -> list[float | Failure]:
    """`pesq_score` of each (reference, estimate) in order, over `jobs` processes."""
    return spread(_score, [(*paired("PESQ", *pair), sample_rate) for pair in pairs], jobs)


def _score(reference: Samples, estimate: Samples, sample_rate: int) -> float | Failure:
    found = _obstacle("reference", reference, sample_rate) or _obstacle("estimate", estimate, sample_rate)
    if found is not None:
        return found
    rate = 8000 if sample_rate == 8000 else 16000
    # Copied: what comes from a process of ray's is read-only, which torch warns of.
    pair = [resample(torch.tensor(audio), sample_rate, rate).numpy() for audio in (reference, estimate)]
    try:
        score = float(pesq.pesq(rate, *pair, pesq_mode(sample_rate)))
    except Exception as error:  # its own kinds and plain ValueErrors, by no rule
        return Failure(f"PESQ: {_reason(error)}")
    return score if math.isfinite(score) else Failure(f"PESQ returned {score}")


def _obstacle(name: str, audio: Samples, sample_rate: int) -> Failure | None:
    """What must not reach PESQ: it amplifies near-silence to score it, and crashes on very long speech."""
    if len(audio) > LONGEST * sample_rate:
        return Failure(f"{name} lasts {len(audio) / sample_rate:.1f} s, PESQ takes {LONGEST:g} s at most")
    return obstacle(name, audio)


def _reason(error: Exception) -> str:
    """One line; its own errors carry bytes."""
    said = error.args[0] if error.args else type(error).__name__
    return said.decode() if isinstance(said, bytes) else " ".join(str(said).split())
