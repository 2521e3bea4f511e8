"""Opens a voice to compare schedules on its held-out clips, as a search's verdict does."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from schedsearch.comparison.entrants import (
    Entrant,
    baselines_of,
    given,
    is_of_these_weights,
    lengths_with_winners,
    winners_of,
)
from schedsearch.comparison.scoring import Scoring
from schedsearch.comparison.timing import Timing
from schedsearch.metrics.processes import JOBS
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE, columns_with, usual_columns
from schedsearch.metrics.trial import try_own_metrics
from schedsearch.schedules.search_space import USUAL_LENGTH
from schedsearch.search.settings import OTHER_WEIGHTS, SHIPPED
from schedsearch.study.value_cache import ValueCache
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import LONGEST_HELD_OUT, held_out_clips, make_writable, open_vocoder
from schedsearch.voice.precision import AUTO, PRECISIONS, check_precision
from vocoder.audio.reading import SHORTEST
from vocoder.errors import InputError
from vocoder.vocoder import in_precision

CACHE = "comparison.jsonl"  # in the voice's results folder


@dataclass(frozen=True)
class Settings:
    """The user's choices."""

    lengths: tuple[int, ...] = ()  # iterations; without any and without files: those that the user has searched
    files: tuple[Path, ...] = ()
    objective: str = DEFAULT_OBJECTIVE
    metrics: tuple[str, ...] = ()  # beside the objective; () for the usual ones
    seconds: float = 1.6  # of each held-out clip
    draws: int = 1  # of noise, a clip
    seed: int = 0
    results: Path = Path("results")
    jobs: int = JOBS
    precision: str = "float32"  # of the network, as for a search

    def __post_init__(self) -> None:
        """Raises InputError before anything is loaded."""
        check_precision(self.precision)
        columns_with(self.objective)
        if not SHORTEST <= self.seconds <= LONGEST_HELD_OUT:
            raise InputError(
                f"the part of each held-out clip must last {SHORTEST:g} to {LONGEST_HELD_OUT:g} s, and is "
                f"{self.seconds:g}; give EXCERPT= in between"
            )


@dataclass(frozen=True)
class Contest:
    """A voice opened for a comparison."""

    voice: Voice
    folder: Path  # where its results stand
    entrants: tuple[Entrant, ...]
    scoring: Scoring
    timing: Timing

    @property
    def lengths(self) -> list[int]:
        """Lengths of the entrants, shortest first."""
        return sorted({len(entrant.schedule) for entrant in self.entrants})

    def of_length(self, iterations: int) -> list[Entrant]:
        """Returns the entrants of one length."""
        return [entrant for entrant in self.entrants if len(entrant.schedule) == iterations]

    @property
    def left(self) -> tuple[int, float]:
        """Network evaluations still to do, and about their seconds; after the timing."""
        parts = list(self.scoring.parts(self.entrants))
        factors = {n: self.timing.speed(n).real_time_factor for n in self.lengths}
        seconds = sum(factors[len(part.entrant.schedule)] * part.audio_seconds for part in parts)
        return sum(part.evaluations for part in parts), seconds


def open_contest(voice: Voice, settings: Settings) -> Contest:
    """Reads schedules, vocoder and clips; InputError in one line for whatever is wrong, and then nothing is written."""
    folder = settings.results / voice.label
    entrants = _entrants(settings, voice.names, folder, settings.results / SHIPPED / voice.label)
    scoring = open_scoring(voice, settings)
    timing = Timing(in_precision(scoring.vocoder, None), scoring.clips, scoring.cache)  # float32, as users will run it
    named = [_saying_its_weights(entrant, scoring.vocoder.weights_hash) for entrant in entrants]
    return Contest(voice, folder, tuple(named), scoring, timing)


def open_scoring(voice: Voice, settings: Settings) -> Scoring:
    """Reads the voice's vocoder, held-out clips and stored values; InputError as for `open_contest`.

    Makes the voice's results folder, once the input is found to be right.
    """
    folder = settings.results / voice.label
    opened = open_vocoder(voice)
    is_auto = settings.precision == AUTO
    vocoder = voice.services.fastest(opened) if is_auto else in_precision(opened, PRECISIONS[settings.precision])
    names = (settings.objective, *(settings.metrics or usual_columns()))
    metrics = voice.services.metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=settings.jobs, names=names)
    clips = held_out_clips(voice, vocoder, settings.seconds)
    try_own_metrics(metrics.values(), clips)
    cache = ValueCache(folder / CACHE)
    make_writable(folder)
    return Scoring(vocoder, clips, tuple(metrics.values()), settings.draws, settings.seed, cache)


def _saying_its_weights(entrant: Entrant, weights_hash: str) -> Entrant:
    if entrant.kind != "searched" or is_of_these_weights(entrant, weights_hash):
        return entrant
    return replace(entrant, name=f"{entrant.name}{OTHER_WEIGHTS}")


def _entrants(settings: Settings, names: Collection[str], own: Path, shipped: Path) -> tuple[Entrant, ...]:
    """Lists baselines of every length, then winners, then the user's files; a baseline given by name stands once."""
    files = given(settings.files)
    # Shipped winners add no lengths: the bundled voice has five, which take the better part of an hour.
    lengths = settings.lengths or (() if files else lengths_with_winners(own) or (USUAL_LENGTH,))
    others = [*(w for length in dict.fromkeys(lengths) for w in winners_of(own, shipped, length)), *files]
    every = sorted({*lengths, *(len(entrant.schedule) for entrant in others)})
    known = [baseline for length in every for baseline in baselines_of(length, own=names)]
    listed = {baseline.name for baseline in known}
    return (*known, *(other for other in others if other.kind != "given" or other.name not in listed))
