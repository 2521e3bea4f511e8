"""Laws of choosing: every named strategy searches within its budget, and what can't be chosen is one line."""

import csv

import numpy as np
import pytest
from conftest import interrupt_at

from schedsearch.evaluation.draws import held_out_draws
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR, log_snr_line
from schedsearch.schedules.search_space import FIRST_LOG_SNR, LONGEST_SEARCH, space_for
from schedsearch.search import run
from schedsearch.search.strategy_factory import LEFT, STRATEGIES, check_strategy, shares_network_calls
from schedsearch.strategies import bayesian
from schedsearch.strategies.auto import lines
from schedsearch.strategies.bayesian import SEVERAL_OBJECTIVES
from schedsearch.strategies.named_grids import GRIDS, grid_named
from vocoder.errors import InputError

ITERS = 6
HELD_OUT = len(held_out_draws(ITERS))
NAMED_GRIDS = ["levels:1", "levels:3", "levels:20", "mantissas:1", "mantissas:3", "mantissas:9", "lmnt", "coqui",
               "ivanvovk"]  # fmt: skip
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@pytest.fixture(autouse=True)
def _in_memory(memory, monkeypatch):
    """Samplers fit something before these searches end."""
    monkeypatch.setattr(bayesian, "STARTUP", 4)


# --- names ----------------------------------------------------------------------------------------


def refused(*arguments):
    with pytest.raises(InputError) as refusal:
        check_strategy(*arguments)
    assert len(str(refusal.value).splitlines()) == 1
    return str(refusal.value)


@pytest.mark.parametrize("name", ["", "annealing", "TPE", "tpe ", "two\nlines"])
def test_an_unknown_strategy_is_refused_by_name(name):
    told = refused(name, "levels:3", ITERS, 1)
    assert f"and is {name!r}" in told
    assert all(known in told for known in STRATEGIES)


@pytest.mark.parametrize("name", LEFT)
def test_a_strategy_that_has_left_says_so_and_the_way_out(name):
    told = refused(name, "levels:3", ITERS, 1)
    assert told.startswith(f"STRATEGY={name} has left: ")
    assert "leave STRATEGY out" in told


@every_strategy
def test_several_objectives_are_for_those_that_can_serve_them(strategy):
    check_strategy(strategy, "levels:3", ITERS, 1)
    if strategy in SEVERAL_OBJECTIVES:
        check_strategy(strategy, "levels:3", ITERS, 2)
    else:
        assert f"STRATEGY={strategy} takes one objective" in refused(strategy, "levels:3", ITERS, 2)


@pytest.mark.parametrize(
    "text",
    ["", "levels", "levels:", "levels:0", "levels:-3", "levels:100", "levels:3.5", "levels:03", "mantissas:0",
     "mantissas:10", "levels:3 ", " lmnt", "LMNT", "random", "levels:3\n", "levels:٣"],
)  # fmt: skip
def test_an_unknown_grid_is_refused(text):
    told = refused("grid", text, ITERS, 1)
    assert told.startswith("GRID must be one of ")
    assert repr(text) in told
    assert all(grid in told for grid in GRIDS)


@pytest.mark.parametrize(
    ("text", "steps"), [(text, n) for text in NAMED_GRIDS for n in (1, 2, 6, 25) if (text, n) != ("ivanvovk", 1)]
)
def test_grids_are_legal_and_as_many_as_they_say(text, steps):
    grid = grid_named(text, steps, seed=0)
    found = [schedule for schedule, _ in zip(grid.schedules(), range(200), strict=False)]
    assert found
    if len(found) < 200:
        assert len(found) == grid.count
    for schedule in found:
        assert len(schedule) == steps
        assert np.all((schedule.betas > 0) & (schedule.betas < 1))
        assert np.all(np.diff(schedule.log_snr) < 0)


