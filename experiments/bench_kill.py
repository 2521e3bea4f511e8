"""Kills real searches at random moments and counts what that spoils: `make bench-kill`.

A search on a few short clips of the demo voice is started, killed with SIGKILL after a random time, looked at, and
started again, until it ends; then the next one begins in another folder. What it ended with is held against the same
search never interrupted. Every search is a line of kills.csv: stopped, the bench goes on with the next one.
"""

import argparse
import csv
import json
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pandas as pd
import torch

from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.study.store import sqlite_url
from vocoder.audio.reading import read_folder, write_wav

KILLS = 200
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
    """What kills did to one folder."""

    kills: int = 0
    counted_twice: int = 0  # trials
    finished_lost: int = 0
    files_half_written: int = 0
    resumes_failed: int = 0
    ends_differing: int = 0
    finished: dict[int, str] = field(default_factory=dict, repr=False)  # by index: what was ever seen finished

    def look(self, folder: Path) -> None:
        """After a kill, or an end."""
        seen = finished(folder / "study.db")
        self.counted_twice += sum(count - 1 for count in Counter(index for index, _ in seen).values())
        now = dict(seen)
        self.finished_lost += sum(now.get(index) != result for index, result in self.finished.items())
        self.finished = now
        self.files_half_written += len(broken(folder))


def finished(database: Path) -> list[tuple[int, str]]:
    """(index, betas and scores) of all trials with a result; read past the store, which would mend what it finds."""
    if not database.exists():
        return []
    try:
        studies = optuna.get_all_study_summaries(sqlite_url(database))
    except Exception:  # killed while the tables were made
        return []
    found = []
    for study in studies:
        trials = optuna.load_study(study_name=study.study_name, storage=sqlite_url(database)).trials
        found += [trial.user_attrs for trial in trials if "result" in trial.user_attrs]
    return [(a["index"], json.dumps([a["betas"], a["result"]["scores"], a["result"]["estimate"]])) for a in found]


def broken(folder: Path) -> list[Path]:
    """Result files that their readers refuse; a writer's temporary ones are not results."""
    readers: dict[str, Callable[[Path], Any]] = {
        ".json": lambda path: json.loads(path.read_text()),
        ".csv": lambda path: pd.read_csv(path).iloc[0],
        ".pt": lambda path: torch.load(path, weights_only=True),
        ".npy": lambda path: np.load(path, allow_pickle=True),  # coqui's is a dict; we wrote it
    }
    found = []
    for path in folder.rglob("*"):
        if path.suffix in readers and not path.name.startswith("."):
            try:
                readers[path.suffix](path)
            except Exception:  # whatever a reader says of half a file
                found.append(path)
    return found


def outcome(folder: Path) -> dict[str, Any]:
    """What a search ended with, without the time that it took."""
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
    """One search killed after random times up to `longest` until it ends by itself, or `kills` times and then left to.

    `start` begins a process with results below the folder that it is given, `folder` is where they then stand.
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
                spoilt.kills += 1
        status = process.wait()
        spoilt.look(folder(root))
        if status == 0:
            spoilt.ends_differing += outcome(folder(root)) != expected
            return spoilt
        if status != STATUS_OF_A_KILLED:
            spoilt.resumes_failed += 1
            return spoilt


def _dataset(place: Path) -> None:
    """Few short clips: a search of seconds."""
    place.mkdir(parents=True, exist_ok=True)
    for split, count in (("search", 3), ("held_out", 2)):
        clips = read_folder(DEMO / "clips" / split, sample_rate=RATE)[:count]
        for clip in clips:
            middle = len(clip.audio) // 2
            write_wav(place / split / f"{clip.name}.wav", clip.audio[middle : middle + int(SECONDS * RATE)], RATE)
    paths = {"checkpoint": (DEMO / "checkpoint.pt").resolve(), "config": (DEMO / "config.json").resolve()}
    (place / "short.toml").write_text(TABLE.format(**paths))


def main() -> None:
    """Prints the table; exit status 1 where a kill spoilt anything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--candidates", type=int, default=12)
    parser.add_argument("--objective", default=DEFAULT_OBJECTIVE)
    parser.add_argument("--folder", type=Path, default=Path("results/bench/kill"))
    options = parser.parse_args()
    place, table = options.folder / "dataset", options.folder / "kills.csv"
    _dataset(place)

    def start(results: Path) -> "subprocess.Popen[bytes]":
        words = ["search", "--dataset", "short", "--experiments", str(place), "--results", str(results)]
        # Forced: the check of the voice takes longer than such a search, and kills would find it at that.
        words += ["--objective", options.objective, "--force", "--budget", f"{options.candidates}candidates"]
        with (results / "said").open("ab") as said:
            return subprocess.Popen([sys.executable, "-m", "schedsearch.cli", *words], stdout=said, stderr=said)

    def folder(results: Path) -> Path:
        return results / "short" / f"{RATE}hz" / "6iters"

    whole = options.folder / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    whole.mkdir(parents=True)
    began = time.perf_counter()
    if start(whole).wait():
        raise SystemExit(f"the uninterrupted search failed; see {whole / 'said'}")
    longest, expected = time.perf_counter() - began, outcome(folder(whole))
    print(f"uninterrupted: {longest:.1f} s")
    while (rows := _rows(table)) is not None and (done := sum(int(row["kills"]) for row in rows)) < options.kills:
        root = options.folder / f"search{len(rows)}"
        shutil.rmtree(root, ignore_errors=True)  # of a bench that was stopped
        root.mkdir()
        spoilt = trial_by_kill(
            start, folder, root, longest=longest, generator=random.Random(len(rows)), kills=options.kills - done,
            expected=expected,
        )  # fmt: skip
        _append(table, spoilt)
        print(spoilt)
    totals = {name: sum(int(row[name]) for row in rows) for name in rows[0]}
    print("\n".join(f"{name.replace('_', ' '):<20} {total:>6}" for name, total in totals.items()))
    raise SystemExit(any(total for name, total in totals.items() if name != "kills"))


def _rows(table: Path) -> list[dict[str, str]]:
    if not table.exists():
        return []
    with table.open() as file:
        return list(csv.DictReader(file))


def _append(table: Path, spoilt: Spoilt) -> None:
    names = [each.name for each in fields(Spoilt) if each.name != "finished"]
    new = not table.exists()
    with table.open("a", newline="") as file:
        writer = csv.DictWriter(file, names, extrasaction="ignore")
        if new:
            writer.writeheader()
        writer.writerow(asdict(spoilt))


if __name__ == "__main__":
    main()
