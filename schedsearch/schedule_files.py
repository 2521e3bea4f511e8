"""Schedule files of WaveGrad and its relatives: reads what the wild holds, writes what each repository reads.

Betas of a .pt file are float32, as their users' code keeps them; they are widened to float64 after reading.
"""

import csv
import io
import json
import pickle  # to write only
import zipfile
from collections.abc import Callable, Mapping
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch

from schedsearch.schedule import Array, NoiseSchedule
from vocoder.atomic import atomic_write
from vocoder.errors import InputError
from vocoder.safe_pickle import SIZE_LIMIT, load_numpy_pickle, read_bounded

JSON_SCHEMA = 1


class Layout(StrEnum):
    """What is written, named after who reads it."""

    IVANVOVK = "ivanvovk"  # .pt: 1-D float32 tensor; its inference.py asks for .shape, so a list would not do
    LMNT = "lmnt"  # .npy: float64 array, for numpy.load without pickles
    COQUI = "coqui"  # .npy: pickled {"beta": float64 array}
    JSON = "json"  # ours, with provenance
    CSV = "csv"  # step, beta, noise_level, log_snr


# --- writing --------------------------------------------------------------------------------------


def write_schedule(
    schedule: NoiseSchedule,
    path: str | Path,
    *,
    layout: Layout | None = None,
    provenance: Mapping[str, Any] | None = None,
) -> None:
    """Writes one file, whole or not at all, in `layout`; without it, the ending chooses (.npy: lmnt).

    `provenance` goes into .json files, the only ones with room for it. InputError for an ending that does not
    fit, a folder that is missing, or betas that float32 would make illegal.
    """
    chosen = _layout_for(Path(path), layout)
    if chosen is Layout.JSON:
        content = _json_bytes(schedule, provenance or {})
    else:
        content = _WRITERS[chosen](schedule)
    atomic_write(path, content)


def _layout_for(path: Path, layout: Layout | None) -> Layout:
    choices = _LAYOUTS_OF_ENDING.get(path.suffix.lower(), ())
    if not choices or (layout is not None and layout not in choices):
        wanted = f" as {layout}" if layout else ""
        raise InputError(
            f"cannot write {str(path)!r}{wanted}; use .pt (ivanvovk), .npy (lmnt, coqui), .json or .csv"
        )
    return layout or choices[0]


def _ivanvovk_bytes(schedule: NoiseSchedule) -> bytes:
    betas = schedule.betas.astype(np.float32)
    if not ((betas > 0) & (betas < 1)).all():  # such as 1 - 1e-9, which becomes 1
        raise InputError(
            "a .pt file holds float32, where a beta of this schedule becomes 0 or 1; write .npy or .json"
        )
    buffer = io.BytesIO()
    torch.save(torch.from_numpy(betas), buffer)
    return buffer.getvalue()


def _lmnt_bytes(schedule: NoiseSchedule) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, schedule.betas, allow_pickle=False)
    return buffer.getvalue()


def _coqui_bytes(schedule: NoiseSchedule) -> bytes:
    """Coqui pins NumPy 1, which lacks the module `numpy._core` that NumPy 2 names; both have `numpy.core`.

    Protocol 3 spells a module's name as one line of text, once, with no length before it.
    """
    content = np.array({"beta": np.array(schedule.betas)}, dtype=object)
    buffer = io.BytesIO()
    np.lib.format.write_array_header_1_0(buffer, np.lib.format.header_data_from_array_1_0(content))
    pickled = pickle.dumps(content, protocol=3)
    return buffer.getvalue() + pickled.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n", 1)


def _json_bytes(schedule: NoiseSchedule, provenance: Mapping[str, Any]) -> bytes:
    content = {"schema": JSON_SCHEMA, "betas": schedule.betas.tolist(), "provenance": dict(provenance)}
    return (json.dumps(content, indent=1, allow_nan=False) + "\n").encode()


def _csv_bytes(schedule: NoiseSchedule) -> bytes:
    columns = (schedule.betas.tolist(), schedule.noise_level.tolist(), schedule.log_snr.tolist())
    rows = [",".join(map(repr, row)) for row in zip(range(len(schedule)), *columns, strict=True)]
    return "\n".join(["step,beta,noise_level,log_snr", *rows, ""]).encode()


_WRITERS: Mapping[Layout, Callable[[NoiseSchedule], bytes]] = MappingProxyType(
    {
        Layout.IVANVOVK: _ivanvovk_bytes,
        Layout.LMNT: _lmnt_bytes,
        Layout.COQUI: _coqui_bytes,
        Layout.CSV: _csv_bytes,
    }
)
_LAYOUTS_OF_ENDING: Mapping[str, tuple[Layout, ...]] = MappingProxyType(
    {
        ".pt": (Layout.IVANVOVK,),
        ".npy": (Layout.LMNT, Layout.COQUI),
        ".json": (Layout.JSON,),
        ".csv": (Layout.CSV,),
    }
)


# --- reading --------------------------------------------------------------------------------------


