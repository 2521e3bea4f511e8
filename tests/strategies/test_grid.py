"""Laws of the grids: every legal point and no other, counted; the public searches' candidates as they are."""

from itertools import islice, product
from math import comb

import numpy as np
import pytest

from schedsearch.strategies.grid import GridStrategy, IvanvovkGrid, LevelGrid, MantissaGrid, lmnt_grid
from schedsearch.strategies.named_grids import grid_named
from vocoder.errors import InputError

OVERLAPPING = [[9.0, 12.0, 7.0], [8.0, 6.5, 10.0, 2.0], [5.0, 7.0, -1.0]]  # cleanest first; not all choices are legal


def falling(levels):
    """By brute force: each choice of one level a step that falls, the noisiest level first."""
    return {point[::-1] for point in product(*levels) if all(np.diff(point) < 0)}


# --- levels ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("levels", [OVERLAPPING, [[1.0, 2.0]], [[3.0, 4.0], [4.0, 3.0]], [[1.0], [2.0]]])
def test_a_level_grid_holds_each_falling_choice_once_and_no_other(levels):
    grid = LevelGrid(levels)
    paths = list(grid.paths())
    assert set(paths) == falling(levels)
    assert len(paths) == len(set(paths)) == grid.count


def test_a_ladder_holds_every_subset_of_its_rungs():
    grid = LevelGrid([np.linspace(-4, 12, 9)] * 4)
    assert grid.count == comb(9, 4) == sum(1 for _ in grid.paths())
    assert LevelGrid([np.linspace(-6, 13.9, 200)] * 100).count == comb(200, 100)


def test_schedules_of_a_level_grid_have_its_levels():
    grid = LevelGrid(OVERLAPPING)
    for path, schedule in zip(grid.paths(), grid.schedules(), strict=True):
        np.testing.assert_allclose(schedule.log_snr[::-1], path, rtol=0, atol=1e-12)


def test_neighbours_in_a_level_grid_share_their_beginnings():
    # In trie order each distinct beginning comes up in one run only.
    paths = list(LevelGrid(OVERLAPPING).paths())
    for depth in (1, 2):
        beginnings = [path[:depth] for path in paths]
        runs = sum(a != b for a, b in zip(beginnings, beginnings[1:], strict=False)) + 1
        assert runs == len(set(beginnings))


def test_a_level_grid_is_enumerated_lazily():
    grid = LevelGrid([np.linspace(-6, 13.9, 100)] * 50)  # 1e29 points
    assert len(list(islice(grid.schedules(), 3))) == 3


def test_a_thousand_steps_are_no_deeper_than_six():
    ladder = np.linspace(-6, 13.9, 1001)
    assert sum(1 for _ in LevelGrid([ladder] * 1000).paths()) == 1001


@pytest.mark.parametrize(
    ("levels", "rule"),
    [([], "at least one step"), ([[1.0], []], "at least one"), ([[1.0, 1.0]], "differ"), ([[np.nan]], "finite")],
)
def test_levels_that_make_no_grid_are_refused(levels, rule):
    with pytest.raises(InputError, match=rule):
        LevelGrid(levels)


# --- betas ----------------------------------------------------------------------------------------


def test_a_mantissa_grid_holds_each_product_once_and_no_other():
    grid = MantissaGrid([1, 4, 9], [-5, -3, -1])
    found = [tuple(schedule.betas) for schedule in grid.schedules()]
    expected = {(a * 1e-5, b * 1e-3, c * 1e-1) for a, b, c in product([1, 4, 9], repeat=3)}
    assert grid.count == len(found) == len(set(found)) == 27
    np.testing.assert_allclose(sorted(found), sorted(expected), rtol=1e-15)


def test_the_papers_grid_has_nine_mantissas_in_each_of_six_decades():
    grid = grid_named("mantissas:9", steps=6, seed=0)
    assert grid.count == 531_441
    first, second = islice(grid.schedules(), 2)
    np.testing.assert_allclose(first.betas, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1], rtol=1e-15)
    np.testing.assert_allclose(second.betas, [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 2e-1], rtol=1e-15)


@pytest.mark.parametrize(("mantissas", "exponents"), [([0.5, 1], [-1, 0]), ([0, 1], [-2, -1])])
def test_mantissas_that_leave_betas_outside_0_to_1_are_refused(mantissas, exponents):
    with pytest.raises(InputError, match="beta must lie in"):
        MantissaGrid(mantissas, exponents)


# --- the public searches --------------------------------------------------------------------------


