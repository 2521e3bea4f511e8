"""One run: a voice and its settings -> a filled results folder, resumed wherever it stopped."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.budget import Budget
from schedsearch.choice import Tools, check_strategy, shares_network_calls, strategy_for
from schedsearch.config import Clips, Voice
from schedsearch.confirmation import Verdict, judge, judged, verdict
from schedsearch.draws import finalist_draws, held_out_draws, search_draws
from schedsearch.evaluator import Evaluator
from schedsearch.finalists import all_rescored, rescore_finalists
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE, DEFINITIONS, Metric, columns_with, metrics_for, objective
from schedsearch.noise import NoiseBank
from schedsearch.race import LEAST_PAIRS, Race
from schedsearch.schedule import NoiseSchedule
from schedsearch.search import Progress, search
from schedsearch.space import CurveSpace, LogSnrSpace, ScheduleSpace
from schedsearch.standing import best, spent
from schedsearch.storage_errors import check_reachable
from schedsearch.strategies.strategy import Strategy
from schedsearch.study import FORMAT, Store, sqlite_url
from schedsearch.warm_starts import neighbours, origin_key
from vocoder.audio import Clip, typical_excerpt
from vocoder.checkpoint import load_vocoder
from vocoder.errors import InputError
from vocoder.listed_clips import read_clips
from vocoder.vocoder import Vocoder, best_device, in_precision

LONGEST_SEARCH = 1000  # iterations: the training schedule's length
FREE_LEVELS = 24  # up to here every level is free; above, a curve of few numbers is searched
SHAPE_NUMBERS = 4
EXCERPT_SECONDS = 0.8  # of every search clip
LONGEST_HELD_OUT = 10.0  # seconds; longer clips are cut to a typical part, or one would need memory without bound
HEATS = 3  # of a race
STUDY = "study.db"  # in the results folder
_STARTS_OF = "warm starts of"  # under it the store keeps the budget that they were last looked for
_STRATEGIES = "strategies"  # under it those that worked
VOICE_CHECK = "voice check"  # what the store remembers of it
HELD_OUT_SEED = 1_000_003  # added to the seed: fresh noise


@dataclass(frozen=True)
class Settings:
    """What a user chose."""

    iterations: int
    strategy: str = "auto"
    objective: str = DEFAULT_OBJECTIVE  # or several, with commas between them: the first one decides
    grid: str = "levels:3"
    race: bool = True
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
        check_strategy(self.strategy, self.grid, self.iterations, len(self.objectives))

    @property
    def objectives(self) -> tuple[str, ...]:
        """By the names that the user gave."""
        return tuple(self.objective.replace(",", " ").split()) or ("",)


@dataclass(frozen=True)
class Run:
    """A voice opened for a search, with everything made once."""

    voice: Voice
    settings: Settings
    vocoder: Vocoder
    search_clips: tuple[Clip, ...]
    held_out_clips: tuple[Clip, ...]
    store: Store
    draws: tuple[int, ...]  # of noise for each search clip

    @cached_property
    def metrics(self) -> dict[str, Metric]:
        """By name."""
        names = columns_with(*self.settings.objectives)
        return metrics_for(self.vocoder.front_end, self.vocoder.sample_rate, jobs=self.settings.jobs, names=names)

    @property
    def folder(self) -> Path:
        """Where this run's results stand."""
        return results_folder(self.voice, self.settings)

    @cached_property
    def space(self) -> ScheduleSpace:
        """What is searched."""
        return space_for(self.settings.iterations)

    @cached_property
    def searched(self) -> list[Metric]:
        """The objectives."""
        return [objective(name, self.metrics) for name in self.settings.objectives]

    @cached_property
    def race(self) -> Race:
        """The heats of the search clips, and what decides."""
        settings, sign = self.settings, self.store.signs[self.store.objective]
        evaluators = [self.evaluator(clips) for clips in _heats(self.search_clips, self.racing)]
        shared = shares_network_calls(settings.strategy, settings.grid)
        return Race(evaluators, self.store.objective, sign, self.draws, stops=self.racing, shared=shared)

    @property
    def racing(self) -> bool:
        """One objective alone has a best to race against."""
        return self.settings.race and len(self.searched) == 1

    def steps(self, budget: Budget) -> Iterator[Progress]:
        """All that is still to do, yielding after each batch, and before the first of what may take minutes."""
        strategy = self.strategy(budget)  # or its refusal
        if not self.store.baselines():
            yield Progress("baselines", 0.0, None)
        self._remember_strategy(budget)
        yield from search(self.store, self.race, self.space, strategy, budget)
        metrics = list(self.metrics.values())
        held_out = Evaluator(self.exact.vocoder, self.held_out_clips, metrics, held_out_noise(self.settings.seed))
        settled = False
        while not settled:  # once, unless another process, told to add to the search, moves its end meanwhile
            if not all_rescored(self.store):
                yield Progress("finalists", 0.0, best(self.store))
            yield from self.rescored()
            if not judged(self.store, held_out.metric_names, self.held_out_draws):
                yield Progress("held-out clips", 0.0, best(self.store))
            yield from judge(self.store, held_out, self.held_out_draws)
            settled = all_rescored(self.store) and judged(self.store, held_out.metric_names, self.held_out_draws)
        if not self.vocoder.unchanged():
            raise AssertionError("the frozen vocoder's weights changed during the search")

    @property
    def held_out_draws(self) -> tuple[int, ...]:
        """Of noise for each held-out clip."""
        return held_out_draws(self.settings.iterations)

    def rescored(self) -> Iterator[Progress]:
        """The finalists, in float32 and on fresh noise."""
        evaluator = self.exact.evaluator(self.search_clips)
        return rescore_finalists(self.store, evaluator, finalist_draws(self.settings.iterations))

    @property
    def exact(self) -> "Run":
        """The same in float32, as users will hear it: a search may run in a precision that is faster here."""
        return replace(self, vocoder=in_precision(self.vocoder, None))

    def strategy(self, budget: Budget) -> Strategy:
        """The chosen one, built for this run."""
        return strategy_for(self.settings.strategy, self.tools(budget))

    @property
    def strategies(self) -> list[str]:
        """Those that had a part of the budget to spend, in order: strategies share a study."""
        return list(self.store.recall(_STRATEGIES) or [self.settings.strategy])

    def _remember_strategy(self, budget: Budget) -> None:
        with self.store.turn():
            known, name = self.store.recall(_STRATEGIES) or [], self.settings.strategy
            if name not in known and spent(self.store, budget) < 1:
                self.store.remember(_STRATEGIES, [*known, name])

    def tools(self, budget: Budget) -> Tools:
        """What strategies are built from; those that run the network themselves do so on the first heat's clips."""
        return Tools(
            store=self.store,
            vocoder=self.vocoder,
            space=self.space,
            seed=self.settings.seed,
            noise=NoiseBank(self.settings.seed),
            groups=self.race.heats[0].groups,
            distance=self.searched[0].distance,
            spent=lambda: spent(self.store, budget),
            warm_starts=self._warm_starts(budget),
            grid=self.settings.grid,
        )

    def evaluator(self, clips: Sequence[Clip]) -> Evaluator:
        """Scores the objectives on these clips, in the search's noise."""
        return Evaluator(self.vocoder, clips, self.searched, NoiseBank(self.settings.seed))

    def _warm_starts(self, budget: Budget) -> list[NoiseSchedule]:
        """Neighbours' winners, as they stood when work on this budget began, so that a resumed run begins alike; what
        a search is given more budget for comes after those of before."""
        with self.store.turn():
            kept = [NoiseSchedule(betas) for betas in self.store.recall("warm starts") or []]
            if self.store.recall(_STARTS_OF) == str(budget):
                return kept
            found = neighbours(self.settings.results, self.voice.dataset, self.voice.sample_rate, self.space)
            schedules = list(dict.fromkeys([*kept, *(start.schedule for start in found)]))
            self.store.remember("warm starts", [schedule.betas.tolist() for schedule in schedules])
            self.store.remember(_STARTS_OF, str(budget))
            for start in found:
                self.store.remember(origin_key(start.schedule), start.name)
        return schedules

    def verdict(self) -> Verdict:
        """What ships; after `steps` is exhausted."""
        return verdict(self.store, list(self.metrics.values()), self.held_out_draws, seed=self.settings.seed)


