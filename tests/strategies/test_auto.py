"""Laws of stages: the first whose time is not over proposes, one that has run out hands over, and all are told all."""

import numpy as np

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.strategies.auto import Auto, Stage
from schedsearch.strategies.grid import GridStrategy

FIRST, SECOND, LAST = ([log_snr_line(3, 8 + i + 0.1 * k, -3) for k in range(6)] for i in range(3))


def listed(name, schedules, batch=4):
    return GridStrategy(name, lambda: iter(schedules), len(schedules), batch=batch)


class Spending:
    """A budget of which tests say how much is used."""

    def __init__(self):
        self.used = 0.0
        self.stages = [listed("first", FIRST, 2), listed("second", SECOND), listed("last", LAST)]
        self.auto = Auto(
            [Stage(s, until) for s, until in zip(self.stages, (0.3, 0.6, 0.9), strict=True)], lambda: self.used
        )

    def ask(self, used, count=4):
        self.used = used
        return self.auto.ask(count)


def test_each_stage_has_its_part_of_the_budget_and_its_batches():
    run = Spending()
    for used, expected, name in (
        (0.0, FIRST[:2], "first"),
        (0.29, FIRST[2:4], "first"),
        (0.3, SECOND[:4], "second"),
        (0.6, LAST[:4], "last"),
        (0.95, LAST[4:], "last"),
    ):
        assert run.ask(used) == expected
        assert run.auto.name == name


def test_a_stage_that_may_go_on_to_the_end_keeps_no_later_one_past_its_time():
    hints, descent, rest = listed("hints", FIRST[:1]), listed("descent", SECOND), listed("rest", LAST)
    used = [0.0]
    auto = Auto([Stage(hints, 1.0), Stage(descent, 0.5), Stage(rest, 1.0)], lambda: used[0])
    assert [auto.ask(1), auto.ask(1)] == [FIRST[:1], SECOND[:1]]
    used[0] = 0.5
    assert auto.ask(1) == LAST[:1]


def test_the_batch_suits_the_largest_and_no_stage_gets_more_than_its_own():
    run = Spending()
    assert run.auto.batch == 4
    assert [len(run.ask(0.0)), len(run.ask(0.5))] == [2, 4]


def test_a_stage_that_has_run_out_hands_over_at_once():
    run = Spending()
    found = [run.ask(0.0, 8) for _ in range(9)]
    assert sum(found, []) == [*FIRST, *SECOND, *LAST]
    assert run.ask(0.0) == []


def test_a_stage_whose_time_is_over_is_not_asked_again():
    run = Spending()
    assert run.ask(0.6) == LAST[:4]
    assert run.ask(0.6) == LAST[4:]
    assert run.ask(0.6) == []


def test_never_more_than_asked_for():
    run = Spending()
    assert [len(run.ask(used, count)) for used, count in ((0.0, 1), (0.5, 3), (0.7, 0))] == [1, 3, 0]


def test_every_stage_is_told_everything():
    run = Spending()
    run.auto.tell([FIRST[0], SECOND[0], LAST[1]], np.array([1.0, np.nan, 2.0]))
    assert run.ask(0.0, 1) == [FIRST[1]]
    assert run.ask(0.3, 1) == [SECOND[1]]
    assert run.ask(0.6, 2) == [LAST[0], LAST[2]]


def test_a_strategy_of_two_stages_is_told_and_counted_once():
    # A grid that is told a point twice would skip it where it comes up again.
    twice = listed("twice", [*FIRST[:2], *FIRST])
    auto = Auto([Stage(twice, 0.5), Stage(twice, 1.0)], lambda: 0.0)
    found = auto.ask(2)
    auto.tell(found, [1.0, 1.0])
    auto.tell([SECOND[0]], [1.0])
    assert found + auto.ask(4) + auto.ask(4) == [*FIRST[:2], *FIRST]
