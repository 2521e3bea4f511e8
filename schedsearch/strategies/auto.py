"""The default: stages of other strategies, each of which is told everything."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.strategy import Losses, Strategy


@dataclass(frozen=True)
class Stage:
    """A strategy and the part of the budget (0 to 1) after which it hands over, if it has not run out before."""

    strategy: Strategy
    until: float


class Auto:
    """Asks the first stage whose time is not over and that has something to propose."""

    def __init__(self, stages: Sequence[Stage], spent: Callable[[], float]) -> None:
        """`spent` is the part of the budget used so far: it alone moves a run on, so a resumed one goes on alike."""
        self._stages, self._spent = stages, spent
        self._asked = stages[0].strategy

    @property
    def name(self) -> str:
        """Of the stage that was asked last: its candidates are stored under it."""
        return self._asked.name

    @property
    def batch(self) -> int:
        """The most that a stage whose time is not over takes; a smaller one is asked for its own."""
        return max(stage.strategy.batch for stage in self._now())

    @property
    def network_evaluations(self) -> int:
        """Of all stages."""
        once = {id(stage.strategy): stage.strategy for stage in self._stages}
        return sum(strategy.network_evaluations for strategy in once.values())

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Up to `count` of one stage; [] when all have run out."""
        for stage in self._now():
            self._asked = stage.strategy
            if found := stage.strategy.ask(min(count, stage.strategy.batch)):
                return found
        return []

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """To every stage's strategy once, whoever proposed them; a strategy may serve several stages."""
        for strategy in {id(stage.strategy): stage.strategy for stage in self._stages}.values():
            strategy.tell(schedules, losses)

    def _now(self) -> Sequence[Stage]:
        """The stages whose time is not over, the last one in any case."""
        spent = self._spent()
        return [stage for stage in self._stages if spent < stage.until] or self._stages[-1:]
