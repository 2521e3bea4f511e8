"""Kills real searches at random moments and counts what that spoils: `make bench-kill`.

A search on a few short clips of the demo voice is started, killed with SIGKILL after a random time, inspected, and
started again, until it ends. Then the next search begins in another folder. Its end is compared with that of the same
search never interrupted. Every search is a row of kills.csv; a stopped bench goes on with the next one.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch

from experiments.row_cache import RowCache
from schedsearch.study.store import sqlite_url
from vocoder.audio.reading import read_folder, write_wav

KILLS = 200
BUDGET = "12candidates"  # of each search
RATE, SECONDS = 16000, 0.6  # long enough for PESQ
DEMO = Path("experiments/demo/16000hz")
STATUS_OF_A_KILLED = -9
TABLE = """
[rates.16000]
checkpoint = "{checkpoint}"
config = "{config}"
search_clips = "search"
held_out_clips = "held_out"
"""


@dataclass
class Spoilt:
    """Counts what kills did to one folder."""

    kills: int = 0
    counted_twice: int = 0  # trials
    finished_lost: int = 0
    files_half_written: int = 0
    resumes_failed: int = 0
    ends_differing: int = 0
    finished: dict[int, str] = field(default_factory=dict, repr=False)  # by index: what was ever seen finished

    def look(self, folder: Path) -> None:
        """Counts what is spoilt after a kill, or an end."""
        seen = finished(folder / "study.db")
        self.counted_twice += sum(count - 1 for count in Counter(index for index, _ in seen).values())
        now = dict(seen)
        self.finished_lost += sum(now.get(index) != result for index, result in self.finished.items())
        self.finished = now
        self.files_half_written += len(broken(folder))


def finished(database: Path) -> list[tuple[int, str]]:
    """Returns (index, betas and scores) of all trials with a result, without the store, which would mend damage."""
    if not database.exists():
        return []
    try:
        studies = optuna.get_all_study_summaries(sqlite_url(database))
    except Exception:  # killed while the tables were made
        return []
    attributes = []
    for study in studies:
        trials = optuna.load_study(study_name=study.study_name, storage=sqlite_url(database)).trials
        attributes += [trial.user_attrs for trial in trials if "result" in trial.user_attrs]
    return [(a["index"], json.dumps([a["betas"], a["result"]["scores"], a["result"]["estimate"]])) for a in attributes]


def broken(folder: Path) -> list[Path]:
    """Lists the result files that their readers refuse; temporary files of a writer are not results."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".json": lambda path: json.loads(path.read_text()),
        ".csv": lambda path: pd.read_csv(path).iloc[0],
        ".pt": lambda path: torch.load(path, weights_only=True),
        ".npy": lambda path: np.load(path, allow_pickle=True),  # coqui's is a dict; we wrote it
    }
    refused = []
    for path in folder.rglob("*"):
        if path.suffix in readers and not path.name.startswith("."):
            try:
                readers[path.suffix](path)
            except Exception:  # whatever a reader says of half a file
                refused.append(path)
    return refused


def outcome(folder: Path) -> dict[str, Any]:
    """Returns what a search ended with, without the time that it took."""
    trials = pd.read_csv(folder / "trials.csv").drop(columns="seconds")
    schedule = json.loads((folder / "schedule.json").read_text())["betas"]
    return {"trials": trials.to_csv(), "betas": schedule, "run": json.loads((folder / "run.json").read_text())}


def trial_by_kill(
    start: Callable[[Path], subprocess.Popen[bytes]],
    folder: Callable[[Path], Path],
    root: Path,
    *,
    longest: float,
    generator: random.Random,
    kills: int,
    expected: dict[str, Any],
) -> Spoilt:
    """Kills one search after random times up to `longest`, `kills` times at most, until it ends by itself.

    `start` begins a process that writes below the folder it is given; `folder` returns where its results stand. A
    process may be killed by others too, or kill itself: that counts alike.
    """
    spoilt = Spoilt()
    while True:
        process = start(root)
        if spoilt.kills < kills:
            delay = generator.uniform(0, longest)
            end = time.monotonic() + delay
            while process.poll() is None and time.monotonic() < end:
                time.sleep(0.002)
            if process.poll() is None:
                process.kill()
        status = process.wait()
        spoilt.kills += status == STATUS_OF_A_KILLED
        spoilt.look(folder(root))
        if status == 0:
            spoilt.ends_differing += outcome(folder(root)) != expected
            return spoilt
        if status != STATUS_OF_A_KILLED:
            spoilt.resumes_failed += 1
            return spoilt


def _dataset(place: Path) -> None:
    """Writes a dataset of few short clips, whose search takes seconds."""
    place.mkdir(parents=True, exist_ok=True)
    for split, count in (("search", 3), ("held_out", 2)):
        clips = read_folder(DEMO / "clips" / split, sample_rate=RATE)[:count]
        for clip in clips:
            middle = len(clip.audio) // 2
            write_wav(place / split / f"{clip.name}.wav", clip.audio[middle : middle + int(SECONDS * RATE)], RATE)
    paths = {"checkpoint": (DEMO / "checkpoint.pt").resolve(), "config": (DEMO / "config.json").resolve()}
    (place / "short.toml").write_text(TABLE.format(**paths))


def main() -> None:
    """Prints the table; exits with status 1 where a kill spoilt anything."""
    options = _options()
    place, stored = options.folder / "dataset", RowCache(options.folder / "kills.csv")
    _dataset(place)
    start = partial(_start, place)
    longest, expected = _uninterrupted(start, options.folder / "whole")
    print(f"uninterrupted: {longest:.1f} s")
    while (done := sum(int(row["kills"]) for row in stored.rows)) < options.kills:
        number = len(stored.rows)
        root = options.folder / f"search{number}"
        shutil.rmtree(root, ignore_errors=True)  # of a bench that was stopped
        root.mkdir()
        spoilt = trial_by_kill(
            start, _results, root, longest=longest, generator=random.Random(number), kills=options.kills - done,
            expected=expected,
        )  # fmt: skip
        stored.add([{name: count for name, count in asdict(spoilt).items() if name != "finished"}])
        print(spoilt)
    totals = {name: sum(int(row[name]) for row in stored.rows) for name in stored.rows[0]}
    print("\n".join(f"{name.replace('_', ' '):<20} {total:>6}" for name, total in totals.items()))
    raise SystemExit(any(total for name, total in totals.items() if name != "kills"))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--folder", type=Path, default=Path("results/bench/kill"))
    return parser.parse_args()


def _uninterrupted(start: Callable[[Path], subprocess.Popen[bytes]], whole: Path) -> tuple[float, dict[str, Any]]:
    """Runs the search without a kill; returns its seconds and its outcome."""
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir(parents=True)
    began = time.perf_counter()
    if start(whole).wait():
        raise SystemExit(f"the uninterrupted search failed; see {whole / 'said'}")
    return time.perf_counter() - began, outcome(_results(whole))


def _start(place: Path, results: Path) -> "subprocess.Popen[bytes]":
    words = ["search", "--dataset", "short", "--experiments", str(place), "--results", str(results)]
    # Forced: the check of the voice takes longer than such a search, and most kills would hit the check.
    words += ["--force", "--budget", BUDGET]
    with (results / "said").open("ab") as said:
        return subprocess.Popen([sys.executable, "-m", "schedsearch.cli", *words], stdout=said, stderr=said)


def _results(root: Path) -> Path:
    return root / "short" / f"{RATE}hz" / "6iters"


if __name__ == "__main__":
    main()
