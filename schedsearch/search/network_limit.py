"""Measures what the network itself can do, beside what ships: is the schedule the limit, or the network?

A published schedule of 6 steps, what ships, and a schedule as long as the time allows are scored on the same held-out
clips and noise. The best that was ever measured there, at any length, is what the network can do. The share of it is
(what ships - published 6) / (best - published 6).

Scores are kept beside the dataset's results, by checkpoint, clips and metric. So a search of another length scores only
what it ships, and its winner counts for the others.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.evaluation.bootstrap import Interval, paired_bootstrap, sound_clips
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.formulas import linear, resample
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.loop import Progress
from schedsearch.study.candidate import plain_scores, scores_from
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.opened import clips_hash, conditions, held_out_noise
from vocoder.audio.reading import Clip, typical_excerpt
from vocoder.vocoder import Vocoder

STAGE, FILE = "network's limit", "network_limit.jsonl"
YARDSTICK = "ivanvovk-6"
EXCERPTS, EXCERPT_SECONDS = 8, 0.8
TRAINING_STEPS = 1000
LENGTHS = (TRAINING_STEPS, 500, 200, 100, 50, 25)  # of the long schedule, the longest that is affordable
ENOUGH = 100  # steps; on demo 50, 100 and 200 differ by less than the noise of 4 clips
TELLING = 50  # steps: a shorter long schedule that did no better tells nothing of the network
SAFETY = 0.7  # part of the time that is planned for: another program may slow this one down


@dataclass(frozen=True)
class Measured:
    """A schedule's scores on the clips of a bench."""

    name: str
    steps: int
    scores: Mapping[str, Score]  # by metric


@dataclass(frozen=True)
class NetworkLimit:
    """What ships beside the best that was measured with this network. All scores are of the same clips and noise."""

    metric: Metric
    shipped: Measured
    yardstick: Measured
    best: Measured
    clips: int  # sound in all three
    means: tuple[float, float, float]  # over these clips: shipped, yardstick, best
    gap: Interval | None  # best minus yardstick; None for fewer than two clips
    room: Interval | None  # best minus shipped, likewise
    longest: int  # steps of the longest schedule that was measured

    @property
    def share(self) -> float | None:
        """Returns the part of the gap that the shipped schedule reaches; None where the gap's interval holds zero.

        What is worse than the yardstick reaches nothing. The best is that of all clips, and these are the sound ones,
        on which another may be better.
        """
        if self.gap is None or not self.gap.excludes_zero:
            return None
        shipped, yardstick, best = self.means
        return min(1.0, max(0.0, (shipped - yardstick) / (best - yardstick)))


