"""Estimates the means of schedules that were not all scored on the same pairs of clip and draw.

A pair adds the same to every schedule's score: some clips are harder, and some noise is luckier. Scores are modelled as
mean of the schedule + effect of the pair + residual (a mixed model: Henderson 1975). So a schedule with few pairs is
compared on those that it has, and each estimate has a variance of its own. Means are those of the first draw's pairs.
Further draws may be of longer excerpts, and then weigh more.

What noise adds within a clip is a random effect. A pair that one batch alone heard lies near the others of its clip,
not wherever that batch puts it: nothing else would tell how hard its clips are.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.linalg import block_diag

Array = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]

BETWEEN = 0.1  # part of a residual's variance that further draws of a clip do not average away; measured 0.04 to 0.25
QUANTILE = 1.96  # of the normal distribution: 95 % lie within so many standard deviations
# Variance of what noise adds within a clip, in variances of a residual. In 16 searches it was 0.5 to 12, mostly 2.
# Too large a value loses little. Too small a one takes luck for the schedule's own.
NOISE = 4.0
_SINGULAR = 1e-10  # eigenvalues below this part of the largest one are zero, but for rounding


@dataclass(frozen=True)
class Estimates:
    """Means with their variances, lower is better; `pair` is the residual variance of one pair of the first draw."""

    means: Array  # [S]
    variances: Array  # [S]
    pair: float


def estimate(values: Array, weights: Array | None = None, is_first: npt.NDArray[np.bool_] | None = None) -> Estimates:
    """Estimates the mean of each schedule from values [S, clip, draw], lower is better.

    A pair that was not scored is NaN; each schedule has one pair or more.

    `weights` [draw] says how many pairs of the first draw tell as much as one of each draw; one if not given.
    `is_first` [draw] says which draws belong to the first round; the first one if not given. Effects of pairs come from
    the better half of the schedules that heard every clip, or their share of the clips: those that are far worse suffer
    in clips of their own.
    """
    flat = values.reshape(len(values), -1)
    weights = np.ones(values.shape[2]) if weights is None else weights
    is_first = np.arange(values.shape[2]) == 0 if is_first is None else is_first
    weight, first = (np.tile(each, values.shape[1]) for each in (weights, is_first))
    effects, pair = _pair_effects(values[_reference(values, flat, weight, first)], weight, first)
    return Estimates(_means(flat - effects, weight), variances(values, pair, weights), pair)


def variances(values: Array, pair: float, weights: Array | None = None) -> Array:
    """Returns [...], the variances of means of values [..., clip, draw], which are NaN where nothing was scored.

    What is not known of the pairs' effects is not in them. Schedules of a batch share that: most of an early error.
    """
    scored = np.isfinite(values)
    told = scored if weights is None else scored * weights
    clips, pairs = scored.any(axis=-1).sum(axis=-1), told.sum(axis=(-2, -1))
    return np.asarray(pair * (BETWEEN / clips + (1 - BETWEEN) / pairs))


def margin(values: Array, pair: float) -> float:
    """Returns half the width of the 95 % interval of the mean of values [clip, draw]; NaN where `pair` is not known."""
    return QUANTILE * float(np.sqrt(variances(values, pair))) if pair > 0 else float("nan")


def _reference(values: Array, flat: Array, weight: Array, first: npt.NDArray[np.bool_]) -> Indices:
    """Returns rows of `values`, two at least: the better half, by the first round, of those that heard their share.

    Their share is every clip in the first draw, or clips in other draws of the first round. Rows are added that alone
    show the effects of a pair of the first round, or of a further round.
    """
    scored = np.isfinite(flat)
    whole: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1))  # [S, draw]
    is_first = first[: values.shape[2]]
    others = np.isfinite(values[:, :, np.flatnonzero(is_first)[1:]]).any(axis=(1, 2))
    rows = np.flatnonzero(whole[:, 0] | others)
    effects, _ = _pair_effects(values[rows], weight, first)
    order = rows[np.argsort(_means((flat - effects)[rows][:, first], weight[first]), kind="stable")]
    chosen = order[: max(2, (len(order) + 1) // 2)]
    unheard = first & ~scored[chosen].any(axis=0)
    unheard_rounds = np.flatnonzero(~whole[chosen].any(axis=0) & ~is_first)
    more = [rows[scored[rows][:, unheard].any(axis=1)], np.flatnonzero(whole[:, unheard_rounds].any(axis=1))]
    return np.unique(np.concatenate([chosen, *more]))


def _means(values: Array, weight: Array) -> Array:
    """Returns weighted means [S] of values [S, pair] that are no NaN; weight [pair]."""
    scored = np.isfinite(values)
    return np.asarray(np.where(scored, values, 0.0) @ weight / (scored @ weight))


def _pair_effects(values: Array, weight: Array, first: npt.NDArray[np.bool_]) -> tuple[Array, float]:
    """Returns, for values [S, clip, draw], the effects [pair] and the residual variance of a pair.

    Effects are zero in the mean of the first draw's pairs, or of the first round's where none of these schedules has
    one, and zero for pairs that none of them has. They are those of least squares, with each pair of the first round
    held to the mean of its clip's as firmly as NOISE says.
    """
    flat = values.reshape(len(values), values.shape[1] * values.shape[2])
    scored = np.isfinite(flat)
    told, means = scored * weight, _means(flat, weight)[:, None]
    shares = told / told.sum(axis=1, keepdims=True)
    rest = np.where(scored, flat - means, 0.0)
    data = np.diag(told.sum(axis=0)) - told.T @ shares  # of the normal equations, without the schedules' means
    anchor = first & scored.any(axis=0)
    held = data + _within_clips(anchor, values.shape[2]) / NOISE
    inverse = np.linalg.pinv(held, _SINGULAR, hermitian=True)
    effects = inverse @ (told * rest).sum(axis=0)
    residuals = np.where(scored, rest - effects + (shares @ effects)[:, None], 0.0)
    free = float(scored.sum() - len(flat) - np.trace(inverse @ data))
    pair = float(((residuals**2) @ weight).sum()) / free if free > 0.5 else 0.0  # one schedule shows none
    in_first_draw = anchor & (np.arange(len(first)) % values.shape[2] == 0)
    effects -= effects[in_first_draw if in_first_draw.any() else anchor].mean()
    return np.where(scored.any(axis=0), effects, 0.0), pair


def _within_clips(pairs: npt.NDArray[np.bool_], draws: int) -> Array:
    """Returns [pair, pair], what takes the mean of each clip's pairs away from them; zero for all but these pairs."""
    by_clip = pairs.reshape(-1, draws).astype(float)
    return np.asarray(block_diag(*(np.diag(own) - np.outer(own, own) / max(1.0, own.sum()) for own in by_clip)))
