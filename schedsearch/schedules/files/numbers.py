"""Shared by the readers of all kinds of files: lists of numbers, and words that describe other content."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch

from schedsearch.schedules.files.writing import Layout
from schedsearch.schedules.schedule import Array
from vocoder.errors import InputError

KEYS = ("beta", "betas")  # of a dict or a table; coqui's own is the first
Read: TypeAlias = tuple[Array, str, tuple[Layout, ...]]  # betas, content in words, repositories that read the file


def key_of(content: Mapping[Any, Any], where: str = "") -> str | None:
    """Returns the key of the betas, if there is one; InputError, which begins with `where`, if there are two."""
    keys = [key for key in KEYS if key in content]
    if len(keys) > 1:
        raise InputError(f"{where}{' and '.join(map(repr, keys))} stand side by side; keep one")
    return keys[0] if keys else None


def numbers(items: list[Any] | tuple[Any, ...]) -> Array:
    """Returns [N] of numbers or tensors of one number; InputError for any other item."""
    return np.array([_number(item) for item in items], dtype=np.float64)


def _number(item: object) -> float:
    if isinstance(item, torch.Tensor) and item.numel() == 1 and item.is_floating_point():
        return float(item)
    if isinstance(item, (int, float, np.floating)) and not isinstance(item, bool):
        return float(item)
    raise InputError(f"expected a list of numbers, got {describe(item)} in it")


def numbers_of_file(items: list[Any], path: str | Path) -> Array:
    """Does the same with the file's name in the message."""
    try:
        return numbers(items)
    except (InputError, OverflowError) as error:  # OverflowError: an integer of 400 digits
        raise InputError(f"{path}: {error}") from error


def describe(content: object) -> str:
    """Names type and shape, for messages."""
    shape = f" of shape {tuple(content.shape)}" if isinstance(content, (torch.Tensor, np.ndarray)) else ""
    return f"a {type(content).__name__}{shape}"
