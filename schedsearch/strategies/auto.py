"""The default strategy: other strategies one after the other, each of which learns from all scores."""

from collections.abc import Sequence

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.strategy import Losses, Strategy
from schedsearch.strategies.surrogate import Surrogate

# Ends of the straight lines in log-SNR that a search begins with: the two ends decide most, and random points of the
# box are wilder.
LINE_FIRSTS, LINE_LASTS = (12.5, 9.5), (-2.0, 0.0, -4.0)

WARM_START, LINE = "warm start", "line"
MODELLED = (WARM_START, LINE, Surrogate.name)  # kinds whose scores the model of all scores takes


class Auto:
    """Asks the first strategy that still has something to propose."""

    def __init__(self, strategies: Sequence[Strategy]) -> None:
        self._strategies, self._asked = strategies, strategies[0]

    @property
    def name(self) -> str:
        """The name of the strategy that was asked last; its candidates are stored under it."""
        return self._asked.name

    @property
    def batch(self) -> int:
        """The largest batch of all; a strategy with a smaller one is asked for that many."""
        return max(strategy.batch for strategy in self._strategies)

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns up to `count` proposals of one strategy; [] when all have run out."""
        for strategy in self._strategies:
            self._asked = strategy
            if proposals := strategy.ask(min(count, strategy.batch)):
                return proposals
        return []

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Tells every strategy, whoever proposed the schedules."""
        for strategy in self._strategies:
            strategy.tell(schedules, losses)


def lines(space: ScheduleSpace) -> list[NoiseSchedule]:
    """Returns straight lines in log-SNR between ends that serve many voices, as points of the box."""
    ends = [(first, last) for last in LINE_LASTS for first in LINE_FIRSTS]
    return [space.clip(log_snr_line(space.steps, *pair)).schedule for pair in ends] if space.steps > 1 else []
