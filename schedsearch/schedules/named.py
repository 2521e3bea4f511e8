"""Schedules that have a name: the published ones (`published.json`) and the universal ones (`universal.json`)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

# schedules/pretrained/1000iters.pt of ivanvovk/WaveGrad has a negative beta, so it is not in the table and never a
# baseline. Its file can be opened; using it is refused with that reason.
_NOT_LEGAL = {"ivanvovk-1000": "its step 18 is -1.43316e-07, and beta must lie in (0, 1)"}


def published(name: str) -> NoiseSchedule:
    """Returns a published schedule, every digit of it. InputError for an unknown name."""
    if name in _NOT_LEGAL:
        raise InputError(f"{name} is published and not legal: {_NOT_LEGAL[name]}")
    known = published_schedules()
    if name not in known:
        raise InputError(f"no published schedule is called {name!r}; known: {', '.join(known)}")
    return known[name]


def published_schedules() -> dict[str, NoiseSchedule]:
    """Returns name -> schedule of `published.json`, which states their sources; a name ends in its number of steps."""
    return _schedules("published")


def universal_schedules() -> dict[str, NoiseSchedule]:
    """Returns name -> universal schedule, such as universal-6; {} if there is no such file.

    Of the schedules that `make transfer` tried, its largest loss on any voice is least.
    """
    return _schedules("universal")


def named() -> dict[str, NoiseSchedule]:
    """Returns name -> schedule: the published and the universal ones, which commands take in place of a file."""
    return published_schedules() | universal_schedules()


def source_of(name: str) -> str:
    """Says where a schedule of `named` comes from."""
    return str({**_entries("published"), **_entries("universal")}[name]["source"])


def chosen_on(schedule: NoiseSchedule) -> frozenset[str]:
    """Returns the datasets whose clips chose this schedule; empty unless it is a universal one."""
    names = [name for name, entry in universal_schedules().items() if entry == schedule]
    return frozenset().union(*map(universal_datasets, names))


def universal_datasets(name: str) -> frozenset[str]:
    """Returns the datasets whose clips chose a universal schedule."""
    return frozenset(voice.split("/")[0] for voice in _entries("universal")[name].get("voices", ()))


def _schedules(table: str) -> dict[str, NoiseSchedule]:
    return {name: NoiseSchedule(entry["betas"]) for name, entry in _entries(table).items()}


@cache
def _entries(table: str) -> Mapping[str, Mapping[str, Any]]:
    """Reads name -> source, betas and voices; there need not be universal ones."""
    file = files("schedsearch.schedules").joinpath(f"{table}.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
