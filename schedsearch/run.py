"""One run: a voice and its settings -> a filled results folder, resumed wherever it stopped."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.budget import Budget
from schedsearch.config import Voice
from schedsearch.confirmation import Verdict, judge, verdict
from schedsearch.evaluator import Evaluator
from schedsearch.metrics.registry import DEFINITIONS, Metric, columns_with, metrics_for, objective
from schedsearch.noise import NoiseBank
from schedsearch.search import Plan, Progress, rescore_finalists, search
from schedsearch.space import CurveSpace, LogSnrSpace, ScheduleSpace
from schedsearch.strategies.bayesian import SAMPLERS
from schedsearch.study import Store, sqlite_url
from vocoder.audio import Clip, read_folder, typical_excerpt
from vocoder.checkpoint import load_vocoder
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder, best_device

LONGEST_SEARCH = 1000  # iterations: the training schedule's length
FREE_LEVELS = 24  # up to here every level is free; above, a curve of few numbers is searched
SHAPE_NUMBERS = 4
EXCERPT_SECONDS = 0.8  # of every search clip
HELD_OUT_DRAWS = (0,)
STUDY = "study.db"  # in the results folder
HELD_OUT_SEED = 1_000_003  # added to the seed: fresh noise


@dataclass(frozen=True)
class Settings:
    """What a user chose."""

    iterations: int
    strategy: str = "tpe"
    objective: str = "log_mel_l1"
    seed: int = 0
    results: Path = Path("results")
    storage: str | None = None
    jobs: int = 2

    def __post_init__(self) -> None:
        """The rules, before anything is loaded."""
        if not 1 <= self.iterations <= LONGEST_SEARCH:
            raise InputError(
                f"ITERS must be a whole number from 1 to {LONGEST_SEARCH}, and is {self.iterations}; "
                "6, 12, 25, 50 and 100 are usual"
            )
        if self.strategy not in SAMPLERS:
            raise InputError(f"STRATEGY must be one of {', '.join(SAMPLERS)}, and is {self.strategy!r}; choose one")


@dataclass(frozen=True)
class Run:
    """A voice opened for a search, with everything made once."""

    voice: Voice
    settings: Settings
    vocoder: Vocoder
    search_clips: tuple[Clip, ...]
    held_out_clips: tuple[Clip, ...]
    store: Store

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """By name."""
        names = columns_with(self.settings.objective)
        return metrics_for(self.vocoder.front_end, self.vocoder.sample_rate, jobs=self.settings.jobs, names=names)

    @property
    def folder(self) -> Path:
        """Where this run's results stand."""
        return results_folder(self.voice, self.settings)

    def steps(self, budget: Budget) -> Iterator[Progress]:
        """All that is still to do, yielding after each batch."""
        settings = self.settings
        metric = objective(settings.objective, self.metrics)
        evaluator = Evaluator(self.vocoder, self.search_clips, [metric], NoiseBank(settings.seed))
        plan = Plan(settings.strategy, budget, settings.seed)
        yield from search(self.store, evaluator, space_for(settings.iterations), plan)
        yield from rescore_finalists(self.store, evaluator)
        noise = NoiseBank(settings.seed + HELD_OUT_SEED)
        held_out = Evaluator(self.vocoder, self.held_out_clips, list(self.metrics.values()), noise)
        yield from judge(self.store, held_out, HELD_OUT_DRAWS)
        if not self.vocoder.unchanged():
            raise AssertionError("the frozen vocoder's weights changed during the search")

    def verdict(self) -> Verdict:
        """What ships; after `steps` is exhausted."""
        return verdict(self.store, list(self.metrics.values()), HELD_OUT_DRAWS, seed=self.settings.seed)


def open_run(voice: Voice, settings: Settings) -> Run:
    """Loads the vocoder and clips and opens the store; InputError in one line for whatever is wrong with them."""
    vocoder = load_vocoder(voice.checkpoint, voice.config, device=best_device())
    if vocoder.sample_rate != voice.sample_rate:
        raise InputError(
            f"the checkpoint of {voice.dataset} is for {vocoder.sample_rate} Hz, the dataset says "
            f"{voice.sample_rate}; correct [rates.{voice.sample_rate}]"
        )
    names = columns_with(settings.objective)
    metric = objective(settings.objective, metrics_for(vocoder.front_end, vocoder.sample_rate, names=names))
    search_clips = tuple(
        typical_excerpt(clip, EXCERPT_SECONDS, vocoder.hop_length) for clip in _clips(voice.search_clips, voice)
    )
    held_out_clips = tuple(_clips(voice.held_out_clips, voice))
    folder = results_folder(voice, settings)
    _make_writable(folder)  # after all that can be wrong with the input: bad input leaves nothing behind
    storage = settings.storage or sqlite_url(folder / STUDY)
    identity = _identity(voice, replace(settings, objective=metric.name), vocoder, search_clips, held_out_clips)
    store = Store(storage, identity, metric.direction, metric.name)
    return Run(voice, settings, vocoder, search_clips, held_out_clips, store)


def results_folder(voice: Voice, settings: Settings) -> Path:
    """results/<dataset>/<rate>hz/<iters>iters."""
    return settings.results / voice.dataset / f"{voice.sample_rate}hz" / f"{settings.iterations}iters"


def space_for(iterations: int) -> ScheduleSpace:
    """Every level free at few steps, a curve of few numbers at many."""
    return LogSnrSpace(iterations) if iterations <= FREE_LEVELS else CurveSpace(iterations, SHAPE_NUMBERS)


def _clips(folder: Path, voice: Voice) -> list[Clip]:
    return read_folder(folder, sample_rate=voice.sample_rate, resample=voice.resample)


def _identity(
    voice: Voice, settings: Settings, vocoder: Vocoder, search: tuple[Clip, ...], held_out: tuple[Clip, ...]
) -> dict[str, Any]:
    """Everything that scores depend on: two runs share trials only if all of it is equal."""
    return {
        "dataset": voice.dataset,
        "sample_rate": voice.sample_rate,
        "iterations": settings.iterations,
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "sampler": vocoder.dialect.reverse.name,
        "precision": str(vocoder.autocast or "float32"),
        "search clips": _hash(search),
        "held-out clips": _hash(held_out),
        "objective": settings.objective,
        "metric definitions": DEFINITIONS,
        "seed": settings.seed,
    }


def _hash(clips: tuple[Clip, ...]) -> str:
    digest = sha256()
    for clip in clips:
        digest.update(clip.name.encode())
        digest.update(clip.audio.numpy().tobytes())
    return digest.hexdigest()


def _make_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; name another with --results") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write to the folder {folder}; mend its rights, or name another with --results")
