"""Sets up axes and legends that several pictures share."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

ROOM = 0.15  # powers of ten to either side
CHARACTER, HANDLE, ACROSS = 7, 70, 890  # pixels: of a legend's letter, its sample of a line, and all of its width
ROW = 0.21  # inches, of a legend's line
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def whole_steps(axes: Axes, steps: int) -> None:
    """Makes x the axis of a schedule's steps."""
    room = 0.03 * steps + 0.15
    axes.set_xlabel("step n (0 = cleanest, sampled last)")
    axes.set_xlim(-room, steps - 1 + room)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True, min_n_ticks=1))


def decades(axes: Axes, which: Literal["x", "y"], values: Sequence[float]) -> None:
    """Makes an axis logarithmic around positive values, with two powers of ten or more among its ticks."""
    logs = np.log10([value for value in values if np.isfinite(value) and value > 0] or [1.0])
    low, high = logs.min() - ROOM, logs.max() + ROOM
    if np.floor(high) <= np.ceil(low):
        low, high = np.floor(low), np.ceil(high)
    axes.set(**{f"{which}scale": "log", f"{which}lim": (10.0**low, 10.0**high)})
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(LogLocator(numticks=9))
    written = "{:g}".format if -2 <= low and high <= 3 else power
    axis.set_major_formatter(FuncFormatter(lambda value, _: written(value)))
    axis.set_minor_formatter(NullFormatter())


def power(value: float) -> str:
    """Writes a power of ten. Matplotlib's own formatter writes formulas, which are switched off here."""
    exponent = round(np.log10(value))
    return "10" + str(exponent).translate(_RAISED) if exponent else "1"


def legend_below(figure: Figure, handles: Sequence[Any], names: Sequence[str]) -> None:
    """Puts a legend under the axes, in as many columns as fit. The figure grows by its height."""
    longest = max((len(name) for name in names), default=0)
    columns = max(1, min(3, len(names), ACROSS // (CHARACTER * longest + HANDLE)))
    figure.set_figheight(figure.get_figheight() + ROW * -(-len(names) // columns))
    # Matplotlib before 3.10 leaves out a name that begins with _, unless something invisible stands before it.
    visible = [f"\u200b{name}" if name.startswith("_") else name for name in names]
    figure.legend(handles, visible, loc="outside lower center", ncols=columns)


def signed(value: float) -> str:
    """Writes three digits with a sign, the minus as axes write it."""
    return f"{value:+.3g}".replace("-", "−")
