"""The interface of every strategy: it proposes schedules and learns from their losses."""

from collections.abc import Sequence
from typing import Protocol, TypeAlias

from schedsearch.schedules.schedule import Array, NoiseSchedule

Losses: TypeAlias = Sequence[float] | Array  # [C], or [C, M] of M objectives


class Strategy(Protocol):
    """Ask and tell. A strategy depends on its seed and on the losses it was told, and on nothing else. So a resumed
    run, which tells it the stored losses again, proposes what an uninterrupted one does."""

    @property
    def name(self) -> str:
        """The name by which users choose it and under which its candidates are stored."""

    @property
    def batch(self) -> int:
        """How many schedules to ask for at once."""

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns up to `count` legal schedules to score next; [] if it has no more to propose."""

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Takes the losses of schedules, lower is better; NaN for a failure. Rows only if it serves several objectives.
        """
