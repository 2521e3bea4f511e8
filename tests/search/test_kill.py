"""kill -9 at random moments of whole searches: the laws that experiments/bench_kill.py counts, ten kills of them."""

import multiprocessing
import os
import random
import subprocess
import time
from pathlib import Path
from typing import Any, cast

import pytest
import torch
from conftest import Toy

from experiments.bench_kill import Spoilt, broken, outcome, trial_by_kill

CANDIDATES, KILLS = 8, 10


class Forked:
    """A search of the toy in a process of its own, with Popen's methods; forked, since importing torch takes long."""

    def __init__(self, toy: Toy, results: Path) -> None:
        def run() -> None:
            torch.set_num_threads(1)  # OpenMP's threads do not survive a fork, and whoever asks for them waits for ever
            os.dup2(os.open(results / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            os.dup2(1, 2)
            raise SystemExit(toy.search("--budget", f"{CANDIDATES}candidates", "--results", str(results)))

        self._process = multiprocessing.get_context("fork").Process(target=run, daemon=True)
        self._process.start()
        self.kill = self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join(120)
        return self._process.exitcode


@pytest.mark.slow
def test_a_search_that_is_killed_at_random_moments_loses_nothing_and_ends_as_if_it_had_not_been(toy, tmp_path):
    def start(results: Path) -> "subprocess.Popen[bytes]":
        return cast("subprocess.Popen[bytes]", Forked(toy, results))

    def folder(results: Path) -> Path:
        return results / toy.folder.relative_to(toy.root / "results")

    (tmp_path / "whole").mkdir()
    began = time.monotonic()
    assert start(tmp_path / "whole").wait() == 0, (tmp_path / "whole" / "said").read_text()
    longest, expected = time.monotonic() - began, outcome(folder(tmp_path / "whole"))
    kills = 0
    for number in range(5 * KILLS):  # one that ends before its moment comes is not killed, others are more than once
        root = tmp_path / f"killed{number}"
        root.mkdir()
        spoilt = trial_by_kill(
            start, folder, root, longest=longest, generator=random.Random(number), kills=KILLS - kills,
            expected=expected,
        )  # fmt: skip
        kills += spoilt.kills
        assert spoilt == Spoilt(kills=spoilt.kills, finished=spoilt.finished), (root / "said").read_text()
        assert len(spoilt.finished) == CANDIDATES
        assert not list(folder(root).glob(".*.part"))
        if kills == KILLS:
            break
    assert kills == KILLS


def test_the_bench_sees_half_a_file(tmp_path):
    whole: dict[str, Any] = {"a.json": "{}", "b.csv": "a,b\n1,2\n", ".c.json.part": "{"}
    for name, content in {**whole, "d.json": '{"a"', "e.csv": "", "f.pt": "PK", "g.npy": ""}.items():
        (tmp_path / name).write_text(content)
    assert {path.name for path in broken(tmp_path)} == {"d.json", "e.csv", "f.pt", "g.npy"}
