"""Draws quality against the number of iterations, and against the real-time factor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator
from matplotlib.transforms import ScaledTranslation, Transform
from scipy import stats

from schedsearch.evaluation.bootstrap import COVERAGE, Interval
from schedsearch.report.pictures.axes import decades, legend_below
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.style import blank, shown, stroke, style

APART = 0.012  # of the logarithmic axis: how far whiskers of one length are drawn apart
BESIDE = 5.0  # points: the same on the axis of speed, where values are not moved


@dataclass(frozen=True)
class Rated:
    """A schedule's score and what it takes to run."""

    iterations: int
    score: Interval  # mean over clips, 95 %
    real_time_factor: float = float("nan")  # seconds of computing a second of audio


def rated(iterations: int, mean: float, standard_error: float, clips: int, **more: float) -> Rated:
    """Returns a mean over clips with its t interval, whose ends are NaN for a single clip."""
    wide = float(stats.t.ppf((1 + COVERAGE) / 2, clips - 1)) * standard_error if clips > 1 else float("nan")
    return Rated(iterations, Interval(mean, mean - wide, mean + wide), **more)


@style()
def quality_against_iterations(quantity: Quantity, series: Mapping[str, Sequence[Rated]]) -> Figure:
    """Draws one line a series, by name such as "searched" and "best baseline", the searched one first."""
    figure = blank(4.0)
    axes = figure.subplots()
    for place, points in enumerate(series.values()):
        ordered = sorted(points, key=lambda point: point.iterations)
        shift = 1 + APART * (place - (len(series) - 1) / 2)
        x = [shift * point.iterations for point in ordered]
        _whiskers(axes, x, ordered, place, joined=True, transform=axes.transData)
    lengths = sorted({point.iterations for points in series.values() for point in points})
    axes.set_xscale("log")
    axes.set_xticks(lengths, [str(length) for length in lengths])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xlim(min(lengths, default=1) * 0.85, max(lengths, default=1) * 1.15)
    axes.set_xlabel("iterations (network evaluations a clip)")
    axes.set_ylabel(quantity.label)
    legend_below(figure, axes.containers, [shown(name) for name in series])
    return figure


@style()
def quality_against_speed(quantity: Quantity, series: Mapping[str, Sequence[Rated]], machine: str = "") -> Figure:
    """Draws the points of each series, labelled with their iterations, and the front that no other point beats.

    The speed was measured on `machine`. Series of one speed are drawn side by side, the first at its value.
    """
    figure = blank(4.4)
    axes = figure.subplots()
    every = [point for points in series.values() for point in points]
    for place, points in enumerate(series.values()):
        beside = ScaledTranslation(BESIDE / 72 * place, 0, figure.dpi_scale_trans)
        x = [point.real_time_factor for point in points]
        _whiskers(axes, x, points, place, joined=False, transform=axes.transData + beside)
        _numbers(axes, points, place)
    front = pareto_front(every, quantity.sign)
    [line] = axes.plot(
        [point.real_time_factor for point in front], [point.score.mean for point in front],
        color="black", linewidth=1, drawstyle="steps-post", zorder=1,
    )  # fmt: skip
    _take_in(axes, every)
    decades(axes, "x", [point.real_time_factor for point in every])
    _real_time(axes)
    on = f" on {shown(machine)}" if machine else ""
    axes.set_xlabel(f"real-time factor{on}: seconds of computing a second of audio; numbers: iterations")
    axes.set_ylabel(quantity.label)
    legend_below(figure, [*axes.containers, line], [*map(shown, series), "nothing is faster and better, by the means"])
    return figure


def pareto_front(points: Sequence[Rated], sign: int) -> list[Rated]:
    """Returns the points that are better than all faster ones, the fastest first. Sign -1: more is better."""
    front: list[Rated] = []
    for point in sorted(points, key=lambda p: (p.real_time_factor, sign * p.score.mean)):
        is_finite = np.isfinite([point.real_time_factor, point.score.mean]).all()
        if is_finite and (not front or sign * point.score.mean < sign * front[-1].score.mean):
            front.append(point)
    return front


def _whiskers(
    axes: Axes, x: Sequence[float], points: Sequence[Rated], place: int, *, joined: bool, transform: Transform
) -> None:
    look = stroke(place)
    mean = np.array([point.score.mean for point in points])
    ends = np.array([[point.score.mean - point.score.low, point.score.high - point.score.mean] for point in points])
    axes.errorbar(
        x, mean, yerr=np.abs(ends.reshape(-1, 2).T), color=look.colour, marker=look.marker, capsize=4,
        linestyle=look.dashes if joined else "none", linewidth=look.width, elinewidth=1.2, markersize=8,
        markerfacecolor=look.colour if place == 0 else "white", transform=transform,
    )  # fmt: skip


def _real_time(axes: Axes) -> None:
    """Draws a line at 1 if that is in view."""
    low, high = axes.get_xlim()
    if low < 1 < high:
        axes.axvline(1, color="0.3", linestyle=":", linewidth=1)
        side = "right" if high < 3 else "left"
        axes.text(1, 1, " real time ", transform=axes.get_xaxis_transform(), va="top", ha=side, fontsize=10)


def _take_in(axes: Axes, points: Sequence[Rated]) -> None:
    """Extends the limits to all scores with their ends: Matplotlib ignores points that are drawn beside their value."""
    ends = np.array([[p.score.mean, p.score.low, p.score.high] for p in points]).ravel()
    axes.update_datalim([(1.0, end) for end in ends[np.isfinite(ends)]], updatex=False)
    axes.autoscale_view(scalex=False)


def _numbers(axes: Axes, points: Sequence[Rated], place: int) -> None:
    """Writes the iterations beside each point, those of the first series on the other side."""
    spot, side = ((-7, -15), "right") if place == 0 else ((7 + BESIDE * place, 6), "left")
    for point in points:
        at = (point.real_time_factor, point.score.mean)
        axes.annotate(str(point.iterations), at, spot, textcoords="offset points", ha=side, fontsize=10)
