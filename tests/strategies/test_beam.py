"""Laws of the beam: wide enough it is the whole grid, and its cost is linear in steps."""

from dataclasses import dataclass

import pytest
import torch
from conftest import AnalyticVocoder, BrokenVocoder
from shared_sampling import shared_sample
from torch import Tensor

from schedsearch.metrics.spectral import log_mel_l1
from schedsearch.strategies.beam import BeamSearch
from schedsearch.strategies.grid import LevelGrid
from vocoder.errors import InputError

GRID = LevelGrid([[12.0, 10.0, 9.0], [9.0, 7.0, 6.0], [5.0, 4.0, 3.0], [1.0, -1.0, -3.0]])


@dataclass(frozen=True)
class Bench:
    """Two noisy clips and fixed noise."""

    vocoder: AnalyticVocoder
    steps: int = 4

    @property
    def references(self) -> Tensor:
        deviations = torch.tensor([[0.1], [0.3]]).repeat_interleave(1024, dim=1)
        return deviations * torch.randn(2, 1024, generator=torch.Generator().manual_seed(1))

    @property
    def mels(self) -> Tensor:
        return self.vocoder.front_end(self.references)

    @property
    def noise(self) -> Tensor:
        return torch.randn(self.steps, 2, 1024, generator=torch.Generator().manual_seed(2))

    def distance(self, reference: Tensor, estimate: Tensor) -> Tensor:
        return log_mel_l1(self.vocoder.front_end)(reference, estimate)

    def beam(self, grid: LevelGrid = GRID, *, width: int, **options: int) -> BeamSearch:
        return BeamSearch(
            self.vocoder, self.mels, self.references, self.noise, self.distance, grid, width=width, **options
        )

    def losses(self, schedules) -> Tensor:
        """Of the audio, [C]."""
        audio = shared_sample(self.vocoder, self.mels, schedules, self.noise)
        return self.distance(self.references, audio).mean(-1)


@pytest.fixture
def bench(analytic_vocoder):
    return Bench(analytic_vocoder)


def test_a_beam_as_wide_as_the_grid_ranks_all_of_it(bench):
    everything = list(GRID.schedules())
    ranked = [everything[i] for i in torch.argsort(bench.losses(everything), stable=True)]
    assert bench.beam(width=GRID.count).ask(1000) == ranked


def test_a_beam_that_keeps_everything_spends_the_trie(bench):
    beam = bench.beam(width=GRID.count)
    beam.ask(1)
    beginnings = {path[: step + 1] for path in GRID.paths() for step in range(GRID.steps)}
    assert beam.network_evaluations == 2 * len(beginnings)


def test_proposals_come_best_first(bench):
    losses = bench.losses(bench.beam(width=5).ask(5))
    assert len(losses) == 5
    assert torch.equal(losses, losses.sort().values)


def test_a_narrow_beam_does_better_than_chance(bench):
    [found] = bench.beam(width=1).ask(1)
    everything = bench.losses(list(GRID.schedules()))
    assert float((everything < bench.losses([found])).float().mean()) < 0.25


def test_network_evaluations_are_counted_as_the_vocoder_runs_them(bench):
    beam = bench.beam(width=2)
    assert beam.network_evaluations == 0
    bench.vocoder.rows.clear()
    beam.ask(1)
    assert beam.network_evaluations == sum(bench.vocoder.rows)
    beam.ask(1)
    assert beam.network_evaluations == sum(bench.vocoder.rows)


@pytest.mark.parametrize("steps", [5, 10, 20])
def test_cost_is_linear_in_steps(analytic_vocoder, steps):
    levels = [[12 - 16 * (step + tilt) / steps for tilt in (0.0, 0.3, 0.6)] for step in range(steps)]
    beam = Bench(analytic_vocoder, steps).beam(LevelGrid(levels), width=2)
    beam.ask(1)
    assert beam.network_evaluations == 2 * (3 + (steps - 1) * 2 * 3)


@pytest.mark.parametrize("states_at_once", [1, 4])
def test_proposals_do_not_depend_on_how_many_states_fit(bench, states_at_once):
    bench.vocoder.rows.clear()
    found = bench.beam(width=3, states_at_once=states_at_once).ask(3)
    assert max(bench.vocoder.rows) == 2 * min(states_at_once, 9)
    assert found == bench.beam(width=3).ask(3)


def test_a_dead_end_is_never_entered(bench):
    # From the level 8 of the second step nothing cleaner is left: a beam of one that entered it would end empty.
    grid = LevelGrid([[8.0, 7.0], [8.0, 6.0, 5.0], [2.0], [0.0]])
    assert len(bench.beam(grid, width=1).ask(1)) == 1
    assert len(bench.beam(grid, width=100).ask(100)) == grid.count == 4


def test_a_network_that_fails_leaves_nothing_to_propose():
    assert Bench(BrokenVocoder()).beam(width=3).ask(3) == []


def test_one_failed_state_does_not_stop_the_others(bench):
    def distance(reference: Tensor, estimate: Tensor) -> Tensor:
        values = bench.distance(reference, estimate)
        values[0] = torch.nan  # the first state of each batch
        return values

    beam = BeamSearch(bench.vocoder, bench.mels, bench.references, bench.noise, distance, GRID, width=2)
    found = beam.ask(2)
    assert len(found) == 2
    assert bench.losses(found).isfinite().all()


@pytest.mark.parametrize("options", [{"width": 0}, {"width": 1, "states_at_once": 0}])
def test_a_beam_of_no_width_is_refused(bench, options):
    with pytest.raises(InputError, match="at least 1"):
        bench.beam(**options)
