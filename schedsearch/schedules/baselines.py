"""The schedules that a search must beat."""

import math
from collections.abc import Collection, Mapping

from schedsearch.schedules.formulas import (
    SIGMAS,
    TERMINAL_LOG_SNR,
    checked_steps,
    cosine,
    exponential,
    fibonacci,
    karras,
    linear,
    repeat,
    resample,
)
from schedsearch.schedules.named import published_schedules, universal_datasets, universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule


def baselines(n: int, *, own: Collection[str] = ()) -> dict[str, NoiseSchedule]:
    """Returns name -> schedule of n steps, each schedule once.

    They are the published schedules of this length, or, if there are none, the nearest one of each publisher,
    resampled; the usual formulas that end where sampling can start; and the universal schedule of this length, if there
    is one. A universal schedule that was chosen on one of `own` (the dataset and its speaker) is left out, because it
    may be the voice's own winner."""
    checked_steps(n)
    schedules = _of_length(n, published_schedules()) or _resampled(n)
    formulas = {name: schedule for name, schedule in _formulas(n).items() if _can_start(schedule)}
    shipped = _of_length(n, universal_schedules())
    foreign = {name: shipped[name] for name in shipped if universal_datasets(name).isdisjoint(own)}
    for name, schedule in (formulas | foreign).items():
        if schedule not in schedules.values():
            schedules[name] = schedule
    return schedules


def _of_length(n: int, named: Mapping[str, NoiseSchedule]) -> dict[str, NoiseSchedule]:
    return {name: schedule for name, schedule in named.items() if len(schedule) == n}


def _resampled(n: int) -> dict[str, NoiseSchedule]:
    """Returns one schedule for each publisher: the one whose length is nearest in ratio, resampled."""
    table, nearest = published_schedules(), dict[str, str]()
    for name in sorted(table, key=lambda name: abs(math.log(len(table[name]) / n))):
        nearest.setdefault(name.rsplit("-", 1)[0], name)
    return {f"{name} resampled to {n}": resample(table[name], n) for name in sorted(nearest.values())}


def _formulas(n: int) -> dict[str, NoiseSchedule]:
    """Returns the formulas in use.

    Linear: the test schedule of ivanvovk (configs/default.json) and coqui (wavegrad_config.py), and the 50 steps of
    lmnt-com/diffwave (params.py). Exponential: the exponents of the grids of lmnt and coqui. Fibonacci: WaveGrad.
    Cosine: Nichol & Dhariwal 2021. Karras: Karras et al. 2022, which commands take as karras-N."""
    return {
        "linear 1e-6 to 1e-2": linear(n, 1e-6, 1e-2),
        "linear 1e-4 to 5e-2": linear(n, 1e-4, 5e-2),
        "exponential 1e-6 to 1e-1": exponential(n, 1e-6, 1e-1),
        "cosine": cosine(n),
        "karras {:g} to {:g}".format(*SIGMAS): karras(n, *SIGMAS),
        **_fibonacci(n),
    }


def _fibonacci(n: int) -> dict[str, NoiseSchedule]:
    """Returns WaveGrad's Fibonacci schedule of 25 steps, fitted to n.

    Beyond 25 steps its betas are repeated: past 29 the sequence exceeds 1, and a lower start would be lost in float32
    (a fibonacci(50) that ends like fibonacci(25) starts at 6e-12). A much shorter sequence ends before sampling can
    start; then the curve of 25 is read at fewer points."""
    if n <= 25:
        plain = fibonacci(n, 1e-6, 2e-6)
        if _can_start(plain):
            return {"fibonacci 1e-6 2e-6": plain}
        return {f"fibonacci-25 resampled to {n}": resample(fibonacci(25, 1e-6, 2e-6), n)}
    return {f"fibonacci-25 repeated to {n}": repeat(fibonacci(25, 1e-6, 2e-6), n)}


def _can_start(schedule: NoiseSchedule) -> bool:
    """Tells whether sampling can start from the noisiest level."""
    lowest, highest = TERMINAL_LOG_SNR
    return lowest <= float(schedule.log_snr[-1]) <= highest
