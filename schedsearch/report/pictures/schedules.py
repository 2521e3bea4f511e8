"""Draws schedules side by side: log-SNR and betas, step by step."""

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from schedsearch.report.pictures.axes import decades, legend_below, whole_steps
from schedsearch.report.pictures.style import blank, shown, stroke, style
from schedsearch.schedules.schedule import Array, NoiseSchedule

MARKS = 12  # on a line at the most: more would hide its dashes


@style()
def schedules(winner: tuple[str, NoiseSchedule], baselines: Mapping[str, NoiseSchedule]) -> Figure:
    """Draws the winner (name, schedule), then the baselines by name, the best first: a line each in both panels."""
    every = [winner, *baselines.items()]
    figure = blank(4.0)
    snr, beta = figure.subplots(1, 2)
    for place, (_, schedule) in enumerate(every):
        _line(snr, schedule.log_snr, place, len(every))
        _line(beta, schedule.betas, place, len(every))
    for axes in (snr, beta):
        whole_steps(axes, max(len(schedule) for _, schedule in every))
    snr.set_ylabel("log-SNR (ln of a power ratio)")
    decades(beta, "y", [value for _, schedule in every for value in schedule.betas])
    beta.set_ylabel("beta (noise variance added at the step)")
    legend_below(figure, snr.lines, [shown(name) for name, _ in every])
    return figure


def _line(axes: Axes, values: Array, place: int, count: int) -> None:
    look = stroke(place)
    axes.plot(
        values,
        color=look.colour,
        linestyle=look.dashes,
        marker=look.marker,
        linewidth=look.width,
        markersize=6 if place < 2 else 4,
        markerfacecolor=look.colour if place == 0 else "white",
        markevery=-(-len(values) // MARKS),
        zorder=2 + count - place,  # the winner in front, then the best baseline
    )
