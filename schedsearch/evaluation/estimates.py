"""Estimates the means of schedules that were not all scored on the same pairs of clip and draw.

A pair adds the same to every schedule's score: some clips are harder, and some noise is luckier. Scores are modelled as
mean of the schedule + effect of the pair + residual, which is fitted in turns (a two-way table with gaps). So a
schedule with few pairs is compared on those that it has, and each estimate has a variance of its own.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

BETWEEN = 0.2  # part of a residual's variance that further draws of a clip do not average away; measured 0.1 to 0.25
QUANTILE = 1.96  # of the normal distribution: 95 % lie within so many standard deviations
_TURNS = 30


@dataclass(frozen=True)
class Estimates:
    """Means with their variances, lower is better; `pair` is the residual variance of one pair of clip and draw."""

    means: Array  # [S]
    variances: Array  # [S]
    pair: float


def estimate(values: Array) -> Estimates:
    """Estimates the mean of each schedule from values [S, clip, draw], lower is better.

    A pair that was not scored is NaN; each schedule has one pair or more.

    Effects of pairs come from the better half of the schedules that heard every clip. Schedules that are far worse
    suffer in clips of their own.
    """
    flat = values.reshape(len(values), -1)
    effects, pair = _pair_effects(flat[_better_half(values)])
    adjusted = flat - effects
    return Estimates(np.nanmean(adjusted, axis=1), variances(values, pair), pair)


def variances(values: Array, pair: float) -> Array:
    """Returns [...], the variances of means of values [..., clip, draw], which are NaN where nothing was scored."""
    scored = np.isfinite(values)
    clips, pairs = scored.any(axis=-1).sum(axis=-1), scored.sum(axis=(-2, -1))
    return np.asarray(pair * (BETWEEN / clips + (1 - BETWEEN) / pairs))


def margin(values: Array, pair: float) -> float:
    """Returns half the width of the 95 % interval of the mean of values [clip, draw]; NaN where `pair` is not known."""
    return QUANTILE * float(np.sqrt(variances(values, pair))) if pair > 0 else float("nan")


def _better_half(values: Array) -> Indices:
    """Returns rows of `values`: the better half of the schedules that were scored on every clip, two at least."""
    whole = np.flatnonzero(np.all(np.isfinite(values).any(axis=2), axis=1))
    order = whole[np.argsort(np.nanmean(values[whole], axis=(1, 2)), kind="stable")]
    return order[: max(2, (len(order) + 1) // 2)]


def _pair_effects(flat: Array) -> tuple[Array, float]:
    """Returns, for flat [S, pair], the effects [pair] and the variance of a pair.

    Effects are zero in the mean, and zero for pairs that none of these has.
    """
    scored = np.isfinite(flat)
    effects = np.zeros(flat.shape[1])
    for _ in range(_TURNS):
        means = np.nanmean(flat - effects, axis=1, keepdims=True)
        rest = np.where(scored, flat - means, 0.0)
        effects = rest.sum(axis=0) / np.maximum(1, scored.sum(axis=0))
        effects -= effects[scored.any(axis=0)].mean()
    residuals = (flat - effects - means)[scored]
    free = max(1, scored.sum() - len(flat) - scored.any(axis=0).sum() + 1)
    return effects, float((residuals**2).sum() / free)
