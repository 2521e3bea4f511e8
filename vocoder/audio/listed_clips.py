"""Reads clips that a dataset lists by name, each with the hash that its file had when it was chosen."""

import errno
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from vocoder.audio.reading import Clip, is_audio, read_audio, read_folder
from vocoder.errors import InputError

KEPT_DIGITS = 16  # of a SHA-256 in hexadecimal: enough to tell a changed file, short enough to read
_DIGEST = re.compile(r"[0-9a-f]{16,64}")
_WAY_OUT = "restore it, or choose clips again: make voice ... FORCE=1"


@dataclass(frozen=True)
class ListedClips:
    """Files below a folder, each with the first digits (16 or more, hexadecimal) of its SHA-256."""

    folder: Path
    sha256: Mapping[str, str]  # path below the folder, / between its parts -> digits

    def __post_init__(self) -> None:
        """Raises InputError for an empty list, a name outside the folder, a name that stands twice, or a bad hash."""
        if not self.sha256:
            raise InputError(f"a list of clips in {self.folder} must name files, and is empty; add some")
        for name, digits in self.sha256.items():
            _check_entry(name, digits)
        names = [clip_name(name) for name in self.sha256]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InputError(f"clips must differ in their names before the ending, {twice[0]} stands twice; drop one")


def read_clips(source: Path | ListedClips, *, sample_rate: int | None, resample: bool = False) -> list[Clip]:
    """Returns the clips of a folder or of a list, sorted by name.

    Raises InputError as `read_folder` does, and for a listed file that is gone or has changed.
    """
    if isinstance(source, Path):
        return read_folder(source, sample_rate=sample_rate, resample=resample)
    names = sorted(source.sha256, key=clip_name)
    for name in names:  # check all before decoding the first
        _check_unchanged(source.folder / name, name, source.sha256[name])
    clips = [read_audio(source.folder / name, sample_rate=sample_rate, resample=resample) for name in names]
    return [replace(clip, name=clip_name(name)) for clip, name in zip(clips, names, strict=True)]


def recording_names(source: Path | ListedClips) -> dict[str, str]:
    """Returns the clips' file names, by clip, relative to their folder."""
    names = source.sha256 if isinstance(source, ListedClips) else [p.name for p in source.iterdir() if is_audio(p)]
    return {clip_name(name): name for name in names}


def are_present(source: Path | ListedClips) -> bool:
    """Tells whether a folder holds audio, or whether all files of a list exist. Reads none of them."""
    if isinstance(source, ListedClips):
        return all(os.path.isfile(source.folder / name) for name in source.sha256)
    try:
        return any(is_audio(path) for path in source.iterdir())
    except OSError:
        return False


def clip_name(name: str) -> str:
    """Returns the name of a clip from its path below a folder: no ending, and _ for /."""
    return "_".join(PurePosixPath(name).with_suffix("").parts)


def file_digest(path: Path) -> str:
    """Returns the SHA-256 of a file's bytes, in hexadecimal. Raises OSError for a pipe or a device."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, "no file but a folder, a pipe or a device")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_entry(name: str, digits: object) -> None:
    parts = PurePosixPath(name).parts
    # Audio is written under the clip's name. A name of dots alone, such as that of "...wav", would be a folder.
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or not clip_name(name).strip("."):
        raise InputError(f"a listed clip must be a path below its folder, and is {name!r}; correct it")
    if not isinstance(digits, str) or not _DIGEST.fullmatch(digits):
        raise InputError(
            f"clip {name!r} needs 16 to 64 hexadecimal digits of its SHA-256, and has {digits!r}; sha256sum shows them"
        )


def _check_unchanged(path: Path, name: str, digits: str) -> None:
    try:
        digest = file_digest(path)
    except (OSError, ValueError) as error:  # ValueError: a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"listed clip {name!r} cannot be read in {path.parent} ({reason}); {_WAY_OUT}") from error
    if not digest.startswith(digits):
        raise InputError(
            f"clip {str(path)!r} has changed since it was chosen: its SHA-256 begins with {digest[: len(digits)]}, "
            f"the dataset's file says {digits}; {_WAY_OUT}"
        )
