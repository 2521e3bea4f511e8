"""Reads weights from a safetensors file, with the package of that name, which checks every offset and size."""

from pathlib import Path

import safetensors.torch
from torch import Tensor

from vocoder.errors import InputError, reason_of

LARGEST_HEADER = 1 << 20  # bytes: names, shapes and places; a tensor takes about 100
_LENGTH = 8  # bytes at the beginning: the header's length, low byte first


def is_safetensors(path: Path) -> bool:
    """Says whether a file begins as the format does: the length of a JSON table, then the table."""
    with path.open("rb") as file:
        start = file.read(_LENGTH + 1)
    header = int.from_bytes(start[:_LENGTH], "little")
    return start[_LENGTH:] == b"{" and header <= path.stat().st_size - _LENGTH


def load_safetensors(path: Path) -> dict[str, Tensor]:
    """Returns the file's tensors by name, in their own memory; InputError, without the file's name, for a bad one."""
    with path.open("rb") as file:
        header = int.from_bytes(file.read(_LENGTH), "little")
    if header > LARGEST_HEADER:
        raise InputError(f"its list of tensors takes {header} bytes, more than any WaveGrad's; give the right file")
    try:
        # read here: the package takes no path that is not UTF-8, and its tensors of a file change with the file
        return dict(safetensors.torch.load(path.read_bytes()))
    except Exception as error:  # its own error, and torch's for types that it does not have
        raise InputError(f"a damaged safetensors file ({reason_of(error)}); copy or download it again") from error
