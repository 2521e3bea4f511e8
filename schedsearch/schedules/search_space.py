"""The box that a search moves in: each point of a unit cube is a legal schedule of the box, and each has its point.

The first and last log-SNR take two numbers. The levels between take one number each, coarse to fine: the first splits
the whole range, the next two split the halves, and so on (a binary stick-breaking of the gaps). A number u says how far
the split leans from equal gaps:

    log(left gap / right gap) = log(steps left / steps right) + lean(u)
    lean(u) = REACH * sinh(STEEPNESS * (2 u - 1)) / sinh(STEEPNESS)

u = 1/2 everywhere is the straight line in log-SNR, which the published 6-step schedules are close to. Uniform u lean by
0.33 in the median and by 2.5 at most. The published schedules of up to 12 steps lean by 0.27 in the median, and none by
more than 2.21 (ivanvovk-100), so the box holds all their shapes. The formula has a closed inverse at every point,
corners included, and no gap can become zero; quantiles of a Dirichlet would saturate in float64 far from equal gaps.
"""

from collections import deque
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import scipy  # imports its subpackages at first use
from numpy.typing import ArrayLike

from schedsearch.schedules.formulas import TERMINAL_LOG_SNR, resample
from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.errors import InputError

# 13.9 is beta_0 = 1e-6. Above it ivanvovk's float32 coefficients change the output's level: a search would fit
# rounding errors.
FIRST_LOG_SNR = (4.0, 13.9)
LEAST_RANGE = 1.0  # between first and last log-SNR
REACH = 2.5
STEEPNESS = 4.0
SMALLEST_GAP = 1e-12  # a beta of 1e-17 falls by nothing in float64; its gap still needs a logarithm
TOLERANCE = 1e-9  # in log-SNR: how far rounding may carry a schedule over the edge of the box
LONGEST_SEARCH = 1000  # iterations: the training schedule's length
USUAL_LENGTH = 6  # steps of a search, and of a comparison where nothing has been searched
FREE_LEVELS = 24  # up to here every level is free; above, a curve of few numbers is searched


@dataclass(frozen=True)
class Clipped:
    """A schedule after it was moved into the box."""

    schedule: NoiseSchedule
    moved: float  # largest change of a step, in log-SNR; 0 when it was inside
    report: str  # one line; empty when it was inside


class ScheduleSpace(Protocol):
    """Points of [0, 1]^dimensions that stand for schedules of `steps` steps; all that a strategy knows of the box."""

    @property
    def steps(self) -> int: ...

    @property
    def dimensions(self) -> int: ...

    def decode(self, cube: ArrayLike) -> NoiseSchedule:
        """Returns the legal schedule of any point of the cube."""

    def encode(self, schedule: NoiseSchedule) -> Array:
        """Returns the point [dimensions] of a schedule of the box."""

    def clip(self, schedule: NoiseSchedule) -> Clipped:
        """Moves any schedule of this length into the box, as a warm start needs it."""


@dataclass(frozen=True)
class LogSnrSpace:
    """Every level is free: as many dimensions as steps (first, last, then the splits, coarse to fine).

    A single step is the level from which sampling starts, so it moves in the range of last levels.
    """

    steps: int

    @property
    def dimensions(self) -> int:
        return self.steps

    def decode(self, cube: ArrayLike) -> NoiseSchedule:
        """Returns the schedule of `cube` [dimensions] in [0, 1]; InputError for anything else."""
        point = _checked_cube(cube, self.dimensions)
        if self.steps == 1:
            return NoiseSchedule.from_log_snr([_at(point[0], TERMINAL_LOG_SNR)])
        log_snr = np.empty(self.steps)
        log_snr[0] = _at(point[0], FIRST_LOG_SNR)
        log_snr[-1] = _at(point[1], _last_range(log_snr[0]))
        for (left, middle, right), u in zip(self._splits, point[2:], strict=True):
            share = _expit(_even(left, middle, right) + _lean(u))
            log_snr[middle] = log_snr[left] + (log_snr[right] - log_snr[left]) * share
        return NoiseSchedule.from_log_snr(log_snr)

    def encode(self, schedule: NoiseSchedule) -> Array:
        """Returns the point of a schedule: the exact inverse of `decode`. InputError if it lies outside the box."""
        clipped = self.clip(schedule)
        if clipped.moved > TOLERANCE:
            raise InputError(f"the schedule lies outside the search box; clip it first: {clipped.report}")
        return np.clip(self._point(schedule), 0.0, 1.0)

    def clip(self, schedule: NoiseSchedule) -> Clipped:
        """Moves the ends to the edge of the box; the shape between them stays unless it leans too far."""
        _check_length(schedule, self.steps)
        return _clipped(schedule, self.decode(np.clip(self._point(schedule), 0.0, 1.0)))

    def _point(self, schedule: NoiseSchedule) -> Array:
        """Returns [dimensions], outside [0, 1] for a schedule outside the box."""
        log_snr = schedule.log_snr
        if self.steps == 1:
            return np.array([_position(log_snr[0], TERMINAL_LOG_SNR)])
        first = float(np.clip(log_snr[0], *FIRST_LOG_SNR))
        ends = [_position(log_snr[0], FIRST_LOG_SNR), _position(log_snr[-1], _last_range(first))]
        return np.array(ends + [_lean_inverse(_logit_of(log_snr, *split)) for split in self._splits])

    @cached_property
    def _splits(self) -> tuple[tuple[int, int, int], ...]:
        """(left, middle, right) steps, coarse to fine: both outer ones are placed before the middle one."""
        queue, splits = deque([(0, self.steps - 1)]), []
        while queue:
            left, right = queue.popleft()
            if right - left > 1:
                middle = (left + right) // 2
                splits.append((left, middle, right))
                queue += [(left, middle), (middle, right)]
        return tuple(splits)


