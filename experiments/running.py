"""What the commands of the experiments share: their options for a voice, and one line for bad input."""

import argparse
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from vocoder.errors import InputError

P = ParamSpec("P")


def parser_of(name: str, text: str | None, *, voice: bool = False) -> argparse.ArgumentParser:
    """Returns a parser described by the first line of `text`; with `voice` it takes a dataset and a sample rate."""
    parser = argparse.ArgumentParser(prog=name, description=(text or "").split("\n")[0])
    if voice:
        parser.add_argument("dataset", nargs="?", default="demo")
        parser.add_argument("--rate", type=int)
    return parser


def command(name: str) -> Callable[[Callable[P, int | None]], Callable[P, int]]:
    """Turns a function into one that returns an exit status: its own or 0, or 2 after one line for bad input."""

    def wrapped(run: Callable[P, int | None]) -> Callable[P, int]:
        @wraps(run)
        def main(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return run(*args, **kwargs) or 0
            except InputError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2

        return main

    return wrapped
