"""Who works on a trial: a lease that ends with its process, since ask and tell sends Optuna no heartbeat."""

import os
import socket
from pathlib import Path


def owner() -> str:
    """This process: machine, id and start, so that a reused id is not taken for it."""
    return f"{socket.gethostname()} {os.getpid()} {_started(os.getpid())}"


def alive(name: str) -> bool:
    """Whether an owner still runs; owners on other machines are taken to."""
    parts = name.rsplit(" ", 2)
    if len(parts) != 3:
        return False
    host, pid, started = parts
    return host != socket.gethostname() or (pid.isdecimal() and _started(int(pid)) == started != "")


def _started(pid: int) -> str:
    """The process's start time in clock ticks (Linux), "0" where that can't be told, "" for no such process."""
    try:
        os.kill(pid, 0)
    except PermissionError:
        pass  # another user's: it runs
    except (OSError, OverflowError):
        return ""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    except OSError:
        return "0"
