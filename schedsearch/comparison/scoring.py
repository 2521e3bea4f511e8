"""Scores schedules on held-out clips, and stores each value as soon as it is known.

A value's key holds all that it depends on: the weights and how they are run, the betas, the clip's samples and name,
the noise and the metrics' definitions. So a stopped comparison goes on, a larger one scores only what is new, and
values of another checkpoint are never mixed in.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from typing import Any

import numpy as np

from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.opened import conditions, held_out_noise
from vocoder.audio.reading import Clip
from vocoder.batches import SAMPLES_AT_ONCE, batches
from vocoder.vocoder import Vocoder


@dataclass(frozen=True)
class Part:
    """Clips of one schedule and draw that are measured, then stored, together."""

    entrant: Entrant
    draw: int
    clips: tuple[Clip, ...]

    @property
    def evaluations(self) -> int:
        """Network evaluations of the part: clips through the network, once a step."""
        return len(self.entrant.schedule) * len(self.clips)

    @property
    def audio_seconds(self) -> float:
        """Length of its clips together."""
        return sum(len(clip.audio) / clip.sample_rate for clip in self.clips)


@dataclass(frozen=True)
class Scoring:
    """A voice, the clips and the noise that schedules are judged on, and the values known already."""

    vocoder: Vocoder
    clips: tuple[Clip, ...]
    metrics: tuple[Metric, ...]  # the objective first
    draws: int
    seed: int
    cache: ValueCache

    def steps(self, entrants: Sequence[Entrant]) -> Iterator[tuple[float, str]]:
        """Scores what is missing; yields the share that is done, and the schedule's name."""
        todo = list(self.parts(entrants))
        total, done = sum(part.evaluations for part in todo), 0
        for part in todo:
            self.cache.add(self._measured(part))
            done += part.evaluations
            yield done / total, part.entrant.name
        if not self.vocoder.unchanged():
            raise AssertionError("the frozen vocoder's weights changed during the comparison")

    def parts(self, entrants: Sequence[Entrant]) -> Iterator[Part]:
        """Lists what is missing, in parts that go through the network at once; equal schedules stand once."""
        first = {entrant.schedule: entrant for entrant in reversed(entrants)}
        longest = max(len(clip.audio) for clip in self.clips)
        for entrant in (e for e in entrants if first[e.schedule] is e):
            for draw in range(self.draws):
                clips = [clip for clip in self.clips if self._missing(entrant.schedule, clip, draw)]
                for batch in batches(len(clips), longest, SAMPLES_AT_ONCE):
                    yield Part(entrant, draw, tuple(clips[batch]))

    def scores(self, schedule: NoiseSchedule) -> dict[str, Score]:
        """Returns scores [clip, draw] by metric; after `steps`."""
        values = [
            [self.cache.get(self._key(schedule, clip, draw)) for draw in range(self.draws)] for clip in self.clips
        ]
        return {metric.name: _score(metric.stored_name, values) for metric in self.metrics}

    def knows(self, schedule: NoiseSchedule) -> bool:
        """Says whether all values of the schedule are known."""
        return not any(self._missing(schedule, clip, draw) for clip in self.clips for draw in range(self.draws))

    def _missing(self, schedule: NoiseSchedule, clip: Clip, draw: int) -> list[Metric]:
        values = self.cache.get(self._key(schedule, clip, draw))
        return [metric for metric in self.metrics if not isinstance(values.get(metric.stored_name), (float, str))]

    def _measured(self, part: Part) -> dict[str, dict[str, float | str]]:
        """Measures the metrics that any clip of the part lacks; returns their values by key."""
        schedule, draw = part.entrant.schedule, part.draw
        lacking = {metric.name for clip in part.clips for metric in self._missing(schedule, clip, draw)}
        metrics = [metric for metric in self.metrics if metric.name in lacking]
        evaluator = Evaluator(self.vocoder, part.clips, metrics, held_out_noise(self.seed))
        [evaluation] = evaluator.evaluate([schedule], [draw])
        scores = {metric.stored_name: evaluation.scores[metric.name] for metric in metrics}
        return {
            self._key(schedule, clip, draw): _values(scores, place, f"{clip.name}, draw {draw}: ")
            for place, clip in enumerate(part.clips)
        }

    def _key(self, schedule: NoiseSchedule, clip: Clip, draw: int) -> str:
        return f"score {self._conditions} {_betas_hash(schedule)} {self._clip_hashes[clip.name]} {draw}"

    @cached_property
    def _conditions(self) -> str:
        return short_hash([conditions(self.vocoder), self.vocoder.device.type, self.seed])

    @cached_property
    def _clip_hashes(self) -> dict[str, str]:
        return {clip.name: short_hash([clip.name, *_digests(clip)]) for clip in self.clips}


def _digests(clip: Clip) -> list[str]:
    """Returns the SHA-256 of a clip's audio and, where it has one, of its TTS's mel."""
    parts = [clip.audio] if clip.mel is None else [clip.audio, clip.mel]
    return [sha256(part.numpy().tobytes()).hexdigest() for part in parts]


def _values(scores: Mapping[str, Score], place: int, prefix: str) -> dict[str, float | str]:
    """Returns the clip's value by metric, or why there is none; `prefix` begins its failures."""
    return {
        name: next((f for f in score.failures if f.startswith(prefix)), None) or float(score.values[place, 0])
        for name, score in scores.items()
    }


def _score(metric: str, values: Sequence[Sequence[Mapping[str, Any]]]) -> Score:
    of_metric = [[draw[metric] for draw in clip] for clip in values]
    failures = tuple(value for clip in of_metric for value in clip if isinstance(value, str))
    numbers = [[np.nan if isinstance(value, str) else value for value in clip] for clip in of_metric]
    return Score(np.array(numbers, float), failures)


@cache
def _betas_hash(schedule: NoiseSchedule) -> str:
    return short_hash(schedule.betas.tolist())


def short_hash(content: object) -> str:
    """Returns the beginning of the SHA-256 of JSON values, for the keys of stored values."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
