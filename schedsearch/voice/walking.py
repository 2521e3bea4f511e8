"""Lists the files of a folder that a user names."""

import os
from pathlib import Path

from vocoder.errors import InputError


def visible_files(folder: Path, setting: str) -> list[Path]:
    """Returns all files below a folder, sorted, without hidden files and folders. Follows links.

    Raises InputError, with the name of the setting, where a part cannot be read: silence would change what is found.
    """

    def unreadable(error: OSError) -> None:
        raise InputError(
            f"{setting} must be readable as a whole, and {str(error.filename)!r} is not ({error.strerror}); "
            "mend its rights"
        ) from error

    paths: list[Path] = []
    visited: set[tuple[int, int]] = set()
    _first_time(folder, visited)
    for place, folders, files in os.walk(folder, onerror=unreadable, followlinks=True):
        folders[:] = [n for n in folders if not n.startswith(".") and _first_time(Path(place) / n, visited)]
        paths += [Path(place) / name for name in files if not name.startswith(".")]
    return sorted(paths)


def _first_time(folder: Path, visited: set[tuple[int, int]]) -> bool:
    """Tells whether a folder was not seen yet. Links are followed, and one may lead back up."""
    try:
        status = folder.stat()
    except OSError:  # the folder is gone, or a link leads nowhere
        return False
    key = (status.st_dev, status.st_ino)
    new = key not in visited
    visited.add(key)
    return new
