"""Schedules by formula, by table and by resampling: each function makes a legal NoiseSchedule.

With n = 1 the formulas give their first (cleanest) value, as `numpy.linspace` does.
"""

import json
import math
from collections.abc import Collection, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import numpy as np
from scipy.interpolate import PchipInterpolator

from schedsearch.schedule import NoiseSchedule
from vocoder.errors import InputError

# Where the last log-SNR may lie. Above 5 the sampler would start from pure noise where the network expects
# nearly clean speech; below -6 lies nothing that training on linear(1e-6, 1e-2, 1000), which ends at -5, has
# shown it.
TERMINAL_LOG_SNR = (-6.0, 5.0)


# --- formulas -------------------------------------------------------------------------------------


def linear(n: int, first: float, last: float) -> NoiseSchedule:
    """Betas on a straight line (Ho et al. 2020, section 4). WaveGrad trains on linear(1000, 1e-6, 1e-2)."""
    return NoiseSchedule(np.linspace(first, last, _steps(n)))


def exponential(n: int, first: float, last: float) -> NoiseSchedule:
    """Betas at equal ratios."""
    _require(first > 0 and last > 0, f"exponential betas must be positive: got {first:g} to {last:g}")
    return NoiseSchedule(np.geomspace(first, last, _steps(n)))


def fibonacci(n: int, first: float, second: float) -> NoiseSchedule:
    """Each beta is the sum of the two before it. WaveGrad (Chen et al. 2020): fibonacci(25, 1e-6, 2e-6)."""
    betas = [first, second]
    while len(betas) < _steps(n):
        betas.append(betas[-1] + betas[-2])
    return NoiseSchedule(betas[:n])  # type: ignore[arg-type]


def cosine(n: int, offset: float = 0.008) -> NoiseSchedule:
    """Nichol & Dhariwal 2021, eq. 17: a_t = f(t) / f(0), f(t) = cos((t / n + s) / (1 + s) * pi / 2)^2.

    t = 1..n. The last a_t is 0, so betas are clipped at 0.999, as the paper does.
    """
    t = np.arange(_steps(n) + 1) / n
    f = np.cos((t + offset) / (1 + offset) * np.pi / 2) ** 2
    return NoiseSchedule(np.minimum(1 - f[1:] / f[:-1], 0.999))


def karras(n: int, sigma_min: float, sigma_max: float, rho: float = 7.0) -> NoiseSchedule:
    """Karras et al. 2022, eq. 5, from the clean end; sigma**2 = (1 - a) / a, so log-SNR = -2 log(sigma)."""
    _require(0 < sigma_min < sigma_max, f"0 < sigma_min < sigma_max: got {sigma_min:g} and {sigma_max:g}")
    _require(rho > 0, f"rho must be positive: got {rho:g}")
    sigma = np.linspace(sigma_min ** (1 / rho), sigma_max ** (1 / rho), _steps(n)) ** rho
    return NoiseSchedule.from_log_snr(-2 * np.log(sigma))


def linear_sigma(n: int, sigma_min: float, sigma_max: float) -> NoiseSchedule:
    """sigma on a straight line: Karras with rho = 1."""
    return karras(n, sigma_min, sigma_max, rho=1.0)


def log_snr_line(n: int, first: float, last: float) -> NoiseSchedule:
    """A straight line in log-SNR, as the published 6-step schedules nearly are; Karras as rho grows."""
    return NoiseSchedule.from_log_snr(np.linspace(first, last, _steps(n)))


# --- one schedule from another --------------------------------------------------------------------


def resample(schedule: NoiseSchedule, n: int) -> NoiseSchedule:
    """The same log-SNR curve read at n evenly spaced positions: ends stay, and equal n changes nothing.

    PCHIP (Fritsch & Butland 1984) has no kinks at the old steps and keeps a falling curve falling. One step
    alone is the noisiest one, since that is where sampling starts. A single step has no curve: InputError.
    """
    old = len(schedule)
    if old == _steps(n):
        return schedule
    _require(
        old > 1, f"a schedule of one step has no curve to read at {n} positions; give one of two or more"
    )
    if n == 1:
        return NoiseSchedule.from_log_snr(schedule.log_snr[-1:])
    curve = PchipInterpolator(np.arange(old), schedule.log_snr)
    return NoiseSchedule.from_log_snr(curve(np.linspace(0, old - 1, n)))


