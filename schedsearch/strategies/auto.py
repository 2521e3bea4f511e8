"""The default strategy: stages of other strategies, each of which learns from all scores."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.strategy import Losses, Strategy

# Ends of the straight lines in log-SNR that a search begins with: the two ends decide most, and random points of the
# box are wilder.
LINE_FIRSTS, LINE_LASTS = (12.5, 9.5), (-2.0, 0.0, -4.0)


@dataclass(frozen=True)
class Stage:
    """A strategy and the part of the budget (0 to 1) at which it hands over, unless it runs out before."""

    strategy: Strategy
    until: float


class Auto:
    """Asks the first stage that is still in its part of the budget and has something to propose."""

    def __init__(self, stages: Sequence[Stage], spent: Callable[[], float]) -> None:
        """`spent` returns the used part of the budget. It alone decides the stage, so a resumed run goes on alike."""
        self._stages, self._spent = stages, spent
        self._asked = stages[0].strategy

    @property
    def name(self) -> str:
        """The name of the stage that was asked last; its candidates are stored under it."""
        return self._asked.name

    @property
    def batch(self) -> int:
        """The largest batch of the remaining stages; a stage with a smaller one is asked for that many."""
        return max(stage.strategy.batch for stage in self._remaining())

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns up to `count` proposals of one stage; [] when all have run out."""
        for stage in self._remaining():
            self._asked = stage.strategy
            if proposals := stage.strategy.ask(min(count, stage.strategy.batch)):
                return proposals
        return []

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Tells every strategy, whoever proposed the schedules."""
        for strategy in self._strategies():
            strategy.tell(schedules, losses)

    def _strategies(self) -> Iterable[Strategy]:
        """Each strategy once: one may serve several stages."""
        return {id(stage.strategy): stage.strategy for stage in self._stages}.values()

    def _remaining(self) -> Sequence[Stage]:
        """The stages whose part of the budget is not over; the last stage in any case."""
        spent = self._spent()
        return [stage for stage in self._stages if spent < stage.until] or self._stages[-1:]


def lines(space: ScheduleSpace) -> list[NoiseSchedule]:
    """Returns straight lines in log-SNR between ends that serve many voices, as points of the box."""
    ends = [(first, last) for last in LINE_LASTS for first in LINE_FIRSTS]
    return [space.clip(log_snr_line(space.steps, *pair)).schedule for pair in ends] if space.steps > 1 else []
