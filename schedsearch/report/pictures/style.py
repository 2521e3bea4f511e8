"""The look of all pictures. They read in black and white: lines differ in dash and marker, not in colour alone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure

WIDTH = 9.0  # inches; 900 pixels
DPI = 100
LONGEST_NAME = 40  # characters
# Okabe & Ito 2008, "Color Universal Design": apart for every kind of colour vision.
BLUE, VERMILION = "#0072B2", "#D55E00"
GREY, FAINT = "0.45", "0.72"
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">")  # nine beside four dashes: 36 pairs before one comes again

SETTINGS: dict[Any, Any] = {
    "text.parse_math": False,  # names are names: "$\frac" is no formula
    "font.size": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "0.3",
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.formatter.useoffset": False,
    "grid.color": "0.9",
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.handlelength": 3.2,  # a dash-dot line shows as one
    "xtick.color": "0.3",
    "ytick.color": "0.3",
    "xtick.labelcolor": "black",
    "ytick.labelcolor": "black",
}


@dataclass(frozen=True)
class Stroke:
    """The look of a line."""

    colour: str
    dashes: str
    marker: str
    width: float


@contextmanager
def style() -> Iterator[None]:
    """Applies our settings alone: a user's matplotlibrc changes nothing. Also a decorator."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(SETTINGS)
        yield


def blank(height: float) -> Figure:
    """Returns an empty figure of the usual width. `height` is in inches."""
    return Figure(figsize=(WIDTH, height), dpi=DPI, layout="constrained")


def stroke(place: int) -> Stroke:
    """Returns the look of the winner (0), the best baseline (1) or a quieter line. The first 36 all differ."""
    colour = (BLUE, VERMILION)[place] if place < 2 else GREY
    width = (2.4, 1.8)[place] if place < 2 else 1.0
    return Stroke(colour, DASHES[place % len(DASHES)], MARKERS[place % len(MARKERS)], width)


def shown(name: str, longest: int = LONGEST_NAME) -> str:
    """Returns a name as one line that fits: without unprintable characters, and without the middle of a long name."""
    line = " ".join("".join(c if c.isprintable() else " " for c in name).split()) or "(no name)"
    end = longest // 3
    return line if len(line) <= longest else f"{line[: longest - end - 1]}…{line[-end:]}"
