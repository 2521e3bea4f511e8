"""Searches in processes of their own that can be killed: forked, since importing torch takes seconds."""

import multiprocessing
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import cast

import torch


class Forked:
    """Runs a function that returns an exit status; has Popen's methods. What it prints is added to the file `said`."""

    def __init__(self, run: Callable[[], int], said: Path) -> None:
        def apart() -> None:
            torch.set_num_threads(1)  # OpenMP's threads do not survive a fork, and whoever asks for them waits for ever
            os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            os.dup2(1, 2)
            raise SystemExit(run())

        self._process = multiprocessing.get_context("fork").Process(target=apart, daemon=True)
        self._process.start()
        self.kill = self._process.kill

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int | None:
        self._process.join(600)
        return self._process.exitcode


def forked(run: Callable[[], int], said: Path) -> "subprocess.Popen[bytes]":
    return cast("subprocess.Popen[bytes]", Forked(run, said))