def read_schedule(path: str | Path) -> NoiseSchedule:
    """Reads .pt and .ns (tensor, list of tensors or floats, BDDM's 4-tuple), .npy (array, pickled {"beta":
    array}), .json and .csv. Nothing in a file is run. InputError, in one line with the file's name, for
    anything else."""
    reader = _READERS.get(Path(path).suffix.lower())
    if reader is None:
        raise InputError(f"{path}: not a schedule file; one ends in {', '.join(_READERS)}")
    betas = reader(path)
    try:
        return NoiseSchedule(betas)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def read_provenance(path: str | Path) -> dict[str, Any]:
    """What was written beside the betas of a .json file; empty when nothing was."""
    provenance = _read_json_content(path).get("provenance", {})
    if not isinstance(provenance, dict):
        raise InputError(f"{path}: provenance must be an object, got {type(provenance).__name__}")
    return provenance


def _read_torch(path: str | Path) -> Array:
    data = read_bounded(path)
    try:
        _check_unpacked_size(data)
        content = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return _betas_of_torch(content)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error
    except Exception as error:  # torn and hostile files make torch.load raise nearly anything
        raise InputError(f"{path}: not a readable torch file of plain numbers: {_one_line(error)}") from error


def _check_unpacked_size(data: bytes) -> None:
    """torch.save does not compress, but torch.load inflates, and one megabyte can become a thousand."""
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(entry.file_size for entry in archive.infolist()) > SIZE_LIMIT:
                raise InputError("it unpacks to more than a schedule can hold")


def _betas_of_torch(content: object) -> Array:
    if (
        isinstance(content, tuple)
        and len(content) == 4
        and all(isinstance(part, torch.Tensor) for part in content)
    ):
        return _betas_of_bddm(*content)
    if isinstance(content, (list, tuple)):
        return np.array([_number(item) for item in content])
    if isinstance(content, torch.Tensor) and content.ndim == 1:
        return _vector_of_tensor(content)
    raise InputError(f"expected a 1-D tensor or a list of numbers, got {_describe(content)}")


def _betas_of_bddm(
    steps: torch.Tensor, noise_level: torch.Tensor, beta: torch.Tensor, sigma: torch.Tensor
) -> Array:
    """BDDM (Lam et al. 2022), `.ns`: (steps, sqrt_alphas_cumprod, beta, sigma). Its DDIM files pick betas out
    of a longer schedule, so that they do not belong to their levels: such betas alone are another
    schedule."""
    betas = _vector_of_tensor(beta)
    levels = _vector_of_tensor(noise_level)
    if levels.shape != betas.shape or not np.allclose(np.sqrt(np.cumprod(1 - betas)), levels, atol=1e-4):
        raise InputError("the betas of this BDDM file do not give its noise levels")
    return betas


def _vector_of_tensor(tensor: torch.Tensor) -> Array:
    if tensor.numel() * 4 > SIZE_LIMIT:  # a small file can hold an expanded view of one number
        raise InputError(f"a schedule of {tensor.numel()} steps is too long")
    if not tensor.is_floating_point():
        raise InputError(f"betas must be floating point, got {tensor.dtype}")
    return tensor.detach().to(torch.float64).numpy()


def _number(item: object) -> float:
    if isinstance(item, torch.Tensor) and item.numel() == 1 and item.is_floating_point():
        return float(item)
    if isinstance(item, (int, float)) and not isinstance(item, bool):
        return float(item)
    raise InputError(f"expected a list of numbers, got {_describe(item)} in it")


def _read_npy(path: str | Path) -> Array:
    content = load_numpy_pickle(path)
    if isinstance(content, dict):
        if "beta" not in content:
            raise InputError(f"{path}: expected the key 'beta', got {', '.join(map(repr, content))[:80]}")
        content = content["beta"]
    if not isinstance(content, np.ndarray):
        raise InputError(f"{path}: expected an array of betas, got {_describe(content)}")
    return content


def _read_json(path: str | Path) -> Array:
    betas = _read_json_content(path).get("betas")
    if not isinstance(betas, list):
        raise InputError(f'{path}: expected "betas": [numbers], got {_describe(betas)}')
    try:
        return np.array([_number(beta) for beta in betas])
    except (InputError, OverflowError) as error:
        raise InputError(f"{path}: {error}") from error


def _read_json_content(path: str | Path) -> dict[str, Any]:
    try:
        content = json.loads(read_bounded(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not JSON: {_one_line(error)}") from error
    if not isinstance(content, dict) or content.get("schema") != JSON_SCHEMA:
        raise InputError(
            f'{path}: expected an object with "schema": {JSON_SCHEMA}; other schemas are not read'
        )
    return content


def _read_csv(path: str | Path) -> Array:
    """The column named beta, or the only column of a table without a header."""
    try:
        rows = [row for row in csv.reader(io.StringIO(read_bounded(path).decode("utf-8-sig"))) if row]
        column = _beta_column(rows)
        return np.array([float(value) for value in column])
    except InputError:
        raise
    except (ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a column named beta with one number a row: {_one_line(error)}"
        ) from error


def _beta_column(rows: list[list[str]]) -> list[str]:
    header = [name.strip().lower() for name in rows[0]]
    if "beta" in header:
        return [row[header.index("beta")] for row in rows[1:]]
    if len(header) != 1:
        raise ValueError(f"columns are {', '.join(header)[:80]}")
    return [row[0] for row in rows]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__


def _describe(content: object) -> str:
    shape = f" of shape {tuple(content.shape)}" if isinstance(content, (torch.Tensor, np.ndarray)) else ""
    return f"a {type(content).__name__}{shape}"


_READERS: Mapping[str, Callable[[str | Path], Array]] = MappingProxyType(
    {".pt": _read_torch, ".ns": _read_torch, ".npy": _read_npy, ".json": _read_json, ".csv": _read_csv}
)
