"""Runs pieces of work side by side, each with a part of torch's threads.

The threads of one network call wait for each other after every layer, and for one that another program keeps from
running. Calls with a thread each wait for nobody.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import Event
from typing import TypeVar

import torch

from schedsearch.metrics.processes import configured

Result = TypeVar("Result")

AT_ONCE = 8  # on a CPU at most, since each holds the activations of a network call
AT_ONCE_ON_GPU = 2  # which runs one call after the other; the other piece is measured meanwhile


class Stopped(Exception):
    """Another piece has failed, or the user has stopped the program."""


def side_by_side(pieces: Sequence[Callable[[Callable[[], None]], Result]], device: torch.device) -> list[Result]:
    """Returns what the pieces return, in their order. Those that run at once divide torch's threads.

    Each piece is called with a function that it calls often: it raises Stopped once another piece has failed or the
    user has pressed Ctrl-C.
    """
    threads = torch.get_num_threads()
    most = min(AT_ONCE, threads) if device.type == "cpu" else AT_ONCE_ON_GPU
    at_once = max(1, min(most, len(pieces)))
    stopped = Event()
    users_settings = configured()  # of joblib; they end with the threads, so nothing has to leave them

    def begin() -> None:
        torch.set_num_threads(max(1, threads // at_once))
        users_settings().__enter__()

    def check() -> None:
        if stopped.is_set():
            raise Stopped

    pool = ThreadPoolExecutor(at_once, initializer=begin)
    try:
        futures = [pool.submit(piece, check) for piece in pieces]
        for future in as_completed(futures):
            future.result()  # an error ends the others at once
        return [future.result() for future in futures]
    finally:
        stopped.set()
        pool.shutdown(cancel_futures=True)
        torch.set_num_threads(threads)  # threads that begin later have the number that was set last