@pytest.mark.parametrize("text", ["lmnt", "coqui"])
def test_drawn_grids_hang_on_the_seed_alone(text):
    first, again, other = (list(grid_named(text, ITERS, seed).schedules()) for seed in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("steps", [1, 2, 6, 10])
def test_a_grid_of_levels_is_a_whole_product_in_the_box(steps):
    grid = grid_named("levels:2", steps, seed=0)
    found = {schedule for schedule in grid.schedules()}
    assert len(found) == grid.count == 2**steps
    for schedule in found:
        if steps > 1:
            assert FIRST_LOG_SNR[0] <= schedule.log_snr[0] <= FIRST_LOG_SNR[1]
        assert TERMINAL_LOG_SNR[0] <= schedule.log_snr[-1] <= TERMINAL_LOG_SNR[1]


@pytest.mark.parametrize("steps", [25, LONGEST_SEARCH])
@pytest.mark.parametrize("text", ["levels:99", "mantissas:9"])
def test_a_grid_of_many_steps_is_made_without_enumerating_it(text, steps):
    grid = grid_named(text, steps, seed=0)
    assert len(next(iter(grid.schedules()))) == steps


def test_network_calls_are_shared_between_levels_alone():
    assert shares_network_calls("grid", "levels:3")
    assert not shares_network_calls("grid", "mantissas:3")
    assert not shares_network_calls("tpe", "levels:3")


@pytest.mark.parametrize(("grid", "steps"), [("ivanvovk", 1)])
def test_a_grid_that_has_no_such_length_is_refused(grid, steps):
    assert "at least two steps" in refused("grid", grid, steps, 1)


# --- searches -------------------------------------------------------------------------------------


def rows_of(folder):
    with (folder / "trials.csv").open() as file:
        return [row for row in csv.DictReader(file) if row["kind"] != "baseline"]


@every_strategy
def test_every_strategy_keeps_its_budget_counts_its_calls_and_goes_on_as_if_it_had_not_been_stopped(
    toy, monkeypatch, strategy
):
    options = ("--budget", "8candidates", "--strategy", strategy, "--storage")
    assert toy.search(*options, "sqlite:///whole") == 0
    whole, store = rows_of(toy.folder), toy.store(url="sqlite:///whole")
    check_candidates(store.candidates(), 8)
    for row in whole:
        betas = np.array(row["betas"].split(), dtype=float)
        assert ((betas > 0) & (betas < 1)).all()
    assert candidates_calls(store, toy.vocoder.rows) == sum(c.network_evaluations for c in store.candidates())
    batches = {"grid": 0, "auto": 2}.get(strategy, 1)  # that are scored before Ctrl-C
    with monkeypatch.context() as patch:
        interrupt_at(patch, len(baselines(ITERS)) + batches)
        assert toy.search(*options, "sqlite:///stopped") == 130
    assert toy.search(*options, "sqlite:///stopped") == 0
    assert [row["betas"] for row in rows_of(toy.folder)] == [row["betas"] for row in whole]


def check_candidates(found, wanted):
    assert [c.index for c in found] == list(range(wanted))
    assert len({c.schedule for c in found}) == wanted
    assert not any(c.failures for c in found)


def candidates_calls(store, rows):
    """The network calls of a whole search, without all that is not a candidate's first scoring."""
    # leaders in a further draw each; the pair held out in so many
    leaders = sum(key.startswith("memory leader ") for key in store.study.user_attrs)
    after = ITERS * (leaders * 3 + 2 * 2 * HELD_OUT)
    timed = 4  # of one clip each, for the plan
    return sum(rows) - timed - ITERS * 3 * len(baselines(ITERS)) - after


@pytest.mark.parametrize("strategy", ["auto", "cmaes"])
def test_winners_that_others_find_meanwhile_do_not_change_how_a_stopped_search_goes_on(toy, monkeypatch, strategy):
    found = {log_snr_line(ITERS, 10.0, -2.0): "other/16000hz/6 steps"}
    options = ("--budget", "16candidates", "--strategy", strategy)
    toy.search(*options, "--storage", "sqlite:///whole")
    whole = rows_of(toy.folder)
    with monkeypatch.context() as patch:
        interrupt_at(patch, len(baselines(ITERS)) + 1)
        assert toy.search(*options, "--storage", "sqlite:///stopped") == 130
    monkeypatch.setattr(run, "neighbours", lambda *_: found)
    assert toy.search(*options, "--storage", "sqlite:///stopped") == 0
    assert [row["betas"] for row in rows_of(toy.folder)] == [row["betas"] for row in whole]
    if strategy == "auto":  # a larger budget is for them too
        assert toy.search("--more", "1candidates", "--strategy", strategy, "--storage", "sqlite:///stopped") == 0
        assert rows_of(toy.folder)[-1]["kind"] == "warm start"


@pytest.mark.parametrize("grid", GRIDS)
def test_every_grid_searches(toy, grid):
    options = ["--strategy", "grid", "--grid", grid.replace("K", "2"), "--budget", "5candidates"]
    assert toy.search(*options) == 0
    assert [row["kind"] for row in rows_of(toy.folder)] == ["grid"] * 5


def test_a_small_grid_ends_before_its_budget(toy):
    assert toy.search("--strategy", "grid", "--grid", "levels:1", "--budget", "5candidates") == 0
    assert len(toy.store().candidates()) == 1


def test_a_grid_of_levels_costs_less_than_its_schedules_alone(toy):
    toy.search("--strategy", "grid", "--grid", "levels:2", "--budget", "16candidates")
    found = toy.store().candidates()
    assert sum(c.network_evaluations for c in found) < 0.6 * 16 * ITERS * 3


@pytest.mark.parametrize("strategy", SEVERAL_OBJECTIVES)
def test_several_objectives_are_searched_together(toy, strategy):
    options = ["--objective", "log_mel_l1,lsd", "--strategy", strategy, "--budget", "7candidates"]
    assert toy.search(*options) == 0
    store = toy.store("log_mel_l1", "lsd")
    assert len(store.candidates()) == 7
    for candidate in [*store.candidates(), *store.baselines()]:
        assert list(candidate.scores) == ["log_mel_l1", "lsd"]
        assert all(np.isfinite(score.mean) for score in candidate.scores.values())
    assert toy.search(*options) == 0
    assert len(toy.store("log_mel_l1", "lsd").candidates()) == 7


@pytest.mark.parametrize("steps", [2, 6, 24, 25, 100])
def test_the_lines_that_auto_begins_with_lie_in_the_box_and_differ(steps):
    space = space_for(steps)
    found = lines(space)
    assert len(set(found)) == len(found) == 6
    for line in found:
        assert space.clip(line).moved < 1e-6
        assert np.ptp(np.diff(line.log_snr)) < 1e-6  # equal gaps


def test_a_single_step_has_no_line():
    assert lines(space_for(1)) == []


def test_auto_begins_with_warm_starts_and_lines_and_then_searches(toy):
    assert toy.search("--budget", "18candidates") == 0
    assert [c.kind for c in toy.store().candidates()] == ["line"] * 6 + ["model"] * 12


def test_auto_begins_alike_where_a_curve_is_searched(toy):
    assert toy.search("--iters", "25", "--budget", "9candidates") == 0
    with (toy.folder.parent / "25iters" / "trials.csv").open(newline="") as file:
        kinds = [row["kind"] for row in csv.DictReader(file) if row["kind"] != "baseline"]
    assert kinds == ["line"] * 6 + ["model"] * 3
