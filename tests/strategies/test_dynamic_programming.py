"""Laws of measured level errors, of their costs and of shortest paths over them."""

import json
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from torch import Tensor

from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import NoisePredictor
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies import level_errors
from schedsearch.strategies.dynamic_programming import (
    COSTS,
    SWEPT,
    DynamicProgramming,
    align_your_steps,
    elbo,
    optimal_levels,
    trajectory,
)
from schedsearch.strategies.level_errors import LEVELS, LevelErrors, brownian_path, common_path, measure
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.errors import InputError

DEVIATION = 0.1


@dataclass(frozen=True)
class Group:
    names: tuple[str, ...]
    reference: Tensor
    mel: Tensor


def normal_speech(deviations: list[float], frames: int) -> Group:
    """Clips of x0 ~ N(0, s^2) with the analytic vocoder's mels of exactly that s."""
    s = torch.tensor(deviations, dtype=torch.float64)
    generator = torch.Generator().manual_seed(7)
    x0 = torch.randn(len(deviations), frames * 64, generator=generator, dtype=torch.float64)
    return Group(tuple(map(str, deviations)), s[:, None] * x0, s.log()[:, None, None].expand(-1, 1, frames))


def posterior_variance(log_snr: Array, deviation: float = DEVIATION) -> Array:
    """Of x0 ~ N(0, s^2) given y: 1 / (1 / s^2 + SNR)."""
    return np.asarray(1 / (1 / deviation**2 + np.exp(log_snr)))


def closed_form(log_snr: Array = LEVELS, deviation: float = DEVIATION) -> LevelErrors:
    """What an endless clip would measure on the forward process."""
    error = posterior_variance(log_snr, deviation)
    return LevelErrors(log_snr, error, np.abs(error[:, None] - error[None, :]), 0)


def assert_variances(found: Array, expected: Array, samples: int) -> None:
    """Mean squares of `samples` independent normals."""
    z = (found / expected - 1) / np.sqrt(2 / samples)
    assert np.abs(z).max() < 4


def total(cost: Array, path: list[int]) -> float:
    """`path` from the cleanest index to the noisiest."""
    return float(sum(cost[noisier, cleaner] for cleaner, noisier in pairwise(path)))


def cheapest(errors: LevelErrors, cost: Array, lengths: range) -> list[float]:
    found = optimal_levels(cost, errors.log_snr, lengths)
    return [total(cost, [int(np.argmin(abs(errors.log_snr - v))) for v in found[n]]) for n in lengths]


# --- measured errors ------------------------------------------------------------------------------


def test_the_error_at_each_level_is_the_posterior_variance(analytic_vocoder):
    errors = measure(analytic_vocoder, [normal_speech([DEVIATION], 400)], NoiseBank(0))
    assert_variances(errors.error, posterior_variance(LEVELS), 400 * 64)


def test_along_the_forward_process_squared_distances_are_differences_of_errors(analytic_vocoder):
    errors = measure(analytic_vocoder, [normal_speech([DEVIATION], 400)], NoiseBank(0), path=brownian_path)
    off = ~np.eye(len(LEVELS), dtype=bool)
    assert_variances(errors.distance[off], closed_form().distance[off], 400 * 64)
    assert np.abs(np.diag(errors.distance)).max() == 0


def test_along_common_noise_squared_distances_follow_the_closed_form(analytic_vocoder):
    # x0_hat = c (x0 + sigma eps), c = s^2 / (s^2 + sigma^2), with one x0 and one eps for all levels
    errors = measure(analytic_vocoder, [normal_speech([DEVIATION], 400)], NoiseBank(0), path=common_path)
    sigma = np.exp(-LEVELS / 2)
    c = DEVIATION**2 / (DEVIATION**2 + sigma**2)
    of_x0, of_eps = np.subtract.outer(c, c) * DEVIATION, np.subtract.outer(c * sigma, c * sigma)
    off = ~np.eye(len(LEVELS), dtype=bool)
    assert_variances(errors.distance[off], (of_x0**2 + of_eps**2)[off], 400 * 64)


@pytest.mark.parametrize("path", [brownian_path, common_path])
def test_noise_paths_are_standard_normal_at_every_level(path):
    sigma = torch.exp(-torch.from_numpy(LEVELS.copy()) / 2)
    draws = [NoiseBank(0).draw("a", 0, k, 20_000).double() for k in range(len(LEVELS))]
    assert_variances(path(sigma, draws).square().mean(1).numpy(), np.ones(len(LEVELS)), 20_000)


def test_clips_of_several_lengths_weigh_the_same(analytic_vocoder):
    short, long = normal_speech([0.05], 20), normal_speech([0.2], 40)
    both = measure(analytic_vocoder, [short, long], NoiseBank(0))
    alone = [measure(analytic_vocoder, [group], NoiseBank(0)) for group in (short, long)]
    np.testing.assert_allclose(both.error, (alone[0].error + alone[1].error) / 2, rtol=1e-12)


