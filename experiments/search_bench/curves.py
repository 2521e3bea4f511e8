"""Best score against network evaluations, for every strategy over several seeds of strategy and noise."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from experiments.search_bench.grids import crops
from experiments.search_bench.searching import SHIPPED, Searched, demo, scratch, watched
from schedsearch.budget import Budget
from schedsearch.choice import STRATEGIES
from schedsearch.run import Run
from vocoder.atomic import atomic_write

ITERATIONS, SEEDS, CALLS = 6, 5, 600
PATH = SHIPPED / "demo" / "16000hz" / "search" / "curves.csv"
# The default search on what the grids were scored on, long enough for an eighth of lmnt's and a thousandth of
# ivanvovk's network evaluations.
AGAINST = {"lmnt": 2400, "ivanvovk": 600}
AGAINST_PATH = SHIPPED / "demo" / "16000hz" / "search" / "against_grids.csv"
OVERHEAD_PATH = SHIPPED / "demo" / "16000hz" / "search" / "overhead.csv"
OVERHEAD_RUNS = 3


def measure_curves() -> None:
    """A row a batch, a run at a time: runs that stand in the file are not made again."""
    for strategy in tqdm(STRATEGIES, desc="curves"):
        for seed in range(SEEDS):
            key: dict[str, str | int] = {"strategy": strategy, "seed": seed}
            if not _stands(PATH, key):
                with scratch() as folder:
                    _append(PATH, key, watched(demo(ITERATIONS, strategy, seed, Path(folder)), Budget(CALLS, "calls")))


def measure_against_grids() -> None:
    """The default search on each grid's own clips and noise, from one seed."""
    for grid, calls in AGAINST.items():
        key: dict[str, str | int] = {"grid": grid}
        if not _stands(AGAINST_PATH, key):
            with scratch() as folder:
                run = _beside(grid, Path(folder))
                _append(AGAINST_PATH, key, watched(run, Budget(calls, "calls")))


def measure_overhead() -> None:
    """The part of the default search's time, on all clips, that is neither the network nor a metric."""
    for seed in range(OVERHEAD_RUNS):
        key: dict[str, str | int] = {"seed": seed}
        if not _stands(OVERHEAD_PATH, key):
            with scratch() as folder:
                run = demo(ITERATIONS, "auto", seed, Path(folder), clips=None)
                _append(OVERHEAD_PATH, key, watched(run, Budget(40, "candidates")))


def _beside(grid: str, folder: Path) -> Run:
    return crops(folder, ITERATIONS) if grid == "ivanvovk" else demo(ITERATIONS, "auto", 0, folder)


def _stands(path: Path, key: dict[str, str | int]) -> bool:
    if not path.exists():
        return False
    table = pd.read_csv(path)
    return bool((table[list(key)] == pd.Series(key)).all(axis=1).any())


def _append(path: Path, key: dict[str, str | int], found: Searched) -> None:
    rows = pd.DataFrame(
        [
            {**key, "network_evaluations": p.network_evaluations, "best": p.best, "best_baseline": p.baseline}
            for p in found.points
        ]
    )
    if path == OVERHEAD_PATH:
        rows["overhead"] = 1 - found.evaluating / found.wall
    table = pd.concat([pd.read_csv(path), rows], ignore_index=True) if path.exists() else rows
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table.to_csv(index=False, float_format="%.6g").encode())
