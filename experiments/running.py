"""What the commands of the experiments share: their options for a voice, and one line for bad input."""

import argparse
import subprocess
import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import torch

from vocoder.errors import InputError
from vocoder.precision import processor_name

P = ParamSpec("P")


def parser_of(name: str, text: str | None, *, voice: bool = False) -> argparse.ArgumentParser:
    """Returns a parser described by the first line of `text`; with `voice` it takes a dataset and a sample rate."""
    parser = argparse.ArgumentParser(prog=name, description=(text or "").split("\n")[0])
    if voice:
        parser.add_argument("dataset", nargs="?", default="demo")
        parser.add_argument("--rate", type=int)
    return parser


def command(name: str) -> Callable[[Callable[P, int | None]], Callable[P, int]]:
    """Turns a function into one that returns an exit status: its own or 0, 2 for bad input, 130 for Ctrl-C.

    Both end in one line.
    """

    def wrapped(run: Callable[P, int | None]) -> Callable[P, int]:
        @wraps(run)
        def main(*args: P.args, **kwargs: P.kwargs) -> int:
            try:
                return run(*args, **kwargs) or 0
            except InputError as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
            except KeyboardInterrupt:
                print(f"{name}: stopped", file=sys.stderr)
                return 130

        return main

    return wrapped


def made_by() -> dict[str, str]:
    """Returns the columns that say from which commit and on which processor a row was measured."""
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!results")
    commit = _git("rev-parse", "--short=7", "HEAD") or "unknown"
    commit += "+" if changed else ""  # other code than the commit's
    return {"commit": commit, "processor": processor_name(torch.device("cpu"))}


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=False).stdout.strip()
