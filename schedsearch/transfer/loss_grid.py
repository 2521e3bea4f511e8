"""Arranges losses with schedules down and voices across, for the picture and the table of a length."""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from schedsearch.evaluation.paired import Outcome
from schedsearch.formatting import markdown_table, percent
from schedsearch.transfer.matrix import Cell
from schedsearch.transfer.relations import BASELINE, NATIVE, OTHER_DIALECTS, STRANGERS

TOO_FEW = "too few clips"  # sound in both: a comparison takes two
BASELINES = 8  # how many are shown: those with the least worst loss
UNSEEN = {STRANGERS: "universal, judge's speaker unseen", OTHER_DIALECTS: "universal, judge's dialect unseen"}

# Schedules -> voices -> the cell of one length and metric; None where a voice did not judge a schedule.
LossGrid: TypeAlias = dict[str, dict[str, Cell | None]]


def loss_grid(cells: Sequence[Cell]) -> LossGrid:
    """Arranges winners in the voices' order, universal ones, then the baselines with the least worst loss."""
    voices = tuple(dict.fromkeys(cell.judge.label for cell in cells))
    by_place = {(_name(cell), cell.judge.label): cell for cell in cells}
    return {schedule: {voice: by_place.get((schedule, voice)) for voice in voices} for schedule in _rows(cells)}


def markdown(grid: LossGrid) -> str:
    """Writes the grid as a Markdown table."""
    rows = [[schedule, *(text(cell) if cell else "" for cell in row.values())] for schedule, row in grid.items()]
    return markdown_table(["loss on the held-out clips of", *columns(grid)], rows, numbers=True)


def columns(grid: LossGrid) -> list[str]:
    """Returns the voices that judge, in the order of the columns."""
    return list(next(iter(grid.values())))


def text(cell: Cell) -> str:
    """Writes a cell: the loss, "own" for a voice's own winner, "failed", or why there is no loss."""
    if cell.relation == NATIVE:
        return "own"
    if not cell.known:
        return ""
    if not np.isfinite(cell.relative_loss):
        return "failed" if cell.verdict == Outcome.FAILS_MORE else TOO_FEW
    mark = " =" if cell.verdict == "tie" else ""
    return f"{percent(cell.relative_loss)}{mark}"


def worst_loss(cells: Sequence[Cell]) -> float:
    """Returns the largest loss over voices that have a winner of their own; infinite with a failure."""
    losses = [cell.relative_loss for cell in cells if cell.known]
    return max((loss if np.isfinite(loss) else np.inf for loss in losses), default=np.inf)


def _rows(cells: Sequence[Cell]) -> tuple[str, ...]:
    baselines = dict.fromkeys(cell.entrant.name for cell in cells if cell.relation == BASELINE)
    worst = {name: worst_loss([c for c in cells if c.entrant.name == name]) for name in baselines}
    ranked = sorted(baselines, key=lambda name: worst[name])[:BASELINES]
    natives = [cell.entrant.name for cell in cells if cell.relation == NATIVE]
    others = [_name(cell) for cell in cells if cell.relation != BASELINE]
    return tuple(dict.fromkeys([*natives, *others, *ranked]))


def _name(cell: Cell) -> str:
    return UNSEEN.get(cell.entrant.source, cell.entrant.name)
