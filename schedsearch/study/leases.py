"""Who works on a trial, and whether it still does, since ask and tell sends Optuna no heartbeat.

On its own machine a process is alive as long as the operating system says so. Elsewhere it can't be seen: there it is
alive as long as the lease lasts that it renews in the trial store.
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

LEASE = 120.0  # seconds that an owner on another machine counts as alive after it was last heard of
RENEWED = 20.0  # seconds between two signs of life


@cache
def machine() -> str:
    """Name and a hash of what tells process ids apart: the boot, and the container's own table of processes."""
    boot = _read("/proc/sys/kernel/random/boot_id")
    with suppress(OSError):
        boot += os.readlink("/proc/self/ns/pid")
    return f"{socket.gethostname()}/{hashlib.sha256(boot.encode()).hexdigest()[:8]}"


def owner() -> str:
    """This process: machine, id and start, so that a reused id is not taken for it."""
    return f"{machine()} {os.getpid()} {_started(os.getpid())}"


def is_this_process(name: str) -> bool:
    """Whether the owner is the caller."""
    return name == owner()


def alive(name: str, heard: float | None = None) -> bool:
    """Whether an owner still runs; `heard`: when one on another machine last renewed its lease, in Unix time."""
    parts = name.rsplit(" ", 2)
    if len(parts) != 3:
        return False
    where, pid, started = parts
    if where == machine():
        return pid.isdecimal() and _started(int(pid)) == started != ""
    return heard is not None and time.time() - heard < LEASE


def keep_renewing(renew: Callable[[], None], *, as_long_as: object) -> None:
    """Calls it every RENEWED seconds from a thread, until the object or the process is gone.

    What goes wrong there is left to the work itself to meet: a lease that can't be renewed runs out.
    """
    ended = threading.Event()
    weakref.finalize(as_long_as, ended.set)

    def renewing() -> None:
        while not ended.wait(RENEWED):
            with suppress(Exception):
                renew()

    threading.Thread(target=renewing, daemon=True, name="lease").start()


def _started(pid: int) -> str:
    """The process's start time in clock ticks (Linux), "0" where that can't be told, "" for no such process."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's: it runs
    except (OSError, OverflowError):
        return ""
    stat = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    if not stat:
        return "0"
    return "" if stat[0] in "ZX" else stat[19]  # what died and was not waited for keeps its entry


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
