"""Beam search over a grid of log-SNR levels: only the best partial schedules grow, as branches of a `prefix_tree`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from schedsearch.sampling.prefix_tree import STATES_AT_ONCE, Walk
from schedsearch.sampling.sampler import Noise, NoisePredictor
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.strategies.grid import GridStrategy, LevelGrid, Values, schedule_of
from schedsearch.strategies.strategy import Losses
from vocoder.errors import InputError

Distance = Callable[[Tensor, Tensor], Tensor]  # (reference [K, samples], estimate [B, K, samples]) -> [B, K]


class BeamSearch:
    """Chooses levels from the noisiest to the cleanest and proposes the `width` best schedules, best first.

    A partial schedule's loss is the mean distance of its x0 estimate; at the cleanest level this is the audio itself.
    A step tries every level of the grid above each state of the beam: at most `width` x levels x clips network
    evaluations, so the cost is linear in the number of steps. The search runs at the first `ask`, on fixed noise, and
    ignores losses: a resumed one runs again and skips the schedules it was told.
    """

    name = "beam"

    def __init__(
        self,
        vocoder: NoisePredictor,
        mels: Tensor,
        references: Tensor,
        noise: Noise | Tensor,
        distance: Distance,
        grid: LevelGrid,
        *,
        width: int,
        states_at_once: int = STATES_AT_ONCE,
    ) -> None:
        """mels [K, n_mels, frames] and references [K, samples] of clips of one length; noise as for sampling."""
        if width < 1 or states_at_once < 1:
            raise InputError(f"width and states_at_once must be at least 1, and are {width} and {states_at_once}")
        self._walk = Walk.of(vocoder, mels, noise, grid.steps)
        self._references, self._distance = references, distance
        self._grid, self._width, self._at_once = grid, width, states_at_once
        self.batch = min(width, 4)
        self._queue = GridStrategy(self.name, self._completed, min(width, grid.count))
        self.network_evaluations = 0

    def ask(self, count: int) -> list[NoiseSchedule]:
        """Returns the next best of the completed beam."""
        return self._queue.ask(count)

    def tell(self, schedules: Sequence[NoiseSchedule], losses: Losses) -> None:
        """Notes which schedules are scored."""
        self._queue.tell(schedules, losses)

    def _completed(self) -> Iterator[NoiseSchedule]:
        start = self._walk.start(1)
        beam = _Beam([()], start, start, np.zeros(1))
        for k in range(self._grid.steps):
            beam = self._grown(beam, k)
        return map(schedule_of, beam.paths)

    def _grown(self, beam: "_Beam", k: int) -> "_Beam":
        """Returns the best children of `beam` after k reverse steps."""
        step = self._grid.steps - 1 - k
        choices = [self._grid.choices(step, *path[-1:]) for path in beam.paths]
        children = [(row, level) for row, levels in enumerate(choices) for level in levels]
        best = beam.rows([])
        for i in range(0, len(children), self._at_once):
            grown = self._judged(beam, children[i : i + self._at_once], k)
            best = best.joined(grown).best(self._width)
        return best

    def _judged(self, beam: "_Beam", children: Sequence[tuple[int, float]], k: int) -> "_Beam":
        """Returns state and loss of the children (row in the beam, next level)."""
        parent, level = beam.rows([row for row, _ in children]), np.array([level for _, level in children])
        y = parent.y if k == 0 else self._walk.advance(parent.y, parent.eps, parent.level, level, k)
        eps = self._walk.predict(y, level, self._grid.steps - 1 - k)
        self.network_evaluations += y.shape[0] * y.shape[1]
        distance = self._distance(self._references, self._walk.finish(y, eps, level))
        paths = [(*path, each) for path, each in zip(parent.paths, level.tolist(), strict=True)]
        return _Beam(paths, y, eps, distance.mean(dim=-1).double().cpu().numpy())


@dataclass(frozen=True)
class _Beam:
    """Partial schedules under common noise, with their states and losses."""

    paths: list[Values]
    y: Tensor  # [B, K, samples]
    eps: Tensor  # [B, K, samples], the network's answer to y
    loss: Array  # [B]

    @property
    def level(self) -> Array:
        """[B], the log-SNR reached."""
        return np.array([path[-1] for path in self.paths])

    def rows(self, rows: Sequence[int]) -> "_Beam":
        """Returns these rows, in this order."""
        index = np.array(rows, dtype=np.int64)
        return _Beam([self.paths[row] for row in rows], self.y[index], self.eps[index], self.loss[index])

    def joined(self, other: "_Beam") -> "_Beam":
        """Returns the rows of both."""
        return _Beam(
            self.paths + other.paths,
            torch.cat([self.y, other.y]),
            torch.cat([self.eps, other.eps]),
            np.concatenate([self.loss, other.loss]),
        )

    def best(self, width: int) -> "_Beam":
        """Returns up to `width` rows, the least loss first; failed ones (NaN) are dropped."""
        order = np.argsort(self.loss, kind="stable")
        return self.rows([int(row) for row in order if np.isfinite(self.loss[row])][:width])