@dataclass(frozen=True)
class Counting:
    """The analytic vocoder, with every row through it counted."""

    inner: NoisePredictor
    rows: list[int]

    @property
    def dialect(self) -> Dialect:
        return self.inner.dialect

    @property
    def hop_length(self) -> int:
        return self.inner.hop_length

    def at_step(self, n: int) -> "Counting":
        return self

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        self.rows.append(len(y))
        assert len(mel) == len(noise_level) == len(y)
        return self.inner.predict_noise(y, mel, noise_level)


def test_network_evaluations_are_counted_exactly(analytic_vocoder):
    counting = Counting(analytic_vocoder, [])
    errors = measure(counting, [normal_speech([0.1, 0.2], 4), normal_speech([0.3], 8)], NoiseBank(0))
    assert errors.network_evaluations == sum(counting.rows) == 3 * 64


def test_what_goes_through_the_network_at_once_is_bounded_and_changes_nothing(analytic_vocoder, monkeypatch):
    speech = [normal_speech([0.1, 0.2], 4)]
    whole = measure(analytic_vocoder, speech, NoiseBank(0))
    monkeypatch.setattr(level_errors, "SAMPLES_AT_ONCE", 3 * 256)
    counting = Counting(analytic_vocoder, [])
    parts = measure(counting, speech, NoiseBank(0))
    assert max(counting.rows) == 3
    np.testing.assert_allclose(parts.distance, whole.distance, rtol=1e-12, atol=1e-18)


def test_estimates_are_clamped_where_the_sampler_clamps_them(analytic_vocoder):
    clamping = replace(analytic_vocoder, dialect=replace(analytic_vocoder.dialect, reverse=IVANVOVK.reverse))
    loud = [normal_speech([0.5], 100)]
    free, clamped = (measure(v, loud, NoiseBank(0)) for v in (analytic_vocoder, clamping))
    assert (clamped.error != free.error).any()
    worst = measure(Silent(clamping.dialect), loud, NoiseBank(0)).error[-1]
    assert worst < 4  # y / sqrt(a), the estimate of a network that finds no noise, has a variance of 400 here


@dataclass(frozen=True)
class Silent:
    dialect: Dialect
    hop_length: int = 64

    def at_step(self, n: int) -> "Silent":
        return self

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        return torch.zeros_like(y)


def test_errors_survive_a_json_store(analytic_vocoder):
    errors = measure(analytic_vocoder, [normal_speech([0.1], 4)], NoiseBank(0))
    again = LevelErrors.from_plain(json.loads(json.dumps(errors.plain())))
    for name in ("log_snr", "error", "distance", "network_evaluations"):
        np.testing.assert_array_equal(getattr(again, name), getattr(errors, name))


def test_refining_to_the_measured_levels_changes_nothing():
    errors = closed_form()
    again = errors.refined(LEVELS)
    np.testing.assert_allclose(again.error, errors.error, rtol=1e-12)
    np.testing.assert_allclose(again.distance, errors.distance, rtol=1e-12, atol=1e-18)


def test_refined_errors_are_those_of_a_finer_measurement():
    fine = np.linspace(13, -5, 500)
    refined, exact = closed_form().refined(fine), closed_form(fine)
    np.testing.assert_allclose(refined.error, exact.error, rtol=0.01)
    # Largest beside the diagonal, where distances are differences of errors that curve within a measured cell.
    np.testing.assert_allclose(refined.distance, exact.distance, rtol=0.25, atol=1e-15)
    apart = np.abs(np.subtract.outer(fine, fine)) > 1
    np.testing.assert_allclose(refined.distance[apart], exact.distance[apart], rtol=0.03)


# --- costs ----------------------------------------------------------------------------------------


def test_a_perfect_networks_bounds_differ_by_what_every_path_has_in_common():
    errors = closed_form()
    surplus = elbo(errors) - align_your_steps(errors)
    for s, u, t in ((0, 1, 2), (3, 30, 60), (10, 11, 63)):
        assert surplus[t, s] == pytest.approx(surplus[t, u] + surplus[u, s], rel=1e-9)
    fine = errors.refined(np.linspace(12, -4, 300))
    lengths = range(2, 30)
    ours, theirs = (optimal_levels(cost(fine), fine.log_snr, lengths) for cost in (elbo, align_your_steps))
    spacing = 16 / 299
    for n in lengths:
        # interpolation of errors and of distances differs by up to 1 %; the optimum is flat
        assert np.abs(ours[n] - theirs[n]).max() < 8 * spacing


