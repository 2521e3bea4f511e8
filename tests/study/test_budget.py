"""BUDGET= in three units."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.study.budget import OPEN, Budget, default_budget, parse_budget
from vocoder.errors import InputError


@pytest.mark.parametrize(
    ("text", "amount", "unit"),
    [
        ("10min", 10, "minutes"),
        ("0.5min", 0.5, "minutes"),
        (" 300candidates ", 300, "candidates"),
        ("50000 calls", 50000, "calls"),
    ],
)
def test_a_budget_is_read_in_its_unit(text, amount, unit):
    assert parse_budget(text) == Budget(amount, unit)


@pytest.mark.parametrize(
    "text",
    ["", "10", "min", "0min", "-3min", "10 hours", "1e3calls", "1.5candidates", "0.5calls", "0candidates", "nanmin",
     "infmin", "10min 5calls", "10min\n20min", "9999999999calls", "٣min"],
)  # fmt: skip
def test_what_is_no_budget_is_refused_in_one_line(text):
    with pytest.raises(InputError) as refusal:
        parse_budget(text, name="MORE")
    assert str(refusal.value).startswith("MORE must be")
    assert repr(text) in str(refusal.value)
    assert "\n" not in str(refusal.value)


@given(st.integers(1, 10**9), st.sampled_from(["min", "candidates", "calls"]))
def test_a_written_budget_is_read_back_as_it_was(amount, unit):
    budget = parse_budget(f"{amount}{unit}")
    assert parse_budget(str(budget)) == budget


@given(st.floats(1e-6, 1e9))
def test_written_minutes_are_read_back_to_the_last_bit(amount):
    budget = Budget(amount, "minutes")
    assert parse_budget(str(budget)) == budget


@pytest.mark.parametrize(("unit", "part"), [("minutes", 0.5), ("candidates", 0.75), ("calls", 2.0)])
def test_each_unit_counts_its_own_cost(unit, part):
    assert Budget(4.0, unit).used(seconds=120, candidates=3, calls=8) == part


@pytest.mark.parametrize("iterations, candidates", [(1, 80), (6, 80), (12, 60), (25, 40), (100, 40)])
def test_without_a_budget_a_search_is_open_and_short_schedules_are_given_more_candidates(iterations, candidates):
    assert default_budget(iterations) == Budget(candidates, "candidates", is_open=True)
    assert str(default_budget(iterations)) == OPEN
