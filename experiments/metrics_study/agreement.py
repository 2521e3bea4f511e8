"""Measures whether two metrics rank schedules alike."""

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from experiments.metrics_study.losses import Array

RESAMPLES = 1000
COVERAGE = 0.95


def kendall(first: Array, second: Array) -> Array:
    """Kendall's tau-b of each row: [..., schedule] twice -> [...]; NaN where all of a row tie."""
    left, right = np.triu_indices(first.shape[-1], k=1)
    signs = [np.sign(values[..., left] - values[..., right]) for values in (first, second)]
    return _cosine(*signs)


def spearman(first: Array, second: Array) -> Array:
    """Spearman's rho of each row: [..., schedule] twice -> [...]."""
    ranks = [stats.rankdata(values, axis=-1) for values in (first, second)]
    return _cosine(*(rank - rank.mean(axis=-1, keepdims=True) for rank in ranks))


def agreement(first: Array, second: Array, *, seed: int, resamples: int = RESAMPLES) -> dict[str, float]:
    """Returns rank correlations of two metrics' losses [schedule, clip] on the same noise: kendall and spearman.

    Each has two 95 % percentile intervals, which answer different questions. `_clips`: had we heard other clips, the
    schedules as they are. `_schedules`: had we ranked other schedules of the same kinds, the clips as they are; a
    schedule drawn twice ties with itself and counts for nothing.
    """
    first, second = in_common(first, second)
    schedules, clips = first.shape
    generator = np.random.default_rng(seed)
    heard = generator.multinomial(clips, np.full(clips, 1 / clips), size=resamples) / clips  # [resample, clip]
    ranked = generator.integers(schedules, size=(resamples, schedules))
    means = first.mean(axis=1), second.mean(axis=1)
    values: dict[str, float] = {}
    for correlation in (kendall, spearman):
        name = correlation.__name__
        values[name] = float(correlation(*means))
        over_clips = interval(correlation(heard @ first.T, heard @ second.T))
        values[f"{name}_low_clips"], values[f"{name}_high_clips"] = over_clips
        over_schedules = interval(correlation(means[0][ranked], means[1][ranked]))
        values[f"{name}_low_schedules"], values[f"{name}_high_schedules"] = over_schedules
    return values


def in_common(first: Array, second: Array) -> tuple[Array, Array]:
    """Cuts [schedule, clip] twice to the clips that both metrics scored and the schedules that failed in neither."""
    asked = np.isfinite(first).any(axis=0) & np.isfinite(second).any(axis=0)
    whole = np.isfinite(first[:, asked]).all(axis=1) & np.isfinite(second[:, asked]).all(axis=1)
    return first[np.ix_(whole, asked)], second[np.ix_(whole, asked)]


def agreement_table(scopes: Mapping[str, Mapping[str, Array]]) -> pd.DataFrame:
    """Returns a row for every scope and pair of metrics; losses are [schedule, clip] by scope and metric."""
    rows = []
    for scope, losses in scopes.items():
        for one, other in combinations(losses, 2):
            schedules, clips = in_common(losses[one], losses[other])[0].shape
            correlations = agreement(losses[one], losses[other], seed=0)
            row = {"scope": scope, "metric": one, "other": other, **correlations}
            rows.append(row | {"schedules": schedules, "clips": clips})
    return pd.DataFrame(rows)


def _cosine(first: Array, second: Array) -> Array:
    with np.errstate(invalid="ignore"):
        norms = np.sqrt((first**2).sum(axis=-1) * (second**2).sum(axis=-1))
        return np.asarray((first * second).sum(axis=-1) / norms)


def interval(values: Array) -> tuple[float, float]:
    """Returns the ends of the middle 95 % of what is not NaN."""
    low, high = np.nanquantile(values, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
    return float(low), float(high)
