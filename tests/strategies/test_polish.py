"""Laws of descents in a row: each begins at the best so far, none twice, and a resumed row is the uninterrupted one."""

import math
from typing import Any

import numpy as np
import pytest

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.gradient import Gradient
from schedsearch.strategies.polish import Polish
from schedsearch.strategies.slope import Slope

BEST = np.array([9.0, 3.0, -3.0])
POOR, FAIR, GOOD = (log_snr_line(3, first, last) for first, last in ((13.0, 0.0), (11.0, -1.0), (10.0, -2.5)))
LIMIT = 5  # iterates of a descent


def loss(schedule):
    return float(np.square(schedule.log_snr - BEST).sum())


def slope(log_snr):
    return Slope(0.0, tuple(2 * (log_snr - BEST)), 10)


class Kept:
    """Where descents began, as a store keeps it."""

    def __init__(self):
        self.starts: dict[int, NoiseSchedule] = {}

    def __call__(self, number, now):
        if now is not None:
            self.starts.setdefault(number, now)
        return self.starts.get(number)


def polish(kept=None):
    return Polish(lambda start: Gradient(start, slope, limit=LIMIT), Kept() if kept is None else kept)


def tell(strategy, *schedules, score=loss):
    strategy.tell(schedules, [score(schedule) for schedule in schedules])


def asked(strategy, count, score=loss):
    """That many rounds of one, each told."""
    found = []
    for _ in range(count):
        proposed = strategy.ask(1)
        found += proposed
        tell(strategy, *proposed, score=score)
    return found


def test_without_anything_sound_there_is_nothing_to_begin_from():
    strategy = polish()
    assert strategy.ask(1) == []
    strategy.tell([POOR], [math.nan])
    assert strategy.ask(1) == []
    tell(strategy, POOR)  # told again, now with a loss
    assert len(strategy.ask(1)) == 1


def test_it_descends_from_the_best_it_was_told():
    strategy = polish()
    tell(strategy, POOR, GOOD, FAIR)
    expected = Gradient(GOOD, slope, limit=LIMIT)
    tell(expected, GOOD)
    assert asked(strategy, LIMIT) == [schedule for _ in range(LIMIT) for schedule in expected.ask(1)]


def test_a_descent_that_ended_at_the_best_is_not_begun_again():
    strategy = polish()
    tell(strategy, GOOD)
    assert len(asked(strategy, 3 * LIMIT)) == LIMIT
    assert strategy.ask(4) == []


def test_a_better_schedule_of_another_strategy_begins_the_next_descent():
    strategy = polish()
    tell(strategy, POOR)
    assert len(asked(strategy, 2 * LIMIT)) == LIMIT
    tell(strategy, GOOD)
    again = asked(strategy, 2 * LIMIT)
    assert len(again) == LIMIT
    assert min(map(loss, again)) < loss(GOOD)


def test_a_start_outside_the_box_is_scored_where_it_was_moved_to():
    outside = log_snr_line(3, 15.0, -3.0)
    strategy = polish()
    tell(strategy, outside)
    [first] = strategy.ask(1)
    assert first.log_snr[0] < 14 < outside.log_snr[0]


def test_one_at_a_time_whatever_it_is_asked_for():
    strategy = polish()
    tell(strategy, GOOD)
    assert [len(strategy.ask(count)) for count in (0, 1, 7)] == [0, 1, 1]


def test_network_evaluations_are_those_of_all_descents():
    strategy = polish()
    tell(strategy, POOR)
    asked(strategy, 2 * LIMIT)
    tell(strategy, GOOD)
    asked(strategy, 2 * LIMIT)
    assert strategy.network_evaluations == 2 * LIMIT * 10


def some_fail(schedule):
    return math.nan if int(loss(schedule) * 1e6) % 3 == 1 else loss(schedule)


@pytest.mark.parametrize("score", [loss, some_fail])
@pytest.mark.parametrize("lost", [0, 1], ids=["told", "in flight"])
def test_a_resumed_run_goes_on_as_the_uninterrupted_one(score, lost):
    # Others' schedules come in between: they decide where the second and third descent begin.
    def history(strategy, told, rounds):
        for i in range(len(told), rounds):
            other = {4: FAIR, 9: GOOD}.get(i)
            proposed = [other] if other else strategy.ask(1)
            told.append(proposed)
            tell(strategy, *proposed, score=score)
        return told

    rounds = 4 * LIMIT
    whole: Any = polish()
    tell(whole, POOR)
    expected = history(whole, [], rounds)
    found = [schedule for proposed in expected for schedule in proposed]
    assert len(set(found)) == len(found) > 2 * LIMIT
    assert any(math.isnan(score(schedule)) for schedule in found) == (score is some_fail)
    for done in range(rounds):
        kept = Kept()
        killed, resumed = polish(kept), polish(kept)
        tell(killed, POOR)
        told = history(killed, [], done)
        if lost:
            killed.ask(1)  # and was killed before it was told
        tell(resumed, POOR, *(schedule for proposed in told for schedule in proposed), score=score)
        assert history(resumed, told, rounds) == expected
