"""Draws README's picture from committed tables: `python -m experiments.documentation.overview`.

On the left PESQ against the number of steps, of ivanvovk's published schedules, the universal ones and each voice's own
searched ones: the mean over the voices that have wide-band PESQ. On the right their log-SNR in 12 steps.
"""

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from experiments.documentation.values import read
from schedsearch.report.pictures.axes import legend_below, whole_steps
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.style import Stroke, blank, stroke, style
from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.atomic import atomic_write

PICTURE, MATRICES = Path("docs/pictures/overview.png"), "results/shipped/transfer/matrix-*.csv"
METRIC, STEPS = "pesq_wb", 12
SEARCHED, UNIVERSAL, PUBLISHED = "searched for each voice", "universal", "published (ivanvovk)"
LOOKS = {SEARCHED: stroke(0), UNIVERSAL: stroke(1), PUBLISHED: stroke(2)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the picture."""
    argparse.ArgumentParser(prog="overview", description=(__doc__ or "").splitlines()[0]).parse_args(arguments)
    atomic_write(PICTURE, png(overview()))
    return 0


@style()
def overview() -> Figure:
    """Draws both panels."""
    figure = blank(3.6)
    quality, levels = figure.subplots(1, 2)
    lines = _quality(quality, read(MATRICES))
    _levels(levels)
    legend_below(figure, lines, list(LOOKS))
    return figure


def mean_pesq(matrix: pd.DataFrame) -> dict[str, pd.Series]:
    """Returns the mean over voices by number of steps, of each kind of schedule."""
    rows = matrix[matrix["metric"] == METRIC]
    kinds = {
        SEARCHED: rows["relation"] == "native",
        UNIVERSAL: rows["relation"] == "universal",
        PUBLISHED: rows["schedule"] == "ivanvovk-" + rows["iterations"].astype(str),
    }
    return {name: rows[chosen].groupby("iterations")["mean"].mean() for name, chosen in kinds.items()}


def _quality(axes: Axes, matrix: pd.DataFrame) -> list[Line2D]:
    lines: dict[str, Line2D] = {}
    for _, lengths_of_one in _by_judges(matrix):
        for name, means in mean_pesq(lengths_of_one).items():
            [lines[name]] = axes.plot(means.index, means, **_options(LOOKS[name]))
    lengths = sorted(matrix["iterations"].unique())
    axes.set(xscale="log", xlabel="steps (network calls a clip)", ylabel="PESQ on held-out clips, more is better")
    axes.set_xticks(lengths, [str(n) for n in lengths])
    axes.xaxis.set_minor_locator(NullLocator())
    return list(lines.values())


def _by_judges(matrix: pd.DataFrame) -> Iterable[tuple[object, pd.DataFrame]]:
    """Groups lengths that the same weights of the same voices were judged in: a line through others compares nothing.
    """
    judges = matrix.groupby("iterations")["checkpoint"].agg(lambda names: " ".join(sorted(set(names))))
    groups: Iterable[tuple[object, pd.DataFrame]] = matrix.groupby(matrix["iterations"].map(judges))
    return groups


def _levels(axes: Axes) -> None:
    winners = sorted(Path("results/shipped").glob(f"*/*hz/{STEPS}iters/schedule.json"))
    drawn: list[tuple[NoiseSchedule, Stroke]] = [(read_schedule(path), LOOKS[SEARCHED]) for path in winners]
    named = ((f"universal-{STEPS}", UNIVERSAL), (f"ivanvovk-{STEPS}", PUBLISHED))
    drawn += [(read_schedule(name), LOOKS[kind]) for name, kind in named]
    for schedule, look in drawn:
        axes.plot(schedule.log_snr, **_options(look) | {"linewidth": 1.4})
    whole_steps(axes, STEPS)
    axes.set_ylabel(f"log-SNR of {STEPS} steps")


def _options(look: Stroke) -> dict[str, Any]:
    return {
        "color": look.colour, "linestyle": look.dashes, "marker": look.marker, "linewidth": look.width,
        "markersize": 5, "markerfacecolor": "white",
    }  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
