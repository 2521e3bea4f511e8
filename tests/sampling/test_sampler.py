"""Laws of ancestral sampling: against mathematics, against the public implementations, against itself."""

import copy
import json
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from curves import cosine
from exact_reverse import EXACT_DIRECT, EXACT_POSTERIOR, with_process
from torch import Tensor

from schedsearch.sampling.noise import NoiseBank
from schedsearch.sampling.sampler import NoisePredictor, ancestral_sample
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT
from vocoder.errors import InputError
from vocoder.front_ends.ivanvovk import IvanvovkMel
from vocoder.vocoder import Vocoder
from vocoder.weights import network_from, without_weight_norm

SIX = [
    published("ivanvovk-6"),
    linear(6, 1e-4, 0.5),
    cosine(6),
    log_snr_line(6, 10, -4),
]


def log_deviations(deviations: list[float], frames: int) -> Tensor:
    """The analytic vocoder's mels [K, 1, frames]."""
    return torch.tensor(deviations, dtype=torch.float64).log()[:, None, None].expand(-1, 1, frames)


def normals(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@dataclass(frozen=True)
class Variant:
    """A vocoder with another way to run its network."""

    vocoder: Vocoder
    predict_noise: Callable[[Tensor, Tensor, Tensor], Tensor]

    def at_step(self, n: int) -> "Variant":
        return self

    @property
    def dialect(self) -> Dialect:
        return self.vocoder.dialect

    @property
    def hop_length(self) -> int:
        return self.vocoder.hop_length


def in_float64(vocoder: Vocoder) -> Variant:
    return Variant(vocoder, copy.deepcopy(vocoder.network).double())


def shaken(vocoder: Vocoder) -> Variant:
    """The network sees each y off by one rounding of float32."""
    return Variant(vocoder, lambda y, mel, level: vocoder.predict_noise(y * (1 + 2**-23), mel, level))


# --- against mathematics --------------------------------------------------------------------------


@pytest.mark.parametrize("process", [EXACT_DIRECT, EXACT_POSTERIOR], ids=lambda p: p.name)
def test_impulse_responses_add_up_to_the_variance_in_closed_form(
    analytic_vocoder, analytic_variance, process
):
    # The network is linear in y: an impulse in noise k leaves g_k, and the variance is the sum of g_k^2.
    deviations = [0.05, 0.3, 1.0]
    impulses = torch.zeros(6, 3, 64, dtype=torch.float64)
    for k in range(6):
        impulses[k, :, k] = 1.0
    mels = log_deviations(deviations, frames=1)
    audio = ancestral_sample(with_process(analytic_vocoder, process), mels, SIX, impulses)
    found = audio.square().sum(-1)
    expected = [[analytic_variance(schedule, s) for s in deviations] for schedule in SIX]
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), rtol=1e-9, atol=1e-12)


def test_sampled_variance_follows_the_closed_form(analytic_vocoder, analytic_variance):
    deviations, frames = [0.1, 0.5], 2000
    samples = frames * analytic_vocoder.hop_length
    audio = ancestral_sample(
        analytic_vocoder, log_deviations(deviations, frames), SIX, normals(6, 2, samples, seed=11)
    )
    expected = torch.tensor([[analytic_variance(schedule, s) for s in deviations] for schedule in SIX])
    z = (audio.var(-1) / expected - 1) / math.sqrt(2 / samples)  # of a normal's variance
    assert z.abs().max() < 4
    assert (audio.mean(-1) / expected.sqrt() * math.sqrt(samples)).abs().max() < 4


def test_finer_steps_leave_the_variance_of_the_data(analytic_vocoder):
    def error(steps: int) -> float:
        impulses = torch.eye(steps, 1024, dtype=torch.float64)[:, None]
        schedule = log_snr_line(steps, 13.9, -12)
        audio = ancestral_sample(analytic_vocoder, log_deviations([0.2], 16), [schedule], impulses)
        return abs(float(audio.square().sum()) / 0.2**2 - 1)

    assert error(1000) < 0.02
    assert error(1000) < error(100) / 8  # of first order in the step