def repeat(schedule: NoiseSchedule, n: int) -> NoiseSchedule:
    """Longer by repeating betas in place, as evenly as n allows: how the README of ivanvovk/WaveGrad says to
    build schedules longer than 25 steps."""
    _require(n >= len(schedule), f"repeating makes schedules longer: {n} is less than {len(schedule)}")
    return NoiseSchedule(schedule.betas[np.arange(n) * len(schedule) // n])


# --- published tables -----------------------------------------------------------------------------

# schedules/pretrained/1000iters.pt of ivanvovk/WaveGrad is not in the table, so it is never a baseline: one
# of its betas is negative. Files of it are still read, and refused with that reason.
_NOT_LEGAL = MappingProxyType({"ivanvovk-1000": "its step 18 is -1.43316e-07, and beta must lie in (0, 1)"})


def published_names() -> tuple[str, ...]:
    """Names in `published.json`, which states the source of each; a name ends in its number of steps."""
    return tuple(_published())


def published(name: str) -> NoiseSchedule:
    """A published schedule, every digit of it. InputError for an unknown name."""
    if name in _NOT_LEGAL:
        raise InputError(f"{name} is published and not legal: {_NOT_LEGAL[name]}")
    if name not in _published():
        raise InputError(f"no published schedule is called {name!r}; known: {', '.join(_published())}")
    return _published()[name]


def published_for(n: int) -> dict[str, NoiseSchedule]:
    """The published schedules of exactly n steps."""
    return {name: schedule for name, schedule in _published().items() if len(schedule) == n}


@cache
def _published() -> Mapping[str, NoiseSchedule]:
    return _table(_published_text())


def _published_text() -> str:
    return files("schedsearch").joinpath("published.json").read_text(encoding="utf-8")


def _table(text: str) -> Mapping[str, NoiseSchedule]:
    return MappingProxyType({name: NoiseSchedule(entry["betas"]) for name, entry in json.loads(text).items()})


# --- universal schedules: least worst over our voices ---------------------------------------------


def universal_names() -> tuple[str, ...]:
    """Names in `universal.json`, such as universal-6; none where the file does not stand."""
    return tuple(_universal())


def universal(name: str) -> NoiseSchedule:
    """What costs the voices it was chosen on least in the worst case (`make transfer`). InputError for an unknown name.
    """
    if name not in _universal():
        known = ", ".join(_universal()) or "none"
        raise InputError(f"no universal schedule is called {name!r}; known: {known}; make transfer makes some")
    return _universal()[name]


# --- all that have a name -------------------------------------------------------------------------


def named() -> Mapping[str, NoiseSchedule]:
    """Name -> schedule: the published and the universal ones, as a command takes them in place of a file."""
    return MappingProxyType({**_published(), **_universal()})


def source_of(name: str) -> str:
    """Where a schedule of `named` comes from, in words."""
    tables = (json.loads(text) for text in (_published_text(), _universal_text()))
    return next((str(table[name]["source"]) for table in tables if name in table), "")


def chosen_on(schedule: NoiseSchedule) -> frozenset[str]:
    """The datasets whose clips chose it, if it is a universal one; else none."""
    return frozenset().union(*(_chosen_on()[name] for name, one in _universal().items() if one == schedule))


@cache
def _universal() -> Mapping[str, NoiseSchedule]:
    return _table(_universal_text())


@cache
def _chosen_on() -> Mapping[str, frozenset[str]]:
    """Name -> the datasets whose clips chose it."""
    entries = json.loads(_universal_text()).items()
    return {name: frozenset(voice.split("/")[0] for voice in entry.get("voices", ())) for name, entry in entries}


def _universal_text() -> str:
    shipped = files("schedsearch").joinpath("universal.json")
    return shipped.read_text(encoding="utf-8") if shipped.is_file() else "{}"


# --- baselines ------------------------------------------------------------------------------------


def baselines(n: int, *, own: Collection[str] = ()) -> dict[str, NoiseSchedule]:
    """What a search of n steps must beat, by name: the published schedules of this length, or, where there is
    none, the nearest of each publisher resampled; the formulas in use that end where sampling can start; and the
    universal schedule of this length, if there is one. None twice.

    A universal schedule that was chosen on one of `own`, the dataset and its speaker, is none of it: it may be the
    voice's own winner."""
    found = published_for(_steps(n)) or _resampled(n)
    formulas = {name: schedule for name, schedule in _formulas(n).items() if _can_start(schedule)}
    foreign = (name for name in _universal() if _chosen_on().get(name, frozenset()).isdisjoint(own))
    ours = {name: _universal()[name] for name in foreign if len(_universal()[name]) == n}
    for name, schedule in (formulas | ours).items():
        if schedule not in found.values():
            found[name] = schedule
    return found


def _resampled(n: int) -> dict[str, NoiseSchedule]:
    """One a publisher: the one whose length is nearest in ratio."""
    nearest: dict[str, str] = {}
    for name in sorted(published_names(), key=lambda name: abs(math.log(len(published(name)) / n))):
        nearest.setdefault(name.rsplit("-", 1)[0], name)
    return {f"{name} resampled to {n}": resample(published(name), n) for name in sorted(nearest.values())}


def _formulas(n: int) -> dict[str, NoiseSchedule]:
    """Linear: the test schedule of ivanvovk (configs/default.json) and coqui (wavegrad_config.py), and the 50
    steps of lmnt-com/diffwave (params.py). Exponential: the exponents of the grids of lmnt and coqui.
    Fibonacci: WaveGrad."""
    return {
        "linear 1e-6 to 1e-2": linear(n, 1e-6, 1e-2),
        "linear 1e-4 to 5e-2": linear(n, 1e-4, 5e-2),
        "exponential 1e-6 to 1e-1": exponential(n, 1e-6, 1e-1),
        **_fibonacci(n),
    }


def _fibonacci(n: int) -> dict[str, NoiseSchedule]:
    """WaveGrad's has 25 steps. Past 29 the sequence exceeds 1, and starting lower would leave float32 nothing of
    the first betas (fibonacci(50) that ends like fibonacci(25) starts at 6e-12): past 25 its betas are repeated.
    Much shorter, it ends before sampling can start: then its curve is read at fewer points."""
    if n <= 25:
        plain = fibonacci(n, 1e-6, 2e-6)
        if _can_start(plain):
            return {"fibonacci 1e-6 2e-6": plain}
        return {f"fibonacci-25 resampled to {n}": resample(fibonacci(25, 1e-6, 2e-6), n)}
    return {f"fibonacci-25 repeated to {n}": repeat(fibonacci(25, 1e-6, 2e-6), n)}


def _can_start(schedule: NoiseSchedule) -> bool:
    lowest, highest = TERMINAL_LOG_SNR
    return lowest <= float(schedule.log_snr[-1]) <= highest


# --- checks ---------------------------------------------------------------------------------------


def _steps(n: int) -> int:
    _require(n >= 1, f"a schedule has at least one step: got {n}")
    return n


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise InputError(rule)
