"""The two standard curves of the field that are no baselines here. Readers must take them for what they are."""

import numpy as np

from schedsearch.schedules.schedule import NoiseSchedule


def cosine(n: int) -> NoiseSchedule:
    """Nichol & Dhariwal 2021, eq. 17: a_t = f(t) / f(0), f(t) = cos((t / n + s) / (1 + s) * pi / 2)^2, s = 0.008."""
    f = np.cos((np.arange(n + 1) / n + 0.008) / 1.008 * np.pi / 2) ** 2
    return NoiseSchedule(np.minimum(1 - f[1:] / f[:-1], 0.999))


def karras(n: int, sigma_min: float, sigma_max: float) -> NoiseSchedule:
    """Karras et al. 2022, eq. 5 with rho = 7, from the clean end; sigma**2 = (1 - a) / a."""
    sigma = np.linspace(sigma_min ** (1 / 7), sigma_max ** (1 / 7), n) ** 7
    return NoiseSchedule.from_log_snr(-2 * np.log(sigma))
