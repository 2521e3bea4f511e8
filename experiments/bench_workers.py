"""Measures how many candidates several processes on one study score beside one process; part of `make bench`.

The evaluator sleeps, so that the store is measured (locks, claims, reads) and not the processor. With --real it runs
the demo voice, one thread a worker, which measures the machine's cores too. Each worker is a process, and all begin
when the last is ready.
"""

import argparse
import math
import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.search.loop import search
from schedsearch.search.race import Race
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.study.budget import Budget
from schedsearch.study.store import Store, sqlite_url
from schedsearch.voice.config import load_voice
from schedsearch.voice.opened import open_vocoder, search_clips
from vocoder.atomic import atomic_write

STEPS = 6
OBJECTIVE = "log_mel_l1"
SPACE = LogSnrSpace(STEPS)


class Sleeping:
    """Scores a schedule by its distance from a straight line, after `seconds` each."""

    clip_names = ("a",)

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], draws: Sequence[int], *, shared: bool = False
    ) -> list[Evaluation]:
        """Waits, and scores each schedule on one clip and draw."""
        time.sleep(self._seconds * len(schedules))
        distances = [float(np.square(s.log_snr - np.linspace(11, -1, STEPS)).mean()) for s in schedules]
        return [Evaluation({OBJECTIVE: Score(np.array([[d]]))}, self._seconds, STEPS) for d in distances]


def of_demo(clips: int, seconds: float) -> Evaluator:
    """Opens the demo voice on so many search clips, in one thread: more threads do not outlive a fork."""
    torch.set_num_threads(1)
    voice = load_voice("demo")
    vocoder = open_vocoder(voice)
    metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, names=[OBJECTIVE])
    return Evaluator(vocoder, search_clips(voice, vocoder, seconds)[:clips], list(metrics.values()), NoiseBank(0))


def work(url: str, workers: int, evaluator: Any, candidates: int, ready: Barrier) -> None:
    """Runs one worker's search."""
    store = opened(url, workers)
    proposing = Bayesian("random", SPACE, 0, index=store.next_index, pending=store.in_flight)
    ready.wait()
    for _ in search(store, Race([evaluator], OBJECTIVE, 1), SPACE, proposing, Budget(candidates, "candidates")):
        pass


def opened(url: str, workers: int) -> Store:
    """Opens a study of its own for each number of workers, so that none finds scores of another."""
    identity = {"dataset": "bench", "sample_rate": 16000, "iterations": STEPS, "workers": workers}
    return Store(url, identity, {OBJECTIVE: "minimize"})


def seconds_of(workers: int, url: str, evaluator: Any, candidates: int) -> float:
    """Returns the wall time from when all are ready to when the last has ended.

    AssertionError unless every candidate was scored once.
    """
    store = opened(url, workers)
    if store.next_index():
        raise SystemExit("the database must be empty, and holds the study of an earlier bench; give another")
    awake = Sleeping(0) if isinstance(evaluator, Sleeping) else evaluator
    for name, schedule in baselines(STEPS).items():  # these are not measured
        store.add_baseline(name, schedule, awake.evaluate([schedule], (0,))[0])
    context = multiprocessing.get_context("fork")  # torch takes seconds to import
    ready = context.Barrier(workers + 1)
    arguments = (url, workers, evaluator, candidates, ready)
    processes = [context.Process(target=work, args=arguments) for _ in range(workers)]
    for process in processes:
        process.start()
    ready.wait()
    began = time.perf_counter()
    for process in processes:
        process.join()
    took = time.perf_counter() - began
    indices = [t.user_attrs["index"] for t in opened(url, workers).study.get_trials() if "result" in t.user_attrs]
    if sorted(indices) != list(range(candidates)):
        raise AssertionError(f"{workers} workers scored {sorted(indices)}")
    return took


def main() -> None:
    """Prints a table and writes it as CSV."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", default="1 2 4 8")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a candidate takes")
    parser.add_argument("--each", type=int, default=24, help="candidates a worker")
    parser.add_argument("--storage", help="a PostgreSQL URL of an empty database (default: SQLite)")
    parser.add_argument("--real", action="store_true", help="scores with the demo voice instead of sleeping")
    parser.add_argument("--csv", type=Path, default=Path("results/bench/workers.csv"))
    options = parser.parse_args()
    evaluator = of_demo(clips=4, seconds=0.4) if options.real else Sleeping(options.seconds)
    rows = measured(options, evaluator)
    options.csv.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(options.csv, pd.DataFrame(rows).to_csv(index=False, float_format="%.4g").encode())


def measured(options: argparse.Namespace, evaluator: Any) -> list[dict[str, float]]:
    """Returns a row for each number of workers, fewest first.

    `times_one_worker` is NaN where one worker was not measured.
    """
    rows: list[dict[str, float]] = []
    alone = math.nan  # candidates a second of one worker
    for workers in sorted(map(int, options.workers.split())):
        candidates = options.each * workers
        with tempfile.TemporaryDirectory() as folder:  # a new database for each number of workers
            url = options.storage or sqlite_url(Path(folder) / "study.db")
            took = seconds_of(workers, url, evaluator, candidates)
        rate = candidates / took
        if workers == 1:
            alone = rate
        gain = rate / alone
        rows.append({"workers": workers, "candidates": candidates, "seconds": took, "candidates_a_second": rate,
                     "times_one_worker": gain})  # fmt: skip
        beside = "" if math.isnan(gain) else f", {gain:.2f} times one"
        print(f"{workers} workers: {candidates} candidates in {took:.1f} s, {rate:.2f} a second{beside}")
    return rows


if __name__ == "__main__":
    main()
