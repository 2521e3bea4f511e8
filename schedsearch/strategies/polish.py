"""Descent from the best schedule so far, begun anew from a better one when it has ended."""

from collections.abc import Callable, Sequence

import numpy as np

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.gradient import Gradient
from schedsearch.strategies.strategy import Losses

Begin = Callable[[int, NoiseSchedule | None], NoiseSchedule | None]


class Polish:
    """`Gradient` from the best that was told when it is first asked, one iterate at a time.

    Where a descent began can't be told from losses that came later, so whoever stores runs keeps it: `begin` takes a
    descent's number and the best schedule now, and returns the start that is stored under that number, else stores and
    returns the one given; with None it only looks.
    """

    name = "gradient"
    batch = 1

    def __init__(self, descend: Callable[[NoiseSchedule], Gradient], begin: Begin | None = None) -> None:
        """`descend` makes a Gradient from its start."""
        self._descend, self._begin = descend, begin or (lambda number, now: now)
        self._told: dict[NoiseSchedule, float] = {}
        self._descents: list[Gradient] = []
        self._seen: set[NoiseSchedule] = set()  # starts and iterates
        self._last: NoiseSchedule | None = None  # asked here, and not handed to its descent yet

    @property
    def network_evaluations(self) -> int:
        """Of all descents."""
        return sum(descent.network_evaluations for descent in self._descents)

    def ask(self, count: int) -> list[NoiseSchedule]:
        """The next iterate; [] when the best is one that a descent has begun at or led to."""
        while count > 0:
            if (found := self._next()) is not None:
                if found not in self._told:
                    return [found]
                continue  # told in an earlier run: on to the next
            start = self._begin(len(self._descents), None) or self._fresh()
            if start is None:
                break
            self._seen.add(start)
            self._descents.append(self._descend(start))
            self._last = start
        return []

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Which is best; what is an iterate's is handed on when the next is asked for."""
        self._told.update((schedule, float(loss)) for schedule, loss in zip(schedules, losses, strict=True))

    def _next(self) -> NoiseSchedule | None:
        if not self._descents:
            return None
        descent = self._descents[-1]
        if self._last in self._told:
            descent.tell([self._last], [self._told[self._last]])
        found = descent.ask(1)
        self._last = found[0] if found else None
        self._seen.update(found)
        return self._last

    def _fresh(self) -> NoiseSchedule | None:
        """The best told, unless a descent knows it; kept as the next descent's start."""
        sound = {schedule: loss for schedule, loss in self._told.items() if np.isfinite(loss)}
        best = min(sound, key=sound.__getitem__, default=None)
        return None if best is None or best in self._seen else self._begin(len(self._descents), best)