def open_run(
    voice: Voice,
    settings: Settings,
    *,
    known: bool = False,
    check: Callable[[Vocoder, Sequence[Clip]], None] | None = None,
) -> Run:
    """Loads the vocoder and clips and opens the store; InputError in one line for whatever is wrong with them, and,
    where it must be `known`, for a search that was not begun or was of something else.

    `check` may refuse the vocoder on the search clips, before there is a store."""
    if settings.storage:
        check_reachable(settings.storage)
    vocoder = open_vocoder(voice)
    names = columns_with(*settings.objectives)
    metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, names=names)
    objectives = [objective(name, metrics) for name in settings.objectives]
    if len({metric.name for metric in objectives}) < len(objectives):  # pesq is pesq_wb or pesq_nb
        raise InputError(f"OBJECTIVE must name each metric once, and is {settings.objective!r}; leave one out")
    searched, judging = _clips(voice.search_clips, voice), _clips(voice.held_out_clips, voice)
    _check_apart(searched, judging)
    search_clips = _typical(_shuffled(searched, settings.seed), vocoder, EXCERPT_SECONDS)
    held_out = _typical(judging, vocoder, LONGEST_HELD_OUT)
    if check is not None:
        check(vocoder, search_clips)
    folder = results_folder(voice, settings)
    make_writable(folder)  # after all that can be wrong with the input: bad input leaves nothing behind
    storage = settings.storage or sqlite_url(folder / STUDY)
    named = replace(settings, objective=",".join(metric.name for metric in objectives))
    identity = _identity(voice, named, vocoder, search_clips, held_out)
    store = Store(storage, identity, {metric.name: metric.direction for metric in objectives}, known=known)
    return Run(voice, settings, vocoder, search_clips, held_out, store, search_draws(settings.iterations))


