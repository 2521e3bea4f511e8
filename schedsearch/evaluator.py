"""Schedules -> scores, by running the frozen vocoder under common random numbers."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.registry import Metric
from schedsearch.noise import NoiseBank
from schedsearch.sampler import ancestral_sample
from schedsearch.schedule import NoiseSchedule
from schedsearch.scores import Evaluation, Score
from vocoder.audio import Clip, cut_to_hops
from vocoder.vocoder import Vocoder

SAMPLES_AT_ONCE = 160_000  # one network call; bounds its memory (about 1.4 kB a sample) at any number of candidates


@dataclass(frozen=True)
class _Group:
    """Clips of one length: sampled together, so that none is padded."""

    places: tuple[int, ...]  # in the evaluator's order of clips
    names: tuple[str, ...]
    reference: Tensor  # [clip, samples]
    mel: Tensor  # [clip, n_mels, frames]


class Evaluator:
    """Scores schedules on fixed clips and fixed noise: equal schedules get equal scores, whoever asks and when."""

    def __init__(self, vocoder: Vocoder, clips: Sequence[Clip], metrics: Sequence[Metric], noise: NoiseBank) -> None:
        """Mels and references are made once, here."""
        self._vocoder, self._metrics, self._noise = vocoder, metrics, noise
        self._groups = list(_grouped(vocoder, clips))
        self.clip_names = tuple(clip.name for clip in clips)
        self.metric_names = tuple(metric.name for metric in metrics)

    def evaluate(self, schedules: Sequence[NoiseSchedule], draws: Sequence[int]) -> list[Evaluation]:
        """C schedules of equal length on all clips and the given noise draws -> C evaluations, in order."""
        began = time.perf_counter()
        found = [
            {metric.name: _Pending(len(self.clip_names), draws) for metric in self._metrics} for _ in schedules
        ]
        for column, draw in enumerate(draws):
            for group in self._groups:
                self._score_group(group, schedules, draw, column, found)
        calls = len(schedules[0]) * len(self.clip_names) * len(draws)
        seconds = (time.perf_counter() - began) / len(schedules)
        return [Evaluation({n: p.score() for n, p in each.items()}, seconds, calls) for each in found]

    def audio(self, schedule: NoiseSchedule, draw: int) -> dict[str, Tensor]:
        """Clip name -> audio [samples] of one noise draw."""
        return {
            name: audio
            for group in self._groups
            for name, audio in zip(group.names, self._sample(group, [schedule], draw)[0], strict=True)
        }

    def _score_group(
        self,
        group: _Group,
        schedules: Sequence[NoiseSchedule],
        draw: int,
        column: int,
        found: "list[dict[str, _Pending]]",
    ) -> None:
        at_once = max(1, SAMPLES_AT_ONCE // group.reference.numel())
        for chunk in _chunks(range(len(schedules)), at_once):
            audio = self._sample(group, [schedules[c] for c in chunk], draw)
            for metric in self._metrics:
                for c, row in zip(chunk, metric.measure(group.reference, audio), strict=True):
                    found[c][metric.name].put(group, column, row)

    def _sample(self, group: _Group, schedules: Sequence[NoiseSchedule], draw: int) -> Tensor:
        noise = self._noise.for_clips(group.names, draw, group.reference.shape[1])
        return ancestral_sample(self._vocoder, group.mel, schedules, noise)


class _Pending:
    """Collects one metric's values of one schedule until all clips and draws are in."""

    def __init__(self, clips: int, draws: Sequence[int]) -> None:
        self._values = np.full((clips, len(draws)), np.nan)
        self._draws = draws
        self._failures: list[str] = []

    def put(self, group: _Group, column: int, row: Sequence[float | Failure]) -> None:
        for place, name, value in zip(group.places, group.names, row, strict=True):
            if isinstance(value, Failure):
                self._failures.append(f"{name}, draw {self._draws[column]}: {value.reason}")
            else:
                self._values[place, column] = value

    def score(self) -> Score:
        return Score(self._values, tuple(self._failures))


def _grouped(vocoder: Vocoder, clips: Sequence[Clip]) -> Iterator[_Group]:
    cut = [cut_to_hops(clip.audio, vocoder.hop_length) for clip in clips]
    order = sorted(range(len(clips)), key=lambda i: len(cut[i]))
    for _, same in groupby(order, key=lambda i: len(cut[i])):
        members = list(same)
        for some in _chunks(members, max(1, SAMPLES_AT_ONCE // len(cut[members[0]]))):
            reference = torch.stack([cut[i] for i in some]).to(vocoder.device)
            with torch.inference_mode():
                mel = vocoder.front_end(reference)
            yield _Group(tuple(some), tuple(clips[i].name for i in some), reference, mel)


def _chunks(items: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (items[i : i + size] for i in range(0, len(items), size))
