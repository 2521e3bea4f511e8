"""Laws of CMA-ES over schedules."""

import math
from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
from numpy.typing import ArrayLike

from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import CurveSpace, LogSnrSpace
from schedsearch.strategies import evolution
from schedsearch.strategies.evolution import Evolution, population
from vocoder.errors import InputError

LOWEST = published("diffwave-6")


def away(schedule: NoiseSchedule) -> float:
    """Largest distance of a level from LOWEST's."""
    return float(np.abs(schedule.log_snr - LOWEST.log_snr).max())


def flat(schedule: NoiseSchedule) -> float:
    return 1.0


def nearly_flat(schedule: NoiseSchedule) -> float:
    """Differences so small that the library gives up after 33 generations of 8 in 6 dimensions; some failures."""
    return math.nan if int(schedule.betas[0] * 1e12) % 3 == 0 else 1e-14 * away(schedule)


def run(
    strategy: Evolution, rounds: int, loss: Callable[[NoiseSchedule], float], count: int = 0
) -> list[list[NoiseSchedule]]:
    """The batches it proposes, each told."""
    batches = []
    for _ in range(rounds):
        batches.append(strategy.ask(count or strategy.batch))
        strategy.tell(batches[-1], [loss(schedule) for schedule in batches[-1]])
    return batches


def spread(generation: list[NoiseSchedule]) -> float:
    """Mean deviation of its levels."""
    return float(np.std([schedule.log_snr for schedule in generation], axis=0).mean())


def test_it_finds_a_lowest_point_that_random_search_does_not():
    evolution = Evolution(LogSnrSpace(6), 0)
    found = [away(schedule) for batch in run(evolution, 40, away) for schedule in batch]
    generator = np.random.default_rng(0)
    blind = [away(LogSnrSpace(6).decode(generator.uniform(size=6))) for _ in found]
    assert min(found) < 0.05
    assert min(blind) > 0.5


@pytest.mark.parametrize("dimensions, size", [(1, 4), (2, 8), (3, 8), (4, 8), (5, 8), (6, 12), (25, 16), (50, 16)])
def test_the_population_is_whole_batches_of_the_librarys(dimensions, size):
    assert population(dimensions) == size
    assert Evolution(LogSnrSpace(dimensions), 0).batch == size


@pytest.mark.parametrize("space", [LogSnrSpace(1), LogSnrSpace(2), LogSnrSpace(25), CurveSpace(50)], ids=repr)
def test_every_space_is_searched(space):
    lowest = space.decode(np.full(space.dimensions, 0.8)).log_snr
    generations = run(Evolution(space, 0), 30, lambda schedule: float(((schedule.log_snr - lowest) ** 2).mean()))
    first, last = (np.mean([schedule.log_snr for schedule in g], axis=0) for g in (generations[0], generations[-1]))
    assert np.abs(last - lowest).mean() < 0.5 * np.abs(first - lowest).mean()


def test_the_first_generation_lies_about_the_start(monkeypatch):
    monkeypatch.setattr(evolution, "SIGMA", 0.001)
    start = linear(6, 1e-7, 0.3)  # outside the box, so its clipped one
    space = LogSnrSpace(6)
    (near,) = run(Evolution(space, 0, start=start), 1, flat)
    (centred,) = run(Evolution(space, 0), 1, flat)
    clipped = space.clip(start).schedule
    assert max(float(np.abs(schedule.log_snr - clipped.log_snr).max()) for schedule in near) < 0.2
    assert max(float(np.abs(schedule.log_snr - space.decode([0.5] * 6).log_snr).max()) for schedule in centred) < 0.2


def test_a_start_of_another_length_is_refused():
    with pytest.raises(InputError, match="resample"):
        Evolution(LogSnrSpace(6), 0, start=log_snr_line(5, 10, -4))


def test_a_generation_is_proposed_in_pieces_and_once():
    evolution = Evolution(LogSnrSpace(6), 0)
    first, second, rest, none = evolution.ask(5), evolution.ask(5), evolution.ask(5), evolution.ask(5)
    assert [len(first), len(second), len(rest), len(none)] == [5, 5, 2, 0]
    evolution.tell(second + rest, [1.0] * 7)
    assert evolution.ask(1) == []  # the first five are still under way
    evolution.tell(first, [1.0] * 5)
    assert len(evolution.ask(99)) == 12


