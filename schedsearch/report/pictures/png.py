"""Draws a figure as PNG bytes, or as SVG, which takes a third of the room in a repository."""

import io
import warnings
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from PIL import Image

from schedsearch.report.pictures.style import style

SALT = "schedsearch"  # makes the ids inside an SVG reproducible
COLOURS = 128  # of a palette: a third of the bytes of true colour, with no difference to see


@style()
def png(figure: Figure) -> bytes:
    """Returns bytes without date and version: equal figures, each drawn once, give equal bytes."""
    packed = io.BytesIO()
    image = Image.open(io.BytesIO(_drawn(figure, "png"))).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()


@style()
def svg(figure: Figure) -> bytes:
    """Returns equal bytes for equal figures, each drawn once. Text stays text, in the reader's fonts."""
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": SALT}):
        return _drawn(figure, "svg", metadata={"Date": None, "Creator": None})


def _drawn(figure: Figure, kind: str, **options: Any) -> bytes:
    written = io.BytesIO()
    with warnings.catch_warnings():
        # a name in a script that the font lacks is drawn as boxes; users need no warning of that
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(written, format=kind, **options)
    return written.getvalue()
