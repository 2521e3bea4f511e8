"""The command that continues a search, as its user would type it."""

import argparse
import shlex
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from schedsearch.study.budget import Budget
from schedsearch.study.errors import shown

# The options that identify a study, with their make variables. One without a variable needs the program itself.
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
    """Returns the command of a search with these options; options at their defaults are left out, and MORE is in the
    budget's unit. A storage's password is left out too, because logs keep what is printed.
    """
    chosen = {n: getattr(options, n) for n in _VARIABLES if n in _ALWAYS or getattr(options, n) != defaults.get(n)}
    chosen |= {"storage": shown(chosen["storage"])} if "storage" in chosen else {}
    more = str(Budget(_MORE[budget.unit], budget.unit))
    if all(_VARIABLES[name] for name in chosen):
        variables = {_VARIABLES[name]: 1 if value is True else value for name, value in chosen.items()} | {"MORE": more}
        return " ".join(["make search", *(f"{name}={shlex.quote(str(value))}" for name, value in variables.items())])
    words = {f"--{name.replace('_', '-')}": value for name, value in chosen.items()} | {"--more": more}
    parts = (name if value is True else f"{name} {shlex.quote(str(value))}" for name, value in words.items())
    return " ".join([".venv/bin/schedsearch search", *parts])
