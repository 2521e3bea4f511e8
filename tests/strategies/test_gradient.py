"""Laws of gradients through the sampler and of the descent along them."""

import json
import weakref
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from exact_reverse import EXACT_DIRECT, EXACT_POSTERIOR
from scipy.optimize import minimize
from torch import Tensor

from schedsearch.metrics.spectral import log_mel_l1
from schedsearch.sampling.differentiable import direct_coefficients, posterior_coefficients, torch_coefficients
from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import NoisePredictor, ancestral_sample, reverse_chain
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published, published_names
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.strategies import slope
from schedsearch.strategies.gradient import Gradient, descent, from_point, in_point, to_point
from schedsearch.strategies.slope import SamplerSlope, Slope, checkpointed_chain
from vocoder.checkpoints.loading import load_vocoder
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT

IN_BOX = [log_snr_line(6, 10, -4), published("diffwave-6"), log_snr_line(3, 13.9, -6), log_snr_line(1, 2, 2)]


@dataclass(frozen=True)
class Group:
    names: tuple[str, ...]
    reference: Tensor
    mel: Tensor


def normal_speech(deviations: list[float], frames: int) -> Group:
    """Clips of x0 ~ N(0, s^2) with the analytic vocoder's mels of exactly that s."""
    s = torch.tensor(deviations, dtype=torch.float64)
    x0 = torch.randn(len(s), frames * 64, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return Group(tuple(map(str, deviations)), s[:, None] * x0, s.log()[:, None, None].expand(-1, 1, frames))


SPEECH = [normal_speech([0.05, 0.3], 4), normal_speech([0.1], 8)]


def power_ratio(reference: Tensor, estimate: Tensor) -> Tensor:
    """A smooth spectral distance: squared difference of log power, a clip."""
    powers = (audio.square().mean(-1).log() for audio in (reference, estimate))
    return (next(powers) - next(powers)).square()


def slope_of(vocoder, *, speech=SPEECH, distance=power_ratio, draws=(0, 1)) -> SamplerSlope:
    return SamplerSlope(vocoder, speech, distance, NoiseBank(5), draws)


def with_process(vocoder, process):
    return replace(vocoder, dialect=replace(vocoder.dialect, reverse=process))


# --- coefficients ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", published_names())
@pytest.mark.parametrize(
    ("formed", "process"), [(direct_coefficients, EXACT_DIRECT), (posterior_coefficients, EXACT_POSTERIOR)]
)
def test_coefficients_from_levels_are_those_from_betas(formed, process, name):
    schedule = published(name)
    ours = asdict(formed(torch.from_numpy(schedule.log_snr.copy())))
    for key, expected in asdict(process.coefficients(schedule.betas)).items():
        if expected is None:
            assert ours[key] is None
        else:
            # log-SNR holds 1 - beta to float64's rounding of log-SNR, 1e-15 of 14, against betas of 1e-6
            torch.testing.assert_close(ours[key], expected, rtol=2e-8, atol=1e-12)


@pytest.mark.parametrize("formed", [direct_coefficients, posterior_coefficients])
@pytest.mark.parametrize("schedule", IN_BOX, ids=len)
def test_coefficients_are_differentiable_at_every_level(formed, schedule):
    levels = torch.from_numpy(schedule.log_snr.copy()).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x: tuple(v for v in vars(formed(x)).values() if v is not None), levels, eps=1e-6, atol=1e-6, rtol=1e-5
    )


def test_stacked_levels_give_stacked_coefficients():
    both = torch.stack([torch.from_numpy(s.log_snr.copy()) for s in IN_BOX[:2]])
    for c in range(2):
        together, alone = asdict(posterior_coefficients(both)), asdict(posterior_coefficients(both[c]))
        assert all(torch.equal(together[name][c], alone[name]) for name in alone)


def test_the_form_is_the_processs_own():
    levels = torch.tensor([[8.0, 2.0]])
    assert torch_coefficients(IVANVOVK.reverse, levels).x0_gain is not None
    assert torch_coefficients(LMNT.reverse, levels).x0_gain is None


# --- the slope ------------------------------------------------------------------------------------

CLAMPED_X0 = replace(EXACT_POSTERIOR, clamp_x0=True)
CLAMPED_Y = replace(EXACT_DIRECT, clamp_y=True)


@pytest.mark.parametrize("process", [EXACT_DIRECT, CLAMPED_X0, CLAMPED_Y], ids=lambda p: f"{p.clamp_x0} {p.clamp_y}")
@pytest.mark.parametrize("schedule", IN_BOX, ids=len)
def test_the_gradient_is_that_of_finite_differences(analytic_vocoder, process, schedule):
    slope_at = slope_of(with_process(analytic_vocoder, process), draws=(0,))
    found = slope_at(schedule.log_snr)
    for n in range(len(schedule)):
        h = 1e-5 * np.eye(len(schedule))[n]
        measured = (slope_at(schedule.log_snr + h).loss - slope_at(schedule.log_snr - h).loss) / 2e-5
        assert found.gradient[n] == pytest.approx(measured, rel=1e-5, abs=1e-8)


