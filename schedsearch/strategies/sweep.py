"""Coordinate search over the levels: each is moved alone, the cleanest first, and stays where the loss was least.

The network is told its noise level as quickly turning sinusoids, so that its error is rough in every single level: of
schedules a model of the whole box can't tell apart some are better on the clips and noise at hand (on others little of
that is left). What moves one level alone finds such places, level by level; and under
common noise all but the steps below that level are shared with its neighbours (prefix_tree): a pass costs little more
than half of what as many other candidates do. Pattern search: Hooke & Jeeves 1961.
"""

from collections.abc import Callable, Sequence

import numpy as np

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies.strategy import Losses

NAME = "sweep"
MOVES = (0.05, 0.12, 0.25)  # of the gap to the neighbouring level on that side
SHRINK = 0.6  # of all moves, after a pass that found nothing
LEAST = 0.05  # of the first moves; smaller ones change less than a loss says

Begin = Callable[[NoiseSchedule | None], NoiseSchedule | None]


class Sweep:
    """Proposes all moves of one level at a time, from the best that was told when it is first asked.

    Where it began can't be told from losses that came later, so whoever stores runs keeps it: `begin` returns the start
    that is stored, else stores and returns the one given; with None it only looks. From there on it is replayed from
    what was told. Losses of schedules that it did not propose move nothing.
    """

    name = NAME
    network_evaluations = 0
    batch = 2 * len(MOVES)

    def __init__(self, begin: Begin = lambda now: now) -> None:
        self._begin = begin
        self._told: dict[NoiseSchedule, float] = {}
        self._asked: set[NoiseSchedule] = set()
        self._path: list[NoiseSchedule] = []  # where each turn began
        self._turns = 0  # levels tried from the beginning on
        self._scale, self._moved = 1.0, False  # whether this pass has found anything
        self._turn: list[NoiseSchedule] = []

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Moves of this turn that were not asked for yet; [] while others score them, and when moves are too small."""
        if not self._path:
            start = self._begin(None) or self._best()
            if start is None:
                return []
            self._path.append(start)
            self._turn = self._moves()
        while self._scale >= LEAST and all(schedule in self._told for schedule in self._turn):
            self._advance()
        left = [schedule for schedule in self._turn if schedule not in self._told and schedule not in self._asked]
        self._asked.update(left[:count])
        return left[:count]

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Keeps them until their turn."""
        self._told.update((schedule, float(loss)) for schedule, loss in zip(schedules, losses, strict=True))

    def _best(self) -> NoiseSchedule | None:
        sound = {schedule: loss for schedule, loss in self._told.items() if np.isfinite(loss)}
        best = min(sound, key=sound.__getitem__, default=None)
        return None if best is None else self._begin(_inside(best))

    def _advance(self) -> None:
        """To the best of this turn, and on to the next level."""
        here = self._path[-1]
        best = min([here, *self._turn], key=self._loss)
        self._moved |= best != here
        self._path.append(best)
        self._turns += 1
        if self._turns % len(best) == 0:
            self._scale *= 1.0 if self._moved else SHRINK
            self._moved = False
        self._turn = self._moves() if self._scale >= LEAST else []

    def _loss(self, schedule: NoiseSchedule) -> float:
        """Infinite for a failure, and for a start that was clipped into the box and never scored."""
        loss = self._told.get(schedule, np.inf)
        return loss if np.isfinite(loss) else np.inf

    def _moves(self) -> list[NoiseSchedule]:
        """Of the level whose turn it is, towards both sides, in the box, each once."""
        here = self._path[-1]
        level = self._turns % len(here)
        gaps = -np.diff(here.log_snr) if len(here) > 1 else np.ones(1)
        towards = {1: gaps[max(level - 1, 0)], -1: gaps[min(level, len(gaps) - 1)]}
        found = []
        for move in MOVES:
            for side, gap in towards.items():
                log_snr = here.log_snr.copy()
                log_snr[level] += side * move * self._scale * gap
                found.append(_inside(NoiseSchedule.from_log_snr(log_snr)))
        return [schedule for schedule in dict.fromkeys(found) if schedule != here]


def _inside(schedule: NoiseSchedule) -> NoiseSchedule:
    """Itself, to the last bit, where it lies in the box."""
    clipped = LogSnrSpace(len(schedule)).clip(schedule)
    return clipped.schedule if clipped.moved else schedule