def test_each_hop_follows_its_own_mel(analytic_vocoder, analytic_variance):
    deviations = torch.tensor([0.01, 0.5], dtype=torch.float64)
    mel = deviations.log().repeat_interleave(500)[None, None]
    audio = ancestral_sample(analytic_vocoder, mel, SIX[3:], normals(6, 1, 1000 * 64))[0, 0]
    quiet, loud = audio.chunk(2)
    for part, s in ((quiet, 0.01), (loud, 0.5)):
        assert float(part.var()) == pytest.approx(analytic_variance(SIX[3], s), rel=0.04)


def test_the_first_noise_is_where_sampling_starts_and_the_last_step_adds_none(analytic_vocoder):
    asked: list[int] = []

    def noise(k: int) -> Tensor:
        asked.append(k)
        return torch.zeros(1, 64)

    silence = ancestral_sample(analytic_vocoder, torch.zeros(1, 1, 1), [linear(4, 1e-4, 0.1)], noise)
    assert asked == [0, 1, 2, 3]  # the start, then one after each step but the last
    assert torch.equal(silence, torch.zeros(1, 1, 64))


# --- against itself -------------------------------------------------------------------------------


def test_a_batch_is_each_schedule_and_clip_alone(analytic_vocoder):
    bank, names = NoiseBank(3), ["a", "b", "c"]
    mels = log_deviations([0.05, 0.2, 0.7], frames=4).float()
    together = ancestral_sample(analytic_vocoder, mels, SIX, bank.for_clips(names, 0, 256))
    for c, schedule in enumerate(SIX):
        for i, name in enumerate(names):
            noise = bank.for_clips([name], 0, 256)
            assert torch.equal(
                together[c, i], ancestral_sample(analytic_vocoder, mels[i : i + 1], [schedule], noise)[0, 0]
            )


@pytest.mark.slow
def test_a_batch_through_a_real_network_is_each_alone(ivanvovk_golden):
    # float64: convolutions round differently at each batch size, and random weights amplify that past 1e-5
    vocoder, vectors = in_float64(ivanvovk_golden[0]), ivanvovk_golden[1]
    mels, draws = (torch.from_numpy(vectors[name]).double() for name in ("mel", "draws_six"))
    schedules = SIX[:2]
    together = ancestral_sample(vocoder, mels, schedules, draws)
    for c, schedule in enumerate(schedules):
        for i in range(2):
            alone = ancestral_sample(vocoder, mels[i : i + 1], [schedule], draws[:, i : i + 1])[0, 0]
            torch.testing.assert_close(together[c, i], alone, rtol=0, atol=1e-9)


def test_noise_as_a_tensor_and_as_a_function_is_the_same(analytic_vocoder):
    bank = NoiseBank(3)
    mels = log_deviations([0.1, 0.2], frames=2).float()
    noise = bank.for_clips(["a", "b"], 0, 128)
    drawn = torch.stack([noise(k) for k in range(6)])
    by_function = ancestral_sample(analytic_vocoder, mels, SIX, noise)
    assert torch.equal(by_function, ancestral_sample(analytic_vocoder, mels, SIX, drawn))


def test_sampling_changes_none_of_its_inputs(analytic_vocoder):
    mels, noise = log_deviations([0.1], 2).clone(), normals(6, 1, 128)
    before = mels.clone(), noise.clone()
    ancestral_sample(with_process(analytic_vocoder, LMNT.reverse), mels, SIX, noise)
    assert torch.equal(mels, before[0])
    assert torch.equal(noise, before[1])


@pytest.mark.parametrize("dialect", [LMNT, COQUI], ids=lambda d: d.name)
def test_the_given_process_clips(analytic_vocoder, dialect):
    mels, noise = log_deviations([2.0], 4), normals(6, 1, 256)
    free = ancestral_sample(analytic_vocoder, mels, SIX, noise)
    clipped = ancestral_sample(with_process(analytic_vocoder, dialect.reverse), mels, SIX, noise)
    assert free.abs().max() > 1
    assert clipped.abs().max() <= 1


