"""Formats numbers and tables as text: counts with their nouns, percentages, Markdown, safe cells for spreadsheets."""

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import TypeVar

_Part = TypeVar("_Part")

_MOST_DIGITS = 8  # behind the point
_LEAST, _MOST = 1e-6, 1e12  # between them numbers are written without powers of ten

# A spreadsheet runs a cell with such a beginning as a formula; a quote before it makes it text (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the last four: some locales take them, too


def counted(number: int, noun: str) -> str:
    """Writes `1 clip`, `24 clips`, `1000 clips`, `12,000 clips`."""
    written = str(number) if number < 10_000 else f"{number:,}"
    return f"{written} {noun if number == 1 else noun + 's'}"


def alike(values: Sequence[float], digits: int = 4, sign: str = "", decides: float | None = None) -> list[str]:
    """Writes numbers in one form: 3.4213 and 0.0312, 0.00042 and 0.00003, 1.000e-12 and 2.000e-13.

    They get `digits` behind the point, or more where the largest one, or the one that `decides`, needs them to show two
    that are not zero. Powers of ten are for numbers that are all tiny, or huge.
    """
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    size = largest if decides is None else abs(decides)
    if 0 < largest < _LEAST or largest >= _MOST:
        return [f"{value + 0.0:{sign}.3e}" for value in values]
    needed = max(digits, 1 - math.floor(math.log10(size))) if 0 < size < 1 else digits
    places = min(needed, _MOST_DIGITS)
    return [f"{round(value, places) + 0.0:{sign}.{places}f}" for value in values]  # never -0.0


def percent(part: float, unit: str = " %") -> str:
    """Writes a signed percentage: 0.0234 -> +2.3 %."""
    return f"{100 * part:+.1f}{unit}".replace("-", "−")


def markdown_table(head: Sequence[object], rows: Iterable[Sequence[object]], *, numbers: bool = False) -> str:
    """Writes a Markdown table, one line a row; with `numbers` all columns but the first are aligned right."""
    rule = ["---", *["---:" if numbers else "---"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in (head, rule, *rows))


def table_by_length(corner: str, cells: Mapping[tuple[str, int], str]) -> str:
    """Writes cells by name and number of steps as Markdown: a row a name, a column a length."""
    names, lengths = dict.fromkeys(name for name, _ in cells), sorted({n for _, n in cells})
    rows = [[name, *(cells.get((name, n), "") for n in lengths)] for name in names]
    return markdown_table([corner, *(f"{n} steps" for n in lengths)], rows)


def fitting(parts: Sequence[_Part], sizes: Iterable[int], room: int) -> list[_Part]:
    """Returns the first parts, as many as `room` takes."""
    return [part for part, end in zip(parts, accumulate(sizes), strict=True) if end <= room]


def defused(text: str) -> str:
    """Returns text for a CSV cell that a spreadsheet shows and does not run."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _cell(value: object) -> str:
    """Replaces bars, which would begin another cell."""
    return str(value).replace("|", "/")
