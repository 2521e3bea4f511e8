"""Sampling many schedules under common noise, with the beginnings they share computed once.

The reverse step from level n to n-1 uses the levels a_n and a_{n-1} alone (Ho et al. 2020, eq. 7). So the state after
k steps depends on the k+1 noisiest levels alone, and schedules form a trie. It takes as many network calls as there are
distinct prefixes; sampling each schedule alone takes schedules x steps. Prefixes are compared by log-SNR, never by
betas: the noisiest level depends on every beta.

A step's coefficients are those that the dialect forms for the shortest schedule that has this step: of levels a_{n-1}
and a_n, or of a_0 alone. So a schedule's audio does not depend on which others share the tree. With lmnt's and coqui's
arithmetic, which take the cumulative product in float64, the audio is that of `ancestral_sample`. ivanvovk's float32
product gathers rounding from the clean end. The last two steps keep all of it. The steps before them lose what the
levels under them would add: at most 3e-4 of the audio's RMS for every published schedule of 3 to 100 steps, on the
analytic vocoder (with exact coefficients instead: 3e-2). Score finalists again, unshared.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from schedsearch.sampling.sampler import Noise, NoisePredictor, checked_noise, coefficients_of
from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.errors import InputError
from vocoder.reverse import Coefficients, ReverseProcess

SAME_LEVEL = 1e-9  # in log-SNR: betas carry a level to about 1e-14, and audio notices nothing below 1e-7

Integers = npt.NDArray[np.int64]


def calls(schedules: Sequence[NoiseSchedule], clips: int) -> int:
    """Counts the network evaluations that sampling them shared takes: distinct prefixes x clips."""
    return _Tree.of(schedules).prefixes * clips


@dataclass(frozen=True)
class _Walk:
    """Takes reverse steps from states at given log-SNR levels, to grow schedules from their noisy end."""

    vocoder: NoisePredictor
    mels: Tensor  # [K, n_mels, frames]
    noise: Noise  # k -> [K, samples]
    process: ReverseProcess

    @torch.inference_mode()
    def predict(self, y: Tensor, level: Array, n: int) -> Tensor:
        """Predicts the noise in y [B, K, samples] at log-SNR `level` [B] for step n: B * K network evaluations."""
        told = self._ending(y, level).noise_level.expand(*y.shape[:2], 1).flatten()
        vocoder = self.vocoder.at_step(n)
        return vocoder.predict_noise(y.flatten(0, 1), self.mels.repeat(len(y), 1, 1), told).reshape(y.shape)

    @torch.inference_mode()
    def finish(self, y: Tensor, eps: Tensor, level: Array) -> Tensor:
        """Takes a schedule's last step, from its cleanest level: the x0 estimate, clamped as the process does."""
        return self.process.step(y, eps, None, self._ending(y, level))

    @torch.inference_mode()
    def advance(self, y: Tensor, eps: Tensor, level: Array, cleaner: Array, k: int) -> Tensor:
        """Takes the k-th reverse step (1 the first), to the state at log-SNR `cleaner` [B]."""
        pairs = [NoiseSchedule.from_log_snr(pair) for pair in zip(cleaner, level, strict=True)]
        return self.process.step(y, eps, self.noise(k), coefficients_of(self.process, pairs).at(-1, y))

    def _ending(self, y: Tensor, level: Array) -> Coefficients:
        return coefficients_of(self.process, [NoiseSchedule.from_log_snr([each]) for each in level]).at(-1, y)


def shared_batches(
    vocoder: NoisePredictor,
    mels: Tensor,
    schedules: Sequence[NoiseSchedule],
    noise: Noise | Tensor,
    *,
    states_at_once: int,
) -> Iterator[tuple[list[int], Tensor]]:
    """Yields places in `schedules` with their audio [B, K, samples], each place once, in the order of the trie.

    The other arguments are those of `ancestral_sample`. The trie is walked depth first. A network call takes up to
    `states_at_once` nodes of one depth. At most 2 N + 2 such batches are held at a time, however many the schedules.
    """
    tree = _Tree.of(schedules)
    walk = _Walk(vocoder, mels, checked_noise(noise, tree.steps, mels, vocoder.hop_length), vocoder.dialect.reverse)
    # Of each depth what is still to be walked: no recursion, since schedules have up to a thousand steps.
    levels: list[Iterator[tuple[range, Tensor]]] = [_begun(walk, tree, states_at_once)]
    while depth := len(levels):
        if (following := next(levels[-1], None)) is None:
            levels.pop()
            continue
        rows, y = following
        eps = walk.predict(y, tree.levels(tree.nodes(rows, depth), depth), tree.steps - depth)
        if depth == tree.steps:
            yield _finished(walk, tree, rows, y, eps)
        else:
            levels.append(_grown(walk, tree, rows, depth, y, eps, states_at_once))


