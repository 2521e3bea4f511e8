"""Draws what each schedule costs each voice, readable in black and white."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure

from schedsearch.evaluation.bootstrap import Array
from schedsearch.report.pictures.style import blank, shown, style
from schedsearch.transfer.loss_grid import columns, loss_grid, text
from schedsearch.transfer.matrix import Cell

DARKEST = 0.5  # relative loss; worse ones look alike
ROW, COLUMN, ROOMY = 0.34, 0.9, 5  # inches; columns that the usual width has room for


@style()
def heat_map(cells: Sequence[Cell], objective: str, iterations: int) -> Figure:
    """Draws relative losses in percent, rows schedules and columns voices, from the cells of one length and metric.

    Dark is worse. "=": zero lies in the interval. "own": the voice's own winner. "failed": it fails more often than
    that one. An empty cell: the voice has no winner of its own to compare with.
    """
    grid = loss_grid(cells)
    losses = np.array([[cell.relative_loss if cell else np.nan for cell in row.values()] for row in grid.values()])
    figure = blank(1.6 + ROW * len(grid))
    figure.set_figwidth(figure.get_figwidth() + COLUMN * max(0, losses.shape[1] - ROOMY))
    axes = figure.subplots()
    _shade(figure, axes, losses)
    for y, row in enumerate(grid.values()):
        for x, cell in enumerate(row.values()):
            if cell is not None:
                dark = np.isfinite(losses[y, x]) and losses[y, x] > DARKEST / 4
                axes.text(x, y, text(cell), ha="center", va="center", color="white" if dark else "black", fontsize=9)
    labels = [shown(voice, 24).replace("/", "\n", 1) for voice in columns(grid)]  # side by side, long ones overlap
    axes.set_xticks(range(len(labels)), labels, fontsize=9)
    axes.set_yticks(range(len(grid)), [shown(schedule) for schedule in grid])
    axes.set_title(f"{iterations} steps: loss in {shown(objective)} beside each voice's own winner", fontsize=11)
    axes.set_xlabel("judged on the held-out clips of; =: zero lies in the interval")
    return figure


def _shade(figure: Figure, axes: Axes, losses: Array) -> None:
    norm = PowerNorm(0.5, 0.0, DARKEST)  # small losses are the question: they get most of the greys
    image = axes.imshow(np.clip(losses, 0, DARKEST), cmap="Greys", norm=norm, aspect="auto")
    axes.grid(visible=False)
    bar = figure.colorbar(image, ax=axes, ticks=[0, 0.02, 0.1, 0.25, DARKEST], pad=0.02, fraction=0.08)
    bar.ax.set_yticklabels(["0 %", "2 %", "10 %", "25 %", f"{DARKEST:.0%} or more".replace("%", " %")])
    bar.set_label("worse by")
