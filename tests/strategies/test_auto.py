"""Laws of `auto`: the first strategy that has something left proposes, in its own batches, and all are told all."""

import numpy as np

from schedsearch.schedules.formulas import log_snr_line
from schedsearch.strategies.auto import Auto
from schedsearch.strategies.grid import GridStrategy

FIRST, SECOND, LAST = ([log_snr_line(3, 8 + i + 0.1 * k, -3) for k in range(6)] for i in range(3))


def begun():
    return Auto([GridStrategy("first", FIRST, batch=2), GridStrategy("second", SECOND), GridStrategy("last", LAST)])


def test_one_strategy_after_the_other_proposes_under_its_own_name():
    auto = begun()
    for expected, name in (
        (FIRST[:2], "first"),
        (FIRST[2:4], "first"),
        (FIRST[4:], "first"),
        (SECOND[:4], "second"),
        (SECOND[4:], "second"),
        (LAST[:4], "last"),
        (LAST[4:], "last"),
        ([], "last"),
    ):
        assert auto.ask(4) == expected
        assert auto.name == name


def test_the_batch_is_the_largest_and_nobody_gets_more_than_its_own():
    auto = begun()
    assert auto.batch == 4
    assert [len(auto.ask(8)) for _ in range(4)] == [2, 2, 2, 4]


def test_never_more_than_asked_for():
    auto = begun()
    assert [len(auto.ask(count)) for count in (1, 2, 0)] == [1, 2, 0]


def test_every_strategy_is_told_everything():
    auto = begun()
    auto.tell([FIRST[0], SECOND[0], LAST[1]], np.array([1.0, np.nan, 2.0]))
    assert sum((auto.ask(4) for _ in range(9)), []) == [*FIRST[1:], *SECOND[1:], LAST[0], *LAST[2:]]
