"""Best score against network evaluations, for every strategy over several seeds of strategy and noise."""

from pathlib import Path

from tqdm import tqdm

from experiments.search_bench.grids import crops
from experiments.search_bench.rows import append, stands
from experiments.search_bench.searching import FOLDER, demo, scratch, watched
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
    """A row a batch, a run at a time: runs that stand in the file are not made again."""
    for strategy in tqdm(STRATEGIES, desc="curves"):
        for seed in range(SEEDS):
            key: dict[str, str | int] = {"strategy": strategy, "seed": seed}
            if not stands(PATH, key):
                with scratch() as folder:
                    append(PATH, key, watched(demo(ITERATIONS, strategy, seed, Path(folder)), Budget(CALLS, "calls")))


def measure_against_grids() -> None:
    """The default search on each grid's own clips and noise, from one seed."""
    for grid, calls in AGAINST.items():
        key: dict[str, str | int] = {"grid": grid}
        if not stands(AGAINST_PATH, key):
            with scratch() as folder:
                run = _beside(grid, Path(folder))
                append(AGAINST_PATH, key, watched(run, Budget(calls, "calls")))


def measure_overhead() -> None:
    """The part of the default search's time, on all clips, that is neither the network nor a metric."""
    for seed in range(OVERHEAD_RUNS):
        key: dict[str, str | int] = {"seed": seed}
        if not stands(OVERHEAD_PATH, key):
            with scratch() as folder:
                run = demo(ITERATIONS, "auto", seed, Path(folder), clips=None)
                found = watched(run, Budget(40, "candidates"))
                append(OVERHEAD_PATH, key, found, overhead=1 - found.evaluating / found.wall)


def _beside(grid: str, folder: Path) -> Run:
    return crops(folder, ITERATIONS) if grid == "ivanvovk" else demo(ITERATIONS, "auto", 0, folder)
