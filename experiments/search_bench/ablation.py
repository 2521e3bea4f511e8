"""Measures what each stage of the default search is worth: the same budget without it, over several seeds."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.search_bench.searching import FOLDER, Searched, demo, scratch, stored_rows, watched
from schedsearch.schedules.formulas import resample
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.run import Run
from schedsearch.search.strategy_factory import AUTO, Stages, auto
from schedsearch.strategies import sweep
from schedsearch.study.budget import Budget

SEEDS = {6: 3, 50: 2}
# Network evaluations of the budget: 50 candidates at 6 steps on four clips, 25 at 12, 12 at 50.
CALLS = {6: 1200, 12: 1200, 50: 2400}
PATH = FOLDER / "ablation.csv"
_LINES = (("line", 1.0),)
# The last stage is for a sweep whose moves have become too small before the budget is spent.
SWEPT: Stages = (*_LINES, ("tpe", 0.4), (sweep.NAME, 1.0), ("tpe", 1.0))
VARIANTS: dict[str, Stages] = {
    "lines, then TPE": AUTO,
    "TPE": (("tpe", 1.0),),
    "lines, descent, TPE": (*_LINES, ("gradient", 0.4), ("tpe", 1.0)),
    "descent": (("gradient", 1.0),),
    "lines, then GP": (*_LINES, ("gp", 1.0)),
    "lines, then CMA-ES": (*_LINES, ("cmaes", 1.0)),
    "lines, TPE, descent from the best": (*_LINES, ("tpe", 0.6), ("gradient", 1.0)),
    "lines, TPE, sweep from the best": SWEPT,
}
TRIED = {6: len(VARIANTS), 50: 4}  # the first so many: what decides at many steps is whether a descent pays
WARMED = (6, 12)  # steps of a first search, and of the one that may begin with its winner
WARM_CALLS, WARM_SEEDS = 600, 5  # of the first search


def measure_ablation() -> None:
    """Adds a row a batch, length, variant and seed; stored runs are not made again."""
    stored = stored_rows(PATH)
    runs = [(n, variant, seed) for n in SEEDS for seed in range(SEEDS[n]) for variant in list(VARIANTS)[: TRIED[n]]]
    for iterations, variant, seed in tqdm(runs, desc="ablation"):
        key: dict[str, str | int] = {"iterations": iterations, "variant": variant, "seed": seed}
        if not stored.has(**key):
            with scratch() as folder:
                run = demo(iterations, "auto", seed, Path(folder))
                stored.add(_searched(run, VARIANTS[variant]).rows(key))
    for seed in tqdm(range(WARM_SEEDS), desc="warm starts"):
        _measure_warm_start(seed, stored)


def _measure_warm_start(seed: int, stored: RowCache) -> None:
    """Runs the default search of 12 steps with the winner of one of 6 steps and without."""
    names = ("without a warm start", "from the winner of 6 steps")
    keys: list[dict[str, str | int]] = [{"iterations": WARMED[1], "variant": name, "seed": seed} for name in names]
    if all(stored.has(**key) for key in keys):
        return
    with scratch() as folder:
        first = watched(demo(WARMED[0], "auto", seed, Path(folder)), Budget(WARM_CALLS, "calls"))
    for key, starts in zip(keys, ((), (resample(first.winner.schedule, WARMED[1]),)), strict=True):
        with scratch() as folder:
            stored.add(_searched(demo(WARMED[1], "auto", seed, Path(folder)), AUTO, starts).rows(key))


def _searched(run: Run, stages: Stages, warm_starts: Sequence[NoiseSchedule] = ()) -> Searched:
    budget = Budget(CALLS[run.settings.iterations], "calls")
    clipped = [run.space.clip(schedule).schedule for schedule in warm_starts]
    return watched(run, budget, auto(replace(run.tools(budget), warm_starts=clipped), stages))
