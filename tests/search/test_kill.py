"""kill -9 while a whole search writes: the laws that experiments/bench_kill.py counts for kills at random times."""

import json
import os
import random
import signal
import subprocess
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from forked import forked

from experiments.bench_kill import Spoilt, broken, outcome, trial_by_kill

CANDIDATES, COMMITS, FILES = 6, 3, 2  # how many kills before a commit to the store, and before a file appears


class Writing:
    """Counts what this process is about to write, and kills it before the n-th commit or file."""

    def __init__(self, fatal: tuple[str, int] | None) -> None:
        self.seen: Counter[str] = Counter()
        self._fatal = fatal
        replace = os.replace

        def replaced(*places: Any) -> None:
            self._comes("file")
            replace(*places)

        os.replace = replaced  # type: ignore[assignment]  # the process ends with it
        sqlalchemy.event.listen(sqlalchemy.Engine, "commit", lambda _: self._comes("commit"))

    def _comes(self, kind: str) -> None:
        self.seen[kind] += 1
        if (kind, self.seen[kind]) == self._fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def moments(seen: dict[str, int]) -> list[tuple[str, int]]:
    """When to kill: between commits all over the search, and before some of the files at its end."""
    generator = random.Random(0)
    commits = sorted(generator.sample(range(1, seen["commit"]), COMMITS))
    files = sorted(generator.sample(range(1, seen["file"]), FILES))
    return [("commit", later - earlier) for earlier, later in pairwise([0, *commits])] + [("file", n) for n in files]


@pytest.mark.slow
def test_a_search_that_is_killed_while_it_writes_loses_nothing_and_ends_as_if_it_had_not_been(toy, tmp_path):
    fatal: list[tuple[str, int]] = []

    def start(results: Path) -> "subprocess.Popen[bytes]":
        moment = fatal.pop(0) if fatal else None

        def run() -> int:
            writing = Writing(moment)
            status: int = toy.search("--budget", f"{CANDIDATES}candidates", "--results", str(results))
            (results / "seen").write_text(json.dumps(writing.seen))
            return status

        return forked(run, results / "said")

    def folder(results: Path) -> Path:
        return results / toy.folder.relative_to(toy.root / "results")

    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    assert start(whole).wait() == 0, (whole / "said").read_text()
    fatal += moments(json.loads((whole / "seen").read_text()))
    spoilt = trial_by_kill(
        start, folder, killed, longest=0, generator=random.Random(0), kills=0, expected=outcome(folder(whole))
    )
    assert spoilt == Spoilt(kills=COMMITS + FILES, finished=spoilt.finished), (killed / "said").read_text()
    assert len(spoilt.finished) == CANDIDATES
    assert not list(folder(killed).glob(".*.part"))


def test_the_bench_sees_half_a_file(tmp_path):
    whole: dict[str, Any] = {"a.json": "{}", "b.csv": "a,b\n1,2\n", ".c.json.part": "{"}
    for name, content in {**whole, "d.json": '{"a"', "e.csv": "", "f.pt": "PK", "g.npy": ""}.items():
        (tmp_path / name).write_text(content)
    assert {path.name for path in broken(tmp_path)} == {"d.json", "e.csv", "f.pt", "g.npy"}
