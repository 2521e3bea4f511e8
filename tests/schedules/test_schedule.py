"""Laws of the schedule value."""

import math
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

legal_betas = st.lists(st.floats(1e-7, 0.99), min_size=1, max_size=40)
falling_log_snr = st.builds(
    lambda first, gaps: first - np.cumsum([0.0, *gaps]),
    st.floats(0.0, 14.0),
    st.lists(st.floats(0.01, 3.0), max_size=12),
)
DIFFWAVE_6 = np.array([1e-4, 1e-3, 1e-2, 0.05, 0.2, 0.5])  # lmnt-com/diffwave params.py


@settings(max_examples=50)
@given(legal_betas)
def test_alphas_cumprod_is_the_product_of_one_minus_beta(betas):
    expected = [math.prod(1 - beta for beta in betas[: n + 1]) for n in range(len(betas))]
    np.testing.assert_allclose(NoiseSchedule(betas).alphas_cumprod, expected, rtol=1e-12)


@settings(max_examples=50)
@given(legal_betas)
def test_levels_fall_in_every_legal_schedule_although_betas_may_not_rise(betas):
    schedule = NoiseSchedule(betas)
    assert (np.diff(schedule.log_snr) < 0).all()
    assert (np.diff(schedule.noise_level) <= 0).all()
    np.testing.assert_allclose(schedule.noise_level**2, schedule.alphas_cumprod, rtol=1e-12)


@settings(max_examples=50)
@given(falling_log_snr)
def test_log_snr_survives_the_way_to_betas_and_back(log_snr):
    np.testing.assert_allclose(NoiseSchedule.from_log_snr(log_snr).log_snr, log_snr, rtol=0, atol=1e-12)


@settings(max_examples=50)
@given(falling_log_snr)
def test_noise_levels_survive_the_way_to_betas_and_back(log_snr):
    levels = NoiseSchedule.from_log_snr(log_snr).noise_level
    np.testing.assert_allclose(
        NoiseSchedule.from_noise_levels(levels).noise_level, levels, rtol=0, atol=1e-12
    )


@settings(max_examples=50)
@given(legal_betas)
def test_betas_survive_the_way_to_log_snr_and_back(betas):
    schedule = NoiseSchedule(betas)
    if schedule.log_snr[-1] > -20:  # below, 1 / (1 - a) has lost what a was
        again = NoiseSchedule.from_log_snr(schedule.log_snr)
        np.testing.assert_allclose(again.betas, schedule.betas, rtol=0, atol=1e-12)


def test_values_of_diffwave_agree_with_arithmetic_in_fifty_digits():
    schedule = NoiseSchedule(DIFFWAVE_6)
    # Python's decimal with 50 digits, from the betas above
    assert schedule.alphas_cumprod[-1] == pytest.approx(0.37578621762, rel=1e-14)
    assert schedule.log_snr[0] == pytest.approx(9.2102403669758494, rel=1e-14)
    assert schedule.log_snr[-1] == pytest.approx(-0.50747249813039494, rel=1e-13)


def test_log_snr_of_a_tiny_beta_keeps_its_digits():
    # log((1 - b) / b) = -log(b) + log1p(-b); forming 1 - 1e-12 would keep 4 digits of it
    assert NoiseSchedule(np.array([1e-12])).log_snr[0] == pytest.approx(12 * math.log(10) - 1e-12, rel=1e-15)


def test_residual_noise_is_the_root_of_the_first_beta_and_terminal_level_the_last_level():
    schedule = NoiseSchedule(DIFFWAVE_6)
    assert schedule.residual_noise == pytest.approx(math.sqrt(1e-4), rel=1e-14)
    assert schedule.terminal_level == schedule.noise_level[-1]


@settings(max_examples=30)
@given(legal_betas)
def test_sigma_is_the_posterior_deviation_and_zero_at_the_last_call(betas):
    schedule = NoiseSchedule(betas)
    a = schedule.alphas_cumprod
    expected = np.sqrt((1 - a[:-1]) / (1 - a[1:]) * schedule.betas[1:])  # Ho et al. 2020, eq. 7
    assert schedule.sigma[0] == 0
    np.testing.assert_allclose(schedule.sigma[1:], expected, rtol=1e-6)


def test_schedules_are_equal_and_hash_alike_by_content():
    one, same, other = (
        NoiseSchedule(np.array([0.1, 0.2])),
        NoiseSchedule(np.array([0.1, 0.2])),
        NoiseSchedule(np.array([0.2, 0.1])),
    )
    assert one == same and hash(one) == hash(same)
    assert one != other and one != NoiseSchedule(np.array([0.1])) and one != [0.1, 0.2]
    assert len({one, same, other}) == 2


def test_nothing_of_a_schedule_can_be_changed():
    source = np.array([0.1, 0.2])
    schedule = NoiseSchedule(source)
    source[0] = 0.9
    assert schedule.betas[0] == 0.1
    for values in (
        schedule.betas,
        schedule.log_snr,
        schedule.sigma,
        pickle.loads(pickle.dumps(schedule)).betas,
    ):
        with pytest.raises(ValueError, match="read-only"):
            values[0] = 0.5


def test_a_pickled_schedule_comes_back_equal():
    schedule = NoiseSchedule(DIFFWAVE_6)
    assert pickle.loads(pickle.dumps(schedule)) == schedule


@pytest.mark.parametrize(
    ("betas", "message"),
    [
        ([0.1, -1.4e-7, -2.0], r"beta must lie in \(0, 1\): step 1 is -1.4e-07"),
        ([0.1, 1.0], r"beta must lie in \(0, 1\): step 1 is 1"),
        ([0.0], r"beta must lie in \(0, 1\): step 0 is 0"),
        ([0.1, float("nan")], "betas must be finite: step 1 is nan"),
        ([float("inf")], "betas must be finite: step 0 is inf"),
        ([], r"non-empty list of numbers: got shape \(0,\)"),
        (0.1, r"got shape \(\)"),
        ([[0.1, 0.2]], r"got shape \(1, 2\)"),
        ([[0.1], [0.2, 0.3]], "must be a list of numbers"),
        (torch.tensor([0.1, 0.2], requires_grad=True), "must be a list of numbers"),
        (torch.tensor([0.1, 0.2], dtype=torch.bfloat16), "must be a list of numbers"),
        (["0.1"], "list of numbers"),
        ([True], "list of numbers"),
        ([0.1j], "list of numbers"),
        (None, "list of numbers"),
    ],
)
def test_what_is_no_schedule_is_refused_in_one_line_that_says_where(betas, message):
    with pytest.raises(InputError, match=message) as caught:
        NoiseSchedule(betas)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("values", [[1.0, 1.0], [1.0, 2.0]])
def test_levels_that_do_not_fall_are_refused(values):
    with pytest.raises(InputError, match="log-SNR must fall: step 1"):
        NoiseSchedule.from_log_snr(values)


@pytest.mark.parametrize("levels", [[1.0, 0.5], [0.5, 0.0], [0.5, -0.5]])
def test_noise_levels_outside_their_interval_are_refused(levels):
    with pytest.raises(InputError, match=r"noise level must lie in \(0, 1\)"):
        NoiseSchedule.from_noise_levels(levels)
