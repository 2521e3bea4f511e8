"""Scoring in other processes, through joblib: its own ones, or whatever `joblib.parallel_config` names (dask, ray)."""

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, TypeVar, TypeVarTuple

import joblib
from joblib.parallel import get_active_backend

from schedsearch.metrics.failure import Failure

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

KILLED = Failure("its process was killed twice: out of memory, or a crash of the metric")


def in_processes(
    function: Callable[[*Arguments], Result], calls: Sequence[tuple[*Arguments]], jobs: int
) -> list[Result | Failure]:
    """function(*call) of each call in order, over `jobs` processes unless the user's configuration says how many.

    Where one of the processes is killed, be it by the system for want of memory or by a crash in a metric's C code,
    each call is made once more, alone; what kills its process again is a Failure.
    """
    try:
        return list(_parallel(function, calls, jobs))
    except BrokenProcessPool:
        return [_alone(function, call, jobs) for call in calls]


def configured() -> Callable[[], AbstractContextManager[Any]]:
    """What makes `joblib.parallel_config` of this thread hold in another: its settings belong to the thread."""
    backend, jobs = get_active_backend()
    if jobs == 1:  # nothing was configured
        return nullcontext
    return lambda: joblib.parallel_config(backend=backend, n_jobs=jobs)


def _alone(function: Callable[[*Arguments], Result], call: tuple[*Arguments], jobs: int) -> Result | Failure:
    try:
        return _parallel(function, [call], jobs)[0]
    except BrokenProcessPool:
        return KILLED


def _parallel(
    function: Callable[[*Arguments], Result], calls: Sequence[tuple[*Arguments]], jobs: int
) -> list[Result]:
    # No memory-mapping of long clips: it would leave files behind where a run is killed.
    workers = joblib.Parallel(max_nbytes=None)
    if workers.n_jobs == 1:
        workers = joblib.Parallel(n_jobs=jobs, max_nbytes=None)
    return list(workers(joblib.delayed(_deaf)(os.getpid(), function, *call) for call in calls))


def _deaf(parent: int, function: Callable[[*Arguments], Result], *call: *Arguments) -> Result:
    """Ctrl-C in a terminal reaches all its processes; the one that was started decides what becomes of the others."""
    if os.getpid() != parent:
        with suppress(ValueError):  # not the main thread: somebody else's worker
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    return function(*call)
