"""What every strategy is: something that proposes schedules and learns from their losses."""

from collections.abc import Sequence
from typing import Protocol

from schedsearch.schedule import NoiseSchedule


class Strategy(Protocol):
    """Ask and tell. A strategy is a function of its seed and of what it was told, so that a resumed run, which tells
    it the stored losses again, proposes what an uninterrupted one does."""

    @property
    def name(self) -> str:
        """By which users choose it, and which its candidates are stored under."""

    @property
    def network_evaluations(self) -> int:
        """Spent inside the strategy itself so far (measuring errors, backward passes as two), beside scoring."""

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Up to `count` legal schedules to score next; [] when it has no more to propose."""

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Sequence[float]) -> None:
        """Their losses, lower is better; NaN for one that failed."""
