"""What every strategy is: something that proposes schedules and learns from their losses."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from schedsearch.schedules.schedule import Array, NoiseSchedule

Losses: TypeAlias = Sequence[float] | Array  # [C], or [C, M] of M objectives


class Strategy(Protocol):
    """Ask and tell. A strategy is a function of its seed and of what it was told, so that a resumed run, which tells
    it the stored losses again, proposes what an uninterrupted one does."""

    @property
    def name(self) -> str:
        """By which users choose it, and which its candidates are stored under."""

    @property
    def batch(self) -> int:
        """How many it is best asked for at once."""

    @property
    def network_evaluations(self) -> int:
        """Spent inside the strategy itself so far (measuring errors, backward passes as two), beside scoring."""

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Up to `count` legal schedules to score next; [] when it has no more to propose."""

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Their losses, lower is better; NaN for one that failed. Only those for several objectives take rows."""