@pytest.mark.slow
@pytest.mark.parametrize("score", [away, nearly_flat], ids=["converging", "restarting"])
def test_resumed_anywhere_it_goes_on_as_an_uninterrupted_run(monkeypatch, score):
    monkeypatch.setattr(evolution, "population", lambda dimensions: 8)

    def fresh() -> Evolution:
        return Evolution(LogSnrSpace(6), 1)

    batches = run(fresh(), 140, score, count=3)  # of populations of 8: three, three, two
    for done in (1, 2, 3, 31, 135):
        resumed = fresh()
        stored = [NoiseSchedule(s.betas.copy()) for s in sum(batches[:done], [])]
        resumed.tell(stored, [score(s) for s in stored])
        assert run(resumed, 140 - done, score, count=3) == batches[done:]


def test_of_a_batch_cut_short_the_rest_is_proposed_again():
    killed, resumed = Evolution(LogSnrSpace(6), 1), Evolution(LogSnrSpace(6), 1)
    batch = killed.ask(4)
    resumed.tell([batch[2], batch[0]], [0.3, math.nan])
    assert resumed.ask(2) == [batch[1], batch[3]]


def test_what_others_proposed_changes_nothing():
    alone, among = Evolution(LogSnrSpace(6), 0), Evolution(LogSnrSpace(6), 0)
    for _ in range(6):
        among.tell([LOWEST], [-1.0])
        assert run(among, 1, away) == run(alone, 1, away)


def test_of_two_losses_of_a_schedule_the_first_counts():
    once, twice = Evolution(LogSnrSpace(6), 0), Evolution(LogSnrSpace(6), 0)
    (batch,) = run(once, 1, away)
    twice.tell(batch, [away(schedule) for schedule in batch])
    twice.tell(batch, [-away(schedule) for schedule in batch])
    assert twice.ask(12) == once.ask(12)


def test_failures_count_as_worse_than_the_worst_loss():
    def last_fails(value: float) -> list[NoiseSchedule]:
        evolution = Evolution(LogSnrSpace(6), 0)
        batch = evolution.ask(12)
        evolution.tell(batch, [value, *range(11)])
        return evolution.ask(12)

    assert last_fails(math.nan) == last_fails(math.inf) == last_fails(11.0) != last_fails(9.5)


def test_where_all_fail_the_search_stays_as_wide_as_it_was():
    generations = run(Evolution(LogSnrSpace(6), 0), 40, lambda schedule: math.nan)
    assert len(set(sum(generations, []))) == 40 * 12
    assert spread(generations[-1]) == pytest.approx(spread(generations[0]), rel=0.5)


@pytest.mark.slow
def test_come_to_rest_it_restarts_wide_about_the_best(monkeypatch):
    monkeypatch.setattr(evolution, "SIGMA", 0.05)
    generations = run(Evolution(LogSnrSpace(2), 0), 300, lambda s: float(np.square(s.log_snr - 1).sum()))
    widths = [spread(generation) for generation in generations]
    again = next(i for i, (before, after) in enumerate(zip(widths, islice(widths, 1, None))) if after > 1000 * before)
    best = min(sum(generations[: again + 1], []), key=lambda s: float(np.square(s.log_snr - 1).sum()))
    middle = np.mean([schedule.log_snr for schedule in generations[again + 1]], axis=0)
    assert widths[again + 1] == pytest.approx(widths[0], rel=0.9)
    np.testing.assert_allclose(middle, best.log_snr, atol=1.0)
    assert len(set(sum(generations, []))) == 300 * 8


class Rungs(LogSnrSpace):
    """Of few schedules: distinct points stand for the same one."""

    def decode(self, cube: ArrayLike) -> NoiseSchedule:
        return super().decode(np.round(np.asarray(cube) * 30) / 30)


def test_points_that_stand_for_the_same_schedule_are_sampled_once():
    batches = run(Evolution(Rungs(2), 0), 40, lambda schedule: float(schedule.log_snr.sum()))
    found = sum(batches, [])
    assert len(found) == len(set(found)) == 40 * 8
