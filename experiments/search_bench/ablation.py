"""What each stage of the default search is worth: the same budget without it, over several seeds."""

from pathlib import Path

from tqdm import tqdm

from experiments.search_bench.rows import append, stands
from experiments.search_bench.searching import FOLDER, Searched, demo, scratch, watched
from schedsearch.budget import Budget
from schedsearch.choice import AUTO, Stages, auto
from schedsearch.run import Run

SEEDS = {6: 5, 50: 2}
CALLS = {6: 600, 50: 2400}  # of the budget: 25 candidates at 6 steps on four clips, 12 at 50
PATH = FOLDER / "ablation.csv"
_LINES = (("line", 1.0),)
VARIANTS: dict[str, Stages] = {
    "lines, then TPE": AUTO,
    "TPE": (("tpe", 1.0),),
    "lines, descent, TPE": (*_LINES, ("gradient", 0.4), ("tpe", 1.0)),
    "descent": (("gradient", 1.0),),
    "lines, then GP": (*_LINES, ("gp", 1.0)),
    "lines, then CMA-ES": (*_LINES, ("cmaes", 1.0)),
    "lines, TPE, descent from the best": (*_LINES, ("tpe", 0.6), ("gradient", 1.0)),
    "lines, TPE, sweep from the best": (*_LINES, ("tpe", 0.4), ("sweep", 1.0)),
}
TRIED = {6: len(VARIANTS), 50: 4}  # the first so many: what decides at many steps is whether a descent pays


def measure_ablation() -> None:
    """A row a batch, length, variant and seed: runs that stand in the file are not made again."""
    runs = [(n, variant, seed) for n in SEEDS for seed in range(SEEDS[n]) for variant in list(VARIANTS)[: TRIED[n]]]
    for iterations, variant, seed in tqdm(runs, desc="ablation"):
        key: dict[str, str | int] = {"iterations": iterations, "variant": variant, "seed": seed}
        if not stands(PATH, key):
            with scratch() as folder:
                append(PATH, key, _searched(demo(iterations, "auto", seed, Path(folder)), VARIANTS[variant]))


def _searched(run: Run, stages: Stages) -> Searched:
    budget = Budget(CALLS[run.settings.iterations], "calls")
    return watched(run, budget, auto(run.tools(budget), stages))
