"""Schedules by formula and by resampling: each function makes a legal NoiseSchedule.

With n = 1 the formulas give their first (cleanest) value, as `numpy.linspace` does.
"""

from numbers import Integral

import numpy as np
import scipy  # imports its subpackages at first use

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

# The range of the last log-SNR. Above 5 the sampler would start from pure noise where the network expects nearly clean
# speech. Below -6 the network has seen nothing: its training schedule, linear(1e-6, 1e-2, 1000), ends at -5.
TERMINAL_LOG_SNR = (-6.0, 5.0)
SIGMAS = (0.002, 10.0)  # the least of Karras et al. 2022; their greatest, 80, is beyond where sampling can start


def linear(n: int, first: float, last: float) -> NoiseSchedule:
    """Puts betas on a straight line (Ho et al. 2020, section 4). WaveGrad trains on linear(1000, 1e-6, 1e-2)."""
    return NoiseSchedule(np.linspace(first, last, checked_steps(n)))


def exponential(n: int, first: float, last: float) -> NoiseSchedule:
    """Puts betas at equal ratios."""
    _require(first > 0 and last > 0, f"exponential betas must be positive: got {first:g} to {last:g}")
    return NoiseSchedule(np.geomspace(first, last, checked_steps(n)))


def fibonacci(n: int, first: float, second: float) -> NoiseSchedule:
    """Makes each beta the sum of the two before it. WaveGrad (Chen et al. 2020): fibonacci(25, 1e-6, 2e-6)."""
    betas = [first, second]
    while len(betas) < checked_steps(n):
        betas.append(betas[-1] + betas[-2])
    return NoiseSchedule(betas[:n])  # type: ignore[arg-type]


def cosine(n: int, offset: float = 0.008) -> NoiseSchedule:
    """Returns the curve of Nichol & Dhariwal 2021, eq. 17: a_t = f(t) / f(0), f(t) = cos((t / N + s) / (1 + s) pi/2)^2.

    N = n + 1 without its last step, at which a is 0: sampling cannot start there.
    """
    t = np.arange(checked_steps(n) + 1) / (n + 1)
    f = np.cos((t + offset) / (1 + offset) * np.pi / 2) ** 2
    return NoiseSchedule.from_alphas_cumprod(f[1:] / f[0])


def karras(n: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> NoiseSchedule:
    """Returns the curve of Karras et al. 2022, eq. 5, from the clean end; sigma**2 = (1 - a) / a, so log-SNR is
    -2 log(sigma)."""
    _require(0 < sigma_min < sigma_max, f"0 < sigma_min < sigma_max: got {sigma_min:g} and {sigma_max:g}")
    sigma = np.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), checked_steps(n)) ** rho
    return NoiseSchedule.from_log_snr(-2 * np.log(sigma))


def log_snr_line(n: int, first: float, last: float) -> NoiseSchedule:
    """Draws a straight line in log-SNR, which the published 6-step schedules are close to."""
    return NoiseSchedule.from_log_snr(np.linspace(first, last, checked_steps(n)))


def resample(schedule: NoiseSchedule, n: int) -> NoiseSchedule:
    """Reads the log-SNR curve at n evenly spaced positions: the ends stay, and equal n changes nothing.

    PCHIP (Fritsch & Butland 1984) has no kinks at the old steps and keeps a falling curve falling. n = 1 gives the
    noisiest level, because sampling starts there. InputError for a schedule of one step, which has no curve.
    """
    old = len(schedule)
    if old == checked_steps(n):
        return schedule
    _require(old > 1, f"a schedule of one step has no curve to read at {n} positions; give one of two or more")
    if n == 1:
        return NoiseSchedule.from_log_snr(schedule.log_snr[-1:])
    curve = scipy.interpolate.PchipInterpolator(np.arange(old), schedule.log_snr)
    return NoiseSchedule.from_log_snr(curve(np.linspace(0, old - 1, n)))


def repeat(schedule: NoiseSchedule, n: int) -> NoiseSchedule:
    """Repeats betas in place, as evenly as n allows.

    The README of ivanvovk/WaveGrad recommends this for schedules longer than 25 steps."""
    _require(n >= len(schedule), f"repeating makes schedules longer: {n} is less than {len(schedule)}")
    return NoiseSchedule(schedule.betas[np.arange(n) * len(schedule) // n])


def checked_steps(n: int) -> int:
    """Returns n; InputError if it is no whole number, or less than 1."""
    _require(isinstance(n, Integral), f"a number of steps is whole: got {n!r}")
    _require(n >= 1, f"a schedule has at least one step: got {n}")
    return int(n)


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise InputError(rule)
