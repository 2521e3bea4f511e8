"""Is the winner really better? Chosen on the search clips, judged on held-out clips with fresh noise."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

RESAMPLES = 10_000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean paired difference and its confidence interval."""

    mean: float
    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether the sign of the difference is settled at this coverage."""
        return self.low > 0 or self.high < 0


def paired_bootstrap(first: Array, second: Array, *, seed: int) -> Interval:
    """first - second over [clip, draw], the same clips and noise in both: percentile interval of the mean.

    Clips are resampled, and draws within each: draws are nested in clips, and more draws are no more clips
    (Efron & Tibshirani 1993, chapter 13; Davison & Hinkley 1997, section 3.8). Raises ValueError on NaN.
    """
    difference = first - second
    if not np.isfinite(difference).all():
        raise ValueError("a bootstrap needs finite pairs: drop failures first, and report them")
    clips, draws = difference.shape
    generator = np.random.default_rng(seed)
    rows = generator.integers(clips, size=(RESAMPLES, clips, 1))
    columns = generator.integers(draws, size=(RESAMPLES, clips, draws))
    means = difference[rows, columns].mean(axis=(1, 2))
    low, high = np.quantile(means, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return Interval(float(difference.mean()), float(low), float(high))


def sound_clips(scores: Sequence[Array]) -> npt.NDArray[np.bool_]:
    """[clip]: those where no schedule failed in any draw; the pairs that can be compared."""
    finite: npt.NDArray[np.bool_] = np.all([np.isfinite(values).all(axis=1) for values in scores], axis=0)
    return finite