KNOTS = LogSnrSpace(6)  # of a curve


@dataclass(frozen=True)
class CurveSpace:
    """A schedule of few steps, the knots, whose log-SNR curve is read at `steps` positions.

    For 25 steps and more, where free levels would be too many."""

    steps: int

    @property
    def dimensions(self) -> int:
        return KNOTS.dimensions

    def decode(self, cube: ArrayLike) -> NoiseSchedule:
        """Returns the schedule of `cube` [dimensions] in [0, 1]; InputError for anything else."""
        return resample(KNOTS.decode(cube), self.steps)

    def encode(self, schedule: NoiseSchedule) -> Array:
        """Returns the nearest curve in the mean square of log-SNR; exact to about 1e-6 for a schedule that is one."""
        _check_length(schedule, self.steps)
        start = KNOTS.encode(KNOTS.clip(resample(schedule, KNOTS.steps)).schedule)
        fit = scipy.optimize.least_squares(
            lambda cube: self.decode(np.clip(cube, 0, 1)).log_snr - schedule.log_snr,
            np.clip(start, 1e-6, 1 - 1e-6),  # the solver must begin inside its bounds
            bounds=(0.0, 1.0),
            xtol=1e-12,
            ftol=1e-12,
            gtol=1e-12,
        )
        return np.asarray(np.clip(fit.x, 0.0, 1.0), dtype=np.float64)

    def clip(self, schedule: NoiseSchedule) -> Clipped:
        """Returns the curve that `encode` finds; `moved` says how far it lies from the schedule."""
        return _clipped(schedule, self.decode(self.encode(schedule)))


def space_for(iterations: int) -> ScheduleSpace:
    """Returns the space of a search: every level free at few steps, a curve of few numbers at many."""
    return LogSnrSpace(iterations) if iterations <= FREE_LEVELS else CurveSpace(iterations)


def _last_range(first: float) -> tuple[float, float]:
    """Returns the range of the last log-SNR below this first one."""
    return TERMINAL_LOG_SNR[0], min(TERMINAL_LOG_SNR[1], first - LEAST_RANGE)


def _at(position: float, interval: tuple[float, float]) -> float:
    return interval[0] + (interval[1] - interval[0]) * position


def _position(value: float, interval: tuple[float, float]) -> float:
    return (value - interval[0]) / (interval[1] - interval[0])


def _even(left: int, middle: int, right: int) -> float:
    """Returns log(left gap / right gap) on a straight line."""
    return float(np.log((middle - left) / (right - middle)))


def _logit_of(log_snr: Array, left: int, middle: int, right: int) -> float:
    """Measures how far a split leans from the straight line."""
    above = max(float(log_snr[left] - log_snr[middle]), SMALLEST_GAP)
    below = max(float(log_snr[middle] - log_snr[right]), SMALLEST_GAP)
    return float(np.log(above / below)) - _even(left, middle, right)


def _lean(u: float) -> float:
    """Says how far u leans. sinh keeps most points near equal gaps and still reaches far at the edges."""
    return float(REACH * np.sinh(STEEPNESS * (2 * u - 1)) / np.sinh(STEEPNESS))


def _lean_inverse(lean: float) -> float:
    return float(0.5 + np.arcsinh(lean / REACH * np.sinh(STEEPNESS)) / (2 * STEEPNESS))


def _expit(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))


def _checked_cube(cube: ArrayLike, dimensions: int) -> Array:
    point = np.asarray(cube, dtype=np.float64)
    if point.shape != (dimensions,):
        raise InputError(f"a point of this space has shape ({dimensions},): got {point.shape}")
    if not ((point >= 0) & (point <= 1)).all():  # NaN is refused too
        raise InputError(f"a point lies in [0, 1]: got {point.min():g} to {point.max():g}")
    return point


def _check_length(schedule: NoiseSchedule, steps: int) -> None:
    if len(schedule) != steps:
        raise InputError(f"this space holds schedules of {steps} steps: got {len(schedule)}; resample it first")


def _clipped(before: NoiseSchedule, after: NoiseSchedule) -> Clipped:
    moves = np.abs(after.log_snr - before.log_snr)
    step = int(np.argmax(moves))
    if moves[step] <= TOLERANCE:
        return Clipped(before, 0.0, "")
    report = (
        f"moved by up to {moves[step]:.3g} in log-SNR: "
        f"step {step} from {before.log_snr[step]:.4g} to {after.log_snr[step]:.4g}"
    )
    return Clipped(after, float(moves[step]), report)
