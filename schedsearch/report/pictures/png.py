"""Draws a figure as PNG bytes."""

import io
import warnings
from typing import Any

from matplotlib.figure import Figure
from PIL import Image

from schedsearch.report.pictures.style import style

COLOURS = 128  # of a palette: a third of the bytes of true colour, with no difference to see


@style()
def png(figure: Figure) -> bytes:
    """Returns bytes without date and version: equal figures, each drawn once, give equal bytes."""
    packed = io.BytesIO()
    image = Image.open(io.BytesIO(drawn(figure, "png"))).convert("RGB")
    image.quantize(COLOURS, dither=Image.Dither.NONE).save(packed, format="png", optimize=True)
    return packed.getvalue()


def drawn(figure: Figure, kind: str, **options: Any) -> bytes:
    """Returns what Matplotlib writes in that format."""
    written = io.BytesIO()
    with warnings.catch_warnings():
        # a name in a script that the font lacks is drawn as boxes; users need no warning of that
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        figure.savefig(written, format=kind, **options)
    return written.getvalue()