def _check_apart(search: Sequence[Clip], held_out: Sequence[Clip]) -> None:
    """What was searched on can't judge, whatever it is called. Whole recordings: their excerpts may differ."""
    heard = {_digest(clip): clip.name for clip in search}
    for clip in held_out:
        if name := heard.get(_digest(clip)):
            raise InputError(
                f"clip {name} of search_clips is the same audio as {clip.name} of held_out_clips, "
                "and what was searched on can't judge; take it out of one"
            )


def _digest(clip: Clip) -> bytes:
    return sha256(clip.audio.numpy().tobytes()).digest()


def open_vocoder(voice: Voice) -> Vocoder:
    """The voice's frozen network, on the best device; InputError where its checkpoint is no use for the dataset."""
    vocoder = load_vocoder(voice.checkpoint, voice.config, device=best_device())
    if vocoder.sample_rate != voice.sample_rate:
        raise InputError(
            f"the checkpoint of {voice.dataset} is for {vocoder.sample_rate} Hz, the dataset says "
            f"{voice.sample_rate}; correct [rates.{voice.sample_rate}]"
        )
    return vocoder


def held_out_clips(voice: Voice, vocoder: Vocoder, seconds: float = LONGEST_HELD_OUT) -> tuple[Clip, ...]:
    """What judges: a typical part of each recording that no search looks at."""
    return _typical(_clips(voice.held_out_clips, voice), vocoder, seconds)


def search_clips(voice: Voice, vocoder: Vocoder, seconds: float) -> tuple[Clip, ...]:
    """What a choice may look at: a typical part of each search clip, as long as wanted."""
    return _typical(_clips(voice.search_clips, voice), vocoder, seconds)


