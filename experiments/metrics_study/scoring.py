"""Scores schedules and degraded audio on the same clips, and stores the scores: a stopped run goes on."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from experiments.metrics_study.losses import PITCH
from experiments.metrics_study.schedules import Job
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics import mos
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.perceptual import pesq_mode
from schedsearch.metrics.registry import DEFINITIONS, Metric, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.config import load_voice
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import Clip, typical_excerpt
from vocoder.checkpoints.loading import load_vocoder
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder

STORED = Path("results/bench/metrics_study.jsonl")
SHIPPED, FOLDER = Path("results/shipped"), "metrics"
SECONDS = 1.2  # of each clip, a typical part
CLIPS = 12  # of the search clips, and as many of the held-out ones, or as many as there are
STRIDES = {6: 1, 12: 2, 25: 2, 50: 3}  # longer schedules, where each costs more, are heard on every so-many-th clip
NOISE = NoiseBank(2_000_003)  # no search draws from it
SUMS = ("spectral", "mr_stft", "spectral_pesq_wb")  # of others, added up where tables are made
TIMED_CLIPS, TIMED_ROUNDS = 4, 3


@dataclass(frozen=True)
class Bench:
    """A voice and the study's clips, search clips first."""

    dataset: str
    vocoder: Vocoder
    clips: tuple[Clip, ...]
    search: int  # of the clips, so many from the first on are search clips

    @staticmethod
    def open(dataset: str) -> "Bench":
        """Opens a voice; InputError for one in narrow band, since the study's judges are wide-band."""
        voice = load_voice(dataset)
        if pesq_mode(voice.sample_rate) != "wb":
            raise InputError(f"the study's judges are wide-band; {dataset} has {voice.sample_rate} Hz, name another")
        vocoder = load_vocoder(voice.checkpoint, voice.config)  # float32 on every machine
        folders = (voice.search_clips, voice.held_out_clips)
        search, held_out = (read_clips(f, sample_rate=vocoder.sample_rate)[:CLIPS] for f in folders)
        clips = tuple(typical_excerpt(clip, SECONDS, vocoder.hop_length) for clip in (*search, *held_out))
        return Bench(voice.dataset, vocoder, clips, len(search))

    @property
    def folder(self) -> Path:
        """The folder of its tables."""
        return SHIPPED / self.dataset / f"{self.vocoder.sample_rate}hz" / FOLDER

    @property
    def identity(self) -> str:
        """Names what scores depend on: voice, clips, noise, definitions of metrics."""
        return f"{self.vocoder.weights_hash[:12]} {DEFINITIONS} {SECONDS} {NOISE.seed} {[c.name for c in self.clips]}"

    @cached_property
    def tracked(self) -> tuple[int, ...]:
        """Places of the clips on which pitch is followed, 185 ms a second of audio: every fourth, in the first draw."""
        return tuple(range(0, len(self.clips), 4))

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """The catalogue's metrics without sums of others and Distill-MOS, which stage judge asks."""
        rate = self.vocoder.sample_rate
        names = [definition.name for definition in catalogue(rate) if definition.name not in (*SUMS, mos.NAME)]
        return metrics_for(self.vocoder.front_end, rate, jobs=1, names=names)

    @cached_property
    def references(self) -> Tensor:
        """[clip, samples]: excerpts of one length."""
        return torch.stack([clip.audio for clip in self.clips])

    def score(self, job: Job) -> dict[str, list[float]]:
        """Returns one value a clip by metric; NaN where a clip was not scored, and where the metric failed."""
        heard = list(range(0, len(self.clips), STRIDES[job.named.steps]))
        audio = self.audio(job.named.schedule, job.draw, heard)
        return self.measure(audio, heard, pitch=job.draw == 0)

    def audio(self, schedule: NoiseSchedule, draw: int, heard: Sequence[int] | None = None) -> Tensor:
        """Synthesises [clip, samples] of all clips, or of some."""
        clips = self.clips if heard is None else tuple(self.clips[place] for place in heard)
        audio = Evaluator(self.vocoder, clips, (), NOISE).audio(schedule, draw)
        return torch.stack([audio[clip.name] for clip in clips])

    def measure(self, audio: Tensor, heard: Sequence[int], *, pitch: bool) -> dict[str, list[float]]:
        """Returns one value a clip by metric, of audio [heard, samples]."""
        by_metric = {}
        for name, metric in self.metrics.items():
            rows = [r for r, place in enumerate(heard) if name not in PITCH or (pitch and place in self.tracked)]
            places = [heard[row] for row in rows]
            values = np.full(len(self.clips), np.nan)
            if rows:
                scored = metric.measure(self.references[places], audio[None, rows])[0]
                values[places] = [np.nan if isinstance(value, Failure) else value for value in scored]
            by_metric[name] = values.tolist()
        return by_metric

    def cost(self, name: str) -> float:
        """Returns a metric's CPU milliseconds for a second of audio: the least of a few rounds."""
        generator = torch.Generator().manual_seed(0)
        clean = self.references[:TIMED_CLIPS]
        spent = []
        for _ in range(TIMED_ROUNDS):
            metric = metrics_for(self.vocoder.front_end, self.vocoder.sample_rate, names=[name])[name]
            noisy = clean + 0.01 * torch.randn(clean.shape, generator=generator)  # anew: pitch tracks are remembered
            began = time.process_time()
            metric.measure(clean, noisy[None])
            spent.append(time.process_time() - began)
        return 1000 * min(spent) / (clean.numel() / self.vocoder.sample_rate)


class StoredScores:
    """Scores of one identity (see `Bench.identity`), in a file that all identities share."""

    def __init__(self, identity: str, path: Path = STORED) -> None:
        """Reads the file if there is one."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._identity, self._cache = identity, ValueCache(path, "scores")

    def get(self, what: str) -> dict[str, list[float]] | None:
        """Returns scores, NaN where a value is missing; None where there are none yet."""
        scores = self._cache.get(self._key(what))
        return {name: [np.nan if v is None else v for v in row] for name, row in scores.items()} or None

    def add(self, what: str, scores: Mapping[str, Sequence[float]]) -> None:
        """Writes one more line."""
        plain = {name: [None if np.isnan(v) else float(f"{v:.7g}") for v in row] for name, row in scores.items()}
        self._cache.add({self._key(what): plain})

    def _key(self, what: str) -> str:
        return sha256(f"{self._identity} {what}".encode()).hexdigest()[:16]


def job_key(job: Job) -> str:
    """Names a job: equal schedules under other names are scored once."""
    return f"draw {job.draw} of {job.named.schedule.betas.tolist()}"
