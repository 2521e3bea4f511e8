"""Optimal levels by a shortest path over measured errors (Watson et al. 2021, "Learning to efficiently sample").

The costs judge each step alone, on true noisy speech, so they can't compare schedules with different ends. The strategy
proposes the optimal path of each of several (cleanest, noisiest) pairs; sampling then scores them.
"""

from collections.abc import Callable, Iterable, Sequence
from math import dist
from typing import Any, TypeAlias

import numpy as np

from schedsearch.schedules.formulas import TERMINAL_LOG_SNR, resample
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, LEAST_RANGE, LogSnrSpace
from schedsearch.strategies.level_errors import LevelErrors
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

Cost = Callable[[LevelErrors], Array]  # -> [L, L]: of a step from the level of the row to the cleaner one of the column
Pair = tuple[int, int]  # indices into the ends swept: cleanest, noisiest
Indices: TypeAlias = np.ndarray[Any, np.dtype[np.intp]]

SWEPT = 7  # values of each end, in the middle of equal parts of its range
CENTRE: Pair = (SWEPT // 2, SWEPT // 2)
LONGEST_PATH = 100  # a longer schedule reads the curve of this many steps at more positions
FINEST = 256  # levels that a path can choose from, at least; four a step if that is more


# --- costs ----------------------------------------------------------------------------------------


def elbo(errors: LevelErrors) -> Array:
    """1/2 (SNR_s - SNR_t) E|x0 - x0_hat_t|^2, in nats a sample: Watson et al. 2021; Kingma et al. 2021, eq. 14."""
    snr = np.exp(errors.log_snr)
    return np.asarray(0.5 * (snr[None, :] - snr[:, None]) * errors.error[:, None])


def align_your_steps(errors: LevelErrors) -> Array:
    """Sabour et al. 2024: a bound on the divergence that a step adds by holding x0_hat still,

    1/2 * integral from SNR_t to SNR_s of E|x0_hat_u - x0_hat_t|^2 dSNR_u, here by trapezia between the levels.
    For a perfect network on the forward process it equals `elbo` less a constant that all paths share. So the two
    differ only in errors that do not come from missing information.
    """
    snr, change = np.exp(errors.log_snr), errors.distance
    parts = 0.25 * (snr[:-1] - snr[1:]) * (change[:, :-1] + change[:, 1:])  # [t, from u + 1 to u]
    noisier = np.zeros_like(change)
    noisier[:, :-1] = np.cumsum(parts[:, ::-1], axis=1)[:, ::-1]  # from the noisiest level to each
    return np.asarray(noisier - np.diag(noisier)[:, None])


def trajectory(errors: LevelErrors) -> Array:
    """E|1/SNR_s * integral from SNR_t to SNR_s of (x0_hat_u - x0_hat_t) dSNR_u|^2: the squared distance between the
    ends of one step and of many fine ones, in units of audio over signal level, so that the clean end does not outweigh
    the rest.

    GITS (Chen et al. 2024) judges steps like this, on a teacher's trajectory; here the clips' own noisy path takes its
    place. The weights are those of the posterior mean (Ho et al. 2020, eq. 7), which averages x0_hat over SNR.
    """
    snr, levels = np.exp(errors.log_snr), len(errors.log_snr)
    width = snr[:-1] - snr[1:]  # of the cells between levels; x0_hat is averaged over each
    average = 0.5 * (np.eye(levels - 1, levels) + np.eye(levels - 1, levels, k=1))
    near = average @ errors.distance
    between = near @ average.T
    cost = np.zeros((levels, levels))
    for t in range(1, levels):
        # E (x0_hat_u - x0_hat_t)(x0_hat_v - x0_hat_t), of squared distances alone
        product = 0.5 * (near[:t, t, None] + near[None, :t, t] - between[:t, :t])
        weighted = (product * width[:t, None] * width[:t])[::-1, ::-1]
        cost[t, :t] = weighted.cumsum(axis=0).cumsum(axis=1).diagonal()[::-1] / snr[:t] ** 2
    return np.maximum(cost, 0.0)  # measured distances need not be those of any points


COSTS: dict[str, Cost] = {"elbo": elbo, "align_your_steps": align_your_steps, "trajectory": trajectory}


# --- shortest paths -------------------------------------------------------------------------------


def optimal_levels(cost: Array, levels: Array, lengths: Iterable[int]) -> dict[int, Array]:
    """Returns N -> the N of the falling `levels` [L], first and last included, whose steps have the least total cost.

    `cost` [L, L] of a step from row to column is read below the diagonal only. All N take one pass, O(max N * L^2).
    InputError for an impossible N and for costs that are not finite.
    """
    wanted = sorted(set(lengths))
    shortest = min(2, len(levels))
    if not wanted or wanted[0] < shortest or wanted[-1] > len(levels):
        raise InputError(
            f"a path over {len(levels)} levels has {shortest} to {len(levels)} of them, asked for {wanted}; refine them"
        )
    if not np.isfinite(cost[np.tril_indices(len(levels), -1)]).all():
        raise InputError("costs of steps must be finite; the network returned NaN where they were measured")
    noisier = _predecessors(cost, wanted[-1])
    return {n: levels[_path(noisier[: n - 1])] for n in wanted}


def _predecessors(cost: Array, longest: int) -> Indices:
    """[longest - 1, L]: row k holds the level before each level, on the cheapest path of k + 2 levels to it."""
    step = np.where(np.tri(len(cost), k=-1, dtype=bool), cost, np.inf).T.copy()  # [to, from]: rows are contiguous
    reached = np.full(len(cost), np.inf)
    reached[-1] = 0.0
    before = np.empty((longest - 1, len(cost)), dtype=np.intp)
    everywhere = np.arange(len(cost))
    for k in range(longest - 1):
        through = step + reached
        before[k] = through.argmin(axis=1)
        reached = through[everywhere, before[k]]
    return before


def _path(before: Indices) -> list[int]:
    """Follows `before` from the cleanest level to the noisiest."""
    path = [0]
    for row in before[::-1]:
        path.append(int(row[path[-1]]))
    return path


# --- the strategy ---------------------------------------------------------------------------------


class DynamicProgramming:
    """Proposes the optimal path of each pair of ends: a coarse 3 x 3 from the centre of the box outwards, then the
    nearest to the pair with the best score.

    It measures the network's errors at its first `ask`, and proposes nothing if they are NaN."""

    name = "dynamic_programming"
    batch = 3

    def __init__(self, steps: int, measure: Callable[[], LevelErrors], *, cost: Cost = elbo) -> None:
        """`measure` is called once. A caller that resumes returns the stored errors."""
        self._steps, self._measure, self._cost = steps, measure, cost
        self._errors: LevelErrors | None = None
        self._proposed: set[Pair] = set()
        self._best: tuple[float, Pair] = (np.inf, CENTRE)

    @property
    def network_evaluations(self) -> int:
        """Those of the measurement; 0 before it."""
        return 0 if self._errors is None else self._errors.network_evaluations

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the optimal schedules of the next pairs."""
        if self._errors is None:
            self._errors = self._measure()
        if not self._errors.finite:
            return []
        left = [pair for pair in _pairs(self._steps) if pair not in self._proposed]
        chosen = sorted(left, key=self._turn)[:count]
        self._proposed.update(chosen)
        return [self._schedule(self._errors, *_ends(pair, self._steps)) for pair in chosen]

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Takes losses. Ends identify a pair, so a resumed run takes the stored losses without the network."""
        for schedule, loss in zip(schedules, losses, strict=True):
            ends = schedule.log_snr[0], schedule.log_snr[-1]
            for pair in _pairs(self._steps):
                if np.allclose(_ends(pair, self._steps), ends, rtol=0, atol=1e-6):
                    self._proposed.add(pair)
                    self._best = min(self._best, (loss if np.isfinite(loss) else np.inf, pair), key=lambda b: b[0])

    def _turn(self, pair: Pair) -> tuple[bool, float]:
        coarse = pair[0] % 2 == 1 and pair[1] % 2 == 1
        return not coarse, dist(pair, CENTRE if coarse else self._best[1])

    def _schedule(self, errors: LevelErrors, first: float, last: float) -> NoiseSchedule:
        if self._steps == 1:
            return NoiseSchedule.from_log_snr([last])
        n = min(self._steps, LONGEST_PATH)
        levels = np.linspace(first, last, max(FINEST, 4 * n))
        path = optimal_levels(self._cost(errors.refined(levels)), levels, [n])[n]
        schedule = resample(NoiseSchedule.from_log_snr(path), self._steps)
        return LogSnrSpace(self._steps).clip(schedule).schedule  # a path may lean further than the box reaches


def _pairs(steps: int) -> list[Pair]:
    """Returns the pairs of the box; a single step has one level for both ends."""
    if steps == 1:
        return [(CENTRE[0], j) for j in range(SWEPT)]
    pairs = [(i, j) for i in range(SWEPT) for j in range(SWEPT)]
    return [pair for pair in pairs if np.subtract(*_ends(pair, steps)) >= LEAST_RANGE]


def _ends(pair: Pair, steps: int) -> tuple[float, float]:
    """Log-SNR of the cleanest and the noisiest level."""
    first, last = _part(FIRST_LOG_SNR, pair[0]), _part(TERMINAL_LOG_SNR, pair[1])
    return (last, last) if steps == 1 else (first, last)


def _part(interval: tuple[float, float], index: int) -> float:
    return interval[0] + (interval[1] - interval[0]) * (index + 0.5) / SWEPT
