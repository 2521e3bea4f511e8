"""The command that continues a search, or makes its page, as its user would type it."""

import argparse
import shlex
from collections.abc import Mapping
from typing import Any

from schedsearch.study.budget import Budget
from schedsearch.study.errors import shown

# The options that identify a study. Those of the program alone are no make variables.
_OPTIONS = ("iters", "dataset", "rate", "objective", "strategy", "grid", "seed", "storage", "precision", "force")
_OF_PROGRAM_ALONE = ("experiments", "results", "no_race")
_ALWAYS = ("iters", "dataset")
_MORE = {"candidates": 40, "minutes": 10, "calls": 5000}


def next_command(
    options: argparse.Namespace, defaults: Mapping[str, Any], budget: Budget | None = None, verb: str = "search"
) -> str:
    """Returns the command with these options; options at their defaults are left out. With a budget it adds MORE, in
    the budget's unit. A storage's password is left out too, because logs keep what is printed.
    """
    names = (*_OPTIONS, *_OF_PROGRAM_ALONE)
    chosen = {n: getattr(options, n) for n in names if n in _ALWAYS or getattr(options, n) != defaults.get(n)}
    chosen |= {"storage": shown(chosen["storage"])} if "storage" in chosen else {}
    if budget is not None:
        chosen["more"] = Budget(_MORE[budget.unit], budget.unit)
    if chosen.keys().isdisjoint(_OF_PROGRAM_ALONE):
        values = {name.upper(): 1 if value is True else value for name, value in chosen.items()}
        return " ".join([f"make {verb}", *(f"{name}={shlex.quote(str(value))}" for name, value in values.items())])
    flags = {f"--{name.replace('_', '-')}": value for name, value in chosen.items()}
    parts = (flag if value is True else f"{flag} {shlex.quote(str(value))}" for flag, value in flags.items())
    return " ".join([f".venv/bin/schedsearch {verb}", *parts])
