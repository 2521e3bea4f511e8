"""Descent from one schedule along the gradient through the sampler. It is the only strategy whose cost a step does not
grow with the number of free levels."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies.slope import Slope
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

# Adam's step: the part of a gap that it moves. At 0.08 a prototype blew up before it recovered, at 0.02 it drifted.
RATE = 0.03
END_SPEED = 4.0  # log-SNR that an end moves while a gap changes e-fold: an end has the whole box to cross
LONGEST_MOVE = 0.5  # of any level in one iterate, in log-SNR
LONGEST_GRADIENT = 1.0  # loss a unit of log-SNR; longer gradients are cut, so that one bad draw spoils no moments
# Kingma & Ba 2015, algorithm 1; a second moment over some 100 iterates would never forget the steep beginning
FIRST_DECAY, SECOND_DECAY, TINY = 0.9, 0.99, 1e-12


class Gradient:
    """Proposes `start` and then the iterates of Adam. Losses do not change the iterates; they end the descent after
    `patience` of them in a row without a new best.

    Schedules that were told before are not proposed again (the start; in a resumed run all earlier ones), but `slope`
    is called for them again: a caller that resumes stores its answers.
    """

    name = "gradient"
    batch = 1  # an iterate needs the slope at the one before it

    def __init__(
        self,
        start: NoiseSchedule,
        slope: Callable[[Array], Slope],
        *,
        rate: float = RATE,
        limit: int = 30,
        patience: int = 8,
    ) -> None:
        """At most `limit` iterates follow the start."""
        self._slope, self._patience = slope, patience
        self._spent = 0
        self._told: set[NoiseSchedule] = set()
        self._best, self._since_best = np.inf, 0
        self._iterates = descent(start, self._counted, rate=rate, limit=limit)

    @property
    def network_evaluations(self) -> int:
        """Those of the slopes: four for each clip, draw and step (see `slope.EVALUATIONS_A_STEP`)."""
        return self._spent

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next iterates; each costs one slope, at the iterate before it."""
        proposals: list[NoiseSchedule] = []
        while len(proposals) < count and self._since_best < self._patience:
            iterate = next(self._iterates, None)
            if iterate is None:
                break
            if iterate not in self._told:
                proposals.append(iterate)
        return proposals

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Counts losses without a new best, in the order told."""
        for schedule, loss in zip(schedules, losses, strict=True):
            self._told.add(schedule)
            self._since_best = 0 if loss < self._best else self._since_best + 1
            self._best = min(self._best, loss) if np.isfinite(loss) else self._best

    def _counted(self, log_snr: Array) -> Slope:
        slope = self._slope(log_snr)
        self._spent += slope.network_evaluations
        return slope


def descent(
    start: NoiseSchedule, slope: Callable[[Array], Slope], *, rate: float = RATE, limit: int
) -> Iterator[NoiseSchedule]:
    """Yields `start`, then up to `limit` iterates of Adam on both ends and the logarithms of the gaps between them.

    All are clipped into the box of `LogSnrSpace`, `start` too. The ends are coordinates of their own, so that clipping
    one moves no other: when the gaps alone decided the last level, iterates at the edge of the box climbed. It stops
    early if the gradient is zero or NaN.
    """
    if not 0 < rate <= 1:
        raise InputError(f"the rate of descent must lie in (0, 1], and is {rate:g}; {RATE} is usual")
    space = LogSnrSpace(len(start))
    schedule = space.clip(start).schedule
    first, second = np.zeros(len(start) + 1), np.zeros(len(start) + 1)
    yield schedule
    for t in range(1, limit + 1):
        gradient = in_point(schedule.log_snr, np.array(slope(schedule.log_snr).gradient))
        length = float(np.linalg.norm(gradient))
        if not np.isfinite(length) or length == 0:
            return
        gradient *= min(1.0, LONGEST_GRADIENT / length)
        first = FIRST_DECAY * first + (1 - FIRST_DECAY) * gradient
        second = SECOND_DECAY * second + (1 - SECOND_DECAY) * gradient**2
        scale = np.sqrt(second / (1 - SECOND_DECAY**t)) + TINY
        point = to_point(schedule.log_snr) - rate * first / (1 - FIRST_DECAY**t) / scale
        moved = _at_most(LONGEST_MOVE, from_point(point) - schedule.log_snr)
        schedule = space.clip(NoiseSchedule.from_log_snr(schedule.log_snr + moved)).schedule
        yield schedule


def _at_most(longest: float, vector: Array) -> Array:
    """Shortens a vector to entries of at most `longest`. Levels still fall after the shorter move: they lie between two
    falling sets."""
    return vector * min(1.0, longest / max(float(np.abs(vector).max()), TINY))


def to_point(log_snr: Array) -> Array:
    """[N] levels -> [N + 1]: the first and the last in units of END_SPEED, then the logarithms of the N - 1 gaps."""
    return np.concatenate([log_snr[[0, -1]] / END_SPEED, np.log(-np.diff(log_snr))])


def from_point(point: Array) -> Array:
    """The inverse of `to_point`. Levels fall if the first lies above the last; only the gaps' shares count."""
    first, last = point[:2] * END_SPEED
    return np.asarray(first - (first - last) * _passed(point[2:]))


def in_point(log_snr: Array, gradient: Array) -> Array:
    """Turns the gradient in the levels [N] into that in the coordinates of `to_point`."""
    shares, passed = np.diff(log_snr) / (log_snr[-1:] - log_snr[:1]), _passed(np.log(-np.diff(log_snr)))
    in_last = gradient @ passed
    beyond = np.cumsum(gradient[::-1])[::-1][1:]  # a gap moves the levels after it
    in_gaps = (log_snr[-1] - log_snr[0]) * shares * (beyond - in_last)
    return np.concatenate([[END_SPEED * (gradient.sum() - in_last), END_SPEED * in_last], in_gaps])


def _passed(log_gaps: Array) -> Array:
    """[N], 0 to 1: the part of the way from the first level to the last that lies behind each level."""
    gaps = np.exp(log_gaps - log_gaps.max(initial=-np.inf))
    return np.concatenate([[0.0], np.cumsum(gaps) / gaps.sum()])
