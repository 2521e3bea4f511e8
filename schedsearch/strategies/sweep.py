"""Coordinate search over the levels: moves each alone, the cleanest first, and keeps the move with the least loss.

The network sees its noise level as fast sinusoids, so its error is rough in every single level. Schedules that a model
of the whole box can't tell apart differ on the clips and noise at hand (on others little of that is left). Moving one
level alone finds such places. Under common noise the noisier steps are shared between the moves (prefix_tree), so a
pass costs little more than half of as many other candidates. Pattern search: Hooke & Jeeves 1961.
"""

from collections.abc import Callable, Sequence

import numpy as np

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies.strategy import Losses

NAME = "sweep"
MOVES = (0.05, 0.12, 0.25)  # of the gap to the neighbouring level on that side
SHRINK = 0.6  # factor of all moves after a pass without a better schedule
LEAST = 0.05  # part of the first moves; smaller moves change less than a loss can tell

Begin = Callable[[NoiseSchedule | None], NoiseSchedule | None]


class Sweep:
    """Proposes all moves of one level at a time, from the best schedule told at the first `ask`.

    Later losses do not say where it began, so the caller stores it: `begin` returns the stored start, or stores and
    returns this one; with None it only reads. From there a resumed run replays the losses. Losses of schedules that it
    did not propose change nothing.
    """

    name = NAME
    batch = 2 * len(MOVES)

    def __init__(self, begin: Begin = lambda now: now) -> None:
        self._begin = begin
        self._told: dict[NoiseSchedule, float] = {}
        self._asked: set[NoiseSchedule] = set()
        self._path: list[NoiseSchedule] = []  # where each turn began
        self._turns = 0  # levels tried from the beginning on
        self._scale, self._moved = 1.0, False  # whether this pass has found a better schedule
        self._turn: list[NoiseSchedule] = []

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns moves of this turn that were not asked for yet; [] while others score them, or if too small."""
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
        """Stores losses until their turn."""
        self._told.update((schedule, float(loss)) for schedule, loss in zip(schedules, losses, strict=True))

    def _best(self) -> NoiseSchedule | None:
        finite = {schedule: loss for schedule, loss in self._told.items() if np.isfinite(loss)}
        best = min(finite, key=finite.__getitem__, default=None)
        return None if best is None else self._begin(_inside(best))

    def _advance(self) -> None:
        """Moves to the best schedule of this turn, and on to the next level."""
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
        """The loss; infinite for a failure, and for a start that was clipped into the box and never scored."""
        loss = self._told.get(schedule, np.inf)
        return loss if np.isfinite(loss) else np.inf

    def _moves(self) -> list[NoiseSchedule]:
        """Returns the moves of this turn's level to both sides, in the box, each once."""
        here = self._path[-1]
        level = self._turns % len(here)
        gaps = -np.diff(here.log_snr) if len(here) > 1 else np.ones(1)
        towards = {1: gaps[max(level - 1, 0)], -1: gaps[min(level, len(gaps) - 1)]}
        moved = []
        for move in MOVES:
            for side, gap in towards.items():
                log_snr = here.log_snr.copy()
                log_snr[level] += side * move * self._scale * gap
                moved.append(_inside(NoiseSchedule.from_log_snr(log_snr)))
        return [schedule for schedule in dict.fromkeys(moved) if schedule != here]


def _inside(schedule: NoiseSchedule) -> NoiseSchedule:
    """Clips a schedule into the box; one that lies inside stays the same to the last bit."""
    clipped = LogSnrSpace(len(schedule)).clip(schedule)
    return clipped.schedule if clipped.moved else schedule
