"""Reads schedule files of every kind seen in the wild, legal or not; nothing in a file is run.

In place of a file the name of a shipped schedule is read: universal-6, ivanvovk-6.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import Read
from schedsearch.schedules.files.numpy_files import read_numpy
from schedsearch.schedules.files.text_files import json_content, read_csv, read_json
from schedsearch.schedules.files.torch_files import read_torch
from schedsearch.schedules.files.writing import Layout
from schedsearch.schedules.named import named, source_of
from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.errors import InputError


@dataclass(frozen=True)
class ScheduleFile:
    """What a file holds before anybody asks whether it is a legal schedule."""

    path: Path
    betas: Array  # [N] float64, N >= 1; may lie outside (0, 1) or be NaN
    content: str  # in words, such as "a list of tensors"
    read_by: tuple[Layout, ...] = ()  # whose own loader takes the file as it is

    def schedule(self) -> NoiseSchedule:
        """The betas as a schedule; InputError with the file's name where they are none."""
        try:
            return NoiseSchedule(self.betas)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from error

    @property
    def fault(self) -> str | None:
        """Why the betas are no legal schedule; None where they are one."""
        try:
            NoiseSchedule(self.betas)
        except InputError as error:
            return str(error)
        return None


def read_schedule(path: str | Path) -> NoiseSchedule:
    """The schedule in a file of any kind that `open_schedule` reads, or of that name, such as universal-6.

    InputError, too, where a beta is illegal."""
    return open_schedule(path).schedule()


def open_schedule(path: str | Path) -> ScheduleFile:
    """Reads .pt, .pth and .ns (tensor, list of tensors or floats, BDDM's 4-tuple, {"beta": any of these}), .npy
    (array, pickled {"beta": array or list}), .json (ours, or a plain list of numbers) and .csv or .txt; and the
    names of shipped schedules, which have no ending.

    The betas may be illegal: the published schedule of 1000 steps is. InputError, in one line with the file's name,
    for what is no list of floating-point numbers, empty or unreadable.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"a schedule is read from a path or by name, and got {path!r}; betas: NoiseSchedule(betas)")
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        return _shipped(str(path))
    betas, content, read_by = reader(path)
    if betas.dtype.kind != "f" or betas.ndim != 1 or betas.size == 0:
        raise InputError(
            f"{path}: betas must be a non-empty list of floating-point numbers: "
            f"got shape {betas.shape} of {betas.dtype}"
        )
    return ScheduleFile(Path(path), betas.astype(np.float64), content, read_by)


def _shipped(name: str) -> ScheduleFile:
    """Of a name without an ending of schedule files: no such file could be read, so that none is hidden by it."""
    known = named()
    if name not in known:
        names = f", and none is called so: {', '.join(known)}" if Path(name).suffix == "" else ""
        raise InputError(f"{name}: not a schedule file; one ends in {', '.join(_READERS)}{names}")
    return ScheduleFile(Path(name), known[name].betas, f"shipped with schedsearch ({source_of(name)})")


def read_provenance(path: str | Path) -> dict[str, Any]:
    """What was written beside the betas of a .json file; empty when nothing was."""
    content = json_content(path)
    provenance = content.get("provenance", {}) if isinstance(content, dict) else {}
    if not isinstance(provenance, dict):
        raise InputError(f"{path}: provenance must be an object, got {type(provenance).__name__}; take it out")
    try:
        json.dumps(provenance, allow_nan=False)
    except (ValueError, RecursionError) as error:  # what Python's reader takes and others refuse
        raise InputError(f"{path}: provenance must be plain JSON, and is not ({error}); correct it") from error
    return provenance


_READERS: Mapping[str, Callable[[str | Path], Read]] = MappingProxyType(
    {
        ".pt": read_torch,
        ".pth": read_torch,
        ".ns": read_torch,
        ".npy": read_numpy,
        ".json": read_json,
        ".csv": read_csv,
        ".txt": read_csv,
    }
)
