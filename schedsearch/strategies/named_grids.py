"""Grids by the names that GRID= takes."""

import re
from typing import TypeAlias

import numpy as np

from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.search_space import FIRST_LOG_SNR
from schedsearch.strategies.bayesian import proposal_seed
from schedsearch.strategies.grid import IvanvovkGrid, LevelGrid, MantissaGrid, lmnt_grid
from vocoder.errors import InputError

DEFAULT_GRID = "levels:3"
GRIDS = ("levels:K", "mantissas:K", "lmnt", "coqui", "ivanvovk")
GRID_ENDS = (11.5, -1.0)  # log-SNR ends of the line around which levels:K lies: the middle of the published 6-step ones


Grid: TypeAlias = LevelGrid | MantissaGrid | IvanvovkGrid


def grid_named(text: str, steps: int, seed: int) -> Grid:
    """Returns the grid of GRID=: `levels:K` or `mantissas:K` with K choices a step, or that of a public script."""
    if text in ("lmnt", "coqui"):
        return lmnt_grid(steps, np.random.default_rng(proposal_seed(seed, 0)))
    if text == "ivanvovk":
        return IvanvovkGrid(steps)
    match = re.fullmatch(r"(levels|mantissas):([1-9][0-9]?)", text)
    if not match or (match[1] == "mantissas" and int(match[2]) > 9):
        raise InputError(
            f"GRID must be one of {', '.join(GRIDS)}, with K from 1 to 99 levels or 9 mantissas, and is {text!r}; "
            "choose one"
        )
    choices = int(match[2])
    if match[1] == "levels":
        return _level_grid(steps, choices)
    mantissas = np.linspace(1, 9, choices).tolist() if choices > 1 else [5.0]
    return MantissaGrid(mantissas, np.linspace(-6, -1, steps).tolist())


def _level_grid(steps: int, choices: int) -> LevelGrid:
    """Returns the grid of `choices` log-SNRs a step, the middles of equal parts of a window around a straight line.

    Windows of neighbouring steps touch and do not overlap, so all choices**steps combinations are legal.
    """
    if steps == 1:
        return LevelGrid([_middles(*TERMINAL_LOG_SNR, choices)])
    line = np.linspace(*GRID_ENDS, steps)
    half = min((line[0] - line[1]) / 2, FIRST_LOG_SNR[1] - line[0])  # ends stay in the box
    return LevelGrid([_middles(middle - half, middle + half, choices) for middle in line])


def _middles(low: float, high: float, parts: int) -> list[float]:
    return list(low + (high - low) * (np.arange(parts) + 0.5) / parts)
