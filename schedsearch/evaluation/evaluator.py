"""Turns schedules into scores: runs the frozen vocoder under common random numbers."""

import copy
import time
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby
from threading import Lock

import numpy as np
import torch
from torch import Tensor

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.evaluation.side_by_side import side_by_side
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.measuring import Measured
from schedsearch.metrics.registry import Metric
from schedsearch.sampling import prefix_tree
from schedsearch.sampling.noise import ChosenNoise, NoiseBank
from schedsearch.sampling.prefix_tree import shared_batches
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.batches import SAMPLES_AT_ONCE, batches
from vocoder.vocoder import Vocoder

Keep = Callable[[NoiseSchedule, str, int, Tensor], None]  # schedule, clip, draw, audio [samples]

SAMPLES_A_PIECE = SAMPLES_AT_ONCE // 2  # of a network call on a CPU: two run side by side, on two cores
SAMPLES_A_GROUP = SAMPLES_AT_ONCE // 4  # of its clips: more calls share few schedules
SAMPLES_IN_ALL = 4 * SAMPLES_AT_ONCE  # of all calls that run side by side, unless two alone have more


@dataclass(frozen=True)
class Group:
    """Clips of one length. They are sampled together, so that none is padded."""

    places: tuple[int, ...]  # in the evaluator's order of clips
    names: tuple[str, ...]
    reference: Tensor  # [clip, samples]
    mel: Tensor  # [clip, n_mels, frames]


