"""Other readings of a file's numbers: people write betas in reverse order, or noise levels in place of betas.

Most such files are legal schedules, and sound like noise.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from types import MappingProxyType

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule

CLEAN = 0.018  # beta_0 of a log-SNR of 4: no published schedule and no box of a search begins noisier
NEARLY_ONE = 0.9995  # no formula has such a beta; cosine's are cut at 0.999
LEAST_ALPHA = 0.05  # of a beta of 0.95
REACH, FALLS = 100, 0.5  # first over last beta, and the part of the steps that fall, of betas in reverse order


class Reading(StrEnum):
    """What a list of numbers is, if it is not betas from the cleanest step to the noisiest."""

    ALPHAS_CUMPROD = "alphas_cumprod"
    NOISE_LEVELS = "noise_levels"  # sqrt(alphas_cumprod)
    ALPHAS = "alphas"  # 1 - betas
    REVERSED = "reversed"  # betas, the noisiest first


# alphas_cumprod where sampling may start
TERMINAL = {Reading.ALPHAS_CUMPROD: (1e-11, 0.996), Reading.NOISE_LEVELS: (1e-5, 0.996)}


def read_as(numbers: Array, reading: Reading) -> NoiseSchedule:
    """Returns the schedule of numbers [N]. Levels fall in every schedule, so both their orders are read."""
    return _READERS[reading](numbers)


def likely(betas: Array) -> tuple[Reading, ...]:
    """Returns the readings that fit better than betas do; () if the betas look as they should."""
    if len(betas) < 2 or not ((betas > 0) & (betas < 1)).all():
        return ()
    levels = _falling(betas)
    begins_clean = levels[0] > (NEARLY_ONE if betas[0] < betas[-1] else 1 - CLEAN)
    if (np.diff(levels) < 0).all() and begins_clean:
        if levels[0] > NEARLY_ONE or levels[-1] > CLEAN:
            return _likely_levels(float(levels[-1]))
    if begins_clean and levels.min() > LEAST_ALPHA:
        return (Reading.ALPHAS,)
    mostly_fall = (np.diff(betas) <= 0).mean() >= FALLS and betas[0] >= REACH * betas[-1]
    return (Reading.REVERSED,) if mostly_fall or betas[0] > CLEAN > betas[-1] else ()


def doubt(betas: Array) -> str | None:
    """Says what the numbers look like and how to mend them; None if they look like betas."""
    readings = likely(betas)
    if not readings:
        return None
    names = " or ".join(_WORDS[reading] for reading in readings)
    options = " or ".join(f"--from {reading}" for reading in readings)
    return f"the numbers look like {names}, not like betas from the cleanest step on; convert {options} mends that"


def _likely_levels(last: float) -> tuple[Reading, ...]:
    alphas_cumprod = {Reading.ALPHAS_CUMPROD: last, Reading.NOISE_LEVELS: last**2}
    readings = [reading for reading, (low, high) in TERMINAL.items() if low < alphas_cumprod[reading] < high]
    return (*readings, Reading.ALPHAS) if last > LEAST_ALPHA else tuple(readings)


def _falling(values: Array) -> Array:
    return values[::-1] if values[0] < values[-1] else values


_READERS: Mapping[Reading, Callable[[Array], NoiseSchedule]] = MappingProxyType(
    {
        Reading.ALPHAS_CUMPROD: lambda values: NoiseSchedule.from_alphas_cumprod(_falling(values)),
        Reading.NOISE_LEVELS: lambda values: NoiseSchedule.from_noise_levels(_falling(values)),
        Reading.REVERSED: lambda values: NoiseSchedule(values[::-1]),
        Reading.ALPHAS: lambda values: NoiseSchedule(1 - _falling(values)),
    }
)
_WORDS = {
    Reading.ALPHAS_CUMPROD: "alphas_cumprod",
    Reading.NOISE_LEVELS: "noise levels",
    Reading.REVERSED: "betas in reverse order",
    Reading.ALPHAS: "alphas (1 - betas)",
}
