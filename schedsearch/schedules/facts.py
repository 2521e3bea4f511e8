"""What can be said of betas, legal or not, without running a network."""

from dataclasses import dataclass

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.dialects import ivanvovk
from vocoder.dialects.dialect import Dialect

SHAKY = 0.003  # of a final gain: 0.03 dB, from which on it is worth saying


@dataclass(frozen=True)
class Columns:
    """Per step [N], n = 0 cleanest; NaN where an illegal beta leaves nothing to compute."""

    beta: Array
    noise_level: Array  # sqrt(alphas_cumprod)
    log_snr: Array
    sigma: Array


def columns(betas: Array) -> Columns:
    """Those of `NoiseSchedule`, for betas that may be illegal."""
    with np.errstate(all="ignore"):
        log_a = np.cumsum(np.log1p(-betas))
        noise = -np.expm1(log_a)
        before = np.concatenate([[0.0], noise[:-1]])
        values = (np.exp(log_a / 2), log_a - np.log(noise), np.sqrt(before / noise * betas))
    return Columns(betas, *(np.where(np.isfinite(value), value, np.nan) for value in values))


def first_fall(betas: Array) -> int | None:
    """The first step whose beta is below the one before; None where betas never fall."""
    falls = np.flatnonzero(np.diff(betas) < 0)
    return int(falls[0]) + 1 if len(falls) else None


def final_gain(schedule: NoiseSchedule) -> float:
    """What ivanvovk's last step multiplies x0 by, which should be 1: beta_0 / (1 - a_0) in float32.

    0.987 at beta_0 = 1e-6, 1.025 at 1.1e-6: the audio's level changes with rounding, down to 3e-8 where it is infinite.
    """
    gain = ivanvovk.coefficients(schedule.betas).x0_gain
    if gain is None:
        raise AssertionError("ivanvovk's coefficients form x0")
    return float(gain[0])


def survives_float32(schedule: NoiseSchedule) -> bool:
    """Whether its betas are legal in a .pt file."""
    betas = schedule.betas.astype(np.float32)
    return bool(((betas > 0) & (betas < 1)).all())


def followed_by(dialect: Dialect, schedule: NoiseSchedule) -> bool:
    """Whether the dialect's own arithmetic gives finite coefficients for every step."""
    with np.errstate(all="ignore"):
        found = dialect.reverse.coefficients(schedule.betas)
    parts = [found.noise_level, found.y_gain, found.eps_gain, found.sigma, found.x0_gain, found.x0_y_gain]
    return all(bool(part.isfinite().all()) for part in parts if part is not None)
