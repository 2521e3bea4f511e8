"""STOI and extended STOI, through the package `pystoi`: the only place that imports it."""

import math
import warnings
from collections.abc import Iterable

import numpy as np
import pystoi
from torch import Tensor

from schedsearch.metrics.clips import Samples, obstacle, paired, spread
from schedsearch.metrics.failure import Failure


def stoi_score(reference: Tensor, estimate: Tensor, sample_rate: int) -> float | Failure:
    """Short-time objective intelligibility of one clip [samples], Taal et al. 2011: -1 to 1, higher is better.

    The mean correlation of short-time (384 ms) third-octave envelopes, 150 Hz to 4.3 kHz at 10 kHz, over the frames
    within 40 dB of the reference's loudest. It is near 1 for any clean synthesis: little of it tells good ones apart.
    A pure gain changes nothing; nothing is aligned, so a delay of 1 ms costs 0.002 and one of 10 ms 0.12.
    A Failure for silence, NaN, or speech of less than about 0.4 s, where the package would answer 1e-5.
    """
    return _score(*paired("STOI", reference, estimate), sample_rate, False)


def extended_stoi_score(reference: Tensor, estimate: Tensor, sample_rate: int) -> float | Failure:
    """Extended STOI of one clip [samples], Jensen & Taal 2016: -1 to 1, higher is better.

    STOI with the envelopes normalised across bands too, so that it falls further with noise that comes and goes.
    Gain, delay and Failures as there.
    """
    return _score(*paired("STOI", reference, estimate), sample_rate, True)


def parallel_stoi(
    pairs: Iterable[tuple[Tensor, Tensor]], sample_rate: int, jobs: int, *, extended: bool
) -> list[float | Failure]:
    """`stoi_score`, or `extended_stoi_score`, of each (reference, estimate) in order, over `jobs` processes."""
    return spread(_score, [(*paired("STOI", *pair), sample_rate, extended) for pair in pairs], jobs)


def _score(reference: Samples, estimate: Samples, sample_rate: int, extended: bool) -> float | Failure:
    found = obstacle("reference", reference) or obstacle("estimate", estimate)
    if found is not None:
        return found
    try:
        score = _pystoi(reference, estimate, sample_rate, extended)
    except Exception as error:  # the warning made an error, and numpy's own for less than one frame
        return Failure(f"STOI: {_reason(error)}")
    return score if math.isfinite(score) else Failure(f"STOI returned {score}")


def _pystoi(reference: Samples, estimate: Samples, sample_rate: int, extended: bool) -> float:
    """Its score, by the same draws each time: the extended one adds noise of 2e-16 from numpy's global state,
    which decides the score where a band of the estimate is silent."""
    state = np.random.get_state()
    np.random.seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", RuntimeWarning)
            return float(pystoi.stoi(reference.astype(float), estimate.astype(float), sample_rate, extended))
    finally:
        np.random.set_state(state)


def _reason(error: Exception) -> str:
    # Less than one frame of audio is an array without an axis.
    if isinstance(error, np.exceptions.AxisError) or "Not enough STFT frames" in str(error):
        return "less than 30 frames of 25.6 ms are left without the pauses; it takes 0.4 s of speech"
    return " ".join(str(error).split()) or type(error).__name__
