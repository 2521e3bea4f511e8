"""What each schedule costs each voice, as a picture that reads in black and white."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from schedsearch.evaluation.bootstrap import Array
from schedsearch.report.pictures.style import blank, shown, style
from schedsearch.transfer.grid import grid, text
from schedsearch.transfer.matrix import Cell

DARKEST = 0.5  # relative loss; worse ones look alike
ROW = 0.34  # inches


@style()
def heat_map(cells: Sequence[Cell], objective: str, iterations: int) -> Figure:
    """The relative loss in percent, rows schedules and columns voices; the cells are those of one length and metric.

    Dark is worse. "=" says that zero lies in the interval, "own" a voice's own winner, "failed" that too few clips
    are sound, and an empty cell that nobody knows: the voice has no winner of its own to compare with.
    """
    table = grid(cells)
    losses = np.array([[cell.relative_loss if cell else np.nan for cell in row] for row in table.cells])
    figure = blank(1.6 + ROW * len(table.rows))
    axes = figure.subplots()
    _shade(figure, axes, losses)
    for y, row in enumerate(table.cells):
        for x, cell in enumerate(row):
            if cell is not None:
                dark = np.isfinite(losses[y, x]) and losses[y, x] > DARKEST / 4
                axes.text(x, y, text(cell), ha="center", va="center", color="white" if dark else "black", fontsize=9)
    labels = [shown(column, 24).replace("/", "\n", 1) for column in table.columns]  # side by side, long ones overlap
    axes.set_xticks(range(len(table.columns)), labels)
    axes.set_yticks(range(len(table.rows)), [shown(row) for row in table.rows])
    axes.set_title(f"{iterations} steps: loss in {shown(objective)} beside each voice's own winner", fontsize=11)
    axes.set_xlabel("judged on the held-out clips of; =: zero lies in the interval")
    return figure


def _shade(figure: Figure, axes: Axes, losses: Array) -> None:
    norm = PowerNorm(0.5, 0.0, DARKEST)  # small losses are the question: they get most of the greys
    image = axes.imshow(np.clip(losses, 0, DARKEST), cmap="Greys", norm=norm, aspect="auto")
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 0.02, 0.1, 0.25, DARKEST], pad=0.02)
    bar.ax.set_yticklabels(["0 %", "2 %", "10 %", "25 %", f"{DARKEST:.0%} or more".replace("%", " %")])
    bar.set_label("worse by")