def test_lmnts_search_is_the_whole_product_of_three_mantissas():
    grid = lmnt_grid(6, np.random.default_rng(5))
    schedules = list(grid.schedules())
    assert grid.count == len(set(schedules)) == 729
    mantissas = np.array([schedule.betas for schedule in schedules]) / 10 ** np.linspace(-6, -1, 6)
    for step in range(6):
        np.testing.assert_allclose(np.unique(mantissas[:, step].round(9)), grid.mantissas, rtol=1e-8)
    assert np.all((np.array(grid.mantissas) > 0) & (np.array(grid.mantissas) < 10))


def test_lmnts_search_grows_with_its_level_and_steps():
    assert lmnt_grid(12, np.random.default_rng(0)).count == 531_441
    assert lmnt_grid(6, np.random.default_rng(0), 9).count == 531_441


def test_coquis_candidates_are_lmnts():
    assert grid_named("coqui", 6, seed=2) == grid_named("lmnt", 6, seed=2)
    assert grid_named("coqui", 6, seed=2) != grid_named("coqui", 6, seed=3)


@pytest.mark.parametrize(
    ("steps", "candidates"),  # counted by running the arithmetic of benchmark.py on plain integers
    [(2, 39_447), (3, 39_411), (4, 39_366), (5, 39_366), (6, 35_113), (7, 32_035), (12, 19_104)],
)
def test_ivanvovks_search_has_its_counted_candidates(steps, candidates):
    assert IvanvovkGrid(steps).count == candidates


def test_ivanvovks_search_skips_93_percent_of_the_product_it_stands_for():
    grid = IvanvovkGrid(6)
    points = list(grid.multipliers())
    assert len(points) == len(set(points)) == 35_113
    assert {sum(point) % 9 for point in points} == {6}  # a step of 9 keeps the digit sum: one point in nine is left
    assert {point[0] for point in points} == {1, 2, 3, 4, 5, 6}
    assert 1 - len(points) / 9**6 == pytest.approx(0.934, abs=5e-4)


def test_ivanvovks_search_skips_a_third_at_five_steps_and_repeats_itself_at_four():
    five = set(IvanvovkGrid(5).multipliers())
    assert len(five) * 3 == 9**5 * 2
    assert len(set(IvanvovkGrid(4).multipliers())) == 6561


@pytest.mark.parametrize(
    ("steps", "first"),  # torch 2.13: 10 ** torch.arange over float32 exponents, as benchmark.py has it
    [
        (6, [9.999999974752427e-07, 6.3095762925513554e-06, 3.981070767622441e-05, 0.0002511886996217072]),
        (12, [9.999999974752427e-07, 2.3101304122974398e-06, 5.336702542990679e-06, 1.2328465345490258e-05]),
    ],
)
def test_ivanvovks_betas_are_rounded_as_his(steps, first):
    assert next(IvanvovkGrid(steps).schedules()).betas[:4].tolist() == first


def test_ivanvovks_last_candidate_is_the_one_he_ends_with():
    *_, last = IvanvovkGrid(6).schedules()
    np.testing.assert_allclose(last.betas / 10 ** np.linspace(-6, -2, 6), [6, 4, 2, 5, 4, 3], rtol=1e-5)


def test_a_search_of_one_step_is_refused_for_ivanvovk():
    with pytest.raises(InputError, match="at least two steps"):
        IvanvovkGrid(1)


# --- as a strategy --------------------------------------------------------------------------------


def strategy(grid) -> GridStrategy:
    return GridStrategy("grid", grid.schedules, grid.count)


def test_a_grid_strategy_proposes_its_grid_in_order():
    grid = LevelGrid(OVERLAPPING)
    asking = strategy(grid)
    batches = iter(lambda: asking.ask(4), [])
    assert [schedule for batch in batches for schedule in batch] == list(grid.schedules())


def test_what_was_asked_and_never_told_is_proposed_again_after_a_restart():
    grid = LevelGrid(OVERLAPPING)
    done, in_flight = list(islice(grid.schedules(), 6))[:3], list(islice(grid.schedules(), 6))[3:]
    resumed = strategy(grid)
    resumed.tell(done, [1.0, float("nan"), 2.0])
    assert resumed.ask(3) == in_flight


def test_told_out_of_order_only_the_rest_is_proposed():
    grid = LevelGrid(OVERLAPPING)
    everything = list(grid.schedules())
    resumed = strategy(grid)
    resumed.tell(everything[1::2], [0.0] * len(everything[1::2]))
    assert resumed.ask(1000) == everything[::2]


def test_a_candidate_listed_twice_is_proposed_as_often_as_it_was_not_told():
    listed = [schedule for schedule in LevelGrid([[3.0, 4.0], [1.0]]).schedules() for _ in range(2)]
    resumed = GridStrategy("twice", lambda: iter(listed), len(listed))
    resumed.tell(listed[:1], [0.0])
    assert resumed.ask(10) == listed[1:]
    resumed.tell(listed[1:], [0.0] * 3)  # of what it asked itself it needs no telling to go on
    assert resumed.ask(10) == []
