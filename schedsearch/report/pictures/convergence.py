"""Draws how a search went: the best score so far against network evaluations."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from schedsearch.evaluation.estimates import margin
from schedsearch.report.pictures.axes import legend_below
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.style import BLUE, FAINT, GREY, VERMILION, blank, shown, style
from schedsearch.schedules.schedule import Array
from schedsearch.study.candidate import Candidate

IN_VIEW = 0.85  # of the candidates: the few worst would squeeze all others into a line
FURTHER = 2.0  # times that range is shown if it has candidates
BAND = "95 % interval of the best so far"
SIZES = {".": 9, "x": 6, "^": 6, "v": 6, "P": 7}


@style()
def convergence(
    candidates: Sequence[Candidate],
    baselines: Sequence[Candidate],
    quantity: Quantity,
    *,
    winner: Candidate,
    pair: float,
    other_evaluations: int,
) -> Figure:
    """Draws candidates in their order, stopped ones at their estimate, and marks the winner with its further draws.

    A candidate and a baseline at least are whole: without them there is no winner to mark.
    `pair` is the variance of one pair of clip and draw (`evaluation/estimates.py`): from it come the 95 % intervals of
    the best so far and of the winner. There are none without it.
    `other_evaluations` are network evaluations that strategies spent beside scoring. The store does not say when, so
    the label counts them.
    """
    figure = blank(3.8)
    axes = figure.subplots()
    calls = evaluations(candidates)
    baseline = min((c for c in baselines if c.whole), key=lambda c: quantity.sign * c.score.mean)
    best = best_so_far(candidates, quantity.sign)
    margins = _margins(candidates, best, pair)
    _best_lines(axes, calls, best, baseline)
    if np.isfinite(margins).any():
        axes.fill_between(
            calls, best - margins, best + margins, step="post", color=BLUE, alpha=0.18, linewidth=0, label=BAND
        )
    _star(axes, candidates, calls, winner, pair)
    band = (best - quantity.sign * margins)[-1:]  # its better end
    edge = _limits(axes, np.concatenate([worth(candidates), band, [baseline.score.mean]]), quantity.sign)
    _dots(axes, candidates, calls, edge, quantity.sign)
    more = f"; {other_evaluations:,} more by the strategy itself" if other_evaluations else ""
    axes.set_xlabel(f"network evaluations of the candidates (one clip, one step each{more})")
    axes.set_ylabel(quantity.label)
    axes.set_xlim(0, 1.02 * calls[-1])
    axes.xaxis.set_major_locator(MaxNLocator(nbins=9, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    legend_below(figure, *axes.get_legend_handles_labels())
    return figure


def evaluations(candidates: Sequence[Candidate]) -> Array:
    """Returns [candidate], the network evaluations up to and including its own."""
    return np.cumsum([float(c.network_evaluations) for c in candidates])


def worth(candidates: Sequence[Candidate]) -> Array:
    """Returns [candidate], the score, the estimate of a stopped candidate, or NaN of a failed one."""
    values = [np.nan if c.failures else c.mean for c in candidates]
    return np.array(values, dtype=np.float64)


def best_so_far(candidates: Sequence[Candidate], sign: int) -> Array:
    """Returns [candidate], the best whole score so far, NaN before the first. Sign -1: more is better."""
    losses = [sign * c.mean if _may_lead(c) else np.nan for c in candidates]
    return np.asarray(sign * np.fmin.accumulate(np.array(losses, dtype=np.float64)))


def _may_lead(candidate: Candidate) -> bool:
    return not candidate.failures and not candidate.stopped


def _best_lines(axes: Axes, calls: Array, best: Array, baseline: Candidate) -> None:
    axes.step(calls, best, where="post", color=BLUE, linewidth=2.4, label="best searched so far", zorder=4)
    name = f"best baseline: {shown(baseline.name, 32)}"
    axes.axhline(baseline.score.mean, color=VERMILION, linestyle="--", linewidth=1.8, label=name, zorder=3)


def _margins(candidates: Sequence[Candidate], best: Array, pair: float) -> Array:
    """Returns [candidate], half the width of the interval of the one that is best so far, NaN before the first."""
    leader, margins = None, []
    for candidate, mean in zip(candidates, best, strict=True):
        leader = candidate if _may_lead(candidate) and candidate.mean == mean else leader
        margins.append(np.nan if leader is None else margin(leader.score.values, pair))
    return np.array(margins, dtype=np.float64)


def _limits(axes: Axes, values: Array, sign: int) -> float:
    """Sets the y axis to most of the values and to the last, the best baseline's; returns the axis' worse end."""
    losses = sign * values
    seen = losses[np.isfinite(losses)]
    far = np.nanmax([np.quantile(seen, IN_VIEW), losses[-1]])
    far = seen[seen <= seen.min() + FURTHER * (far - seen.min())].max()
    room = 0.08 * (far - seen.min()) or 0.05 * abs(far) or 1.0
    axes.set_ylim(*sorted((sign * (seen.min() - room), sign * (far + 2 * room))))
    return float(sign * (far + room))


def _dots(axes: Axes, candidates: Sequence[Candidate], calls: Array, edge: float, sign: int) -> None:
    """Draws candidates by what became of them. Failed ones and those beyond the axis stand at its worse end."""
    values = worth(candidates)
    failed = ~np.isfinite(values)
    beyond = sign * values > sign * edge
    stopped = np.array([c.stopped for c in candidates], dtype=bool) & ~beyond & ~failed
    kinds = [
        (~stopped & ~beyond & ~failed, ".", FAINT, "candidate"),
        (stopped, "x", GREY, "stopped by the race, at its estimate"),
        (beyond, "^" if sign > 0 else "v", GREY, "beyond this scale"),
        (failed, "P", "black", "failed"),
    ]
    for chosen, marker, colour, label in kinds:
        if chosen.any():
            height = np.where(beyond | failed, edge, values)[chosen]
            axes.plot(calls[chosen], height, marker, color=colour, markersize=SIZES[marker], label=label, zorder=2)


def _star(axes: Axes, candidates: Sequence[Candidate], calls: Array, winner: Candidate, pair: float) -> None:
    """Marks the winner where it was proposed, at what is expected of it after further draws."""
    places = [i for i, c in enumerate(candidates) if c.name == winner.name and np.isfinite(winner.expected)]
    if places:
        half = margin(winner.score.values, pair)
        axes.errorbar(
            calls[places], winner.expected, half if np.isfinite(half) else None, fmt="*", color=BLUE, ecolor="black",
            markeredgecolor="black", markersize=15, capsize=4, zorder=5,
            label=f"winner after further draws, 95 % interval: {shown(winner.name, 32)}",
        )  # fmt: skip
