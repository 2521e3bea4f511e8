"""Measures what the race saves, and how often it stops the candidate that full scoring would have chosen."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from experiments.search_bench.searching import COLUMN, FOLDER, demo, scratch
from schedsearch.evaluation.draws import search_draws
from schedsearch.sampling.prefix_tree import calls
from schedsearch.search.race import HEATS, LEVEL, clip_means, is_worse, rounds
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.strategies.named_grids import level_grid
from vocoder.atomic import atomic_write

SCORES = FOLDER / "race_scores.csv"
ITERATIONS, CANDIDATES = 6, 96
LEVELS = (0.001, 0.01, 0.05, 0.1)
ORDERS = 2000

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]
Mask: TypeAlias = np.ndarray[Any, np.dtype[np.bool_]]
Order: TypeAlias = np.ndarray[Any, np.dtype[np.int64]]


def score_candidates() -> None:
    """Writes full scores of a TPE run's candidates: a column a clip and draw, the draws of a clip together."""
    if SCORES.exists():
        return
    with scratch() as folder:
        run = demo(ITERATIONS, "tpe", 0, Path(folder), clips=None)
        evaluator = run.evaluator(run.search_clips)
        strategy = Bayesian("tpe", run.space, 0)
        rows: list[Array] = []
        while len(rows) < CANDIDATES:
            schedules = strategy.ask(strategy.batch)
            scores = [e.scores[COLUMN] for e in evaluator.evaluate(schedules, run.draws)]
            strategy.tell(schedules, [score.mean for score in scores])
            rows += [score.values.ravel() for score in scores]
        pairs = [f"{clip}, draw {draw}" for clip in evaluator.clip_names for draw in run.draws]
        table = pd.DataFrame(rows, columns=pairs)
        atomic_write(SCORES, table.to_csv(index=False, float_format="%.6g").encode())


def race_table() -> pd.DataFrame:
    """Returns by level the part of the (clip, draw) pairs scored, and how often full scoring ends with another winner.

    Over random orders of candidates and clips, in batches of four, against the best of the batches before.
    """
    table = pd.read_csv(SCORES).to_numpy()
    scores = table.reshape(len(table), -1, len(search_draws(ITERATIONS)))
    generator = np.random.default_rng(0)
    orders = [(generator.permutation(len(scores)), generator.permutation(scores.shape[1])) for _ in range(ORDERS)]
    return pd.DataFrame([_raced(scores, orders, level) for level in LEVELS])


def prefix_table(iterations: Sequence[int] = (3, 4, 5, 6)) -> pd.DataFrame:
    """Counts network evaluations a clip of a full grid of three levels a step: each alone, and shared."""
    rows = []
    for steps in iterations:
        grid = level_grid(steps, 3)
        shared = calls(list(grid.schedules()), 1)
        rows.append({"steps": steps, "candidates": grid.count, "alone": grid.count * steps, "shared": shared})
    return pd.DataFrame(rows)


def _raced(scores: Array, orders: Sequence[tuple[Order, Order]], level: float) -> dict[str, float]:
    outcomes = [_one(scores[np.ix_(candidates, clips)], level) for candidates, clips in orders]
    used, dropped, loss = np.array(outcomes).T
    return {
        "level": level,
        "default": level == LEVEL,
        "pairs_scored": used.mean(),
        "winner_dropped": dropped.mean(),
        "mean_loss_when_dropped": loss[dropped > 0].mean() if dropped.any() else 0.0,
        "orders": len(orders),
    }


def _one(scores: Array, level: float) -> tuple[float, float, float]:
    """Returns the part of the pairs scored, 1 if the winner was dropped, and how much worse its substitute is."""
    known = _known(*scores.shape[1:])
    means, used = scores.mean(axis=(1, 2)), 0
    best: int | None = None  # until the first batch is over
    alive: list[int] = []
    for start in range(0, len(scores), 4):
        batch = range(start, min(start + 4, len(scores)))
        finished = []
        for i in batch:
            run, stopped = _raced_against(scores[i], None if best is None else scores[best], known, level)
            used += run
            if not stopped:
                finished.append(i)
        alive += finished
        best = min(alive, key=lambda i: means[i])
    winner = min(alive, key=lambda i: means[i])
    return used / scores.size, float(means[winner] > means.min()), float(means[winner] - means.min())


def _known(clips: int, draws: int) -> list[Mask]:
    """Returns the pairs [clip, draw] that were run after each round of a race."""
    ends = [round(clips * i / HEATS) for i in range(HEATS + 1)]
    run = np.zeros((clips, draws), dtype=bool)
    masks = []
    for column, heats in rounds(HEATS, draws):
        for heat in heats:
            run[ends[heat] : ends[heat + 1], column] = True
        masks.append(run.copy())
    return masks


def _raced_against(mine: Array, best: Array | None, known: Sequence[Mask], level: float) -> tuple[int, bool]:
    """Returns the pairs scored, and whether the race stopped the candidate."""
    if best is not None:
        for run in known[:-1]:
            if is_worse(clip_means(np.where(run, mine - best, np.nan)), level):
                return int(run.sum()), True
    return mine.size, False
