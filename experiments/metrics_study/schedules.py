"""Lists the schedules that metrics rank: from useless ones to the best known without a search."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.named import universal_schedules
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace

LENGTHS = (6, 12, 25, 50)  # steps
# First and last log-SNR of straight lines. The best of them lie near (10, -1), the corners are bad in different ways:
# a low first level leaves static, a high last one starts where the network expects nearly clean speech.
SHORT_GRID = ((7.0, 9.0, 11.0, 13.0), (-5.0, -3.0, -1.0, 1.5))
LONG_GRID = ((9.0, 12.0), (-4.0, -1.0))
RANDOM_POINTS, RANDOM_SEED, ORDER_SEED = 9, 0, 0
# Bent lines: what searches end with, and where metrics have been seen to choose badly.
BENT = {6: 16, 12: 8, 25: 3, 50: 2}
BENT_FIRSTS, BENT_LASTS, EVENNESS, BENT_SEED = (5.0, 13.9), (-5.0, 3.0), 6.0, 1
TWICE = 12  # lines that are scored on a second noise draw, for the noise of comparisons


@dataclass(frozen=True)
class Named:
    """A schedule of the study."""

    name: str
    kind: str  # baseline, line, bent or random
    schedule: NoiseSchedule

    @property
    def steps(self) -> int:
        """Its length."""
        return len(self.schedule)


@dataclass(frozen=True)
class Job:
    """A schedule on one noise draw, on all clips: the unit of work."""

    named: Named
    draw: int


def jobs() -> list[Job]:
    """Lists jobs by length and draw, each part in random order: a stopped run is a smaller study of all kinds."""
    short = schedules(6)
    second = [named for named in short if named.kind == "line"][:TWICE]
    longer = ([Job(n, 0) for n in schedules(steps)] for steps in LENGTHS[1:])
    parts = [Job(n, 0) for n in short], [Job(n, 1) for n in second], *longer
    generator = np.random.default_rng(ORDER_SEED)
    return [part[place] for part in parts for place in generator.permutation(len(part))]


def schedules(steps: int) -> list[Named]:
    """Lists all schedules of one of LENGTHS, each once."""
    bent = _bent(steps, BENT[steps])
    if steps == 6:
        return [*_baselines(6), *_lines(6, *SHORT_GRID), *_random(6), *bent]
    return [*_baselines(steps), *_lines(steps, *LONG_GRID), *bent]


def _baselines(steps: int) -> Iterator[Named]:
    for name, schedule in baselines(steps).items():
        if name not in universal_schedules():  # chosen by a metric, some of them by one that is under study
            yield Named(name, "baseline", schedule)


def _lines(steps: int, firsts: tuple[float, ...], lasts: tuple[float, ...]) -> Iterator[Named]:
    for first in firsts:
        for last in lasts:
            yield Named(f"line {first:.3g} to {last:.3g}", "line", log_snr_line(steps, first, last))


def _bent(steps: int, count: int) -> Iterator[Named]:
    """Draws lines of log-SNR with uniform ends, the gaps between their levels from a Dirichlet distribution."""
    generator = np.random.default_rng(BENT_SEED)
    for place in range(count):
        first, last = generator.uniform(*BENT_FIRSTS), generator.uniform(*BENT_LASTS)
        gaps = generator.dirichlet(np.full(steps - 1, EVENNESS))
        levels = first - (first - last) * np.concatenate([[0.0], gaps.cumsum()])
        yield Named(f"bent {place}: {first:.3g} to {last:.3g}", "bent", NoiseSchedule.from_log_snr(levels))


def _random(steps: int) -> Iterator[Named]:
    """Draws uniform points of the box that a search moves in."""
    space = LogSnrSpace(steps)
    points = np.random.default_rng(RANDOM_SEED).uniform(size=(RANDOM_POINTS, space.dimensions))
    for place, point in enumerate(points):
        yield Named(f"random {place}", "random", space.decode(point))
