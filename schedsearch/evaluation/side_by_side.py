"""Runs pieces of work side by side, each with a part of torch's threads.

The threads of one network call wait for each other after every layer, and for one that another program keeps from
running. Calls with a thread each wait for nobody.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

import torch

from schedsearch.metrics.processes import configured

Result = TypeVar("Result")

AT_ONCE = 8  # on a CPU at most, since each holds the activations of a network call
AT_ONCE_ON_GPU = 2  # which runs one call after the other; the other piece is measured meanwhile

_lock = Lock()
_calls, _threads = 0, 0  # under way in this program, and torch's threads when the first of them began


class Stopped(Exception):
    """Another piece has failed, or the user has stopped the program."""


def side_by_side(
    pieces: Sequence[Callable[[Callable[[], None]], Result]], device: torch.device, most: int = AT_ONCE
) -> list[Result]:
    """Returns what the pieces return, in their order. Those that run at once, at most `most`, divide torch's threads.

    Each piece is called with a function that it calls often: it raises Stopped once another piece has failed or the
    user has pressed Ctrl-C.
    """
    with _all_threads() as threads:
        at_once = min(AT_ONCE, threads) if device.type == "cpu" else AT_ONCE_ON_GPU
        return _run(pieces, max(1, min(at_once, most, len(pieces))), threads)


def _run(pieces: Sequence[Callable[[Callable[[], None]], Result]], at_once: int, threads: int) -> list[Result]:
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


@contextmanager
def _all_threads() -> Iterator[int]:
    """Gives the number of torch's threads, and sets it again when no call is under way any more.

    torch keeps one number for threads that have not begun yet: whoever set it last. Several threads of the user may be
    here at a time.
    """
    global _calls, _threads
    with _lock:
        _threads = _threads if _calls else torch.get_num_threads()
        _calls += 1
    try:
        yield _threads
    finally:
        with _lock:
            _calls -= 1
            if not _calls:
                torch.set_num_threads(_threads)
