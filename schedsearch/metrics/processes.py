"""Scores in other processes through joblib: its own, or the backend that `joblib.parallel_config` names (dask, ray)."""

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from typing import Any, TypeVar, TypeVarTuple

import joblib
from joblib.parallel import get_active_backend

from schedsearch.metrics.failure import Failure
from vocoder.errors import InputError

Result = TypeVar("Result")
Arguments = TypeVarTuple("Arguments")

# Seconds that a call may take in the user's own backend. joblib's dask backend never reports that a worker died (1.6:
# it skips its callback where the future ends in an error) and would wait for ever.
PATIENCE = 300.0

# Processes, unless asked otherwise. With a GPU scoring takes longer than synthesis. Each process holds torch in memory.
JOBS = max(1, min(4, joblib.cpu_count()))

_without_processes: list[str] = []  # why no worker process can be started; empty as long as they can
_log = logging.getLogger("schedsearch")

KILLED = Failure("its process was killed twice: out of memory, or a crash of the metric")


@dataclass(frozen=True)
class _Raised:
    """An error of the function itself, as opposed to one of its backend about a lost worker."""

    error: Exception


def spread(
    function: Callable[[*Arguments], Result], calls: Sequence[tuple[*Arguments]], jobs: int
) -> list[Result | Failure]:
    """Returns function(*call) of each call in order, over `jobs` processes or as many as the user has configured.

    One job runs in this process. Processes stay for later calls, since each takes seconds to import torch.

    If a process is killed, for want of memory or by a crash in a metric's C code, every call is made again alone. A
    call that kills its process again is a Failure, and so is one that takes longer than PATIENCE in the user's own
    backend. Where not even an empty call comes back from our own processes, all calls are made in this one; from the
    user's backend that is an InputError.
    """
    if _without_processes or (jobs == 1 and not _is_configured()):
        return [function(*call) for call in calls]
    try:
        answers: list[Result | _Raised | Failure] = [*_parallel(function, calls, jobs)]
    except Exception as error:  # every backend has its own error for a worker that died
        if not _one_lives(error, jobs):
            return [function(*call) for call in calls]
        answers = [_alone(function, call, jobs) for call in calls]
    return [_result(answer) for answer in answers]


def configured() -> Callable[[], AbstractContextManager[Any]]:
    """Returns a context that gives another thread this thread's `joblib.parallel_config`."""
    if not _is_configured():
        return nullcontext
    backend, jobs = get_active_backend()
    return lambda: joblib.parallel_config(backend=backend, n_jobs=jobs)


def _is_configured() -> bool:
    """Tells whether the user has asked for processes; joblib's own default is one job."""
    return bool(joblib.Parallel().n_jobs != 1)


def _alone(function: Callable[[*Arguments], Result], call: tuple[*Arguments], jobs: int) -> Result | _Raised | Failure:
    try:
        return _parallel(function, [call], jobs)[0]
    except multiprocessing.TimeoutError:
        return Failure(f"no answer in {PATIENCE:g} s: the metric hangs, or its worker died")
    except Exception:
        return KILLED


def _one_lives(error: Exception, jobs: int) -> bool:
    """Tells whether a process answers. If not, no other is started from now on, and the user is told."""
    try:
        _parallel(_nothing, [()], jobs)
    except Exception as still:
        said = f"{type(error).__name__}: {error}".splitlines()[0]
        if not _is_configured():
            _without_processes.append(said)
            _log.warning("no worker process can be started (%s): scores are computed in this process, slower", said)
            return False
        raise InputError(
            f"joblib's backend must answer, and its workers are lost ({said}); start them anew and give the same "
            "command again: it goes on where it was"
        ) from still
    return True


def _nothing() -> None:
    pass


def _result(answer: Result | _Raised | Failure) -> Result | Failure:
    if isinstance(answer, _Raised):
        raise answer.error
    return answer


def _parallel(
    function: Callable[[*Arguments], Result], calls: Sequence[tuple[*Arguments]], jobs: int
) -> list[Result | _Raised]:
    # No memory-mapping of long clips: a killed run would leave its files behind.
    workers = joblib.Parallel(max_nbytes=None, timeout=PATIENCE)
    if workers.n_jobs == 1:
        workers = joblib.Parallel(n_jobs=jobs, max_nbytes=None)
    return list(workers(joblib.delayed(_ignoring_interrupts)(os.getpid(), function, *call) for call in calls))


def _ignoring_interrupts(parent: int, function: Callable[[*Arguments], Result], *call: *Arguments) -> Result | _Raised:
    """Calls the function. Ctrl-C reaches all processes of a terminal; only the first one shall react to it."""
    if os.getpid() != parent:
        with suppress(ValueError):  # not the main thread of a foreign worker
            signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return function(*call)
    except Exception as error:
        return _Raised(error)
