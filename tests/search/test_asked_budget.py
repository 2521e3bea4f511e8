"""MORE= is spent once, at whatever moment a search is stopped and begun again."""

import numpy as np
import pytest
from conftest import Lasting, opened_store

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.search_space import space_for
from schedsearch.search.asked_budget import AskedBudget, begin, end, finish, is_finished
from schedsearch.strategies.grid import LevelGrid
from schedsearch.strategies.named_grids import grid_named
from schedsearch.study.budget import Budget, parse_budget
from vocoder.errors import InputError

IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 6}
SCHEDULE = log_snr_line(6, 10.0, -3.0)
SCORED = Evaluation({"spectral": Score(np.ones((2, 1)))}, 1.0, 12)
BEGUN = AskedBudget(6, parse_budget("80candidates"))
MORE = AskedBudget(6, None, parse_budget("40candidates"))


class Killed(BaseException):
    """What the test raises where a process would have died."""


def opened():
    return opened_store("a", IDENTITY, {"spectral": "minimize"})


def command(asked, at=lambda where: None):
    """The writes of `schedsearch search`, with the moments between them; returns the budget worked to."""
    store = opened()
    at("opened")
    budget = begin(store, asked)
    at("searching")
    finish(store, budget)
    at("making the page")
    end(store, budget)
    return budget


@pytest.mark.parametrize("moment", ["opened", "searching", "making the page"])
@pytest.mark.parametrize("stops", [1, 2])
def test_a_search_stopped_at_any_moment_and_begun_again_spends_more_once(memory, moment, stops):
    def stop(where):
        if where == moment:
            raise Killed

    command(BEGUN)
    for _ in range(stops):
        with pytest.raises(Killed):
            command(MORE, stop)
    assert command(MORE) == Budget(120, "candidates")
    assert command(MORE) == Budget(160, "candidates")  # a new one: the last came to its end


def test_a_search_killed_before_any_write_spends_more_once(memory, monkeypatch):
    command(BEGUN)
    real = Lasting.set_study_user_attr
    for writes in range(3):
        left = iter(range(writes))

        def write(*arguments, left=left):
            if next(left, None) is None:
                raise Killed
            real(*arguments)

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(Lasting, "set_study_user_attr", write)
            command(MORE)
        assert command(MORE) == Budget(120 + 40 * writes, "candidates")


def test_a_plain_command_after_a_finished_one_adds_nothing_and_more_then_does(memory):
    command(BEGUN)
    command(MORE)
    assert command(AskedBudget(6, None)) == Budget(120, "candidates")
    assert command(MORE) == Budget(160, "candidates")


def test_a_plain_command_goes_on_with_a_stopped_one_and_more_is_still_spent_once(memory):
    command(BEGUN)
    assert begin(opened(), MORE) == Budget(120, "candidates")  # and is stopped
    assert begin(opened(), AskedBudget(6, None)) == Budget(120, "candidates")  # and is stopped, too
    assert command(MORE) == Budget(120, "candidates")
    assert command(MORE) == Budget(160, "candidates")


def test_more_is_no_budget_of_a_search_that_was_never_begun(memory):
    for refused in (MORE.total, lambda: begin(opened(), MORE)):
        with pytest.raises(InputError, match="go on without MORE first"):
            refused()
    assert opened().recall("asked") is None


GRID = LevelGrid([[9.0, 10.0], [4.0, 5.0, 6.0]])  # six points


def test_a_grid_without_a_budget_is_scored_whole_and_what_was_scored_before_comes_on_top():
    asked = AskedBudget(2, None, grid=GRID)
    points = list(GRID.schedules())
    other = log_snr_line(2, 8.0, -3.0)
    for scored, whole in (([], 6), (points[:4], 6), ([*points[:4], other], 7), ([*points, other, other], 8)):
        budget = asked.total("auto", scored=scored)
        assert budget.is_open
        assert budget.amount == whole


