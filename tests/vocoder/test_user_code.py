"""A schedule file loaded in a user's own code gives the audio that was scored.

For each implementation: the file as its code loads it, its sampler written again from Ho et al. 2020 (algorithm 2, eq.
6 and 7) in its own arithmetic, and the same noise. The network is the analytic one; what is compared is all the rest.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import AnalyticVocoder
from torch import Tensor

from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.files import Layout, read_schedule, write_schedule
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.dialects.coqui import COQUI
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.dialects.lmnt import LMNT

FRAMES = 20
Network = Callable[[Tensor, float], Tensor]  # y [K, samples], noise level -> eps
Draws = list[Tensor]

SCHEDULES = {
    "published": published("ivanvovk-6"),
    "searched": log_snr_line(6, 11.3, -3.7),
    "falling betas": NoiseSchedule(np.array([1e-5, 0.3, 0.02, 0.4])),
    "one step": NoiseSchedule(np.array([0.3])),
}


def in_ivanvovks_code(path: Path, network: Network, draws: Draws) -> Tensor:
    """Float32 throughout; x0 from eps, clamped; then the posterior's mean, and its deviation by its logarithm."""
    beta = torch.load(path)
    steps = beta.shape[-1]
    assert beta.dtype == torch.float32
    a = torch.cumprod(1 - beta, 0)
    previous = torch.cat([torch.ones(1), a[:-1]])
    variance = torch.clamp(beta * (1 - previous) / (1 - a), min=1e-20)
    y = draws[0]
    for n in reversed(range(steps)):
        eps = network(y, float(a[n].sqrt()))
        x0 = ((1 / a[n]).sqrt() * y - (1 / a[n] - 1).sqrt() * eps).clamp(-1, 1)
        of_x0 = beta[n] * previous[n].sqrt() / (1 - a[n])
        of_y = (1 - previous[n]) * (1 - beta[n]).sqrt() / (1 - a[n])
        noise = draws[steps - n] if n > 0 else torch.zeros_like(y)
        y = of_x0 * x0 + of_y * y + (0.5 * variance[n].log()).exp() * noise
    return y


def in_lmnts_code(path: Path, network: Network, draws: Draws) -> Tensor:
    """NumPy's float64 scalars on float32 audio; y clamped after each step."""
    beta = np.load(path)
    assert beta.dtype == np.float64
    a = np.cumprod(1 - beta)
    y = draws[0]
    for n in reversed(range(len(beta))):
        gain, eps_gain = 1 / np.sqrt(1 - beta[n]), beta[n] / np.sqrt(1 - a[n])
        y = gain * (y - eps_gain * network(y, float(np.float32(np.sqrt(a[n])))))
        if n > 0:
            y = y + np.sqrt((1 - a[n - 1]) / (1 - a[n]) * beta[n]) * draws[len(beta) - n]
        y = y.clamp(-1, 1)
    return y


def in_coquis_code(path: Path, network: Network, draws: Draws) -> Tensor:
    """The cumulative product in float64, everything formed from it in float32; y clamped after each step."""
    beta64 = np.load(path, allow_pickle=True).item()["beta"]
    a64 = np.cumprod(1 - beta64)
    beta, alpha, a = (torch.tensor(values.astype(np.float32)) for values in (beta64, 1 - beta64, a64))
    y = draws[0]
    for n in reversed(range(len(beta64))):
        eps = network(y, float(np.float32(np.sqrt(a64[n]))))
        y = (y - (1 - alpha[n]) / (1 - a[n]).sqrt() * eps) / alpha[n].sqrt()
        if n > 0:
            y = y + ((1 - a[n - 1]) / (1 - a[n]) * beta[n]).sqrt() * draws[len(beta64) - n]
        y = y.clamp(-1, 1)
    return y


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=list(SCHEDULES))
@pytest.mark.parametrize(
    ("dialect", "name", "user_code"),
    [
        (IVANVOVK, "schedule.pt", in_ivanvovks_code),
        (LMNT, "schedule.lmnt.npy", in_lmnts_code),
        (COQUI, "schedule.coqui.npy", in_coquis_code),
    ],
    ids=["ivanvovk", "lmnt", "coqui"],
)
def test_the_file_in_the_users_own_code_gives_the_audio_that_was_scored(
    tmp_path: Path, dialect: Dialect, name: str, user_code: Callable[..., Tensor], schedule: NoiseSchedule
):
    vocoder = replace(AnalyticVocoder(), dialect=dialect)
    random = torch.Generator().manual_seed(0)
    mel = torch.randn(2, 1, FRAMES, generator=random) - 1
    draws = torch.randn(len(schedule), 2, FRAMES * vocoder.hop_length, generator=random)
    write_schedule(schedule, tmp_path / name, layout=Layout(dialect.name))

    def network(y: Tensor, noise_level: float) -> Tensor:
        return vocoder.predict_noise(y, mel, torch.full((2,), noise_level))

    heard = user_code(tmp_path / name, network, list(draws))
    scored = ancestral_sample(vocoder, mel, [read_schedule(tmp_path / name)], draws)[0]
    torch.testing.assert_close(heard.float(), scored, rtol=0, atol=1e-5)
    # and what the search scored before the file was written is that as well
    torch.testing.assert_close(heard.float(), ancestral_sample(vocoder, mel, [schedule], draws)[0], rtol=0, atol=1e-5)


def test_one_dialects_audio_is_not_anothers():
    """Else the test above could not fail."""
    draws = torch.randn(6, 1, FRAMES * 64, generator=torch.Generator().manual_seed(0))
    mel = torch.zeros(1, 1, FRAMES)
    heard = [
        ancestral_sample(replace(AnalyticVocoder(), dialect=dialect), mel, [SCHEDULES["published"]], draws)
        for dialect in (IVANVOVK, LMNT)
    ]
    assert (heard[0] - heard[1]).abs().max() > 0.01
