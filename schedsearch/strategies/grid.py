"""True Cartesian grids, and the grids of the public repositories with an exact count of their points.

A grid enumerates its points lazily and knows their number beforehand; `GridStrategy` proposes them in order.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, product
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

Values: TypeAlias = tuple[float, ...]

IVANVOVK_STATES = 9**5  # ivanvovk's search visits no more, whatever the number of steps
IVANVOVK_BETAS = (1e-6, 1e-2)  # its default betas_range


class GridStrategy:
    """Proposes a fixed sequence of schedules in order, whatever their losses.

    Schedules that were told before they were asked for are skipped, once for each time they were told. So a resumed run
    repeats an unfinished batch, and a grid may list a point twice.
    """

    def __init__(
        self, name: str, schedules: Callable[[], Iterator[NoiseSchedule]], count: int, *, batch: int = 4
    ) -> None:
        """`schedules` starts the sequence at the first `ask`; `count` is its length, for plans and progress."""
        self.name, self.count, self.batch = name, count, batch
        self._begin = schedules
        self._rest: Iterator[NoiseSchedule] | None = None
        self._pending: Counter[NoiseSchedule] = Counter()  # asked here, not told yet
        self._told: Counter[NoiseSchedule] = Counter()  # told without being asked

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next `count`, fewer at the end."""
        if self._rest is None:
            self._rest = filter(self._is_new, self._begin())
        proposals = list(islice(self._rest, count))
        self._pending.update(proposals)
        return proposals

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Notes which schedules are done; a grid learns nothing from losses."""
        for schedule in schedules:
            if self._pending[schedule] > 0:
                self._pending[schedule] -= 1
            else:
                self._told[schedule] += 1

    def _is_new(self, schedule: NoiseSchedule) -> bool:
        if self._told[schedule] > 0:
            self._told[schedule] -= 1
            return False
        return True


# --- over log-SNR levels --------------------------------------------------------------------------


@dataclass(frozen=True)
class LevelGrid:
    """Every strictly falling choice of one log-SNR a step.

    The noisiest level varies slowest, so that neighbours share the beginning of their sampling.
    """

    levels: tuple[Values, ...]  # [step][choice], step 0 the cleanest; rising within a step

    def __init__(self, levels: Sequence[ArrayLike]) -> None:
        """`levels` holds one list of log-SNRs a step, the cleanest step first, each in any order."""
        if not levels:
            raise InputError("a grid of levels has at least one step; give one list of log-SNRs a step")
        object.__setattr__(self, "levels", tuple(_distinct(step, "log-SNR levels of one step") for step in levels))

    @property
    def steps(self) -> int:
        return len(self.levels)

    @cached_property
    def count(self) -> int:
        """The exact number of legal points."""
        return sum(self._ways[-1].values())

    def choices(self, step: int, noisier: float = -np.inf) -> Values:
        """Returns the levels that `step` may take above the noisier one, the noisiest first; each can be completed."""
        return self._open[step][bisect_right(self._open[step], noisier) :]

    def paths(self) -> Iterator[Values]:
        """Yields each legal point, the noisiest level first."""
        path: list[float] = []
        open_choices = [iter(self.choices(self.steps - 1))]
        while open_choices:
            level = next(open_choices[-1], None)
            if level is None:  # every point with this beginning is done
                open_choices.pop()
                del path[-1:]
            elif len(path) == self.steps - 1:
                yield (*path, level)
            else:
                path.append(level)
                open_choices.append(iter(self.choices(self.steps - 1 - len(path), level)))

    def schedules(self) -> Iterator[NoiseSchedule]:
        """Yields the schedule of each legal point."""
        return map(schedule_of, self.paths())

    @cached_property
    def _ways(self) -> tuple[dict[float, int], ...]:
        """[step] level -> the number of ways in which the cleaner steps can follow it."""
        ways = [dict.fromkeys(self.levels[0], 1)]
        for levels in self.levels[1:]:
            ways.append(_sums_above(ways[-1], levels))
        return tuple(ways)

    @cached_property
    def _open(self) -> tuple[Values, ...]:
        """[step] the levels that can be completed."""
        return tuple(tuple(level for level, count in ways.items() if count) for ways in self._ways)


def _sums_above(counts: dict[float, int], levels: Sequence[float]) -> dict[float, int]:
    """Returns for each level the sum of the counts of the levels above it; the counts' levels rise."""
    above, sums = list(counts), [0, *accumulate(counts.values())]
    return {level: sums[-1] - sums[bisect_right(above, level)] for level in levels}


def schedule_of(path: Values) -> NoiseSchedule:
    """Returns the schedule whose log-SNRs, the noisiest first, are `path`."""
    return NoiseSchedule.from_log_snr(path[::-1])