@pytest.mark.parametrize("process", [EXACT_DIRECT, CLAMPED_X0], ids=["direct", "posterior"])
def test_the_loss_is_that_of_the_sampler(analytic_vocoder, process):
    vocoder, schedule = with_process(analytic_vocoder, process), IN_BOX[0]
    losses = []
    for group in SPEECH:
        for draw in (0, 1):
            noise = torch.stack(list(NoiseBank(5).draws(group.names, draw, 6, group.reference.shape[1]))).double()
            audio = ancestral_sample(vocoder, group.mel, [schedule], noise)
            losses += power_ratio(group.reference, audio)[0].tolist()
    assert slope_of(vocoder)(schedule.log_snr).loss == pytest.approx(np.mean(losses), rel=1e-9)


def test_chunks_of_clips_change_nothing(analytic_vocoder, monkeypatch):
    whole = slope_of(analytic_vocoder)(IN_BOX[0].log_snr)
    monkeypatch.setattr(slope, "SAMPLES_AT_ONCE", 1)
    parts = slope_of(analytic_vocoder)(IN_BOX[0].log_snr)
    np.testing.assert_allclose(parts.gradient, whole.gradient, rtol=1e-10)
    assert parts.network_evaluations == whole.network_evaluations


def test_mels_made_in_inference_mode_are_taken(analytic_vocoder):
    with torch.inference_mode():
        group = Group(("a",), SPEECH[1].reference.clone(), SPEECH[1].mel.clone())
    expected = slope_of(analytic_vocoder, speech=[replace(SPEECH[1], names=("a",))])(IN_BOX[0].log_snr)
    assert slope_of(analytic_vocoder, speech=[group])(IN_BOX[0].log_snr) == expected


def test_a_slope_survives_a_json_store(analytic_vocoder):
    found = slope_of(analytic_vocoder)(IN_BOX[0].log_snr)
    stored = json.loads(json.dumps(asdict(found)))
    assert Slope(stored["loss"], tuple(stored["gradient"]), stored["network_evaluations"]) == found


def test_audio_that_is_no_number_has_a_slope_that_is_none(analytic_vocoder):
    broken = [replace(SPEECH[1], mel=SPEECH[1].mel * torch.nan)]
    found = slope_of(analytic_vocoder, speech=broken)(IN_BOX[0].log_snr)
    assert np.isnan(found.loss)
    assert np.isnan(found.gradient).all()


@dataclass
class Watched:
    """A network with an activation 50 times the size of its input, whose life is watched."""

    inner: NoisePredictor
    activations: list[weakref.ref] = field(default_factory=list)
    rows: int = 0
    most: int = 0

    @property
    def dialect(self) -> Dialect:
        return self.inner.dialect

    @property
    def hop_length(self) -> int:
        return self.inner.hop_length

    def at_step(self, n: int) -> "Watched":
        return self

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        self.rows += len(y)
        wide = y[..., None] * torch.linspace(0.5, 1.5, 50, dtype=y.dtype)
        self.activations.append(weakref.ref(wide))
        self.most = max(self.most, sum(ref() is not None for ref in self.activations))
        # wide.square() keeps `wide` for its own backward pass; the mean of the scales is 1
        return self.inner.predict_noise(y, mel, noise_level) + 1e-3 * (wide.square().mean(-1) - y.square())


def test_network_evaluations_count_both_forward_passes_and_the_backward_pass_twice(analytic_vocoder):
    watched = Watched(analytic_vocoder)
    found = slope_of(watched)(IN_BOX[0].log_snr)
    rows = 6 * 3 * 2  # steps, clips, draws
    assert watched.rows == 2 * rows  # forwards, and again in the backward pass
    assert found.network_evaluations == watched.rows + 2 * rows


def chain_of(watched: Watched, steps: int, chain: Callable) -> Tensor:
    """The audio of one clip, with gradients to its levels."""
    levels = torch.linspace(10, -4, steps, dtype=torch.float64).requires_grad_()
    bank = NoiseBank(5).for_clips(("a",), 0, 512)
    return chain(watched, SPEECH[1].mel, direct_coefficients(levels[None]), lambda k: bank(k).double())


def plain_chain(vocoder, mel, coefficients, noise) -> Tensor:
    return reverse_chain(vocoder, mel, EXACT_DIRECT, coefficients, noise)


