"""True Cartesian grids, and the grids of the public repositories with an exact count of their points.

A grid enumerates its points lazily and knows their number beforehand; `GridStrategy` proposes them in order.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice, product

import numpy as np
import torch
from torch import Tensor

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

TREE_BATCH = 256  # candidates of a grid over levels at once, at most
AGAIN = 0.1  # part of a batch's network calls that may be its shared beginning, which the batch before it took too
IVANVOVK_STATES = 9**5  # ivanvovk's search visits no more, whatever the number of steps
IVANVOVK_BETAS = (1e-6, 1e-2)  # its default betas_range


class GridStrategy:
    """Proposes a fixed sequence of schedules in order, whatever their losses.

    Schedules that were told before they were asked for are skipped, once for each time they were told. So a resumed run
    repeats an unfinished batch, and a grid may list a point twice.
    """

    def __init__(self, name: str, schedules: Iterable[NoiseSchedule], *, batch: int = 4) -> None:
        self.name, self.batch = name, batch
        self._rest = filter(self._is_new, schedules)
        self._pending: Counter[NoiseSchedule] = Counter()  # asked here, not told yet
        self._told: Counter[NoiseSchedule] = Counter()  # told without being asked

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next `count`, fewer at the end."""
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


@dataclass(frozen=True)
class LevelGrid:
    """Every choice of one log-SNR a step. Each choice must fall: any level of a step lies above any of the next one.

    The noisiest level varies slowest, so that neighbours share the beginning of their sampling.
    """

    levels: Sequence[Sequence[float]]  # [step][choice], step 0 the cleanest

    @property
    def count(self) -> int:
        """The number of schedules."""
        return math.prod(map(len, self.levels))

    @property
    def batch(self) -> int:
        """How many neighbours to score at once: few, so that little is lost by a stop, and enough to share most calls.

        They are equal parts of one level's choices, with all choices of the cleaner ones. The noisier ones are sampled
        in each batch again.
        """
        batch, calls = 1, 0  # of all choices of the levels so far
        for again, choices in zip(reversed(range(len(self.levels))), map(len, self.levels), strict=True):
            for part in range(1, choices + 1):
                if part * batch > TREE_BATCH:
                    return (part - 1) * batch
                if choices % part == 0 and again <= AGAIN * part * (1 + calls):
                    return part * batch
            batch, calls = batch * choices, choices * (1 + calls)
        return batch

    def schedules(self) -> Iterator[NoiseSchedule]:
        """Yields the schedule of each choice."""
        return (NoiseSchedule.from_log_snr(path[::-1]) for path in product(*reversed(self.levels)))


@dataclass(frozen=True)
class MantissaGrid:
    """beta_n = mantissa * 10**exponent_n, every mantissa at every step: len(mantissas)**steps schedules.

    The last beta varies fastest. Neighbours share no network call, because the noisiest level depends on every beta.
    The grid of WaveGrad (Chen et al. 2020) for 6 steps has the mantissas 1 to 9 and the exponents -6 to -1.
    """

    mantissas: Sequence[float]
    exponents: Sequence[float]  # one a step, the cleanest first

    @property
    def count(self) -> int:
        """The number of schedules."""
        return int(len(self.mantissas) ** len(self.exponents))

    def schedules(self) -> Iterator[NoiseSchedule]:
        """Yields the schedule of each point."""
        scales = 10.0 ** np.asarray(self.exponents)
        return (NoiseSchedule(scales * point) for point in product(self.mantissas, repeat=len(self.exponents)))


def lmnt_grid(steps: int, generator: np.random.Generator) -> MantissaGrid:
    """lmnt-com/wavegrad, src/wavegrad/noise_schedule.py: 3 mantissas (its `search_level`) uniform in (0, 10), the same
    at every step, times 10**linspace(-6, -1, steps): 3^6 = 729 schedules.

    The product is complete, but its mantissas are random and never seeded: each run tries 729 other points where
    WaveGrad's paper has 531,441. coqui-ai/TTS, TTS/bin/tune_wavegrad.py, tries the same candidates. It judges them by
    the least error of any single clip; lmnt sums over its clips.
    """
    return MantissaGrid(np.sort(10 * generator.uniform(size=3)).tolist(), np.linspace(-6, -1, steps).tolist())


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
            raise InputError(
                f"ivanvovk's grid has at least two steps, got {self.steps}; choose another grid, or two steps or more"
            )

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
