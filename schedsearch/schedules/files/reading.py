"""Reads schedule files of every known kind, legal or not; nothing in a file is run.

The name of a shipped schedule, such as universal-6 or ivanvovk-6, is read in place of a file.
"""

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import Read, in_line
from schedsearch.schedules.files.numpy_files import read_numpy
from schedsearch.schedules.files.text_files import json_content, read_json, read_table
from schedsearch.schedules.files.torch_files import read_torch
from schedsearch.schedules.files.writing import Layout
from schedsearch.schedules.named import named, names
from schedsearch.schedules.readings import Reading, doubt, read_as
from schedsearch.schedules.schedule import Array, NoiseSchedule
from vocoder.errors import InputError, printable


@dataclass(frozen=True)
class ScheduleFile:
    """The content of a file, legal or not."""

    path: Path
    betas: Array  # [N] float64, N >= 1; may lie outside (0, 1) or be NaN
    content: str  # in words, such as "a list of tensors"
    read_by: tuple[Layout, ...] = ()  # the repositories that read the file as it is

    def schedule(self, reading: Reading | None = None) -> NoiseSchedule:
        """Returns the numbers as a schedule, as betas or in another reading; InputError with the file's name if they
        are illegal."""
        try:
            return NoiseSchedule(self.betas) if reading is None else read_as(self.betas, reading)
        except InputError as error:
            raise InputError(f"{self.path}: {error}") from error

    @property
    def fault(self) -> str | None:
        """Says why the betas are illegal; None if they are legal."""
        try:
            NoiseSchedule(self.betas)
        except InputError as error:
            return str(error)
        return None


def read_schedule(path: str | Path) -> NoiseSchedule:
    """Reads a legal schedule from any file that `open_schedule` reads, or by its name, such as universal-6.

    InputError also if a beta is illegal. Warns if the numbers look like something else than betas."""
    file = open_schedule(path)
    schedule = file.schedule()
    if doubtful := doubt(file.betas):
        warnings.warn(f"{printable(str(path))}: {doubtful}", stacklevel=2)
    return schedule


def open_schedule(path: str | Path) -> ScheduleFile:
    """Reads a schedule file whose betas may be illegal, as those of the published 1000 steps are.

    .pt, .pth and .ns (tensor, list of tensors or floats, BDDM's 4-tuple, {"beta": any of these}), .npy (array, pickled
    {"beta": array or list}), .npz, .json (ours, or a plain list of numbers), tables and lists in text; and the names of
    shipped schedules, which have no ending. InputError, in one line with the file's name, if it is unreadable, empty,
    or no list of floating-point numbers.
    """
    if not isinstance(path, str | Path):
        raise InputError(f"a schedule is read from a path or by name, and got {path!r}; betas: NoiseSchedule(betas)")
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        return _shipped(str(path))
    betas, content, read_by = reader(path)
    if in_line(betas):
        betas, read_by = betas.reshape(-1), ()
    if betas.dtype.kind != "f" or betas.ndim != 1 or betas.size == 0:
        raise InputError(
            f"{path}: betas must be a non-empty list of floating-point numbers: "
            f"got shape {betas.shape} of {betas.dtype}"
        )
    return ScheduleFile(Path(path), betas.astype(np.float64), content, read_by)


def _shipped(name: str) -> ScheduleFile:
    """Returns the schedule of a name, which has no ending of schedule files, so it hides no readable file."""
    found = named(name)
    if found is None:
        known = f", and none is called so: {', '.join(names())}" if Path(name).suffix == "" else ""
        raise InputError(f"{name}: not a schedule file; one ends in {', '.join(_READERS)}{known}")
    schedule, source = found
    return ScheduleFile(Path(name), schedule.betas, source)


def read_provenance(path: str | Path) -> dict[str, Any]:
    """Reads the provenance beside the betas of a .json file; empty if there is none."""
    content = json_content(path)
    provenance = content.get("provenance", {}) if isinstance(content, dict) else {}
    if not isinstance(provenance, dict):
        raise InputError(f"{path}: provenance must be an object, got {type(provenance).__name__}; take it out")
    try:
        json.dumps(provenance, allow_nan=False)
    except (ValueError, RecursionError) as error:  # such as NaN, which Python's reader takes
        raise InputError(f"{path}: provenance must be plain JSON, and is not ({error}); correct it") from error
    return provenance


_READERS: Mapping[str, Callable[[str | Path], Read]] = MappingProxyType(
    {
        ".pt": read_torch,
        ".pth": read_torch,
        ".ns": read_torch,
        ".npy": read_numpy,
        ".json": read_json,
        ".csv": read_table,
        ".txt": read_table,
        ".tsv": read_table,
        ".yaml": read_table,
        ".yml": read_table,
        ".npz": read_numpy,
    }
)
