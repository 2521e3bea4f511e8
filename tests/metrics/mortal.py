"""Functions for other processes. A module of its own: a process that imported the tests would take seconds to begin."""

import os
import signal
from pathlib import Path


def twice(value: int) -> int:
    return 2 * value


def mortal(value: int, once: str) -> int:
    """Value 1 kills its process, always or only the first time."""
    if value == 1 and (not once or not Path(once).exists()):
        if once:
            Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * value


def unwilling(value: int) -> int:
    raise ValueError(f"not {value}")