@pytest.mark.parametrize("deviation", [0.02, 0.1, 0.5])
def test_the_middle_of_three_levels_minimises_the_elbo(deviation):
    levels = np.linspace(12, -4, 801)
    middle = optimal_levels(elbo(closed_form(levels, deviation)), levels, [3])[3][1]

    def cost(u: float) -> float:
        first, last = posterior_variance(np.array([u, -4.0]), deviation)
        return float((np.exp(12) - np.exp(u)) * first + (np.exp(u) - np.exp(-4)) * last)

    expected = minimize_scalar(cost, bounds=(-4, 12), method="bounded", options={"xatol": 1e-6}).x
    assert middle == pytest.approx(expected, abs=0.6 * 16 / 800)


def test_the_trajectory_cost_integrates_estimates_that_move_evenly_in_snr():
    # x0_hat_u = g SNR_u: the integral of g (SNR_u - SNR_t) is g (SNR_s - SNR_t)^2 / 2
    levels, g = np.linspace(3, -2, 40), 0.3
    snr = np.exp(levels)
    errors = LevelErrors(levels, np.ones(40), g**2 * np.subtract.outer(snr, snr) ** 2, 0)
    below = np.tril_indices(40, -1)
    step = snr[None, :] - snr[:, None]
    expected = (g * step**2 / 2 / snr[None, :]) ** 2
    np.testing.assert_allclose(trajectory(errors)[below], expected[below], rtol=1e-7, atol=1e-15)


@pytest.mark.parametrize("name", COSTS)
def test_no_step_costs_less_than_nothing(name, analytic_vocoder):
    errors = measure(analytic_vocoder, [normal_speech([0.05, 0.3], 20)], NoiseBank(0))
    assert (COSTS[name](errors)[np.tril_indices(64, -1)] >= 0).all()


@pytest.mark.parametrize("name", COSTS)
def test_each_further_step_lowers_the_cost_of_the_analytic_vocoder(name):
    errors = closed_form(np.linspace(11, -3, 40))
    found = cheapest(errors, COSTS[name](errors), range(2, 41))
    assert (np.diff(found) < 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(1e-6, 1.0), min_size=8, max_size=8).map(sorted))
def test_more_steps_never_cost_more_where_errors_fall_with_the_noise(rising):
    errors = LevelErrors(np.linspace(10, -4, 8), np.array(rising), np.zeros((8, 8)), 0)
    found = cheapest(errors, elbo(errors), range(2, 9))
    assert (np.diff(found) <= 1e-9 * found[0]).all()


# --- shortest paths -------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(8))
def test_the_shortest_path_is_the_best_of_all_subsets(seed):
    cost = np.random.default_rng(seed).random((9, 9))
    levels = np.linspace(10, -3, 9)
    found = optimal_levels(cost, levels, range(2, 10))
    for n in range(2, 10):
        paths = ([0, *middle, 8] for middle in combinations(range(1, 8), n - 2))
        best = min(paths, key=lambda path: total(cost, path))
        np.testing.assert_array_equal(found[n], levels[best])


@pytest.mark.parametrize("name", COSTS)
def test_a_path_of_n_levels_falls_from_end_to_end(name):
    errors = closed_form(np.linspace(12.3, -4.5, 50))
    for n, levels in optimal_levels(COSTS[name](errors), errors.log_snr, range(2, 51)).items():
        assert len(levels) == n
        assert (levels[0], levels[-1]) == (12.3, -4.5)
        assert (np.diff(levels) < 0).all()


def test_only_steps_towards_cleaner_levels_are_looked_at():
    cost = np.full((5, 5), np.nan)
    cost[np.tril_indices(5, -1)] = 1.0
    assert optimal_levels(cost, np.arange(5.0)[::-1], [5])[5].tolist() == [4, 3, 2, 1, 0]


@pytest.mark.parametrize("lengths", [[], [1], [2, 6]])
def test_lengths_that_no_path_has_are_refused(lengths):
    with pytest.raises(InputError, match="a path over 5 levels has 2 to 5 of them"):
        optimal_levels(np.ones((5, 5)), np.arange(5.0)[::-1], lengths)


def test_costs_that_are_no_numbers_are_refused():
    cost = np.ones((5, 5))
    cost[3, 1] = np.nan
    with pytest.raises(InputError, match="must be finite"):
        optimal_levels(cost, np.arange(5.0)[::-1], [3])


# --- the strategy ---------------------------------------------------------------------------------


def loss_near(first: float, last: float):
    """A landscape with its lowest point at these ends."""
    return lambda schedule: abs(schedule.log_snr[0] - first) + abs(schedule.log_snr[-1] - last)


