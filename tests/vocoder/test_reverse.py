"""Laws of one reverse step: two forms of one posterior, and where the implementations part."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from exact_reverse import EXACT_DIRECT, EXACT_POSTERIOR
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsearch.schedules.formulas import linear
from schedsearch.schedules.named import published, published_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.dialects import coqui, ivanvovk, lmnt
from vocoder.errors import InputError
from vocoder.reverse import Coefficients, ReverseProcess, stacked

PUBLISHED = list(published_schedules().values())
DIALECTS = (ivanvovk.IVANVOVK, lmnt.LMNT, coqui.COQUI)

random_schedules = st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=30).map(
    lambda betas: NoiseSchedule(np.array(betas))
)


def normals(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


def step(
    process: ReverseProcess, schedule: NoiseSchedule, n: int, y: torch.Tensor, eps: torch.Tensor
) -> torch.Tensor:
    """y, eps [samples] -> [samples]; with noise where the step has any."""
    at = process.coefficients(schedule.betas).at(n, y)
    noise = normals(1, 1, y.shape[-1], seed=2, dtype=y.dtype) if n > 0 else None
    return process.step(y[None, None], eps[None, None], noise, at)[0, 0]


def assert_forms_agree(schedule: NoiseSchedule) -> None:
    for n in range(len(schedule)):
        # eps as good as a network's: what is left when it is taken from y is small, and so is x0
        x0, eps = 0.1 * normals(64), normals(64, seed=1)
        a = schedule.alphas_cumprod[n]
        y = np.sqrt(a) * x0 + np.sqrt(1 - a) * eps
        direct, posterior = (
            step(process, schedule, n, y, eps) for process in (EXACT_DIRECT, EXACT_POSTERIOR)
        )
        torch.testing.assert_close(direct, posterior, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("schedule", PUBLISHED, ids=published_schedules())
def test_direct_and_posterior_form_are_the_same_for_published_schedules(schedule):
    assert_forms_agree(schedule)


@settings(max_examples=50, deadline=None)
@given(random_schedules)
def test_direct_and_posterior_form_are_the_same_for_random_schedules(schedule):
    assert_forms_agree(schedule)


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.name)
def test_a_dialect_without_clipping_is_the_exact_process_to_the_rounding_of_its_coefficients(dialect):
    schedule = linear(6, 1e-3, 0.5)  # betas that float32 states well
    plain = replace(dialect.reverse, clamp_x0=False, clamp_y=False)
    for n in range(len(schedule)):
        y, eps = normals(64), normals(64, seed=1)
        exact = step(EXACT_DIRECT, schedule, n, y, eps)
        torch.testing.assert_close(
            step(plain, schedule, n, y, eps), exact, rtol=1e-4, atol=1e-4
        )


def test_clipping_parts_the_forms_only_where_x0_or_y_leaves_the_range():
    schedule = linear(6, 1e-3, 0.5)
    eps = torch.zeros(2, dtype=torch.float64)
    y = torch.tensor([0.2, 0.9], dtype=torch.float64)  # x0 = y / sqrt(a): 0.47 and 2.1 at the last step
    exact = step(EXACT_DIRECT, schedule, 5, y, eps)
    clamped_x0 = step(ReverseProcess("", EXACT_POSTERIOR.coefficients, True, False), schedule, 5, y, eps)
    torch.testing.assert_close(clamped_x0[0], exact[0])
    assert abs(clamped_x0[1] - exact[1]) > 0.1
    clamped_y = step(ReverseProcess("", EXACT_DIRECT.coefficients, False, True), schedule, 5, y, eps)
    torch.testing.assert_close(clamped_y, exact.clamp(-1, 1))
    assert not torch.equal(clamped_y, clamped_x0)


def test_ivanvovk_bounds_x0_and_lmnt_bounds_y():
    schedule = linear(6, 1e-3, 0.5)
    y, eps = normals(1000), normals(1000, seed=1)
    assert step(lmnt.LMNT.reverse, schedule, 5, y, eps).abs().max() == 1
    assert step(coqui.COQUI.reverse, schedule, 5, y, eps).abs().max() == 1
    between = step(ivanvovk.IVANVOVK.reverse, schedule, 5, y, eps)
    assert between.abs().max() > 1  # noise is added after the clamp
    last = step(ivanvovk.IVANVOVK.reverse, schedule, 0, 3 * y, eps)
    assert last.abs().max() == pytest.approx(1, abs=1e-4)  # the last step returns x0 itself


def test_float32_coefficients_scale_the_audio_by_0_987_where_the_first_beta_is_1e_6():
    betas = published("ivanvovk-6").betas
    assert betas[0] == pytest.approx(1e-6)

    def final_gain(c: Coefficients) -> float:  # of x0 in the last step, which should return x0 itself
        assert c.x0_gain is not None
        return float(c.x0_gain[0])

    # 1e-6 / (1 - float32(1 - 1e-6)) = 1e-6 / (17 * 2**-24)
    assert final_gain(ivanvovk.coefficients(betas)) == pytest.approx(1e-6 / (17 * 2**-24), rel=1e-6)
    assert final_gain(ivanvovk.coefficients(betas)) == pytest.approx(0.9869, abs=1e-4)
    assert final_gain(EXACT_POSTERIOR.coefficients(betas)) == pytest.approx(1, abs=1e-12)


def test_lmnt_step_is_bitwise_its_float64_scalars_times_float32_audio():
    betas = published("ivanvovk-6").betas
    y, eps, noise = (normals(1, 1, 500, seed=s, dtype=torch.float32) for s in range(3))
    process = replace(lmnt.LMNT.reverse, clamp_y=False)
    whole = process.coefficients(betas)
    for n in range(1, len(betas)):
        c1, c2, sigma = (np.float64(gain[n]) for gain in (whole.y_gain, whole.eps_gain, whole.sigma))
        theirs = c1 * (y - c2 * eps)
        theirs += sigma * noise
        assert torch.equal(process.step(y, eps, noise, whole.at(n, y)), theirs)


@pytest.mark.parametrize("process", [EXACT_DIRECT, EXACT_POSTERIOR], ids=lambda p: p.name)
def test_stacked_schedules_step_as_each_alone(process):
    schedules = [linear(3, 1e-4, last) for last in (0.1, 0.3, 0.6)]
    both = stacked([process.coefficients(s.betas) for s in schedules])
    y, eps = normals(3, 2, 10), normals(3, 2, 10, seed=1)
    together = process.step(y, eps, None, both.at(1, y))
    for c, schedule in enumerate(schedules):
        alone = process.step(y[c], eps[c], None, process.coefficients(schedule.betas).at(1, y[c]))
        assert torch.equal(together[c], alone)


def test_schedules_of_unequal_length_are_refused():
    with pytest.raises(InputError, match=r"equally long, got lengths \[3, 4\]"):
        stacked([EXACT_DIRECT.coefficients(linear(n, 1e-4, 0.1).betas) for n in (4, 3)])
