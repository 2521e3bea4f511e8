"""Grids by the names that GRID= takes."""

import re
from collections.abc import Callable

import numpy as np

from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.schedule import Array
from schedsearch.schedules.search_space import FIRST_LOG_SNR
from schedsearch.strategies.bayesian import proposal_seed
from schedsearch.strategies.grid import IvanvovkGrid, LevelGrid, MantissaGrid, coqui_grid, lmnt_grid
from vocoder.errors import InputError

GRIDS = ("levels:K", "mantissas:K", "lmnt", "coqui", "ivanvovk")


GRID_ENDS = (11.5, -1.0)  # log-SNR of the line that levels:K lies around: the middle of the published 6-step ones


def grid_named(text: str, steps: int, seed: int) -> LevelGrid | MantissaGrid | IvanvovkGrid:
    """Of GRID=: `levels:K` and `mantissas:K` with K choices a step, or a public script's."""
    generator = np.random.default_rng(proposal_seed(seed, 0))
    public: dict[str, Callable[[], LevelGrid | MantissaGrid | IvanvovkGrid]] = {
        "lmnt": lambda: lmnt_grid(steps, generator),
        "coqui": lambda: coqui_grid(steps, generator),
        "ivanvovk": lambda: IvanvovkGrid(steps),
    }
    if text in public:
        return public[text]()
    found = re.fullmatch(r"(levels|mantissas):([1-9][0-9]?)", text)
    if not found or (found[1] == "mantissas" and int(found[2]) > 9):
        raise InputError(
            f"GRID must be one of {', '.join(GRIDS)}, with K from 1 to 99 levels or 9 mantissas, and is {text!r}; "
            "choose one"
        )
    choices = int(found[2])
    if found[1] == "levels":
        return level_grid(steps, choices)
    return MantissaGrid(np.linspace(1, 9, choices) if choices > 1 else [5.0], np.linspace(-6, -1, steps))


def level_grid(steps: int, choices: int) -> LevelGrid:
    """`choices` log-SNRs a step, in the middle of equal parts of a window around a straight line.

    Windows of neighbouring steps touch and do not overlap, so all choices**steps combinations fall and are legal.
    """
    if steps == 1:
        return LevelGrid([_middles(*TERMINAL_LOG_SNR, choices)])
    line = np.linspace(*GRID_ENDS, steps)
    half = min((line[0] - line[1]) / 2, FIRST_LOG_SNR[1] - line[0])  # ends stay in the box
    return LevelGrid([_middles(middle - half, middle + half, choices) for middle in line])


def _middles(low: float, high: float, parts: int) -> Array:
    return np.asarray(low + (high - low) * (np.arange(parts) + 0.5) / parts)
