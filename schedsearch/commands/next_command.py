"""The command that goes on with a search, as its user would type it."""

import argparse
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schedsearch.study.budget import Budget
from schedsearch.study.errors import shown

# Options that say which study it is, and make's names of them; what has none is typed to the program itself.
_VARIABLES: Mapping[str, str] = MappingProxyType(
    {
        "iters": "ITERS",
        "dataset": "DATASET",
        "rate": "RATE",
        "objective": "OBJECTIVE",
        "strategy": "STRATEGY",
        "grid": "GRID",
        "seed": "SEED",
        "storage": "STORAGE",
        "force": "FORCE",
        "experiments": "",
        "results": "",
        "no_race": "",
    }
)
_ALWAYS = ("iters", "dataset")
_MORE: Mapping[str, float] = MappingProxyType({"candidates": 40, "minutes": 10, "calls": 5000})


def next_command(options: argparse.Namespace, defaults: Mapping[str, Any], budget: Budget) -> str:
    """Of a search with these options; those at their defaults are left out, and MORE is in the budget's unit.

    A storage's password is left out too: logs keep what is printed.
    """
    given = {n: getattr(options, n) for n in _VARIABLES if n in _ALWAYS or getattr(options, n) != defaults.get(n)}
    given |= {"storage": shown(given["storage"])} if "storage" in given else {}
    more = str(Budget(_MORE[budget.unit], budget.unit))
    if all(_VARIABLES[name] for name in given):
        typed = {_VARIABLES[name]: value for name, value in given.items()} | {"MORE": more}
        return " ".join(["make search", *(f"{name}={shlex.quote(str(value))}" for name, value in typed.items())])
    typed = {f"--{name.replace('_', '-')}": value for name, value in given.items()} | {"--more": more}
    parts = (name if value is True else f"{name} {shlex.quote(str(value))}" for name, value in typed.items())
    return " ".join([".venv/bin/schedsearch search", *parts])
