"""Opens a search: loads a voice, checks it, and opens its trial store."""

from collections.abc import Callable, Sequence
from typing import Any

from schedsearch.evaluation.draws import search_draws
from schedsearch.metrics.registry import Metric, columns_with, objective
from schedsearch.metrics.trial import try_own_metrics
from schedsearch.search.run import Run
from schedsearch.search.settings import OWN_SOURCES, STUDY, Settings, results_folder
from schedsearch.study.database import check_reachable
from schedsearch.study.store import FORMAT, LEADER_CLIPS, Identity, Store, first_begun, sqlite_url
from schedsearch.voice.check import VOICE_CHECK, checked
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import (
    SearchClips,
    check_writable,
    clips_hash,
    clips_of_a_search,
    conditions,
    make_writable,
    open_vocoder,
)
from schedsearch.voice.precision import AUTO, PRECISIONS
from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder, in_precision


def open_run(
    voice: Voice,
    settings: Settings,
    *,
    known: bool = False,
    check: Callable[[Vocoder, Sequence[Clip]], None] | None = None,
) -> Run:
    """Loads the vocoder and clips and opens the store. InputError in one line for whatever is wrong with them.

    With `known`, InputError also for a search that was not begun or that had another identity. `check` may refuse the
    vocoder on the search clips, before there is a store.
    """
    if settings.storage:
        check_reachable(settings.storage)
    folder = results_folder(voice, settings)
    check_writable(folder)  # before the check of the voice, which takes a minute
    vocoder = open_vocoder(voice)
    names = columns_with(*settings.objectives)
    metrics = voice.services.metrics_for(vocoder.front_end, vocoder.sample_rate, names=names)
    objectives = [objective(name, metrics) for name in settings.objectives]
    if len({metric.name for metric in objectives}) < len(objectives):  # pesq is pesq_wb or pesq_nb
        raise InputError(f"OBJECTIVE must name each metric once, and is {settings.objective!r}; leave one out")
    clips = clips_of_a_search(voice, vocoder, settings.seed)
    if not known:
        try_own_metrics(objectives, clips.excerpts)
    if check is not None:
        check(vocoder, clips.excerpts)
    make_writable(folder)  # after every check of the input: bad input leaves nothing behind
    storage = settings.storage or sqlite_url(folder / STUDY)

    def study(vocoder: Vocoder) -> tuple[Vocoder, Identity]:
        return vocoder, _identity(voice, settings, objectives, vocoder, clips)

    def opened(vocoder: Vocoder, identity: Identity) -> Run:
        open_store = voice.services.open_store or Store
        store = open_store(storage, identity, {metric.name: metric.direction for metric in objectives}, known=known)
        return Run(voice, settings, vocoder, clips, store)

    precisions = PRECISIONS.values() if settings.precision == AUTO else [PRECISIONS[settings.precision]]
    of_today = [study(in_precision(vocoder, precision)) for precision in precisions]
    choices = [*of_today, *((choice, _earlier(identity)) for choice, identity in of_today)]
    identities = [identity for _, identity in choices]
    begun = None if voice.services.open_store else first_begun(storage, identities)
    if begun is not None:
        return opened(*choices[begun])
    run = opened(*(study(voice.services.fastest(vocoder)) if settings.precision == AUTO else of_today[0]))
    # Another process may have begun meanwhile in the other precision: the first to begin decides.
    begun = None if voice.services.open_store else first_begun(storage, identities)
    return run if begun is None or choices[begun][0].precision == run.vocoder.precision else opened(*choices[begun])


def open_checked(voice: Voice, settings: Settings, *, force: bool, tell: Callable[[str], object]) -> Run:
    """Opens a run after a check of the voice; `tell` gets each line of the check's result, which the store keeps.

    InputError, before the search writes anything, where the weights are untrained or the front end is not theirs.
    With `force` the run is opened all the same.
    """
    check_result: dict[str, Any] = {}

    def check(vocoder: Vocoder, clips: Sequence[Clip]) -> None:
        check_result.update(checked(voice, vocoder, clips, settings.results, force, tell))

    opened = open_run(voice, settings, check=check)
    with opened.store.using():
        opened.store.remember(VOICE_CHECK, check_result)
    return opened


def _earlier(identity: Identity) -> Identity:
    """Returns the identity that an earlier version gave the same study."""
    return {key: value for key, value in identity.items() if key != LEADER_CLIPS}


def _identity(
    voice: Voice,
    settings: Settings,
    objectives: Sequence[Metric],
    vocoder: Vocoder,
    clips: SearchClips,
) -> dict[str, Any]:
    """Returns everything that scores depend on. Two runs share trials only if all of it is equal."""
    own_sources = {metric.function: metric.source for metric in objectives if metric.function}
    return {
        "dataset": voice.dataset,
        **({"speaker": voice.speaker} if voice.speaker != voice.dataset else {}),
        "sample_rate": voice.sample_rate,
        "iterations": settings.iterations,
        **conditions(vocoder),
        "search clips": clips_hash(clips.excerpts),
        LEADER_CLIPS: clips_hash(clips.longer),
        "held-out clips": clips_hash(clips.held_out),
        **({"mels": "of a TTS"} if voice.mels else {}),  # which ones, the clips' hashes say
        "objective": ",".join(metric.function or metric.name for metric in objectives),
        **({OWN_SOURCES: own_sources} if own_sources else {}),
        "noise draws": len(search_draws(settings.iterations)),
        "race": settings.race,
        "seed": settings.seed,
        "store": FORMAT,
    }