def test_nothing_is_measured_before_the_first_ask_and_once_after_it(analytic_vocoder):
    calls = []

    def measured() -> LevelErrors:
        calls.append(1)
        return measure(analytic_vocoder, [normal_speech([0.1], 4)], NoiseBank(0))

    strategy = DynamicProgramming(6, measured)
    assert (strategy.network_evaluations, calls) == (0, [])
    for _ in range(3):
        strategy.ask(2)
        assert (strategy.network_evaluations, calls) == (64, [1])


@pytest.mark.parametrize("steps", [1, 2, 6, 25])
def test_every_pair_of_ends_is_proposed_once_and_in_the_box(steps):
    strategy = DynamicProgramming(steps, closed_form)
    found = [schedule for _ in range(20) for schedule in strategy.ask(4)]
    # all but (4.7, 4.2), whose ends lie closer than the box allows
    assert len(set(found)) == len(found) == (SWEPT if steps == 1 else SWEPT**2 - 1)
    for schedule in found:
        assert len(schedule) == steps
        assert LogSnrSpace(steps).clip(schedule).moved < 1e-9
    assert strategy.ask(1) == []


@pytest.mark.parametrize("steps", [100, 300])
def test_long_schedules_lie_in_the_box_and_end_where_short_ones_do(steps):
    short, long = (DynamicProgramming(n, closed_form).ask(2) for n in (6, steps))
    for few, many in zip(short, long, strict=True):
        assert len(many) == steps
        assert LogSnrSpace(steps).clip(many).moved < 1e-9
        assert many.log_snr[[0, -1]] == pytest.approx(few.log_snr[[0, -1]], abs=1e-9)


def test_the_centre_of_the_box_comes_first_and_then_a_coarse_sweep():
    strategy = DynamicProgramming(6, closed_form)
    found = strategy.ask(9)
    assert found[0].log_snr[[0, -1]] == pytest.approx([(4 + 13.9) / 2, (-6 + 5) / 2])
    assert len({round(s.log_snr[0], 6) for s in found}) == len({round(s.log_snr[-1], 6) for s in found}) == 3


def test_told_losses_lead_to_the_best_pair_early():
    best_ends = (11.8, -5.2)  # far from the centre
    strategy = DynamicProgramming(6, closed_form)
    loss, told = loss_near(*best_ends), []
    for _ in range(16):  # of 48
        (schedule,) = strategy.ask(1)
        told.append(loss(schedule))
        strategy.tell([schedule], told[-1:])
    assert min(told) < 0.2


def test_a_resumed_strategy_goes_on_as_an_uninterrupted_one():
    loss = loss_near(6, 3)
    whole, seen = DynamicProgramming(6, closed_form), []
    for _ in range(6):
        proposals = whole.ask(4)
        losses = [loss(s) for s in proposals]
        whole.tell(proposals, losses)
        seen += list(zip([NoiseSchedule(s.betas.copy()) for s in proposals], losses, strict=True))
    resumed = DynamicProgramming(6, closed_form)
    for schedule, value in seen:
        resumed.tell([schedule], [value])
    assert resumed.ask(4) == whole.ask(4)


def test_a_failed_schedule_is_not_the_best_and_not_proposed_again():
    strategy = DynamicProgramming(6, closed_form)
    proposals = strategy.ask(9)
    strategy.tell(proposals, [np.nan] * 8 + [3.0])
    best = proposals[-1].log_snr
    (after,) = strategy.ask(1)
    assert after not in proposals
    assert abs(after.log_snr[0] - best[0]) + abs(after.log_snr[-1] - best[-1]) < 1.6  # its neighbour


def test_a_network_that_returns_nan_leaves_nothing_to_propose():
    broken = replace(closed_form(), error=np.full(64, np.nan))
    strategy = DynamicProgramming(6, lambda: broken)
    assert strategy.ask(4) == []


def test_a_strangers_schedule_teaches_nothing():
    strategy, fresh = (DynamicProgramming(6, closed_form) for _ in range(2))
    strategy.tell([NoiseSchedule(np.linspace(1e-4, 0.1, 6))], [-5.0])
    assert strategy.ask(12) == fresh.ask(12)


@pytest.mark.parametrize("steps", [6, 12, 25])
@pytest.mark.parametrize("deviation", [0.03, 0.1, 0.3])
def test_the_trajectory_costs_levels_sample_better_than_a_straight_line(deviation, steps, analytic_variance):
    # not so the ELBO's: for louder clips they are worse than the line
    first, last = 12.0, -4.0
    errors = closed_form(deviation=deviation).refined(np.linspace(first, last, 400))
    path = optimal_levels(trajectory(errors), errors.log_snr, [steps])[steps]

    def miss(log_snr: Array) -> float:
        return abs(np.log(analytic_variance(NoiseSchedule.from_log_snr(log_snr), deviation) / deviation**2))

    assert miss(path) < 0.65 * miss(np.linspace(first, last, steps))
