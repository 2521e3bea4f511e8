"""Shared by the readers of all kinds of files: lists of numbers, and words that describe other content."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from schedsearch.schedules.files.writing import Layout
from schedsearch.schedules.readings import Reading
from schedsearch.schedules.schedule import Array
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import SIZE_LIMIT

KEYS = ("beta", "betas", "beta_t", "noise_schedule")  # of a dict or a table; coqui's own is the first, lmnt's the last
DEEPEST = 4  # dicts within dicts
Read: TypeAlias = tuple[Array, str, tuple[Layout, ...]]  # betas, content in words, repositories that read the file


def is_key(name: object) -> bool:
    """Says whether betas stand under this name; capitals and YAML's colon do not matter."""
    return isinstance(name, str) and name.strip().lower().removesuffix(":") in KEYS


def betas_of(content: Mapping[Any, Any], where: str = "", depth: int = DEEPEST) -> tuple[str, Any]:
    """Returns the key of the betas and what stands there, also of a dict that is alone or called a schedule.

    InputError, which begins with `where`, if there are none or two.
    """
    keys = [key for key in content if is_key(key)]
    if len(keys) > 1:
        raise InputError(f"{where}{' and '.join(map(repr, keys))} stand side by side; keep one")
    if keys and not isinstance(content[keys[0]], Mapping):
        return keys[0], content[keys[0]]
    inner = content[keys[0]] if keys else _schedule_in(content)
    if keys and inner and all(str(name).isdigit() for name in inner):  # pandas writes a column so
        return keys[0], list(inner.values())
    if inner is None or depth == 0:
        names = ", ".join(map(repr, content))[:80] or "none"
        raise InputError(f"{where}expected the key 'beta', got {names}{_other_reading(content)}")
    return betas_of(inner, where, depth - 1)


def _schedule_in(content: Mapping[Any, Any]) -> Mapping[Any, Any] | None:
    parts = {name: part for name, part in content.items() if isinstance(part, Mapping)}
    schedules = [part for name, part in parts.items() if "schedule" in str(name) or len(content) == 1]
    return schedules[0] if len(schedules) == 1 else None


def _other_reading(content: Mapping[Any, Any]) -> str:
    name = next((reading for reading in Reading if reading in content), None)
    return f"; give the list of {name} alone, and convert --from {name} mends it" if name else ""


def in_line(array: Any) -> bool:
    """Says whether an array or a tensor is one row or one column."""
    return array.ndim == 2 and 1 in array.shape


def numbers(items: list[Any] | tuple[Any, ...]) -> Array:
    """Returns [N] of numbers or arrays of one number, in a list, a row or a column; InputError for any other item."""
    nested = bool(items) and all(isinstance(item, (list, tuple)) for item in items)
    if nested and (len(items) == 1 or {len(item) for item in items} == {1}):
        items = [number for item in items for number in item]
    return np.array([_number(item) for item in items], dtype=np.float64)


def _number(item: object) -> float:
    if isinstance(item, torch.Tensor) and item.numel() == 1 and item.is_floating_point():
        return float(item)
    if isinstance(item, np.ndarray) and item.size == 1 and item.dtype.kind == "f":
        return float(item.item())
    if isinstance(item, (int, float, np.floating)) and not isinstance(item, bool):
        return float(item)
    raise InputError(f"expected a list of numbers, got {describe(item)} in it")


def numbers_of_file(items: list[Any], path: str | Path) -> Array:
    """Returns what `numbers` does. The message of its InputError names the file."""
    try:
        return numbers(items)
    except (InputError, OverflowError) as error:  # OverflowError: an integer of 400 digits
        raise InputError(f"{path}: {error}") from error


def archive_of(data: bytes) -> zipfile.ZipFile:
    """Opens a zip archive; InputError for one that inflates to more than a schedule can hold."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    if sum(member.file_size for member in archive.infolist()) > SIZE_LIMIT:
        raise InputError("it unpacks to more than a schedule can hold")
    return archive


def describe(content: object) -> str:
    """Names type and shape, for messages."""
    shape = f" of shape {tuple(content.shape)}" if isinstance(content, (torch.Tensor, np.ndarray)) else ""
    return f"a {type(content).__name__}{shape}"
