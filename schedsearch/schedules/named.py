"""Schedules that have a name: published ones (`published.json`), universal ones (`universal.json`), and karras-N."""

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from schedsearch.schedules.formulas import SIGMAS, karras
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.errors import InputError

# schedules/pretrained/1000iters.pt of ivanvovk/WaveGrad has a negative beta, so it is not in the table and never a
# baseline. Its file can be opened; using it is refused with that reason.
_NOT_LEGAL = {"ivanvovk-1000": "its step 18 is -1.43316e-07, and beta must lie in (0, 1)"}
MOST_STEPS = 1000
_KARRAS = re.compile(r"karras-([1-9][0-9]{0,3})")


def published(name: str) -> NoiseSchedule:
    """Returns a published schedule, every digit of it. InputError for an unknown name."""
    _check_legal(name)
    known = published_schedules()
    if name not in known:
        raise InputError(f"no published schedule is called {name!r}; known: {', '.join(known)}")
    return known[name]


def _check_legal(name: str) -> None:
    if name in _NOT_LEGAL:
        raise InputError(f"{name} is published and not legal: {_NOT_LEGAL[name]}")


def published_schedules() -> dict[str, NoiseSchedule]:
    """Returns name -> schedule of `published.json`, which states their sources; a name ends in its number of steps."""
    return _schedules("published")


def universal_schedules() -> dict[str, NoiseSchedule]:
    """Returns name -> universal schedule, such as universal-6; {} if there is no such file.

    Of the schedules that `make transfer` tried, its largest loss on any voice is least.
    """
    return _schedules("universal")


def names() -> list[str]:
    """Returns the names that commands take in place of a file."""
    return [*published_schedules(), *universal_schedules(), f"karras-N (N from 2 to {MOST_STEPS})"]


def named(name: str) -> tuple[NoiseSchedule, str] | None:
    """Returns the schedule of this name and where it comes from; None if there is none, InputError if it is not legal.
    """
    _check_legal(name)
    curve = _KARRAS.fullmatch(name)
    if curve and 2 <= int(curve[1]) <= MOST_STEPS:
        return karras(int(curve[1]), *SIGMAS), "Karras et al. 2022, eq. 5, sigma from {:g} to {:g}".format(*SIGMAS)
    entry = {**_entries("published"), **_entries("universal")}.get(name)
    return (NoiseSchedule(entry["betas"]), f"shipped with schedsearch, {entry['source']}") if entry else None


def chosen_on(schedule: NoiseSchedule) -> frozenset[str]:
    """Returns the datasets whose clips chose this schedule; empty unless it is a universal one."""
    names = [name for name, entry in universal_schedules().items() if entry == schedule]
    return frozenset().union(*map(universal_datasets, names))


def universal_datasets(name: str) -> frozenset[str]:
    """Returns the datasets whose clips chose a universal schedule."""
    return frozenset(voice.split("/")[0] for voice in _entries("universal")[name].get("voices", ()))


def _schedules(table: str) -> dict[str, NoiseSchedule]:
    return {name: NoiseSchedule(entry["betas"]) for name, entry in _entries(table).items()}


def forget_universal() -> None:
    """Has the table of universal schedules read again, after a change of it."""
    _entries.cache_clear()


@cache
def _entries(table: str) -> Mapping[str, Mapping[str, Any]]:
    """Reads name -> source, betas and voices; there need not be universal ones."""
    file = files("schedsearch.schedules").joinpath(f"{table}.json")
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
