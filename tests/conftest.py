"""Fixtures that several test files share."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from torch import Tensor

from schedsearch.schedule import NoiseSchedule
from vocoder.dialects.dialect import Dialect
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.reverse import EXACT_DIRECT


@pytest.fixture(scope="session")
def golden_folder() -> Path:
    """Where the reference vectors stand: the environment variable GOLDEN, else tests/golden."""
    return Path(os.environ.get("GOLDEN", Path(__file__).parent / "golden"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What asks for the reference vectors is a golden test: `make golden` needs no list of them."""
    for item in items:
        if "golden_folder" in getattr(item, "fixturenames", ()):
            item.add_marker("golden")


ANALYTIC = replace(IVANVOVK, name="analytic", reverse=EXACT_DIRECT)


@dataclass(frozen=True)
class LogRms:
    """The analytic vocoder's front end: one channel, the logarithm of the deviation in each hop."""

    sample_rate: int = 16000
    hop_length: int = 64
    n_mels: int = 1
    log_units: tuple[float, ...] = (2.0,)  # ln of power = 2 ln of amplitude

    def __call__(self, audio: Tensor) -> Tensor:
        """audio [clip, samples] -> [clip, 1, samples // hop_length]."""
        frames = audio.unfold(-1, self.hop_length, self.hop_length)
        return 0.5 * frames.square().mean(-1).clamp(min=1e-20).log()[:, None]


@dataclass(frozen=True)
class AnalyticVocoder:
    """The exact noise predictor for x0 ~ N(0, s^2), s = exp(mel) in each hop: no weights, nothing to train.

    E[eps | y] = y sqrt(1 - a) / (a s^2 + 1 - a), a = noise_level^2. Nothing is clipped.
    """

    front_end: LogRms = LogRms()
    dialect: Dialect = ANALYTIC
    weights_hash: str = "analytic"

    @property
    def sample_rate(self) -> int:
        return self.front_end.sample_rate

    @property
    def hop_length(self) -> int:
        return self.front_end.hop_length

    def predict_noise(self, y: Tensor, mel: Tensor, noise_level: Tensor) -> Tensor:
        """y [B, samples], mel [B, 1, frames], noise_level [B] -> eps [B, samples]."""
        variance = (2 * mel[:, 0]).exp().repeat_interleave(self.hop_length, dim=-1)
        a = noise_level[:, None].square()
        return y * (1 - a).sqrt() / (a * variance + 1 - a)


def _analytic_variance(schedule: NoiseSchedule, deviation: float) -> float:
    """What ancestral sampling from N(0, 1) leaves of the analytic vocoder's variance, in closed form.

    By way of E[x0 | y] = y sqrt(a) s^2 / (a s^2 + 1 - a) and Ho et al. 2020, eq. 7, apart from the sampler's
    own coefficients: the mean is linear in y, so each step's variance is gain^2 times the last plus sigma^2.
    """
    a = schedule.alphas_cumprod
    noise = -np.expm1(schedule.log_alphas_cumprod)
    before = np.concatenate([[1.0], a[:-1]])
    to_x0 = np.sqrt(a) * deviation**2 / (a * deviation**2 + noise)
    gain = schedule.betas * np.sqrt(before) / noise * to_x0 + (1 - before) / noise * np.sqrt(
        1 - schedule.betas
    )
    variance = 1.0
    for n in reversed(range(len(schedule))):
        variance = gain[n] ** 2 * variance + schedule.sigma[n] ** 2
    return float(variance)


@pytest.fixture(scope="session")
def analytic_vocoder() -> AnalyticVocoder:
    return AnalyticVocoder()


@pytest.fixture(scope="session")
def analytic_variance() -> Callable[[NoiseSchedule, float], float]:
    """(schedule, s) -> the variance that sampling the analytic vocoder leaves."""
    return _analytic_variance