def saved_bytes(watched: Watched, steps: int, chain: Callable) -> int:
    """What autograd keeps between the forward and the backward pass, each storage once."""
    kept: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        audio = chain_of(watched, steps, chain)
    assert audio.requires_grad
    return sum(kept.values())


def test_a_further_step_keeps_its_audio_and_nothing_of_the_network(analytic_vocoder):
    def kept_by_a_step(chain: Callable) -> float:
        many, few = (saved_bytes(Watched(analytic_vocoder), steps, chain) for steps in (24, 4))
        return (many - few) / 20

    audio = 512 * 8  # bytes of one clip in float64
    assert kept_by_a_step(checkpointed_chain) < 2 * audio
    assert kept_by_a_step(plain_chain) > 50 * audio


@pytest.mark.parametrize("steps", [3, 24])
def test_activations_of_one_step_are_held_at_a_time(analytic_vocoder, steps):
    checkpointed, plain = Watched(analytic_vocoder), Watched(analytic_vocoder)
    chain_of(checkpointed, steps, checkpointed_chain).square().sum().backward()
    chain_of(plain, steps, plain_chain).square().sum().backward()
    assert checkpointed.rows == 2 * steps
    assert checkpointed.most <= 2  # this step's, while the one before it is let go
    assert plain.most >= steps - 1  # of the first, whose audio is given, there is nothing to keep


def test_through_a_real_network_checkpointing_changes_no_gradient(golden_folder: Path):
    vocoder = load_vocoder(golden_folder / "ivanvovk_tiny.pt", golden_folder / "ivanvovk_tiny.json")
    hop = vocoder.hop_length
    generator = torch.Generator().manual_seed(0)
    reference = 0.1 * torch.randn(1, 8 * hop, generator=generator)
    mel = vocoder.front_end(reference)
    schedule = log_snr_line(3, 8, -2)
    found = SamplerSlope(vocoder, [Group(("a",), reference, mel)], log_mel_l1(vocoder.front_end), NoiseBank(1), (0,))(
        schedule.log_snr
    )
    levels = torch.from_numpy(schedule.log_snr.copy()).requires_grad_()
    coefficients = posterior_coefficients(levels[None])
    bank = NoiseBank(1).for_clips(("a",), 0, 8 * hop)
    audio = reverse_chain(vocoder, mel, vocoder.dialect.reverse, coefficients, bank)
    loss = log_mel_l1(vocoder.front_end)(reference, audio).mean()
    (expected,) = torch.autograd.grad(loss, levels)
    assert found.loss == pytest.approx(loss.item(), rel=1e-5)
    torch.testing.assert_close(torch.tensor(found.gradient), expected, rtol=1e-4, atol=1e-7, check_dtype=False)
    assert np.abs(found.gradient).min() > 0
    assert vocoder.unchanged()


# --- coordinates ----------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", IN_BOX, ids=len)
def test_coordinates_are_undone_exactly_and_carry_the_gradient(schedule):
    log_snr, direction = schedule.log_snr, np.random.default_rng(0).standard_normal(len(schedule))
    point = to_point(log_snr)
    np.testing.assert_allclose(from_point(point), log_snr, rtol=0, atol=1e-12)
    for i, found in enumerate(in_point(log_snr, direction)):
        h = 1e-6 * np.eye(len(point))[i]
        measured = direction @ (from_point(point + h) - from_point(point - h)) / 2e-6
        assert found == pytest.approx(measured, abs=1e-7)


def test_ends_and_shape_move_apart():
    log_snr = IN_BOX[1].log_snr
    point = to_point(log_snr)
    point[2] += 0.5  # the first gap
    assert from_point(point)[[0, -1]] == pytest.approx(log_snr[[0, -1]])
    point = to_point(log_snr)
    point[1] -= 0.5  # the last level
    gaps, before = np.diff(from_point(point)), np.diff(log_snr)
    np.testing.assert_allclose(gaps / gaps.sum(), before / before.sum())


# --- descent --------------------------------------------------------------------------------------


def bowl(lowest: Array) -> Callable[[Array], Slope]:
    """Half the squared distance to these levels; costs one evaluation a slope."""
    return lambda x: Slope(float(((x - lowest) ** 2).sum() / 2), tuple(x - lowest), 1)


def wild(seed: int) -> Callable[[Array], Slope]:
    """A slope in no direction in particular, of any size."""
    generator = np.random.default_rng(seed)
    return lambda x: Slope(0.0, tuple(generator.standard_normal(len(x)) * 10.0 ** generator.uniform(-6, 6)), 1)