def held_out_noise(seed: int) -> NoiseBank:
    """Noise that no search of this seed drew from."""
    return NoiseBank(seed + HELD_OUT_SEED)


def conditions(vocoder: Vocoder) -> dict[str, Any]:
    """What the score of any schedule on any clip depends on, in plain values."""
    return {
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "sampler": vocoder.dialect.reverse.name,
        "precision": str(vocoder.autocast or "float32"),
        "metric definitions": DEFINITIONS,
    }


def voice_folder(voice: Voice, results: Path) -> Path:
    """results/<dataset>/<rate>hz."""
    return results / voice.dataset / f"{voice.sample_rate}hz"


def search_excerpts(voice: Voice, vocoder: Vocoder, seed: int) -> tuple[Clip, ...]:
    """What a search listens to: a typical 0.8 s of every search clip, in the seed's order."""
    return _typical(_shuffled(_clips(voice.search_clips, voice), seed), vocoder, EXCERPT_SECONDS)


def results_folder(voice: Voice, settings: Settings) -> Path:
    """results/<dataset>/<rate>hz/<iters>iters."""
    return voice_folder(voice, settings.results) / f"{settings.iterations}iters"


def space_for(iterations: int) -> ScheduleSpace:
    """Every level free at few steps, a curve of few numbers at many."""
    return LogSnrSpace(iterations) if iterations <= FREE_LEVELS else CurveSpace(iterations, SHAPE_NUMBERS)


def _heats(clips: Sequence[Clip], racing: bool) -> list[Sequence[Clip]]:
    """Consecutive parts, none of fewer clips than a test needs."""
    heats = min(HEATS, len(clips) // LEAST_PAIRS) if racing else 1
    ends = [round(len(clips) * (i + 1) / max(1, heats)) for i in range(max(1, heats))]
    return [clips[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _shuffled(clips: Sequence[Clip], seed: int) -> list[Clip]:
    """In an order that depends on the names and the seed alone: files that stand together are often alike."""
    return sorted(clips, key=lambda clip: sha256(f"{seed} {clip.name}".encode()).digest())


def _typical(clips: Sequence[Clip], vocoder: Vocoder, seconds: float) -> tuple[Clip, ...]:
    return tuple(typical_excerpt(clip, seconds, vocoder.hop_length) for clip in clips)


def _clips(source: Clips, voice: Voice) -> list[Clip]:
    if isinstance(source, Path) and voice.training and not source.is_dir():
        raise InputError(f"no recordings in {source}; get them: {voice.training.obtain}")
    return read_clips(source, sample_rate=voice.sample_rate, resample=voice.resample)


def _identity(
    voice: Voice, settings: Settings, vocoder: Vocoder, search: tuple[Clip, ...], held_out: tuple[Clip, ...]
) -> dict[str, Any]:
    """Everything that scores depend on: two runs share trials only if all of it is equal."""
    return {
        "dataset": voice.dataset,
        **({"speaker": voice.speaker} if voice.speaker != voice.dataset else {}),
        "sample_rate": voice.sample_rate,
        "iterations": settings.iterations,
        **conditions(vocoder),
        "search clips": clips_hash(search),
        "held-out clips": clips_hash(held_out),
        "objective": settings.objective,
        "noise draws": len(search_draws(settings.iterations)),
        "race": settings.race,
        "seed": settings.seed,
        "store": FORMAT,
    }


def clips_hash(clips: tuple[Clip, ...]) -> str:
    digest = sha256()
    for clip in sorted(clips, key=lambda clip: clip.name):  # a seed's order is no other set of clips
        digest.update(clip.name.encode())
        digest.update(clip.audio.numpy().tobytes())
    return digest.hexdigest()


def make_writable(folder: Path) -> None:
    """Makes the folder; InputError where it cannot be had or written to."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; name another with --results") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write to the folder {folder}; mend its rights, or name another with --results")
