"""CMA-ES (Hansen 2016, arXiv:1604.00772) in the unit cube of a space, by the library cmaes."""

import hashlib
import math
from collections.abc import Sequence

import numpy as np
from cmaes import CMA

from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

SIGMA = 0.2  # of the first generation, in edges of the cube: from its centre, 99 % of a coordinate's draws lie inside
LEAST_POPULATION = 4  # of fewer, the better half is one point, which has no covariance to learn from
MULTIPLE = 4  # of a population that nobody chose: evaluators take proposals in fours
SAMPLES_A_MEMBER = 100  # drawn in search of a schedule that was not sampled before


class Evolution:
    """Samples generations about a mean that moves towards the better half of each; never runs out.

    Resumed by being told: generations are sampled anew from the seed, and of each the members that were told are
    looked up. So a loss counts by what it is of, not by when it was told (the first, where told twice), and schedules
    that no generation has, such as other strategies', are ignored. A generation is learnt from when all of it is
    told; until then an `ask` beyond its last member gets none.
    """

    name = "cmaes"
    network_evaluations = 0

    def __init__(
        self,
        space: ScheduleSpace,
        seed: int,
        *,
        start: NoiseSchedule | None = None,
        sigma: float = SIGMA,
        population: int | None = None,
    ) -> None:
        """`start`, of any levels, is where the mean begins, else the cube's centre. InputError for one of another
        length, and for a sigma or population that can't search."""
        if not 1e-3 <= sigma <= 1:
            raise InputError(f"sigma, in edges of the cube, must lie in [0.001, 1], and is {sigma:g}; {SIGMA} is usual")
        self.batch = default_population(space.dimensions) if population is None else population
        if self.batch < LEAST_POPULATION:
            raise InputError(f"a population has at least {LEAST_POPULATION} members, got {population}; None chooses")
        self._space, self._seed, self._sigma = space, seed, sigma
        self._told: dict[NoiseSchedule, float] = {}  # whoever proposed it
        self._asked: set[NoiseSchedule] = set()
        self._sampled: set[NoiseSchedule] = set()
        self._members: dict[NoiseSchedule, Array] = {}  # this generation's, and their points
        self._best, self._best_loss = _centre(space) if start is None else _point(space, start), math.inf
        self._restarts = 0
        self._cma = self._begun()

    def ask(self, count: int) -> list[NoiseSchedule]:
        """The generation's next, fewer at its end."""
        self._catch_up()
        found = [schedule for schedule in self._members if schedule not in self._told and schedule not in self._asked]
        self._asked.update(found[:count])
        return found[:count]

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Keeps them for when their generation is whole."""
        for schedule, loss in zip(schedules, losses, strict=True):
            self._told.setdefault(schedule, float(loss))

    def _catch_up(self) -> None:
        """Learns from each generation that is told whole, the empty one before the first too, and samples the next."""
        while self._members.keys() <= self._told.keys():
            self._learn()
            self._members = self._sample()

    def _learn(self) -> None:
        """Failures rank behind the worst loss, in the order sampled. A generation of failures teaches nothing."""
        found = [(point, self._told[schedule]) for schedule, point in self._members.items()]
        sound = [(point, loss) for point, loss in found if math.isfinite(loss)]
        if not sound:
            return
        worst = max(loss for _, loss in sound)  # given to failures: infinity would keep the stopping rules from firing
        failed = [(point, worst) for point, loss in found if not math.isfinite(loss)]
        self._cma.tell(sound + failed)  # which sorts stably
        best, loss = min(sound, key=lambda member: member[1])
        if loss < self._best_loss:
            self._best, self._best_loss = best, loss

    def _sample(self) -> dict[NoiseSchedule, Array]:
        """A generation of schedules that no earlier one had, restarted where the distribution has come to rest."""
        while True:
            members: dict[NoiseSchedule, Array] = {}
            tries = 0 if self._cma.should_stop() else SAMPLES_A_MEMBER * self.batch
            for _ in range(tries):
                point = self._cma.ask()
                schedule = self._space.decode(point)
                if schedule not in self._sampled:
                    members.setdefault(schedule, point)
                if len(members) == self.batch:
                    self._sampled.update(members)
                    return members
            self._restarts += 1
            self._cma = self._begun()

    def _begun(self) -> CMA:
        """Wide about the best point learnt from; not the best one told, which in a resumed run may lie ahead."""
        spelt = f"{self._seed} {self._restarts}".encode()
        return CMA(
            mean=self._best,
            sigma=self._sigma,
            bounds=np.array([[0.0, 1.0]] * self._space.dimensions),
            seed=int.from_bytes(hashlib.blake2b(spelt, digest_size=4).digest()),  # RandomState takes 32 bits
            population_size=self.batch,
        )


def default_population(dimensions: int) -> int:
    """4 + floor(3 ln d) (Hansen 2016, eq. 48), rounded up to whole batches."""
    return MULTIPLE * math.ceil((4 + math.floor(3 * math.log(dimensions))) / MULTIPLE)


def _centre(space: ScheduleSpace) -> Array:
    return np.full(space.dimensions, 0.5)


def _point(space: ScheduleSpace, schedule: NoiseSchedule) -> Array:
    return space.encode(space.clip(schedule).schedule)
