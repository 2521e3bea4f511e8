"""Writes files that are there whole or not at all."""

import contextlib
import fcntl
import os
import secrets
from pathlib import Path

from vocoder.errors import InputError


def atomic_write(path: str | Path, content: bytes) -> None:
    """Writes to a temporary file in the same folder, flushes it to the disk and renames it.

    Whoever reads `path` sees the old content or the new one, never a part. Raises InputError when the folder
    is missing or not writable, or the disk is full.
    """
    target = Path(path)
    temporary = target.parent / f".{secrets.token_hex(6)}.part"  # the target's own name may leave no room for more
    try:
        _write_through(temporary, content)
        os.replace(temporary, target)
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise InputError(
            f"cannot write {str(target)!r}: {getattr(error, 'strerror', None) or error}; "
            "name another place, or make room"
        ) from error
    finally:
        with contextlib.suppress(OSError, ValueError):
            temporary.unlink()


def make_folder(folder: Path, way_out: str = "mend its rights, or move away what stands there") -> None:
    """Makes the folder and those above it. Raises InputError with the way out where that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {folder}: {error.strerror}; {way_out}") from error


def sweep(folder: Path) -> None:
    """Removes the temporary files of writers that were killed, none that is being written."""
    for part in folder.glob(".*.part"):
        with contextlib.suppress(OSError), part.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a lock ends with its writer
            part.unlink()


def _write_through(path: Path, content: bytes) -> None:
    with open(path, "xb") as file:
        with contextlib.suppress(OSError):  # a file system without locks, where `sweep` removes nothing
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