class Evaluator:
    """Scores schedules on fixed clips and fixed noise: equal schedules get equal scores, to rounding."""

    def __init__(self, vocoder: Vocoder, clips: Sequence[Clip], metrics: Sequence[Metric], noise: NoiseBank) -> None:
        """Makes mels and references, once for all schedules."""
        self._vocoder, self._metrics = vocoder, metrics
        self._noise: NoiseBank | ChosenNoise = noise
        self.groups = list(_grouped(vocoder, clips))
        self.clip_names = tuple(clip.name for clip in clips)
        self.metric_names = tuple(metric.name for metric in metrics)

    def evaluate(
        self,
        schedules: Sequence[NoiseSchedule],
        draws: Sequence[int],
        *,
        shared: bool = False,
        keep: Keep | None = None,
    ) -> list[Evaluation]:
        """Scores schedules of equal length on all clips in the given noise draws. Returns evaluations in order.

        `shared`: schedules that begin alike share those network calls, and each is charged an equal part of the cost.
        prefix_tree says how far the audio differs from unshared sampling. `keep` is handed all audio.
        """
        began = time.perf_counter()
        pending = [
            {metric.name: _Pending(len(self.clip_names), len(draws)) for metric in self._metrics} for _ in schedules
        ]
        pieces = list(self._pieces(schedules, draws, shared=shared))
        measuring = Lock()  # metrics remember what they measured last, and have processes of their own
        work = [partial(self._measured, piece, measuring, keep) for piece in pieces]
        largest = max([SAMPLES_A_PIECE, *(group.reference.numel() for group in self.groups)])
        most = max(2, SAMPLES_IN_ALL // largest)
        done = side_by_side(work[::-1], self._vocoder.device, most)[::-1]  # the longest first: threads end together
        for piece, measured in zip(pieces, done, strict=True):
            self._put(piece, measured, pending)
        clips = len(self.clip_names) * len(draws)
        calls = prefix_tree.calls(schedules, clips) if shared else len(schedules) * len(schedules[0]) * clips
        seconds = (time.perf_counter() - began) / len(schedules)
        return [
            Evaluation({n: p.score() for n, p in by_metric.items()}, seconds, _part(calls, i, len(schedules)))
            for i, by_metric in enumerate(pending)
        ]

    def split(self, count: int) -> "list[Evaluator]":
        """Returns at most `count` evaluators of parts of the clips. Their scores, `joined`, equal this evaluator's.

        Clips of about one length are together, so that threads that have one each end together.
        """
        parts = np.array_split(np.arange(len(self.groups)), min(count, len(self.groups)))
        return [self._of([self.groups[i] for i in part]) for part in parts]

    def together(self, others: "Sequence[Evaluator]") -> "Evaluator":
        """Returns an evaluator of the clips of all of them, which have all else in common."""
        return self._of([group for each in (self, *others) for group in each.groups])

    def of_clips(self, draws: Mapping[str, int]) -> "Evaluator":
        """Returns an evaluator of the named clips alone, each always in its own draw of this evaluator's noise."""
        assert isinstance(self._noise, NoiseBank)
        groups = [kept for group in self.groups if (kept := _kept(group, draws)).places]
        part = self._of(groups)
        part._noise = ChosenNoise(self._noise, draws)
        return part

    def audio(self, schedule: NoiseSchedule, draw: int) -> dict[str, Tensor]:
        """Returns the audio [samples] of each clip, by name, in one noise draw."""
        return {
            name: audio
            for piece in self._pieces([schedule], [draw], shared=False)
            for _, batch in self._sampled(piece)
            for name, audio in zip(piece.group.names, batch[0], strict=True)
        }

    def _of(self, groups: Sequence[Group]) -> "Evaluator":
        """Returns an evaluator of these groups alone, with their clips in the groups' order."""
        names = tuple(name for group in groups for name in group.names)
        place = {name: place for place, name in enumerate(names)}
        piece = copy.copy(self)
        piece.clip_names = names
        piece.groups = [replace(group, places=tuple(place[name] for name in group.names)) for group in groups]
        return piece

    def _pieces(
        self, schedules: Sequence[NoiseSchedule], draws: Sequence[int], *, shared: bool
    ) -> "Iterator[_Piece]":
        """Yields all schedules on all clips, as many at once as memory allows; a tree of schedules is one piece."""
        for column, draw in enumerate(draws):
            for group in self.groups:
                size = len(schedules) * group.reference.numel() if shared else _on(self._vocoder, SAMPLES_A_PIECE)
                for batch in batches(len(schedules), group.reference.numel(), size):
                    yield _Piece(group, column, draw, schedules, range(len(schedules))[batch], shared)

    def _measured(
        self, piece: "_Piece", measuring: Lock, keep: Keep | None, check: Callable[[], None]
    ) -> "list[_Batch]":
        """Samples a piece and measures it; `check` is called at every step, and ends it by an exception."""
        measured = []
        for places, audio in self._sampled(piece, check):
            with measuring:
                measured.append((places, [metric.measure(piece.group.reference, audio) for metric in self._metrics]))
                if keep:
                    for place, clips in zip(places, audio, strict=True):
                        for name, clip in zip(piece.group.names, clips, strict=True):
                            keep(piece.schedules[place], name, piece.draw, clip)
        return measured

    def _sampled(self, piece: "_Piece", check: Callable[[], None] = lambda: None) -> "Iterator[tuple[Places, Tensor]]":
        """Yields places of schedules and their audio [C, K, samples]."""
        group = piece.group
        drawn = self._noise.for_clips(group.names, piece.draw, group.reference.shape[1])

        def noise(k: int) -> Tensor:
            check()
            return drawn(k)

        if piece.shared:
            at_once = max(1, _on(self._vocoder, SAMPLES_A_PIECE) // group.reference.numel())
            yield from shared_batches(self._vocoder, group.mel, piece.schedules, noise, states_at_once=at_once)
        else:
            schedules = [piece.schedules[place] for place in piece.places]
            yield piece.places, ancestral_sample(self._vocoder, group.mel, schedules, noise)

    def _put(
        self, piece: "_Piece", measured: "Sequence[_Batch]", pending: "Sequence[Mapping[str, _Pending]]"
    ) -> None:
        """Puts the values of a piece into the collections of its schedules."""
        group = piece.group
        heard = [f"{name}, draw {self._noise.repeat_of(name, piece.draw)}" for name in group.names]
        for places, values in measured:
            for metric, rows in zip(self._metrics, values, strict=True):
                for place, row in zip(places, rows, strict=True):
                    pending[place][metric.name].put(group.places, piece.column, heard, row)


Places = Sequence[int]  # of schedules in the caller's order
_Batch = tuple[Places, list[Measured]]  # and the values of each metric


@dataclass(frozen=True)
class _Piece:
    """Schedules on the clips of a group, in one draw: what one thread scores."""

    group: Group
    column: int  # of the draw, among those that are scored
    draw: int
    schedules: Sequence[NoiseSchedule]  # all that the caller has
    places: Places  # of those that are sampled
    shared: bool


class _Pending:
    """Collects one metric's values of one schedule until all clips and draws are in."""

    def __init__(self, clips: int, draws: int) -> None:
        self._values = np.full((clips, draws), np.nan)
        self._failures: list[str] = []

    def put(self, places: Sequence[int], column: int, heard: Sequence[str], row: Sequence[float | Failure]) -> None:
        for place, name, value in zip(places, heard, row, strict=True):
            if isinstance(value, Failure):
                self._failures.append(f"{name}: {value.reason}")
            else:
                self._values[place, column] = value

    def score(self) -> Score:
        return Score(self._values, tuple(self._failures))


def _on(vocoder: Vocoder, samples: int) -> int:
    """Returns so many samples on a CPU; a GPU takes as many at once as memory allows."""
    return samples if vocoder.device.type == "cpu" else SAMPLES_AT_ONCE


def _grouped(vocoder: Vocoder, clips: Sequence[Clip]) -> Iterator[Group]:
    cut = [cut_to_hops(clip.audio, vocoder.hop_length) for clip in clips]
    order = sorted(range(len(clips)), key=lambda i: len(cut[i]))
    for samples, same_length in groupby(order, key=lambda i: len(cut[i])):
        members = list(same_length)
        for batch in batches(len(members), samples, _on(vocoder, SAMPLES_A_GROUP)):
            places = members[batch]
            reference = torch.stack([cut[i] for i in places]).to(vocoder.device)
            mel = _mels(vocoder, [clips[i] for i in places], reference)
            yield Group(tuple(places), tuple(clips[i].name for i in places), reference, mel)


def _kept(group: Group, names: Container[str]) -> Group:
    """Returns the group without the clips of other names."""
    rows = [row for row, name in enumerate(group.names) if name in names]
    places, kept = tuple(group.places[row] for row in rows), tuple(group.names[row] for row in rows)
    return Group(places, kept, group.reference[rows], group.mel[rows])


def _mels(vocoder: Vocoder, clips: Sequence[Clip], reference: Tensor) -> Tensor:
    """Returns what the network is told of clips of one length [clip, samples]: a TTS's mels, or the audio's own."""
    with torch.inference_mode():
        mels = vocoder.front_end(reference)
        for row, clip in enumerate(clips):
            if clip.mel is not None:
                mels[row] = clip.mel
    return mels


def _part(total: int, index: int, parts: int) -> int:
    """Returns one of `parts` whole numbers that add up to the total."""
    return total * (index + 1) // parts - total * index // parts
