"""CMA-ES (Hansen 2016, arXiv:1604.00772) in the unit cube of a space, by the library cmaes."""

import hashlib
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.strategy import Losses

if TYPE_CHECKING:
    from cmaes import CMA

SIGMA = 0.2  # of the first generation, in edges of the cube: from its centre, 99 % of a coordinate's draws lie inside
MULTIPLE = 4  # the population is a multiple: evaluators take proposals in fours
SAMPLES_A_MEMBER = 100  # tries to draw a schedule that was not sampled before


class Evolution:
    """Samples generations around a mean that moves towards the better half of each; never runs out.

    A resumed run samples the generations again from the seed and looks up the stored losses of their members. The order
    of losses does not matter, the first counts if a schedule is told twice, and schedules outside the generations, such
    as other strategies', are ignored. It learns from a generation once all its losses are told; until then an `ask`
    beyond its last member returns [].
    """

    name = "cmaes"

    def __init__(self, space: ScheduleSpace, seed: int, *, start: NoiseSchedule | None = None) -> None:
        """The mean begins at `start`, or at the cube's centre. InputError for a start of another length."""
        self.batch = population(space.dimensions)
        self._space, self._seed = space, seed
        self._told: dict[NoiseSchedule, float] = {}  # all losses, also of other strategies' schedules
        self._asked: set[NoiseSchedule] = set()
        self._sampled: set[NoiseSchedule] = set()
        self._members: dict[NoiseSchedule, Array] = {}  # this generation's schedules and their points
        self._best = np.full(space.dimensions, 0.5) if start is None else space.encode(space.clip(start).schedule)
        self._best_loss = math.inf
        self._restarts = 0
        self._cma = self._begun()

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the generation's next members, fewer at its end."""
        self._catch_up()
        left = [schedule for schedule in self._members if schedule not in self._told and schedule not in self._asked]
        self._asked.update(left[:count])
        return left[:count]

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Stores losses until their generation is complete."""
        for schedule, loss in zip(schedules, losses, strict=True):
            self._told.setdefault(schedule, float(loss))

    def _catch_up(self) -> None:
        """Learns from each complete generation and samples the next; the first follows an empty one."""
        while self._members.keys() <= self._told.keys():
            self._learn()
            self._members = self._sample()

    def _learn(self) -> None:
        """Moves the distribution. Failures rank behind the worst loss; a generation of failures teaches nothing."""
        members = [(point, self._told[schedule]) for schedule, point in self._members.items()]
        scored = [(point, loss) for point, loss in members if math.isfinite(loss)]
        if not scored:
            return
        worst = max(loss for _, loss in scored)  # infinity would keep the stopping rules from firing
        failed = [(point, worst) for point, loss in members if not math.isfinite(loss)]
        self._cma.tell(scored + failed)  # its sort is stable
        best, loss = min(scored, key=lambda member: member[1])
        if loss < self._best_loss:
            self._best, self._best_loss = best, loss

    def _sample(self) -> dict[NoiseSchedule, Array]:
        """Returns a generation without schedules of earlier ones; restarts if the distribution has collapsed."""
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

    def _begun(self) -> "CMA":
        """Returns a wide distribution around the best point learned from. The best told may come from a later
        generation in a resumed run."""
        from cmaes import CMA  # takes a third of a second

        text = f"{self._seed} {self._restarts}".encode()
        return CMA(
            mean=self._best,
            sigma=SIGMA,
            bounds=np.array([[0.0, 1.0]] * self._space.dimensions),
            seed=int.from_bytes(hashlib.blake2b(text, digest_size=4).digest()),  # RandomState takes 32 bits
            population_size=self.batch,
        )


def population(dimensions: int) -> int:
    """Returns 4 + floor(3 ln d) (Hansen 2016, eq. 48), rounded up to whole batches."""
    return MULTIPLE * math.ceil((4 + math.floor(3 * math.log(dimensions))) / MULTIPLE)
