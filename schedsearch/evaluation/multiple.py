"""Corrects outcomes for how many comparisons were looked at."""

import numpy as np
import scipy  # imports its subpackages at first use

from schedsearch.evaluation.bootstrap import COVERAGE, Array


def p_values(mean: Array, low: Array, high: Array, clips: Array) -> Array:
    """Returns two-sided p values of mean differences with the intervals of `paired_bootstrap`: [comparison].

    They are those of a t test with an interval as wide on the side of zero: below 0.05 just where it excludes zero. NaN
    where a value is missing.
    """
    towards_zero = np.where(mean > 0, mean - low, high - mean)
    quantile = scipy.stats.t.ppf((1 + COVERAGE) / 2, clips - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = quantile * np.abs(mean) / towards_zero
    result: Array = 2 * scipy.stats.t.sf(np.where(mean == 0, 0.0, statistic), clips - 1)
    return result


def holm(p: Array) -> Array:
    """Returns p values [comparison] corrected for their number (Holm 1979); NaN stays, and is not counted."""
    known = np.flatnonzero(~np.isnan(p))
    ordered = known[np.argsort(p[known])]
    corrected = np.full(p.shape, np.nan)
    factors = np.arange(len(ordered), 0, -1)
    corrected[ordered] = np.minimum(np.maximum.accumulate(p[ordered] * factors), 1.0)
    return corrected
