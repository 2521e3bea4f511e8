"""argparse types and options that several commands share. A message names the make variable."""

import argparse
import math
import os
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

from schedsearch.schedules.search_space import LONGEST_SEARCH
from vocoder.errors import InputError

Options: TypeAlias = argparse._ActionsContainer  # a parser, or a group of its options
MOST_SEED = 2**31 - 1
RESULTS = Path("results")
Chosen = TypeVar("Chosen", bound=StrEnum)


def whole_number(text: str, name: str, *, least: int, most: int) -> int:
    """Reads a whole number in [least, most]."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, and is {text!r}; give such a number")
    return value


def given(text: str) -> str:
    """Reads a text that names something."""
    if not text:
        raise InputError("an option that names a file, folder or storage must not be empty; name one, or leave it out")
    return text


def given_path(text: str) -> Path:
    """Reads a path. An empty one would mean the working directory."""
    return Path(given(text))


iterations = partial(whole_number, name="ITERS", least=1, most=LONGEST_SEARCH)
sample_rate = partial(whole_number, name="RATE", least=1000, most=384_000)  # Hz
seed = partial(whole_number, name="SEED", least=0, most=MOST_SEED)


def positive_number(text: str, name: str, *, zero: bool = False) -> float:
    """Reads a finite number above zero, or with `zero` also 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value < math.inf or (zero and value == 0)):
        rule = "a positive number or 0" if zero else "a positive number"
        raise InputError(f"{name} must be {rule}, and is {text!r}; give such a number")
    return value


def words(text: str) -> tuple[str, ...]:
    """Splits at spaces and commas."""
    return tuple(text.replace(",", " ").split())


def lengths(text: str) -> tuple[int, ...]:
    """Reads ITERS, such as "6 12" or "6,12": each length once, in this order."""
    asked = tuple(dict.fromkeys(map(iterations, words(text))))
    if not asked:
        raise InputError("ITERS must be one length or several, such as '6 12 25 50 100', and is empty; give some")
    return asked


def one_of(text: str, values: type[Chosen], option: str) -> Chosen:
    """Reads a value of an enum."""
    try:
        return values(text)
    except ValueError as error:
        raise InputError(f"{option} must be one of {', '.join(values)}, and is {text!r}; choose one") from error


def yes_or_no(text: str, name: str) -> bool:
    """Reads 1 or 0, the values of a make variable."""
    if text not in ("1", "0"):
        raise InputError(f"{name} must be 1 or 0, and is {text!r}; give one of them")
    return text == "1"


def add_switch(parser: Options, option: str, text: str) -> None:
    """Adds an option that takes 1 or 0, as a make variable does; without a value it means 1."""
    kind = partial(yes_or_no, name=option.removeprefix("--").upper())
    parser.add_argument(option, nargs="?", const=True, default=False, type=kind, help=f"1: {text}")


def add_seed(parser: Options, use: str) -> None:
    """Adds --seed."""
    parser.add_argument("--seed", default=0, type=seed, help=f"seed of {use} (default: 0)")


def add_precision(parser: Options) -> None:
    """Adds --precision, of the network."""
    parser.add_argument(
        "--precision", default="auto", help="float32, bfloat16, or auto: the faster one on this machine (default: auto)"
    )


def add_results(parser: Options) -> None:
    """Adds --results."""
    parser.add_argument("--results", type=given_path, default=RESULTS, help=f"folder of results (default: {RESULTS})")


def check_new(file: Path, name: str, force: bool) -> None:
    """Raises InputError if a file or link would be replaced without --force."""
    if os.path.lexists(file) and not force:
        raise InputError(f"{name} must be a new file, and {file} exists; name another, or replace it with --force")
