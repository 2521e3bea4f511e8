"""Names processes, and says whether one still runs.

The operating system knows this of processes on this machine. A process on another machine counts as alive as long as
it renews its lease, a time in the trial store. Optuna's own heartbeat does not cover ask and tell.
"""

import hashlib
import os
import socket
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

LEASE = 120.0  # seconds after its last renewal that a process on another machine counts as alive
RENEWED = 20.0  # seconds between two renewals


@cache
def machine() -> str:
    """Returns the host name and a hash of the boot and of the container's process table."""
    boot = _read("/proc/sys/kernel/random/boot_id")
    with suppress(OSError):
        boot += os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{hashlib.sha256(boot.encode()).hexdigest()[:8]}"


def this_process() -> str:
    """Returns machine, process id and start time: a later process with the same id has another name."""
    return f"{machine()} {os.getpid()} {_start_time(os.getpid())}"


def is_this_process(name: str) -> bool:
    """Says whether this process has the name."""
    return name == this_process()


def is_alive(name: str, renewed: float | None = None) -> bool:
    """Says whether a process of `this_process`'s form still runs.

    `renewed` is when a process on another machine last renewed its lease, in Unix time.
    """
    parts = name.rsplit(" ", 2)
    if len(parts) != 3:
        return False
    where, pid, started = parts
    if where == machine():
        return pid.isdecimal() and _start_time(int(pid)) == started != ""
    return renewed is not None and time.time() - renewed < LEASE


def keep_renewing(renew: Callable[[], None], *, as_long_as: object) -> None:
    """Calls `renew` every RENEWED seconds from a thread, until the object or the process is gone.

    Errors are ignored: a lease that can't be renewed runs out.
    """
    ended = threading.Event()
    weakref.finalize(as_long_as, ended.set)

    def renewing() -> None:
        while not ended.wait(RENEWED):
            with suppress(Exception):
                renew()

    threading.Thread(target=renewing, daemon=True, name="lease").start()


def _start_time(pid: int) -> str:
    """Returns a process's start in clock ticks (Linux), "0" where that is not known, "" if there is no such process."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's process: it runs
    except (OSError, OverflowError):
        return ""
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not fields:
        return "0"
    state, start = fields[0], fields[19]
    return "" if state in "ZX" else start  # a dead process keeps its entry until its parent has waited for it


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