@dataclass(frozen=True)
class LimitBench:
    """A network and held-out clips to measure schedules on."""

    vocoder: Vocoder  # in float32
    clips: tuple[Clip, ...]
    metrics: tuple[Metric, ...]  # the objective first
    cache: ValueCache

    def steps(self, name: str, shipped: NoiseSchedule, seconds: float, *, longer: bool = False) -> Iterator[Progress]:
        """Scores what is missing, in about `seconds` at most; nothing where that is too short.

        The long schedule has ENOUGH steps, or twice what ships, or fewer where the time is short. One that was measured
        before is enough if it has ENOUGH; if not, a longer one is measured as soon as there is time, each length once.
        With `longer` it has as many steps as the time allows, whatever was measured.
        """
        known = self.measured()
        longest = max((one.steps for one in known.values() if one.name == long_name(one.steps)), default=0)
        named = {YARDSTICK: published(YARDSTICK), name: shipped}
        missing = {name: schedule for name, schedule in named.items() if schedule.digest not in known}
        wants_long = longer or longest <= len(shipped) or longest < ENOUGH
        if seconds == 0 or not (missing or wants_long):
            return
        yield Progress(STAGE, 0.0, None)
        affordable = SAFETY * seconds / self._seconds_a_step()
        left = affordable - sum(map(len, missing.values()))
        most = left if longer else min(left, max(ENOUGH, 2 * len(shipped)))
        fitting = [steps for steps in LENGTHS if max(longest, len(shipped)) < steps <= most]
        if wants_long and fitting:
            missing[long_name(fitting[0])] = long_schedule(fitting[0])
        if left < 0 or not (fitting or longest):
            return
        for number, (name, schedule) in enumerate(missing.items(), start=1):
            self._measure(name, schedule)
            yield Progress(STAGE, number / len(missing), None)

    def measured(self) -> dict[str, Measured]:
        """Returns every schedule that was scored on these clips, by its digest."""
        entries = self.cache.get(self._key)
        return {digest: one for digest, entry in entries.items() if (one := self._read(entry)) is not None}

    def limit(self, shipped: NoiseSchedule) -> NetworkLimit | None:
        """Compares what ships with the best known.

        None where too little was measured: nothing longer than both, or nothing better and nothing of TELLING steps.
        None, too, for fewer steps than the yardstick's that are worse than it: the network is not what limits them.
        """
        known, metric = self.measured(), self.metrics[0]
        ours, yardstick = known.get(shipped.digest), known.get(published(YARDSTICK).digest)
        sign = 1 if metric.direction == "minimize" else -1
        whole = [one for one in known.values() if not one.scores[metric.name].failures]
        longest = max((one.steps for one in whole), default=0)
        if ours is None or yardstick is None or longest <= max(ours.steps, yardstick.steps):
            return None
        best = min(whole, key=lambda one: sign * one.scores[metric.name].mean)
        limit = _limit(metric, ours, yardstick, best, longest)
        of_ours, of_yardstick, of_best = (sign * mean for mean in limit.means)
        says_little = longest < TELLING and not of_best < of_ours
        return None if says_little or (of_ours > of_yardstick and ours.steps < yardstick.steps) else limit

    @property
    def _key(self) -> str:
        """Returns a name for everything that the scores depend on beside the schedule."""
        content = [conditions(self.vocoder), self.vocoder.device.type, clips_hash(self.clips)]
        return " ".join([sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(), self.metrics[0].stored_name])

    def _read(self, entry: Any) -> Measured | None:
        try:
            scores = scores_from(entry["scores"], [metric.name for metric in self.metrics])
            whole = all(score.values.shape == (len(self.clips), 1) for score in scores.values())
            return Measured(str(entry["name"]), int(entry["steps"]), scores) if whole else None
        except (ValueError, LookupError, TypeError):  # not a line of ours
            return None

    def _measure(self, name: str, schedule: NoiseSchedule) -> None:
        [evaluation] = self._evaluator(self.metrics).evaluate([schedule], [0])
        scores = plain_scores(evaluation.scores)
        self.cache.add({self._key: {schedule.digest: {"name": name, "steps": len(schedule), "scores": scores}}})

    def _seconds_a_step(self) -> float:
        """Times all clips through the network once, after a warm call."""
        evaluator, one_step = self._evaluator(()), linear(1, 0.5, 0.5)
        evaluator.evaluate([one_step], [0])
        began = time.perf_counter()
        evaluator.evaluate([one_step], [0])
        return time.perf_counter() - began

    def _evaluator(self, metrics: Sequence[Metric]) -> Evaluator:
        return Evaluator(self.vocoder, self.clips, metrics, held_out_noise(0))  # whatever the search's seed is


def whole_bench(vocoder: Vocoder, clips: tuple[Clip, ...], metrics: Mapping[str, Metric], folder: Path) -> LimitBench:
    """Returns the bench of all held-out clips. `metrics` have the objective first; the file stands in `folder`."""
    heard = [metric for name, metric in metrics.items() if name.startswith("pesq")]
    objective = next(iter(metrics.values()))
    chosen = {metric.name: metric for metric in (objective, *heard)}
    return LimitBench(vocoder, clips, tuple(chosen.values()), ValueCache(folder / FILE))


def excerpt_bench(whole: LimitBench) -> LimitBench:
    """Returns the bench of a few typical excerpts, which a search has time for."""
    excerpts = (typical_excerpt(c, EXCERPT_SECONDS, whole.vocoder.hop_length) for c in whole.clips[:EXCERPTS])
    return LimitBench(whole.vocoder, tuple(excerpts), whole.metrics, whole.cache)


def long_schedule(steps: int) -> NoiseSchedule:
    """Reads the log-SNR curve of linear(1000, 1e-6, 1e-2), which all dialects train on, at `steps` positions."""
    return resample(linear(TRAINING_STEPS, 1e-6, 1e-2), steps)


def long_name(steps: int) -> str:
    """Returns the name of the training schedule read at so many steps."""
    return f"training schedule in {steps} steps"


def _limit(metric: Metric, shipped: Measured, yardstick: Measured, best: Measured, longest: int) -> NetworkLimit:
    values = [one.scores[metric.name].values for one in (shipped, yardstick, best)]
    sound = sound_clips(values)
    clips = int(sound.sum())
    room, gap = (paired_bootstrap(values[2][sound], v[sound], seed=0) if clips > 1 else None for v in values[:2])
    ours, theirs, limit = (float(one[sound].mean()) if clips else float("nan") for one in values)
    return NetworkLimit(metric, shipped, yardstick, best, clips, (ours, theirs, limit), gap, room, longest)
