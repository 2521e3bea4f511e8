"""Measures the best score against network evaluations, for every strategy over several seeds."""

from pathlib import Path

from tqdm import tqdm

from experiments.search_bench.grids import crops
from experiments.search_bench.searching import FOLDER, demo, scratch, stored_rows, watched
from schedsearch.search.run import Run
from schedsearch.search.strategy_factory import STRATEGIES
from schedsearch.study.budget import Budget

ITERATIONS, SEEDS, CALLS = 6, 5, 600
PATH = FOLDER / "curves.csv"
# The default search on what the grids were scored on, long enough for an eighth of lmnt's and a thousandth of
# ivanvovk's network evaluations.
AGAINST = {"lmnt": 2400, "ivanvovk": 600}
AGAINST_PATH = FOLDER / "against_grids.csv"
OVERHEAD_PATH = FOLDER / "overhead.csv"
OVERHEAD_RUNS = 3


def measure_curves() -> None:
    """Adds a row a batch, run by run; stored runs are not made again."""
    stored = stored_rows(PATH)
    for strategy in tqdm(STRATEGIES, desc="curves"):
        for seed in range(SEEDS):
            key: dict[str, str | int] = {"strategy": strategy, "seed": seed}
            if not stored.has(**key):
                with scratch() as folder:
                    run = demo(ITERATIONS, strategy, seed, Path(folder))
                    stored.add(watched(run, Budget(CALLS, "calls")).rows(key))


def measure_against_grids() -> None:
    """Runs the default search on each grid's own clips and noise, from one seed."""
    stored = stored_rows(AGAINST_PATH)
    for grid, calls in AGAINST.items():
        key: dict[str, str | int] = {"grid": grid}
        if not stored.has(**key):
            with scratch() as folder:
                stored.add(watched(_beside(grid, Path(folder)), Budget(calls, "calls")).rows(key))


def measure_overhead() -> None:
    """Measures the part of the default search's time, on all clips, that is neither the network nor a metric."""
    stored = stored_rows(OVERHEAD_PATH)
    for seed in range(OVERHEAD_RUNS):
        key: dict[str, str | int] = {"seed": seed}
        if not stored.has(**key):
            with scratch() as folder:
                run = demo(ITERATIONS, "auto", seed, Path(folder), clips=None)
                searched = watched(run, Budget(40, "candidates"))
                stored.add(searched.rows(key, overhead=1 - searched.evaluating / searched.wall))


def _beside(grid: str, folder: Path) -> Run:
    return crops(folder, ITERATIONS) if grid == "ivanvovk" else demo(ITERATIONS, "auto", 0, folder)
