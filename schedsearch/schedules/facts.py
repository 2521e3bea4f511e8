"""Facts about betas, legal or not, that need no network."""

from dataclasses import dataclass

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.dialects import ivanvovk
from vocoder.dialects.dialect import Dialect

SHAKY = 0.003  # a final gain farther from 1 than this (0.03 dB) is reported


@dataclass(frozen=True)
class Columns:
    """One value a step, each [N], n = 0 cleanest; NaN where an illegal beta makes a value impossible."""

    beta: Array
    noise_level: Array  # sqrt(alphas_cumprod)
    log_snr: Array
    sigma: Array


def columns(betas: Array) -> Columns:
    """Computes what `NoiseSchedule` does, also for illegal betas."""
    with np.errstate(all="ignore"):
        log_a = np.cumsum(np.log1p(-betas))
        noise = -np.expm1(log_a)
        before = np.concatenate([[0.0], noise[:-1]])
        values = (np.exp(log_a / 2), log_a - np.log(noise), np.sqrt(before / noise * betas))
    return Columns(betas, *(np.where(np.isfinite(value), value, np.nan) for value in values))


def first_fall(betas: Array) -> int | None:
    """Returns the first step whose beta is below the one before it; None if betas never fall."""
    falls = np.flatnonzero(np.diff(betas) < 0)
    return int(falls[0]) + 1 if len(falls) else None


def final_gain(schedule: NoiseSchedule) -> float:
    """Returns the factor of x0 in ivanvovk's last step, beta_0 / (1 - a_0) in float32. It should be 1.

    It is 0.987 at beta_0 = 1e-6 and 1.025 at 1.1e-6, so rounding changes the audio's level; below 3e-8 it is infinite.
    """
    gain = ivanvovk.coefficients(schedule.betas).x0_gain
    if gain is None:
        raise AssertionError("ivanvovk's coefficients form x0")
    return float(gain[0])


def survives_float32(schedule: NoiseSchedule) -> bool:
    """Tells whether the betas stay legal in a .pt file."""
    betas = schedule.betas.astype(np.float32)
    return bool(((betas > 0) & (betas < 1)).all())


def followed_by(dialect: Dialect, schedule: NoiseSchedule) -> bool:
    """Tells whether the dialect's own arithmetic gives finite coefficients at every step."""
    with np.errstate(all="ignore"):
        c = dialect.reverse.coefficients(schedule.betas)
    parts = [c.noise_level, c.y_gain, c.eps_gain, c.sigma, c.x0_gain, c.x0_y_gain]
    return all(bool(part.isfinite().all()) for part in parts if part is not None)
