"""How many candidates several processes on one study score in the time that one takes; part of `make bench`.

The evaluator sleeps, so that what is measured is the store (turns, claims, reads) and not the processor: a search on
one machine shares its cores and gains less. Each worker is a process, and all begin when the last is ready.
"""

import argparse
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from schedsearch.budget import Budget
from schedsearch.families import baselines
from schedsearch.race import Race
from schedsearch.schedule import NoiseSchedule
from schedsearch.scores import Evaluation, Score
from schedsearch.search import search
from schedsearch.space import LogSnrSpace
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.study import Store, sqlite_url
from vocoder.atomic import atomic_write

STEPS = 6
SPACE = LogSnrSpace(STEPS)


class Sleeping:
    """Scores a schedule by its distance from a straight line, after `seconds` each."""

    clip_names = ("a",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], draws: Sequence[int], *, shared: bool = False
    ) -> list[Evaluation]:
        time.sleep(self._seconds * len(schedules))
        distances = [float(np.square(s.log_snr - np.linspace(11, -1, STEPS)).mean()) for s in schedules]
        return [Evaluation({"log_mel_l1": Score(np.array([[d]]))}, self._seconds, STEPS) for d in distances]


def work(url: str, seconds: float, candidates: int, strategy: str, ready: Barrier) -> None:
    """One worker."""
    store = opened(url)
    heats: list[Any] = [Sleeping(seconds)]
    proposing = Bayesian(strategy, SPACE, 0, index=store.next_index, pending=store.in_flight)
    ready.wait()
    for _ in search(store, Race(heats, "log_mel_l1", 1), SPACE, proposing, Budget(candidates, "candidates")):
        pass


def opened(url: str) -> Store:
    """The bench's study."""
    identity = {"dataset": "bench", "sample_rate": 16000, "iterations": STEPS}
    return Store(url, identity, {"log_mel_l1": "minimize"})


def seconds_of(workers: int, url: str, seconds: float, candidates: int, strategy: str) -> float:
    """Wall time from when all are ready to when the last has ended; AssertionError unless all is accounted for."""
    store, free = opened(url), Sleeping(0)
    for name, schedule in baselines(STEPS).items():  # not what is measured
        store.add_baseline(name, schedule, free.evaluate([schedule], (0,))[0])
    context = multiprocessing.get_context("fork")  # torch takes seconds to import
    ready = context.Barrier(workers + 1)
    arguments = (url, seconds, candidates, strategy, ready)
    processes = [context.Process(target=work, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    took = time.perf_counter() - began
    found = [t.user_attrs["index"] for t in opened(url).study.get_trials() if "result" in t.user_attrs]
    if sorted(found) != list(range(candidates)):
        raise AssertionError(f"{workers} workers scored {sorted(found)}")
    return took


def main() -> None:
    """Prints a table and writes it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1 2 4 8")
    parser.add_argument("--seconds", type=float, default=0.5, help="that a candidate takes")
    parser.add_argument("--each", type=int, default=16, help="candidates a worker")
    parser.add_argument("--strategy", default="random", choices=("random", "tpe"))
    parser.add_argument("--storage", help="a PostgreSQL URL of an empty database (default: SQLite)")
    parser.add_argument("--csv", type=Path, default=Path("results/bench/workers.csv"))
    options = parser.parse_args()
    rows: list[dict[str, float]] = []
    for workers in map(int, options.workers.split()):
        with tempfile.TemporaryDirectory() as folder:
            url = options.storage or sqlite_url(Path(folder) / "study.db")
            candidates = options.each * workers
            took = seconds_of(workers, url, options.seconds, candidates, options.strategy)
        rate = candidates / took
        gain = rate / rows[0]["candidates_a_second"] if rows else 1.0
        rows.append({"workers": workers, "candidates": candidates, "seconds": took, "candidates_a_second": rate,
                     "times_one_worker": gain})  # fmt: skip
        print(f"{workers} workers: {candidates} candidates in {took:.1f} s, {rate:.2f} a second, {gain:.2f} times one")
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(options.csv, pd.DataFrame(rows).to_csv(index=False, float_format="%.4g").encode())


if __name__ == "__main__":
    main()
