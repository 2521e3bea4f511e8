"""Text from the command line -> checked values; messages name the make variable."""

import math
import os
from pathlib import Path

from schedsearch.schedules.search_space import LONGEST_SEARCH
from vocoder.errors import InputError


def whole_number(text: str, name: str, *, least: int, most: int) -> int:
    """A whole number in [least, most]."""
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise InputError(f"{name} must be a whole number from {least} to {most}, and is {text!r}; give such a number")
    return value


def positive_number(text: str, name: str, *, zero: bool = False) -> float:
    """A finite number above zero, or that where it means something."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not (0 < value < math.inf or (zero and value == 0)):
        rule = "a positive number or 0" if zero else "a positive number"
        raise InputError(f"{name} must be {rule}, and is {text!r}; give such a number")
    return value


def optional_rate(text: str | None) -> int | None:
    """A sample rate in Hz, or None."""
    return None if text is None else whole_number(text, "RATE", least=1000, most=384_000)


def check_new(path: Path, name: str, force: bool) -> None:
    """InputError for what would be replaced unasked, a link to nowhere too."""
    if os.path.lexists(path) and not force:
        raise InputError(f"{name} must be a new file, and {path} exists; name another, or replace it with --force")


def lengths(text: str) -> tuple[int, ...]:
    """ITERS, such as "6 12" or "6,12": each once, in this order."""
    words = text.replace(",", " ").split()
    found = tuple(dict.fromkeys(whole_number(word, "ITERS", least=1, most=LONGEST_SEARCH) for word in words))
    if not found:
        raise InputError("ITERS must be one length or several, such as '6 12 25 50 100', and is empty; give some")
    return found


def yes_or_no(text: str, name: str) -> bool:
    """1 or 0, as make variables say it."""
    if text not in ("1", "0"):
        raise InputError(f"{name} must be 1 or 0, and is {text!r}; give one of them")
    return text == "1"
