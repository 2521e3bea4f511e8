"""Descent from one schedule along the gradient through the sampler: the only strategy whose cost a step does not grow
with the number of free levels."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies.slope import Slope
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

# Adam's step: part of a gap that it moves. At 0.08 a prototype blew up before it recovered, at 0.02 it drifted.
RATE = 0.03
END_SPEED = 4.0  # log-SNR that an end moves in the steps that change a gap e-fold: it has the whole box to cross
LONGEST_MOVE = 0.5  # of any level in one iterate, in log-SNR
LONGEST_GRADIENT = 1.0  # a longer one (loss a unit of log-SNR) is cut to it, so that one bad draw spoils no moments
# Kingma & Ba 2015, algorithm 1; a second moment of some 100 iterates would remember the steep beginning for good
FIRST_DECAY, SECOND_DECAY, TINY = 0.9, 0.99, 1e-12


class Gradient:
    """Proposes `start` and then the iterates of Adam, which do not depend on what it is told; told losses only end it,
    after `patience` of them in a row without a new best. Whoever keeps trials keeps the best.

    A schedule that was told already (the start; all of them in a resumed run) is not proposed again: its slope is
    asked for again, so a caller that resumes wraps `slope` in a store of its answers.
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
        """`limit` iterates after the start at most."""
        self._slope, self._patience = slope, patience
        self._spent = 0
        self._told: set[NoiseSchedule] = set()
        self._best, self._since_best = np.inf, 0
        self._iterates = descent(start, self._counted, rate=rate, limit=limit)

    @property
    def network_evaluations(self) -> int:
        """Those of the slopes: four a clip, draw and step (see `slope.EVALUATIONS_A_STEP`)."""
        return self._spent

    def ask(self, count: int) -> list[NoiseSchedule]:
        """The next iterates; each costs one slope at the one before it."""
        found: list[NoiseSchedule] = []
        while len(found) < count and self._since_best < self._patience:
            iterate = next(self._iterates, None)
            if iterate is None:
                break
            if iterate not in self._told:
                found.append(iterate)
        return found

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Counts towards the patience, in the order told."""
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
    """`start`, then up to `limit` iterates of Adam on both ends and the logarithms of the gaps between them.

    All lie in the box of `LogSnrSpace`: what leaves it is clipped, the start as well. The ends are coordinates of
    their own so that clipping one moves no other: with the gaps alone deciding where the last level lies, iterates
    at the edge of the box climbed. Ends early where the gradient is zero or no number.
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
    """The same direction, no entry longer. Levels that fall still do: they stay between two sets that fall."""
    return vector * min(1.0, longest / max(float(np.abs(vector).max()), TINY))


def to_point(log_snr: Array) -> Array:
    """[N] levels -> [N + 1]: the first and the last in units of END_SPEED, then the logarithms of the N - 1 gaps."""
    return np.concatenate([log_snr[[0, -1]] / END_SPEED, np.log(-np.diff(log_snr))])


def from_point(point: Array) -> Array:
    """The inverse of `to_point`. Levels fall wherever the first lies above the last; the gaps count by their shares."""
    first, last = point[:2] * END_SPEED
    return np.asarray(first - (first - last) * _passed(point[2:]))


def in_point(log_snr: Array, gradient: Array) -> Array:
    """The gradient in the levels [N] -> that in the coordinates of `to_point`."""
    shares, passed = np.diff(log_snr) / (log_snr[-1:] - log_snr[:1]), _passed(np.log(-np.diff(log_snr)))
    in_last = gradient @ passed
    beyond = np.cumsum(gradient[::-1])[::-1][1:]  # a gap moves the levels after it
    in_gaps = (log_snr[-1] - log_snr[0]) * shares * (beyond - in_last)
    return np.concatenate([[END_SPEED * (gradient.sum() - in_last), END_SPEED * in_last], in_gaps])


def _passed(log_gaps: Array) -> Array:
    """[N], 0 to 1: which part of the way from the first level to the last is behind each."""
    gaps = np.exp(log_gaps - log_gaps.max(initial=-np.inf))
    return np.concatenate([[0.0], np.cumsum(gaps) / gaps.sum()])
