"""Schedules that have a name: the published ones (`published.json`) and the universal ones (`universal.json`)."""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

# schedules/pretrained/1000iters.pt of ivanvovk/WaveGrad has a negative beta, so it is not in the table and never a
# baseline. Its file can be opened; using it is refused with that reason.
_NOT_LEGAL = MappingProxyType({"ivanvovk-1000": "its step 18 is -1.43316e-07, and beta must lie in (0, 1)"})


def published_names() -> tuple[str, ...]:
    """Returns the names in `published.json`, which states the source of each; a name ends in its number of steps."""
    return tuple(_published())


def published(name: str) -> NoiseSchedule:
    """Returns a published schedule, every digit of it. InputError for an unknown name."""
    if name in _NOT_LEGAL:
        raise InputError(f"{name} is published and not legal: {_NOT_LEGAL[name]}")
    if name not in _published():
        raise InputError(f"no published schedule is called {name!r}; known: {', '.join(_published())}")
    return _published()[name]


def published_for(n: int) -> dict[str, NoiseSchedule]:
    """Returns the published schedules of exactly n steps."""
    return {name: schedule for name, schedule in _published().items() if len(schedule) == n}


def universal_names() -> tuple[str, ...]:
    """Returns the names in `universal.json`, such as universal-6; none if there is no such file."""
    return tuple(_universal())


def universal(name: str) -> NoiseSchedule:
    """Returns a universal schedule: of those tried, its largest loss on any voice is least (`make transfer`).

    InputError for an unknown name."""
    if name not in _universal():
        known = ", ".join(_universal()) or "none"
        raise InputError(f"no universal schedule is called {name!r}; known: {known}; make transfer makes some")
    return _universal()[name]


def named() -> Mapping[str, NoiseSchedule]:
    """Returns name -> schedule: the published and the universal ones, which commands take in place of a file."""
    return MappingProxyType({**_published(), **_universal()})


def source_of(name: str) -> str:
    """Says where a schedule of `named` comes from."""
    return str({**_entries("published"), **_entries("universal")}.get(name, {}).get("source", ""))


def chosen_on(schedule: NoiseSchedule) -> frozenset[str]:
    """Returns the datasets whose clips chose this schedule; empty unless it is a universal one."""
    names = [name for name, entry in _universal().items() if entry == schedule]
    return frozenset().union(*map(universal_datasets, names))


def universal_datasets(name: str) -> frozenset[str]:
    """Returns the datasets whose clips chose a universal schedule."""
    return _chosen_on().get(name, frozenset())


@cache
def _chosen_on() -> Mapping[str, frozenset[str]]:
    return {name: frozenset(v.split("/")[0] for v in e.get("voices", ())) for name, e in _entries("universal").items()}


@cache
def _published() -> Mapping[str, NoiseSchedule]:
    return _schedules("published")


@cache
def _universal() -> Mapping[str, NoiseSchedule]:
    return _schedules("universal")


def _schedules(table: str) -> Mapping[str, NoiseSchedule]:
    return MappingProxyType({name: NoiseSchedule(entry["betas"]) for name, entry in _entries(table).items()})


@cache
def _entries(table: str) -> Mapping[str, Mapping[str, Any]]:
    """Reads name -> source, betas and voices; there need not be universal ones."""
    file = files("schedsearch.schedules").joinpath(f"{table}.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