@pytest.mark.parametrize(("grid", "steps", "told"), [("mantissas:9", 6, "531,441"), ("levels:99", 200, "10^399")])
def test_a_grid_of_too_many_points_asks_for_a_budget(grid, steps, told):
    grid = grid_named(grid, steps, seed=0)
    with pytest.raises(InputError) as refusal:
        AskedBudget(steps, None, grid=grid).total()
    assert told in str(refusal.value)
    assert "BUDGET=" in str(refusal.value)
    assert len(str(refusal.value)) < 300
    assert AskedBudget(steps, parse_budget("5min"), grid=grid).total() == Budget(5, "minutes")


def test_more_says_how_much_of_a_large_grid_is_scored_after_a_search_that_ended_by_itself():
    asked = AskedBudget(6, None, parse_budget("40candidates"), grid_named("mantissas:9", 6, seed=0))
    assert asked.total("auto", lambda one: 50.0, ended=True) == Budget(90, "candidates")


@pytest.mark.parametrize(("finished", "total"), [("120candidates", 160), ("80candidates", 120)])
def test_what_an_earlier_version_stored_is_read(memory, finished, total):
    store = opened()
    for key, value in (("budget", "120candidates"), ("more", "40candidates"), ("finished budget", finished)):
        store.remember(key, value)
    assert is_finished(store) == (finished == "120candidates")
    assert begin(store, MORE) == Budget(total, "candidates")


def test_another_process_that_adds_keeps_its_own_end(memory):
    here, other = opened(), opened()
    budget = begin(here, BEGUN)
    begin(other, MORE)
    end(here, budget)
    assert begin(other, MORE) == Budget(120, "candidates")


def test_of_two_processes_that_end_together_the_one_that_did_not_add_may_be_the_last(memory):
    here, other = opened(), opened()
    smaller, larger = begin(here, BEGUN), begin(other, MORE)
    finish(other, larger)
    finish(here, smaller)
    assert is_finished(opened())


def scored(count):
    """Candidates that another command scored."""
    store = opened()
    for i in range(count):
        [claim] = store.claim([log_snr_line(6, 9.0 + 0.1 * i, -3.0)], "random", space_for(6))
        store.finish([claim], [SCORED])


def test_a_search_is_no_longer_finished_once_it_has_further_candidates(memory):
    budget = command(BEGUN)
    assert is_finished(opened(), budget)
    scored(1)
    assert not is_finished(opened(), budget)
    assert not is_finished(opened())


def test_more_adds_to_what_was_spent_where_that_was_more_than_the_budget(memory):
    """BUDGET=4, MORE=2, and the first command again, which prints its verdict."""
    first, more = AskedBudget(6, parse_budget("4candidates")), AskedBudget(6, None, parse_budget("2candidates"))
    command(first)
    command(more)
    scored(6)
    command(first)
    assert command(more) == Budget(8, "candidates")


def test_more_than_a_budget_can_hold_is_refused_before_it_is_stored(memory):
    most = command(AskedBudget(6, parse_budget("1000000000calls")))
    with pytest.raises(InputError, match="1000005000calls"):
        begin(opened(), AskedBudget(6, None, parse_budget("5000calls")))
    assert begin(opened(), AskedBudget(6, None)) == most


def test_more_waits_until_a_search_without_a_budget_has_ended(memory):
    begin(opened(), AskedBudget(6, None))
    scored(3)
    with pytest.raises(InputError, match="go on without MORE first"):
        begin(opened(), MORE)
    assert command(AskedBudget(6, None)).is_open
    assert command(MORE) == Budget(43, "candidates")


def test_a_search_without_a_budget_stays_open_and_more_adds_to_what_it_used(memory):
    assert command(AskedBudget(6, None)).is_open
    assert command(AskedBudget(6, None)).is_open
    opened().add_baseline("one", SCHEDULE, SCORED)
    [claim] = opened().claim([SCHEDULE], "model", space_for(6))
    opened().finish([claim], [SCORED])
    assert command(MORE) == Budget(41, "candidates")
