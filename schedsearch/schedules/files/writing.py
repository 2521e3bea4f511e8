"""Writes schedules in the file that each repository reads."""

import io
import json
import pickle  # to write only
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from schedsearch.schedules.schedule import NoiseSchedule
from vocoder.atomic import atomic_write
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import SIZE_LIMIT

JSON_SCHEMA = 1


class Layout(StrEnum):
    """A kind of file, named after the repository that reads it."""

    IVANVOVK = "ivanvovk"  # .pt: 1-D float32 tensor; its inference.py asks for .shape, which a list lacks
    LMNT = "lmnt"  # .npy: float64 array, for numpy.load without pickles
    COQUI = "coqui"  # .npy: pickled {"beta": float64 array}
    JSON = "json"  # ours, with provenance
    CSV = "csv"  # step, beta, noise_level, log_snr


def write_schedule(
    schedule: NoiseSchedule,
    path: str | Path,
    *,
    layout: Layout | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Writes one file, whole or not at all, in `layout`; without it, the ending chooses (.npy: lmnt).

    `provenance` goes into .json files only. InputError for an ending that does not fit, a missing folder, or betas that
    float32 would make illegal.
    """
    if not isinstance(schedule, NoiseSchedule):
        kind = type(schedule).__name__
        raise InputError(f"what is written must be a NoiseSchedule, and is a {kind}; make NoiseSchedule(betas) of it")
    chosen = layout_for(Path(path), layout)
    content = _json_bytes(schedule, provenance or {}) if chosen is Layout.JSON else _WRITERS[chosen](schedule)
    if len(content) > SIZE_LIMIT:
        raise InputError(
            f"a schedule's file must take {SIZE_LIMIT} bytes at most to be read again, and these {len(schedule)} steps "
            f"take {len(content)}; shorten it"
        )
    atomic_write(path, content)


def write_every_layout(schedule: NoiseSchedule, stem: Path, provenance: Mapping[str, Any]) -> None:
    """Writes STEM.pt (ivanvovk), STEM.lmnt.npy, STEM.coqui.npy, and STEM.json with its provenance."""
    for ending, layout in _ENDINGS.items():
        write_schedule(schedule, stem.with_name(stem.name + ending), layout=layout, provenance=provenance)


def remove_every_layout(stem: Path) -> None:
    """Removes the files of `write_every_layout` that are there."""
    for ending in _ENDINGS:
        stem.with_name(stem.name + ending).unlink(missing_ok=True)


def layout_for(path: Path, layout: Layout | None = None) -> Layout:
    """Returns the layout that `write_schedule` would write; InputError if ending and layout do not fit."""
    choices = _LAYOUTS_OF_ENDING.get(path.suffix.lower(), ())
    if not choices or (layout is not None and layout not in choices):
        wanted = f" as {layout}" if layout else ""
        raise InputError(f"cannot write {str(path)!r}{wanted}; use .pt (ivanvovk), .npy (lmnt, coqui), .json or .csv")
    return layout or choices[0]


def _ivanvovk_bytes(schedule: NoiseSchedule) -> bytes:
    betas = schedule.betas.astype(np.float32)
    if not ((betas > 0) & (betas < 1)).all():  # such as 1 - 1e-9, which becomes 1
        raise InputError("a .pt file holds float32, where a beta of this schedule becomes 0 or 1; write .npy or .json")
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(betas), buffer)
    return buffer.getvalue()


def _lmnt_bytes(schedule: NoiseSchedule) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, schedule.betas, allow_pickle=False)
    return buffer.getvalue()


def _coqui_bytes(schedule: NoiseSchedule) -> bytes:
    """Pickles for NumPy 1, which coqui pins: it lacks the module `numpy._core` that NumPy 2 names; both have
    `numpy.core`.

    Protocol 3 spells a module's name once, as one line of text without its length.
    """
    content = np.array({"beta": np.array(schedule.betas)}, dtype=object)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, np.lib.format.header_data_from_array_1_0(content))
    pickled = pickle.dumps(content, protocol=3)
    return buffer.getvalue() + pickled.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1)


def _json_bytes(schedule: NoiseSchedule, provenance: Mapping[str, Any]) -> bytes:
    content = {"schema": JSON_SCHEMA, "betas": schedule.betas.tolist(), "provenance": dict(provenance)}
    try:
        return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()
    except (ValueError, TypeError, RecursionError) as error:  # NaN, NumPy's numbers, very deep lists
        raise InputError(f"provenance must be plain JSON, and is not ({error}); correct it") from error


def _csv_bytes(schedule: NoiseSchedule) -> bytes:
    columns = (schedule.betas.tolist(), schedule.noise_level.tolist(), schedule.log_snr.tolist())
    rows = [",".join(map(repr, row)) for row in zip(range(len(schedule)), *columns, strict=True)]
    return "\n".join(["step,beta,noise_level,log_snr", *rows, ""]).encode()


_ENDINGS: Mapping[str, Layout] = MappingProxyType(
    {".pt": Layout.IVANVOVK, ".lmnt.npy": Layout.LMNT, ".coqui.npy": Layout.COQUI, ".json": Layout.JSON}
)
_WRITERS: Mapping[Layout, Callable[[NoiseSchedule], bytes]] = MappingProxyType(
    {Layout.IVANVOVK: _ivanvovk_bytes, Layout.LMNT: _lmnt_bytes, Layout.COQUI: _coqui_bytes, Layout.CSV: _csv_bytes}
)
_LAYOUTS_OF_ENDING: Mapping[str, tuple[Layout, ...]] = MappingProxyType(
    {".pt": (Layout.IVANVOVK,), ".npy": (Layout.LMNT, Layout.COQUI), ".json": (Layout.JSON,), ".csv": (Layout.CSV,)}
)
