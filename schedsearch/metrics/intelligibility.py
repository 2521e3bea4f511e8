"""Computes STOI and extended STOI by the package `pystoi`. No other module imports it."""

import math
import warnings
from collections.abc import Iterable

import numpy as np
from torch import Tensor

from schedsearch.metrics.clips import Samples, obstacle, paired
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.processes import spread


def parallel_stoi(
    pairs: Iterable[tuple[Tensor, Tensor]], sample_rate: int, jobs: int, *, extended: bool
) -> list[float | Failure]:
    """Scores each (reference, estimate), [samples] each, in order over `jobs` processes: -1 to 1, higher is better.

    Short-time objective intelligibility (Taal et al. 2011): the mean correlation of short-time (384 ms) third-octave
    envelopes, 150 Hz to 4.3 kHz at 10 kHz, over the frames within 40 dB of the reference's loudest. It is near 1 for
    any clean synthesis and hardly tells good ones apart. A pure gain changes nothing. Nothing is aligned, so a delay of
    1 ms costs 0.002 and one of 10 ms 0.12. `extended` (Jensen & Taal 2016) normalises the envelopes across bands too,
    so that it falls further with noise that comes and goes. A Failure for silence, NaN, or speech of less than about
    0.4 s, where the package would return 1e-5.
    """
    return spread(_score, [(*paired("STOI", *pair), sample_rate, extended) for pair in pairs], jobs)


def _score(reference: Samples, estimate: Samples, sample_rate: int, extended: bool) -> float | Failure:
    failure = obstacle("reference", reference) or obstacle("estimate", estimate)
    if failure is not None:
        return failure
    try:
        score = _pystoi(reference, estimate, sample_rate, extended)
    except Exception as error:  # a warning that became an error, or numpy's own for less than one frame
        return Failure(f"STOI: {_reason(error)}")
    return score if math.isfinite(score) else Failure(f"STOI returned {score}")


def _pystoi(reference: Samples, estimate: Samples, sample_rate: int, extended: bool) -> float:
    """Calls the package with the same random draws each time.

    The extended score adds noise of 2e-16 from numpy's global state, which decides where a band is silent.
    """
    import pystoi  # with scipy.signal: it takes half a second

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
