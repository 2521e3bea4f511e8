"""The content of a page as plain values. The templates only lay it out."""

import base64
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote as percent_encoded

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.formatting import alike
from schedsearch.report.finding import signed

Order = Literal["ascending", "descending"]
PNG, SVG = "image/png", "image/svg+xml"
READABLE = " /:;=,.()-_!*@$+?[]{}|^~`'"  # characters without a meaning in attributes and data addresses


@dataclass(frozen=True)
class Picture:
    """A figure. `alt` says in words what it shows."""

    caption: str
    alt: str
    content: bytes
    kind: str = PNG

    @property
    def uri(self) -> str:
        """An address that holds the picture. The text of an SVG stays readable, so that it packs well."""
        if self.kind == PNG:
            return data_uri(PNG, self.content)
        return f"data:{self.kind},{percent_encoded(self.content, READABLE)}"


@dataclass(frozen=True)
class Column:
    """A column of a table. The first click on its heading sorts it into the order `best_first`."""

    title: str
    note: str = ""  # unit, which way is better
    numeric: bool = True
    best_first: Order = "ascending"


@dataclass(frozen=True)
class Cell:
    """A text, and the number that it sorts by. None sorts last."""

    text: str
    value: float | None = None
    link: str = ""  # relative
    mark: str = ""  # "better", "worse" or "": a class of the style sheet


@dataclass(frozen=True)
class Table:
    """A table. Its rows are sorted by the column `sorted_by`, if that is given."""

    name: str  # an id
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    sorted_by: int | None = None


@dataclass(frozen=True)
class Comparison:
    """One metric of the searched schedule beside the best baseline."""

    metric: str
    words: str  # what the metric measures
    summary: str
    unit: str
    better_side: str  # lower, higher, or neither
    searched: str
    baseline: str
    difference: str
    interval: str
    outcome: str  # for people; empty where no side is better or nothing could be compared
    whisker: tuple[float, float, float] | None = None  # low, mean, high as parts of the widest end, -1..1


@dataclass(frozen=True)
class Player:
    """One system's audio of one clip. Without a URI there is no audio, and `note` says why."""

    note: str  # the gain applied
    uri: str = ""


@dataclass(frozen=True)
class ListeningRow:
    """The players of a clip, in the order of the systems."""

    clip: str
    seconds: float
    players: tuple[Player, ...]


@dataclass(frozen=True)
class Listening:
    """All systems on some held-out clips; the first one is the reference."""

    systems: tuple[str, ...] = ()
    rows: tuple[ListeningRow, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Page:
    """One document. Empty parts are left out."""

    title: str
    verdicts: tuple[tuple[str, str, bool], ...]  # heading ("" for one alone), sentence, whether the search improved
    context: tuple[str, ...]  # short lines below
    baseline: str = ""
    comparisons: tuple[Comparison, ...] = ()
    tables: tuple[Table, ...] = ()
    pictures: tuple[Picture, ...] = ()
    listening: Listening = Listening()
    provenance: tuple[tuple[str, str], ...] = ()  # name and value of each line
    files: tuple[str, ...] = ()  # relative


def data_uri(kind: str, content: bytes) -> str:
    """Returns an address that holds the content itself: a browser fetches nothing."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def number(value: float | None, digits: int = 4) -> str:
    """Writes a number with a true minus sign; an en dash for None and NaN."""
    if value is None or math.isnan(value):
        return "–"
    return numbers((value,))[0] if digits == 4 else f"{value:,.{digits}f}".replace("-", "−")


def numbers(values: Sequence[float]) -> list[str]:
    """Writes numbers in one form, as `alike` does, with true minus signs."""
    return [text.replace("-", "−") for text in alike(values, sign=",")]


def difference_texts(difference: Interval | None) -> tuple[str, str]:
    """Writes the mean of a difference and its interval, in as many digits as they need; en dashes for None."""
    if difference is None:
        return "–", "–"
    mean, low, high = (value.replace("-", "−") for value in signed(difference))
    return mean, f"{low} to {high}"


def number_cell(value: float | None, digits: int = 4) -> Cell:
    """Returns the cell of a number, which sorts by its value."""
    missing = value is None or math.isnan(value)
    return Cell(number(value, digits), None if missing else value)
