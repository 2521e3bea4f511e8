"""What every strategy must keep. Add yours to CASES."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies import bayesian
from schedsearch.strategies.auto import Auto
from schedsearch.strategies.bayesian import SAMPLERS, Bayesian
from schedsearch.strategies.evolution import Evolution
from schedsearch.strategies.grid import GridStrategy, IvanvovkGrid, LevelGrid, MantissaGrid, lmnt_grid
from schedsearch.strategies.strategy import Strategy

STEPS = 3
BATCH = 4
ROUNDS = 4
LEVELS = LevelGrid([[12.0, 10.0, 8.0], [7.0, 5.0, 4.0], [1.0, -1.0, -3.0]])


@dataclass(frozen=True)
class Case:
    """A strategy that proposes schedules of STEPS steps, fresh from its seed."""

    name: str
    make: Callable[[int], Strategy]
    ends_after: int | None = None  # how many proposals it has; None where it never runs out, or late


def grid(grid: LevelGrid | MantissaGrid | IvanvovkGrid) -> Strategy:
    return GridStrategy("grid", grid.schedules())


def auto(seed: int) -> Strategy:
    return Auto([GridStrategy("first", islice(LEVELS.schedules(), 6)), Bayesian("tpe", LogSnrSpace(STEPS), seed)])


def sampler(name: str) -> Callable[[int], Strategy]:
    return lambda seed: Bayesian(name, LogSnrSpace(STEPS), seed)


CASES = [
    Case("levels", lambda seed: grid(LEVELS), ends_after=27),
    Case("mantissas", lambda seed: grid(MantissaGrid([1, 3, 8], [-5, -3, -1])), ends_after=27),
    Case("lmnt", lambda seed: grid(lmnt_grid(STEPS, np.random.default_rng(seed))), ends_after=27),
    Case("ivanvovk", lambda seed: grid(IvanvovkGrid(STEPS))),
    *(Case(name, sampler(name)) for name in SAMPLERS),
    Case("auto", auto),
    Case("cmaes", lambda seed: Evolution(LogSnrSpace(STEPS), seed)),
]

every_strategy = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
every_finite_strategy = pytest.mark.parametrize(
    "case", [case for case in CASES if case.ends_after is not None], ids=lambda case: case.name
)


@pytest.fixture(autouse=True)
def _early(monkeypatch: pytest.MonkeyPatch) -> None:
    """TPE and GP fit something before these tests end."""
    monkeypatch.setattr(bayesian, "STARTUP", 8)


def loss(schedule: NoiseSchedule) -> float:
    """Stands in for scoring: a smooth function of the levels."""
    return float(np.abs(schedule.log_snr - np.linspace(9, -2, STEPS)).mean())


def some_fail(schedule: NoiseSchedule) -> float:
    """As `loss`, with a failure now and then."""
    return math.nan if int(loss(schedule) * 1e6) % 3 == 0 else loss(schedule)


def proposals(
    strategy: Strategy, rounds: int = ROUNDS, score: Callable[[NoiseSchedule], float] = loss
) -> list[list[NoiseSchedule]]:
    """The batches it proposes, each scored and told."""
    found = []
    for _ in range(rounds):
        found.append(strategy.ask(BATCH))
        tell(strategy, found[-1], score)
    return found


def tell(strategy: Strategy, schedules: Sequence[NoiseSchedule], score: Callable[[NoiseSchedule], float]) -> None:
    strategy.tell(schedules, [score(schedule) for schedule in schedules])


@pytest.mark.slow
@every_strategy
def test_proposals_are_schedules_of_the_asked_length(case):
    found = sum(proposals(case.make(0)), [])
    assert found
    assert {len(schedule) for schedule in found} == {STEPS}
    for schedule in found:  # legal as it stands, and told to the network as falling levels
        assert np.all((schedule.betas > 0) & (schedule.betas < 1))
        assert np.all(np.diff(schedule.log_snr) < 0)


@pytest.mark.slow
@every_strategy
def test_a_seeded_run_repeats(case):
    assert proposals(case.make(3)) == proposals(case.make(3))


@every_strategy
def test_never_more_than_asked_for(case):
    strategy = case.make(0)
    for count in (1, 0, 3, 2):
        found = strategy.ask(count)
        assert len(found) <= count
        tell(strategy, found, loss)


@pytest.mark.slow
@every_strategy
def test_nothing_is_proposed_twice(case):
    found = sum(proposals(case.make(0)), [])
    assert len(found) == len(set(found))


@every_strategy
def test_failures_are_survived(case):
    first, second, *_ = proposals(case.make(0), score=lambda schedule: math.nan)
    assert first
    assert second


@every_strategy
def test_told_again_after_a_restart_it_goes_on_where_it_was(case):
    uninterrupted = proposals(case.make(1), score=some_fail)
    for done in range(ROUNDS):
        resumed = case.make(1)
        for batch in uninterrupted[:done]:
            tell(resumed, batch, some_fail)
        assert proposals(resumed, ROUNDS - done, some_fail) == uninterrupted[done:]


@every_finite_strategy
def test_a_batch_in_flight_when_it_was_killed_is_proposed_again(case):
    # One that learns may choose otherwise, now that it knows the losses before it.
    killed, resumed = case.make(2), case.make(2)
    done, lost = killed.ask(BATCH), killed.ask(BATCH)
    tell(resumed, done, loss)
    assert resumed.ask(BATCH) == lost


@every_strategy
def test_schedules_that_others_proposed_may_be_told(case):
    alien = NoiseSchedule.from_log_snr([9.5, 4.2, -0.3])
    strategy = case.make(0)
    strategy.tell([alien, alien], [0.1, math.nan])
    assert strategy.ask(BATCH)


@every_finite_strategy
def test_an_exhausted_strategy_proposes_nothing(case):
    strategy = case.make(0)
    found = sum(proposals(strategy, rounds=case.ends_after + 1), [])
    assert len(found) == case.ends_after
    assert strategy.ask(BATCH) == []
    assert strategy.ask(BATCH) == []
