"""How the time of a search grows with its candidates: prints a table.

The evaluator costs nothing, so that what is measured is the store and the strategy. Linear growth shows as the same
milliseconds a candidate in every row of a strategy.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from experiments.bench_workers import OBJECTIVE, SPACE, STEPS, Sleeping
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.loop import search
from schedsearch.search.race import Race
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.strategies.grid import GridStrategy
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.store import Store, sqlite_url

STRATEGIES = ("grid", "random", "tpe")


def opened(url: str) -> Store:
    """Opens or creates the bench's study."""
    return Store(url, {"dataset": "bench", "sample_rate": 16000, "iterations": STEPS}, {OBJECTIVE: "minimize"})


def strategy_named(name: str, store: Store, candidates: int) -> Strategy:
    """Builds a strategy that proposes so many."""
    if name != "grid":
        return Bayesian(name, SPACE, 0, index=store.next_index, pending=store.in_flight)

    def schedules() -> Iterator[NoiseSchedule]:
        return (log_snr_line(STEPS, first, -3.0) for first in np.linspace(6.0, 12.0, candidates))

    return GridStrategy("grid", schedules, candidates)


def measure(name: str, candidates: int, url: str) -> tuple[float, float]:
    """Returns the seconds of a search, and of opening its store again and reading all."""
    began = time.perf_counter()
    store = opened(url)
    race = Race([Sleeping(0)], OBJECTIVE, 1)  # type: ignore[list-item]
    budget = Budget(candidates, "candidates")
    for _ in search(store, race, SPACE, strategy_named(name, store, candidates), budget):
        pass
    searched = time.perf_counter()
    scored = len(opened(url).candidates())
    if scored != candidates:
        raise AssertionError(f"{name} scored {scored} of {candidates} candidates")
    return searched - began, time.perf_counter() - searched


def main() -> None:
    """Prints a row for each strategy and number of candidates."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", default="100 1000 10000")
    parser.add_argument("--strategies", default="grid random", help=", ".join(STRATEGIES))
    options = parser.parse_args()
    print("strategy  candidates  seconds  ms a candidate  seconds to open again")
    for name in options.strategies.split():
        for candidates in map(int, options.candidates.split()):
            with tempfile.TemporaryDirectory() as folder:
                searched, reopened = measure(name, candidates, sqlite_url(Path(folder) / "study.db"))
            each = 1000 * searched / candidates
            print(f"{name:<8} {candidates:>11} {searched:>8.1f} {each:>15.2f} {reopened:>22.2f}", flush=True)


if __name__ == "__main__":
    main()
