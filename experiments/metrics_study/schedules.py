"""The schedules that metrics are asked to rank: from useless to the best known without a search."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from schedsearch.families import baselines, log_snr_line
from schedsearch.schedule import NoiseSchedule
from schedsearch.space import LogSnrSpace

# First and last log-SNR of straight lines. The best of them lie near (10, -1), the corners are bad in different ways:
# a low first level leaves static, a high last one starts where the network expects nearly clean speech.
SHORT_GRID = ((7.0, 9.0, 11.0, 13.0), (-5.0, -3.0, -1.0, 1.5))
LONG_GRID = ((9.0, 12.0), (-4.0, -1.0))
RANDOM_POINTS, RANDOM_SEED, ORDER_SEED = 9, 0, 0
TWICE = 12  # lines that are scored on a second noise draw, for the noise of comparisons


@dataclass(frozen=True)
class Named:
    """A schedule of the study."""

    name: str
    kind: str  # baseline, line or random
    schedule: NoiseSchedule

    @property
    def steps(self) -> int:
        """Its length."""
        return len(self.schedule)


@dataclass(frozen=True)
class Job:
    """A schedule on one noise draw, on all clips: what is scored, and kept, at a time."""

    named: Named
    draw: int


def jobs() -> list[Job]:
    """Of each length and draw, in an order by chance: what a stopped run has is a smaller study of all kinds."""
    short, long = schedules(6), schedules(12)
    second = [named for named in short if named.kind == "line"][:TWICE]
    parts = [Job(n, 0) for n in short], [Job(n, 1) for n in second], [Job(n, 0) for n in long]
    generator = np.random.default_rng(ORDER_SEED)
    return [part[place] for part in parts for place in generator.permutation(len(part))]


def schedules(steps: int) -> list[Named]:
    """All of 6 or 12 steps; none stands twice."""
    if steps == 6:
        return [*_baselines(6), *_lines(6, *SHORT_GRID), *_random(6)]
    return [*_baselines(steps), *_lines(steps, *LONG_GRID)]


def _baselines(steps: int) -> Iterator[Named]:
    for name, schedule in baselines(steps).items():
        yield Named(name, "baseline", schedule)


def _lines(steps: int, firsts: tuple[float, ...], lasts: tuple[float, ...]) -> Iterator[Named]:
    for first in firsts:
        for last in lasts:
            yield _line(log_snr_line(steps, first, last))


def _line(schedule: NoiseSchedule) -> Named:
    first, last = schedule.log_snr[[0, -1]]
    return Named(f"line {first:.3g} to {last:.3g}", "line", schedule)


def _random(steps: int) -> Iterator[Named]:
    """Uniform points of the box that a search moves in."""
    space = LogSnrSpace(steps)
    points = np.random.default_rng(RANDOM_SEED).uniform(size=(RANDOM_POINTS, space.dimensions))
    for place, point in enumerate(points):
        yield Named(f"random {place}", "random", space.decode(point))
