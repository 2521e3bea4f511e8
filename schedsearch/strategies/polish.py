"""Descents from the best schedule so far: when one has ended, the next begins from a better schedule."""

from collections.abc import Callable, Sequence

import numpy as np

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.gradient import Gradient
from schedsearch.strategies.strategy import Losses

Begin = Callable[[int, NoiseSchedule | None], NoiseSchedule | None]


class Polish:
    """Runs `Gradient` from the best schedule told at the first `ask`, one iterate at a time.

    Later losses do not say where a descent began, so the caller stores it. `begin` takes a descent's number and the
    best schedule now. It returns the start stored under that number, or stores and returns this one; with None it only
    reads.
    """

    name = "gradient"
    batch = 1

    def __init__(self, descend: Callable[[NoiseSchedule], Gradient], begin: Begin | None = None) -> None:
        """`descend` makes a Gradient from its start."""
        self._descend, self._begin = descend, begin or (lambda number, now: now)
        self._told: dict[NoiseSchedule, float] = {}
        self._descents: list[Gradient] = []
        self._seen: set[NoiseSchedule] = set()  # starts and iterates
        self._last: NoiseSchedule | None = None  # proposed here; its loss is not handed to its descent yet

    @property
    def network_evaluations(self) -> int:
        """The sum over all descents."""
        return sum(descent.network_evaluations for descent in self._descents)

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next iterate; [] when the best schedule is the start or an iterate of an earlier descent."""
        while count > 0:
            if (iterate := self._next()) is not None:
                if iterate not in self._told:
                    return [iterate]
                continue  # scored in an earlier run
            start = self._begin(len(self._descents), None) or self._fresh()
            if start is None:
                break
            self._seen.add(start)
            self._descents.append(self._descend(start))
            self._last = start
        return []

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Stores losses; an iterate's loss is handed to its descent when the next one is asked for."""
        self._told.update((schedule, float(loss)) for schedule, loss in zip(schedules, losses, strict=True))

    def _next(self) -> NoiseSchedule | None:
        if not self._descents:
            return None
        descent = self._descents[-1]
        if self._last in self._told:
            descent.tell([self._last], [self._told[self._last]])
        iterates = descent.ask(1)
        self._last = iterates[0] if iterates else None
        self._seen.update(iterates)
        return self._last

    def _fresh(self) -> NoiseSchedule | None:
        """Returns the best schedule told, stored as the next descent's start; None if a descent has seen it."""
        finite = {schedule: loss for schedule, loss in self._told.items() if np.isfinite(loss)}
        best = min(finite, key=finite.__getitem__, default=None)
        return None if best is None or best in self._seen else self._begin(len(self._descents), best)
