"""Finds folders for the caches of numba (by way of librosa) and Matplotlib where their usual ones can't be written.

Containers often run as a user who owns neither the installation nor a home. numba then ends in "cannot cache function",
and Matplotlib makes a new folder in every process.
"""

import os
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_NUMBA, _MATPLOTLIB = "NUMBA_CACHE_DIR", "MPLCONFIGDIR"


def use_writable_caches() -> None:
    """Sets the variables of both, where the user set none and the usual folder can't be written."""
    if _NUMBA not in os.environ and not any(_is_writable(folder) for folder in _numbas_own()):
        _set(_NUMBA)
    if _MATPLOTLIB not in os.environ and not _is_writable(_user_folder("XDG_CONFIG_HOME", ".config") / "matplotlib"):
        _set(_MATPLOTLIB)


def _numbas_own() -> list[Path]:
    """Returns the folders that numba tries: beside librosa's files, then the user's."""
    spec = find_spec("librosa")
    beside = [Path(spec.origin).parent / "core" / "__pycache__"] if spec and spec.origin else []
    usual = "Library/Caches" if sys.platform == "darwin" else ".cache"
    return [*beside, _user_folder("XDG_CACHE_HOME", usual) / "numba"]


def _user_folder(variable: str, usual: str) -> Path:
    return Path(os.environ.get(variable) or os.path.join(os.path.expanduser("~"), usual))


def _is_writable(folder: Path) -> bool:
    """Tells whether a folder can be written, or made in the nearest one that is there."""
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _set(variable: str) -> None:
    with suppress(OSError):  # no temporary folder either: the library says what it needs
        os.environ[variable] = str(_temporary())


def _temporary() -> Path:
    """Returns a folder of this user's alone, the same in every process: a cache holds code that is run."""
    folder = Path(tempfile.gettempdir()) / f"schedsearch-caches-{os.getuid()}"
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    status = folder.lstat()
    ours = folder.is_dir() and not folder.is_symlink() and status.st_uid == os.getuid() and not status.st_mode & 0o077
    return folder if ours else Path(tempfile.mkdtemp(prefix="schedsearch-caches-"))
