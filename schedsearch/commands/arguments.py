"""Text from the command line -> checked values; messages name the make variable."""

import math

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


def positive_number(text: str, name: str) -> float:
    """A finite number above zero."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise InputError(f"{name} must be a positive number, and is {text!r}; give such a number")
    return value


def optional_rate(text: str | None) -> int | None:
    """A sample rate in Hz, or None."""
    return None if text is None else whole_number(text, "RATE", least=1000, most=384_000)


def yes_or_no(text: str, name: str) -> bool:
    """1 or 0, as make variables say it."""
    if text not in ("1", "0"):
        raise InputError(f"{name} must be 1 or 0, and is {text!r}; give one of them")
    return text == "1"
