"""Draws how the winner differs from the best baseline, clip by clip."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from schedsearch.evaluation.bootstrap import Array, Interval
from schedsearch.evaluation.paired import Comparison
from schedsearch.report.pictures.axes import legend_below, signed
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.style import BLUE, VERMILION, blank, shown, style


@style()
def held_out_differences(comparison: Comparison, quantity: Quantity, *, winner: str, baseline: str) -> Figure:
    """Draws a dot for each clip, winner minus baseline with draws averaged, and the mean with its 95 % interval.

    Clips on which either failed are counted, not drawn.
    """
    figure = blank(3.8)
    axes = figure.subplots()
    differences = np.sort(comparison.differences)
    _dots(axes, differences, quantity.sign)
    if comparison.difference is not None:
        _interval(axes, comparison.difference)
    axes.axvline(0, color="black", linewidth=1, zorder=2)
    failed = len(comparison.winner.values) - len(differences)
    axes.set_ylabel("held-out clips, sorted" + (f"; {failed} more failed" if failed else ""))
    axes.set_ylim(0, len(differences) + 1)
    axes.set_yticks([])
    side = "left" if quantity.sign > 0 else "right"
    pair = f"{shown(winner, 30)} minus {shown(baseline, 30)}"
    axes.set_xlabel(f"{quantity.name}: {pair}; {side} of 0 is better")
    legend_below(figure, *axes.get_legend_handles_labels())
    return figure


def _dots(axes: Axes, differences: Array, sign: int) -> None:
    """Draws filled dots where the winner is better, open ones elsewhere."""
    better, place = sign * differences < 0, np.arange(1, len(differences) + 1)
    for chosen, marker, colour, face, side in (
        (better, "o", BLUE, BLUE, "better"),
        (~better, "s", VERMILION, "white", "no better"),
    ):
        label = f"winner {side} on {chosen.sum()} of {len(differences)} clips"
        axes.plot(differences[chosen], place[chosen], marker, color=colour, markerfacecolor=face, label=label, zorder=3)


def _interval(axes: Axes, difference: Interval) -> None:
    ends = f"95 % interval {signed(difference.low)} to {signed(difference.high)}"
    axes.axvspan(difference.low, difference.high, color="0.87", label=ends, zorder=1)
    mean = f"mean {signed(difference.mean)}"
    axes.axvline(difference.mean, color="black", linestyle="--", linewidth=1.5, label=mean, zorder=2)
