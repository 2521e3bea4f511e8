"""What each stage of the default search is worth: the same budget without it, over several seeds."""

from pathlib import Path

from tqdm import tqdm

from experiments.search_bench.rows import append, stands
from experiments.search_bench.searching import SHIPPED, Searched, demo, scratch, watched
from schedsearch.budget import Budget
from schedsearch.choice import auto
from schedsearch.run import Run

ITERATIONS, SEEDS, CALLS = 6, 5, 600
PATH = SHIPPED / "demo" / "16000hz" / "search" / "ablation.csv"
# Variant -> parts of the budget after which the first descent and then TPE hand over.
VARIANTS = {
    "long first descent": (0.4, 0.8),
    "short first descent": (0.2, 0.8),
    "no first descent": (0.0, 0.8),
    "no last descent": (0.2, 1.0),
    "TPE alone": (0.0, 1.0),
    "descent alone": (1.0, 1.0),
}


def measure_ablation() -> None:
    """A row a batch, variant and seed: runs that stand in the file are not made again."""
    for seed in tqdm(range(SEEDS), desc="ablation"):
        for variant, parts in VARIANTS.items():
            key: dict[str, str | int] = {"variant": variant, "seed": seed}
            if not stands(PATH, key):
                with scratch() as folder:
                    append(PATH, key, _searched(demo(ITERATIONS, "auto", seed, Path(folder)), parts))


def _searched(run: Run, parts: tuple[float, float]) -> Searched:
    budget = Budget(CALLS, "calls")
    descent_until, search_until = parts
    return watched(run, budget, auto(run.tools(budget), descent_until=descent_until, search_until=search_until))