def _begun(walk: _Walk, tree: "_Tree", at_once: int) -> Iterator[tuple[range, Tensor]]:
    """Yields the nodes of depth 1 and the noise they start from, batch by batch, as `_grown` does deeper down."""
    for rows in tree.parts(range(len(tree.places)), 1, at_once):
        yield rows, walk.noise(0).expand(len(tree.nodes(rows, 1)), -1, -1)


def _finished(walk: _Walk, tree: "_Tree", rows: range, y: Tensor, eps: Tensor) -> tuple[list[int], Tensor]:
    """Returns the places of these rows and their audio."""
    nodes = tree.nodes(rows, tree.steps)
    audio = walk.finish(y, eps, tree.levels(nodes, tree.steps))
    return tree.places[rows.start : rows.stop].tolist(), audio[_owners(nodes, np.array(rows))]


def _grown(
    walk: _Walk, tree: "_Tree", rows: range, depth: int, y: Tensor, eps: Tensor, at_once: int
) -> Iterator[tuple[range, Tensor]]:
    """Takes states y [B, K, samples] of the nodes in `rows` one step further, batch by batch."""
    nodes = tree.nodes(rows, depth)
    level = tree.levels(nodes, depth)
    for part in tree.parts(rows, depth + 1, at_once):
        children = tree.nodes(part, depth + 1)
        owner = _owners(nodes, children)
        yield part, walk.advance(y[owner], eps[owner], level[owner], tree.levels(children, depth + 1), depth)


def _owners(nodes: Integers, rows: Integers) -> Integers:
    """Returns which of the nodes each row belongs to."""
    return np.searchsorted(nodes, rows, side="right") - 1


@dataclass(frozen=True)
class _Tree:
    """Schedules sorted by their levels, the noisiest first.

    A node of depth k is a run of rows that agree in the k noisiest levels. Its first row names it.
    """

    log_snr: Array  # [C, N], the noisiest level first
    places: Integers  # [C], of each row in the caller's order
    shared: Integers  # [C], how many of the noisiest levels a row has in common with the row before it

    @classmethod
    def of(cls, schedules: Sequence[NoiseSchedule]) -> "_Tree":
        """Sorts the schedules. Raises InputError unless they are equally long."""
        lengths = sorted({len(schedule) for schedule in schedules})
        if len(lengths) != 1:
            raise InputError(
                f"schedules of one tree must be equally long, got lengths {lengths}; sample each length apart"
            )
        log_snr = np.stack([schedule.log_snr[::-1] for schedule in schedules])
        keys = _keys(log_snr)
        order = np.lexsort(keys.T[::-1])  # the last key is the first to sort by
        same = np.cumprod(keys[order][1:] == keys[order][:-1], axis=1).sum(axis=1)
        return cls(log_snr[order], order, np.concatenate([[0], same]).astype(np.int64))

    @property
    def steps(self) -> int:
        return int(self.log_snr.shape[1])

    @property
    def prefixes(self) -> int:
        """The number of nodes, the root left out."""
        return int((self.steps - self.shared).sum())

    def nodes(self, rows: range, depth: int) -> Integers:
        """Returns the nodes of this depth in whole runs of rows."""
        return rows.start + np.flatnonzero(self.shared[rows.start : rows.stop] < depth)

    def levels(self, nodes: Integers, depth: int) -> Array:
        """Returns [B], the log-SNR that nodes of this depth have reached."""
        reached: Array = self.log_snr[nodes, depth - 1]
        return reached

    def parts(self, rows: range, depth: int, size: int) -> Iterator[range]:
        """Cuts rows into runs of up to `size` nodes of this depth."""
        cuts = [*self.nodes(rows, depth)[::size].tolist(), rows.stop]
        return (range(first, last) for first, last in pairwise(cuts))


def _keys(log_snr: Array) -> Integers:
    """Returns [C, N], equal numbers for equal levels.

    A new number begins wherever the sorted levels of a step leave a gap, so that no level lies on the edge of a bin.
    """
    keys = np.empty(log_snr.shape, np.int64)
    for step, levels in enumerate(log_snr.T):
        order = np.argsort(levels)
        keys[order, step] = np.concatenate([[0], np.cumsum(np.diff(levels[order]) > SAME_LEVEL)])
    return keys
