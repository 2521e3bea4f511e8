"""Turns schedules into scores: runs the frozen vocoder under common random numbers."""

import copy
import time
from collections.abc import Container, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.processes import configured
from schedsearch.metrics.registry import Metric
from schedsearch.sampling import prefix_tree
from schedsearch.sampling.noise import ChosenNoise, NoiseBank
from schedsearch.sampling.prefix_tree import shared_batches
from schedsearch.sampling.sampler import ancestral_sample
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.batches import SAMPLES_AT_ONCE, batches
from vocoder.vocoder import Vocoder


@dataclass(frozen=True)
class Group:
    """Clips of one length. They are sampled together, so that none is padded."""

    places: tuple[int, ...]  # in the evaluator's order of clips
    names: tuple[str, ...]
    reference: Tensor  # [clip, samples]
    mel: Tensor  # [clip, n_mels, frames]


class Evaluator:
    """Scores schedules on fixed clips and fixed noise: equal schedules always get equal scores."""

    def __init__(self, vocoder: Vocoder, clips: Sequence[Clip], metrics: Sequence[Metric], noise: NoiseBank) -> None:
        """Makes mels and references, once for all schedules."""
        self._vocoder, self._metrics = vocoder, metrics
        self._noise: NoiseBank | ChosenNoise = noise
        self.groups = list(_grouped(vocoder, clips))
        self.clip_names = tuple(clip.name for clip in clips)
        self.metric_names = tuple(metric.name for metric in metrics)

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], draws: Sequence[int], *, shared: bool = False
    ) -> list[Evaluation]:
        """Scores schedules of equal length on all clips in the given noise draws. Returns evaluations in order.

        `shared`: schedules that begin alike share those network calls, and each is charged an equal part of the cost.
        prefix_tree says how far the audio differs from unshared sampling.
        """
        began = time.perf_counter()
        pending = [
            {metric.name: _Pending(len(self.clip_names), len(draws)) for metric in self._metrics} for _ in schedules
        ]
        users_settings = configured()  # of joblib; they end with the thread below, so nothing has to leave them
        # One batch is measured while the network runs the next.
        with ThreadPoolExecutor(max_workers=1, initializer=lambda: users_settings().__enter__()) as measuring:
            measured = measuring.submit(lambda: None)
            for column, draw in enumerate(draws):
                for group in self.groups:
                    for places, audio in self._sampled(group, schedules, draw, shared=shared):
                        measured.result()  # at most one batch waits, so memory stays bounded
                        candidates = [pending[place] for place in places]
                        measured = measuring.submit(self._measure, group, column, draw, audio, candidates)
            measured.result()
        clips = len(self.clip_names) * len(draws)
        calls = prefix_tree.calls(schedules, clips) if shared else len(schedules) * len(schedules[0]) * clips
        seconds = (time.perf_counter() - began) / len(schedules)
        return [
            Evaluation({n: p.score() for n, p in by_metric.items()}, seconds, _part(calls, i, len(schedules)))
            for i, by_metric in enumerate(pending)
        ]

    def pieces(self, count: int) -> "list[Evaluator]":
        """Returns at most `count` evaluators of parts of the clips. Their scores, `joined`, equal this evaluator's."""
        return [self._of(self.groups[first::count]) for first in range(min(count, len(self.groups)))]

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
            for group in self.groups
            for _, batch in self._sampled(group, [schedule], draw, shared=False)
            for name, audio in zip(group.names, batch[0], strict=True)
        }

    def _of(self, groups: Sequence[Group]) -> "Evaluator":
        """Returns an evaluator of these groups alone, with their clips in the groups' order."""
        names = tuple(name for group in groups for name in group.names)
        place = {name: place for place, name in enumerate(names)}
        piece = copy.copy(self)
        piece.clip_names = names
        piece.groups = [replace(group, places=tuple(place[name] for name in group.names)) for group in groups]
        return piece

    def _measure(
        self, group: Group, column: int, draw: int, audio: Tensor, pending: "Sequence[dict[str, _Pending]]"
    ) -> None:
        """Puts all metrics' values of audio [C, K, samples] into the collections of its C schedules."""
        heard = [f"{name}, draw {self._noise.repeat_of(name, draw)}" for name in group.names]
        for metric in self._metrics:
            for by_metric, row in zip(pending, metric.measure(group.reference, audio), strict=True):
                by_metric[metric.name].put(group.places, column, heard, row)

    def _sampled(
        self, group: Group, schedules: Sequence[NoiseSchedule], draw: int, *, shared: bool
    ) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Yields places in `schedules` and their audio [C, K, samples], as much at once as memory allows."""
        noise = self._noise.for_clips(group.names, draw, group.reference.shape[1])
        samples = group.reference.numel()
        if shared:
            at_once = max(1, SAMPLES_AT_ONCE // samples)
            yield from shared_batches(self._vocoder, group.mel, schedules, noise, states_at_once=at_once)
            return
        places = range(len(schedules))
        for batch in batches(len(schedules), samples, SAMPLES_AT_ONCE):
            yield places[batch], ancestral_sample(self._vocoder, group.mel, schedules[batch], noise)


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


def _grouped(vocoder: Vocoder, clips: Sequence[Clip]) -> Iterator[Group]:
    cut = [cut_to_hops(clip.audio, vocoder.hop_length) for clip in clips]
    order = sorted(range(len(clips)), key=lambda i: len(cut[i]))
    for samples, same_length in groupby(order, key=lambda i: len(cut[i])):
        members = list(same_length)
        for batch in batches(len(members), samples, SAMPLES_AT_ONCE):
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