# --- refusals -------------------------------------------------------------------------------------


def test_schedules_of_unequal_length_are_refused(analytic_vocoder):
    with pytest.raises(InputError, match="equally long"):
        ancestral_sample(
            analytic_vocoder, torch.zeros(1, 1, 1), [SIX[0], linear(3, 1e-4, 0.1)], torch.zeros(6, 1, 64)
        )


@pytest.mark.parametrize("shape", [(6, 1, 63), (6, 2, 64), (5, 1, 64)])
def test_noise_of_another_shape_is_refused(analytic_vocoder, shape):
    with pytest.raises(InputError, match="noise must be"):
        ancestral_sample(analytic_vocoder, torch.zeros(1, 1, 1), SIX, torch.zeros(shape))


# --- against the public implementations -----------------------------------------------------------


@pytest.fixture(scope="session")
def golden(golden_folder: Path) -> Callable[[str], tuple[Vocoder, dict[str, np.ndarray]]]:
    """Name of a golden file -> the network it was made with, its vectors. README.md there states the rule."""

    @cache
    def load(name: str) -> tuple[Vocoder, dict[str, np.ndarray]]:
        vectors = dict(np.load(golden_folder / f"{name}.npz"))
        meta = json.loads(str(vectors["meta"]))
        dialect = {d.name: d for d in (IVANVOVK, LMNT, COQUI)}[meta["dialect"]]
        config = dialect.network_config(meta.get("config", meta))
        network = network_from(without_weight_norm(filled(meta)), dialect, config)
        any_front_end = IvanvovkMel(16000, 1024, 1024, config.hop_length, 20.0, 8000.0, config.n_mels)
        return Vocoder(network, dialect, any_front_end, "golden"), vectors

    return load


@pytest.fixture(scope="session")
def ivanvovk_golden(golden):
    return golden("ivanvovk")


def filled(meta: dict[str, Any]) -> dict[str, Tensor]:
    state = {}
    for name, shape in meta["keys"]:
        values = np.random.default_rng(zlib.crc32(name.encode()) + meta["seed"]).standard_normal(shape)
        values = values.astype(np.float32) * np.float32(
            1 / math.sqrt(math.prod(shape[1:])) if len(shape) > 1 else 0.05
        )
        state[name] = torch.from_numpy(
            np.abs(values) + np.float32(0.1) if name.endswith("original0") else values
        )
    return state


def sampled(vocoder: NoisePredictor, vectors: dict[str, np.ndarray], schedule: str) -> np.ndarray:
    """The golden run again: [B, samples]."""
    mel, draws = torch.from_numpy(vectors["mel"]), torch.from_numpy(vectors[f"draws_{schedule}"])
    schedules = [NoiseSchedule(vectors[f"betas_{schedule}"])]
    return ancestral_sample(vocoder, mel, schedules, draws)[0].numpy()


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["six", "steep", "three"])
@pytest.mark.parametrize("name", ["ivanvovk", "lmnt", "coqui"])
def test_audio_is_the_public_implementations_as_far_as_rounding_lets_it(golden, name, schedule):
    # Random weights amplify rounding: with coqui's, eps reaches 143, and a float64 network is 4e-3 off too.
    vocoder, vectors = golden(name)
    audio = sampled(vocoder, vectors, schedule)
    rounding = np.abs(audio - sampled(shaken(vocoder), vectors, schedule)).max()
    np.testing.assert_allclose(audio, vectors[f"audio_{schedule}"], rtol=0, atol=max(1e-4, 4 * rounding))


def test_exact_coefficients_are_not_what_users_of_ivanvovk_hear(ivanvovk_golden):
    vocoder, vectors = ivanvovk_golden
    exact = replace(EXACT_POSTERIOR, clamp_x0=True)
    off = np.abs(sampled(with_process(vocoder, exact), vectors, "six") - vectors["audio_six"]).max()
    assert off == pytest.approx(0.0145, abs=0.002)  # README.md of the golden vectors