# --- over betas -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class MantissaGrid:
    """beta_n = mantissa * 10**exponent_n, every mantissa at every step: len(mantissas)**steps schedules.

    The last beta varies fastest. Neighbours share no network call, because the noisiest level depends on every beta.
    The grid of WaveGrad (Chen et al. 2020) for 6 steps has the mantissas 1 to 9 and the exponents -6 to -1.
    """

    mantissas: Values
    exponents: Values  # one a step, the cleanest first

    def __init__(self, mantissas: ArrayLike, exponents: ArrayLike) -> None:
        """InputError unless every beta lies in (0, 1)."""
        object.__setattr__(self, "mantissas", _distinct(mantissas, "mantissas"))
        object.__setattr__(self, "exponents", tuple(np.asarray(exponents, dtype=np.float64).tolist()))
        NoiseSchedule(self._scales * self.mantissas[0])
        NoiseSchedule(self._scales * self.mantissas[-1])

    @property
    def steps(self) -> int:
        return len(self.exponents)

    @property
    def count(self) -> int:
        return int(len(self.mantissas) ** self.steps)

    def schedules(self) -> Iterator[NoiseSchedule]:
        """Yields the schedule of each point."""
        scales = self._scales
        return (NoiseSchedule(scales * point) for point in product(self.mantissas, repeat=self.steps))

    @property
    def _scales(self) -> Array:
        return np.asarray(10.0 ** np.asarray(self.exponents))


# --- the searches of the public repositories ------------------------------------------------------


def lmnt_grid(steps: int, generator: np.random.Generator, search_level: int = 3) -> MantissaGrid:
    """lmnt-com/wavegrad, src/wavegrad/noise_schedule.py: `search_level` mantissas uniform in (0, 10), the same at
    every step, times 10**linspace(-6, -1, steps): 3^6 = 729 schedules.

    The product is complete, but its mantissas are random and never seeded: each run tries 729 other points where
    WaveGrad's paper has 531,441. coqui-ai/TTS, TTS/bin/tune_wavegrad.py, tries the same candidates. It judges them by
    the least error of any single clip; lmnt sums over its clips.
    """
    return MantissaGrid(np.sort(10 * generator.uniform(size=search_level)), np.linspace(-6, -1, steps))


@dataclass(frozen=True)
class IvanvovkGrid:
    """ivanvovk/WaveGrad, benchmark.py, generate_betas_grid: digits times exponents, by counting in decimal.

    It starts at 11..1 and adds ceil(9^N / 9^5) 59,049 times. It reads each number's digits as the multipliers of
    10**linspace(-6, -2, N) and drops numbers with a zero. So it visits:

    - N = 6: 35,113 candidates of the product's 531,441; 93.4 % are skipped. The increment of 9 keeps the digit sum
      modulo 9, so eight points in nine cannot occur. The count ends at 642543: the cleanest beta's multiplier never
      exceeds 6.
    - N = 5: 39,366 of 59,049, all whose first digit is 1 to 6; the last third is skipped.
    - N < 5: the numbers grow beyond N digits and only the first N count, so points repeat: with N = 4 the 39,366
      candidates are 6,561 different ones.
    """

    steps: int

    def __post_init__(self) -> None:
        if self.steps < 2:
            raise InputError(f"ivanvovk's grid has at least two steps, got {self.steps}: it divides by steps - 1")

    @cached_property
    def count(self) -> int:
        return sum(1 for _ in self.multipliers())

    def multipliers(self) -> Iterator[tuple[int, ...]]:
        """Yields the multipliers [N] of each candidate."""
        first, stride = int("1" * self.steps), -(-(9**self.steps) // IVANVOVK_STATES)
        for state in range(first, first + stride * IVANVOVK_STATES, stride):
            digits = str(state)
            if "0" not in digits:
                yield tuple(map(int, digits[: self.steps]))

    def schedules(self) -> Iterator[NoiseSchedule]:
        """Yields the schedule of each candidate; its betas are float32 numbers."""
        units = self._units
        return (
            NoiseSchedule((units * torch.tensor(digits, dtype=torch.float32)).double().numpy())
            for digits in self.multipliers()
        )

    @property
    def _units(self) -> Tensor:
        """[N] powers of ten, rounded as ivanvovk rounds: with float32 exponents the second of six is 6.3095763e-06."""
        first, last = torch.tensor(IVANVOVK_BETAS).log10()
        stride = (last - first) / (self.steps - 1)
        exponents = first.double() + stride.double() * torch.arange(self.steps)
        return torch.pow(10.0, exponents.float())


# --- checks ---------------------------------------------------------------------------------------


def _distinct(values: ArrayLike, name: str) -> Values:
    """Returns the values sorted; InputError unless they are finite and different."""
    rising = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if not rising.size or not np.isfinite(rising).all():
        raise InputError(f"{name} must be finite numbers, at least one: got {rising.tolist()}")
    if (np.diff(rising) == 0).any():
        raise InputError(f"{name} must differ, or points would be counted twice: got {rising.tolist()}")
    return tuple(rising.tolist())
