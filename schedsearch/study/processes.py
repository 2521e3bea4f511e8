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


def in_store(process: str, file_id: str) -> str:
    """Returns the name of a process at work in a store with this file: in a copy of the file it is another's name."""
    return f"{process} {file_id}".rstrip()


def is_this_process(name: str, file_id: str = "") -> bool:
    """Says whether this process has the name in the store with this file."""
    return name == in_store(this_process(), file_id)


def is_alive(name: str, renewed: float | None = None, file_id: str = "") -> bool:
    """Says whether a process of this name still runs and works in the store with this file.

    `renewed` is when a process on another machine last renewed its lease, in Unix time.
    """
    where, pid, started, file = (name.split(" ") + [""] * 3)[:4]
    if where == machine():
        runs = pid.isdecimal() and _start_time(int(pid)) == started != ""
        return runs and file in ("", file_id)
    return bool(started) and renewed is not None and time.time() - renewed < LEASE


def how_to_go_on(name: str) -> str:
    """Says for which process this one waits, and how to go on without it."""
    where, pid = (name.split(" ") + ["?"])[:2]
    if (where, pid) == (machine(), str(os.getpid())):
        return "waiting for another thread of this process"
    waiting = f"waiting for process {pid} on {where.partition('/')[0]}"
    if where != machine():
        return f"{waiting}; to go on without it, end it there: after {LEASE:.0f} s its work is taken over"
    if _state_and_start(int(pid))[0] in "Tt":
        return f"{waiting}, which is stopped; continue it (kill -CONT {pid}), or end it (kill -KILL {pid})"
    return f"{waiting}; to go on without it, end it (kill {pid})"


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
    state, start = _state_and_start(pid)
    return "" if state in "ZX" else start  # a dead process keeps its entry until its parent has waited for it


def _state_and_start(pid: int) -> tuple[str, str]:
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return (fields[0], fields[19]) if fields else ("?", "0")


def flock_holder(handle: int) -> str | None:
    """Returns the name of the process that holds a lock (flock) on an open file; None where that is not known."""
    inode = str(os.fstat(handle).st_ino)
    for line in _read("/proc/locks").splitlines():
        _, kind, _, _, pid, file = line.split()[:6]
        if kind == "FLOCK" and file.rpartition(":")[2] == inode and int(pid) > 0:
            return f"{machine()} {pid}"
    return None


def _read(path: str) -> str:
    try:
        return Path(path).read_text()
    except OSError:
        return ""
