"""Laws of the grids: every legal point and no other, counted; the public searches' candidates as they are."""

from itertools import islice, product

import numpy as np
import pytest

from schedsearch.sampling.prefix_tree import calls
from schedsearch.strategies.grid import TREE_BATCH, GridStrategy, IvanvovkGrid, LevelGrid, MantissaGrid, lmnt_grid
from schedsearch.strategies.named_grids import grid_named
from vocoder.errors import InputError

LEVELS = [[9.0, 10.5, 12.0], [5.0, 6.5], [-1.0, 0.0, 2.0]]  # cleanest first


# --- levels ---------------------------------------------------------------------------------------


def test_a_level_grid_holds_each_choice_once_and_the_noisiest_level_varies_slowest():
    grid = LevelGrid(LEVELS)
    found = [schedule.log_snr[::-1] for schedule in grid.schedules()]
    expected = [(noisy, middle, clean) for noisy in LEVELS[2] for middle in LEVELS[1] for clean in LEVELS[0]]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert grid.count == len(expected) == 18


def test_a_level_grid_is_enumerated_lazily():
    grid = LevelGrid([[level, level + 0.1] for level in np.linspace(13, -5, 50)])  # 1e15 points
    assert grid.count == 2**50
    assert len(list(islice(grid.schedules(), 3))) == 3


@pytest.mark.parametrize("steps", [2, 6, 12, 25])
@pytest.mark.parametrize("choices", [2, 3, 4, 5, 9])
def test_small_batches_of_a_level_grid_take_about_as_many_network_calls_as_large_ones(steps, choices):
    grid = grid_named(f"levels:{choices}", steps, seed=0)
    points = list(islice(grid.schedules(), 2000))

    def each(batch):
        return sum(calls(points[i : i + batch], 1) for i in range(0, len(points), batch)) / len(points)

    assert isinstance(grid, LevelGrid)
    assert each(grid.batch) <= 1.08 * each(TREE_BATCH)


@pytest.mark.parametrize(("text", "batch"), [("levels:1", 1), ("levels:2", 16), ("levels:3", 27), ("levels:99", 99)])
def test_a_batch_of_a_level_grid_holds_whole_branches_of_its_tree(text, batch):
    grid = grid_named(text, 6, seed=0)
    assert isinstance(grid, LevelGrid)
    assert grid.batch == batch


def test_levels_that_rise_are_refused():
    with pytest.raises(InputError, match="log-SNR must fall"):
        list(LevelGrid([[1.0, 2.0], [1.5]]).schedules())


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


# --- the public searches --------------------------------------------------------------------------


def test_lmnts_search_is_the_whole_product_of_three_mantissas():
    grid = lmnt_grid(6, np.random.default_rng(5))
    schedules = list(grid.schedules())
    assert grid.count == len(set(schedules)) == 729
    mantissas = np.array([schedule.betas for schedule in schedules]) / 10 ** np.linspace(-6, -1, 6)
    for step in range(6):
        np.testing.assert_allclose(np.unique(mantissas[:, step].round(9)), grid.mantissas, rtol=1e-8)
    assert np.all((np.array(grid.mantissas) > 0) & (np.array(grid.mantissas) < 10))


def test_lmnts_search_grows_with_its_steps():
    assert lmnt_grid(12, np.random.default_rng(0)).count == 531_441


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


@pytest.mark.slow
def test_ivanvovks_last_candidate_is_the_one_he_ends_with():
    *_, last = IvanvovkGrid(6).schedules()
    np.testing.assert_allclose(last.betas / 10 ** np.linspace(-6, -2, 6), [6, 4, 2, 5, 4, 3], rtol=1e-5)


def test_a_search_of_one_step_is_refused_for_ivanvovk():
    with pytest.raises(InputError, match="at least two steps"):
        IvanvovkGrid(1)


# --- as a strategy --------------------------------------------------------------------------------


def strategy(grid) -> GridStrategy:
    return GridStrategy("grid", grid.schedules())


def test_a_grid_strategy_proposes_its_grid_in_order():
    grid = LevelGrid(LEVELS)
    asking = strategy(grid)
    batches = iter(lambda: asking.ask(4), [])
    assert [schedule for batch in batches for schedule in batch] == list(grid.schedules())


def test_what_was_asked_and_never_told_is_proposed_again_after_a_restart():
    grid = LevelGrid(LEVELS)
    done, in_flight = list(islice(grid.schedules(), 6))[:3], list(islice(grid.schedules(), 6))[3:]
    resumed = strategy(grid)
    resumed.tell(done, [1.0, float("nan"), 2.0])
    assert resumed.ask(3) == in_flight


def test_told_out_of_order_only_the_rest_is_proposed():
    grid = LevelGrid(LEVELS)
    everything = list(grid.schedules())
    resumed = strategy(grid)
    resumed.tell(everything[1::2], [0.0] * len(everything[1::2]))
    assert resumed.ask(1000) == everything[::2]


def test_a_candidate_listed_twice_is_proposed_as_often_as_it_was_not_told():
    listed = [schedule for schedule in LevelGrid([[3.0, 4.0], [1.0]]).schedules() for _ in range(2)]
    resumed = GridStrategy("twice", listed)
    resumed.tell(listed[:1], [0.0])
    assert resumed.ask(10) == listed[1:]
    resumed.tell(listed[1:], [0.0] * 3)  # of what it asked itself it needs no telling to go on
    assert resumed.ask(10) == []