@pytest.mark.parametrize("steps", [1, 2, 6, 50])
@pytest.mark.parametrize("seed", range(3))
def test_iterates_are_legal_and_in_the_box_wherever_the_slope_drives_them(steps, seed):
    start = log_snr_line(steps, 10, -4) if steps > 1 else log_snr_line(1, 2, 2)
    found = list(descent(start, wild(seed), rate=1.0, limit=40))
    assert len(found) == 41
    for schedule in found:
        assert len(schedule) == steps
        assert LogSnrSpace(steps).clip(schedule).moved == 0
    assert len(set(found)) > 10


def test_the_start_comes_first_as_it_is():
    assert next(descent(IN_BOX[1], wild(0), limit=3)) == IN_BOX[1]


def test_a_start_outside_the_box_is_clipped():
    outside = linear(6, 1e-7, 0.3)
    first = next(descent(outside, wild(0), limit=3))
    assert first == LogSnrSpace(6).clip(outside).schedule != outside


def test_the_lowest_point_of_a_bowl_is_found():
    lowest = published("diffwave-6").log_snr
    *_, last = descent(log_snr_line(6, 12, -3), bowl(lowest), limit=400)
    np.testing.assert_allclose(last.log_snr, lowest, atol=0.05)


@pytest.mark.parametrize("start", [log_snr_line(4, 13, 4), log_snr_line(4, 6, -2)], ids=["late", "early"])
def test_from_a_bad_start_the_loss_falls_to_near_the_optimum_of_scipy(analytic_vocoder, start):
    slope_at = slope_of(analytic_vocoder, speech=[normal_speech([0.05, 0.1, 0.3], 2)], draws=(0,))

    def at(point: Array) -> tuple[float, Array]:
        found = slope_at(from_point(point))
        return found.loss, in_point(from_point(point), np.array(found.gradient))

    bounds = [(1, 13.9 / 4), (-6 / 4, 3 / 4)] + [(-3, 3)] * 3
    optimum = minimize(at, to_point(log_snr_line(4, 8, 1).log_snr), jac=True, bounds=bounds, method="L-BFGS-B").fun
    visited: list[float] = []

    def noted(log_snr: Array) -> Slope:
        found = slope_at(log_snr)
        visited.append(found.loss)
        return found

    list(descent(start, noted, rate=0.06, limit=70))
    fall = visited[0] - optimum
    assert min(visited) < optimum + 0.05 * fall
    assert np.maximum(np.diff(visited), 0).sum() < 0.15 * fall  # Adam overshoots once


# --- the strategy ---------------------------------------------------------------------------------


def test_each_iterate_costs_one_slope_and_the_start_none():
    strategy = Gradient(IN_BOX[0], bowl(published("diffwave-6").log_snr), limit=5)
    assert (strategy.network_evaluations, strategy.ask(1)) == (0, [IN_BOX[0]])
    assert strategy.network_evaluations == 0
    assert len(strategy.ask(3)) == 3
    assert strategy.network_evaluations == 3
    assert len(strategy.ask(9)) == 2  # the limit
    assert strategy.network_evaluations == 5
    assert strategy.ask(1) == []


def test_a_start_that_was_scored_already_is_not_proposed():
    strategy = Gradient(IN_BOX[0], wild(0))
    strategy.tell([NoiseSchedule(IN_BOX[0].betas.copy())], [1.0])
    assert IN_BOX[0] not in strategy.ask(4)


@pytest.mark.parametrize("useless", [2.0, np.nan])
def test_patience_ends_it(useless):
    strategy = Gradient(IN_BOX[0], wild(0), patience=3, limit=50)
    for loss in (1.0, 0.5, 0.7, 0.4, useless, useless):
        strategy.tell(strategy.ask(1), [loss])
    assert len(proposals := strategy.ask(1)) == 1
    strategy.tell(proposals, [useless])
    assert strategy.ask(1) == []


def test_a_slope_that_is_no_number_ends_it():
    strategy = Gradient(IN_BOX[0], lambda x: Slope(np.nan, (np.nan,) * len(x), 24))
    assert strategy.ask(4) == [IN_BOX[0]]
    assert strategy.ask(4) == []
    assert strategy.network_evaluations == 24


def test_a_resumed_descent_goes_on_as_an_uninterrupted_one(analytic_vocoder):
    def fresh() -> Gradient:
        return Gradient(IN_BOX[0], slope_of(analytic_vocoder), limit=8)

    whole, resumed = fresh(), fresh()
    for _ in range(2):
        proposals = whole.ask(2)
        losses = [float(s.log_snr[0]) for s in proposals]
        whole.tell(proposals, losses)
        resumed.tell([NoiseSchedule(s.betas.copy()) for s in proposals], losses)
    assert resumed.ask(2) == whole.ask(2)
    assert resumed.network_evaluations == whole.network_evaluations
