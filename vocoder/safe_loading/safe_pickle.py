"""Reads small files that strangers made, NumPy's pickles among them, without running anything they contain."""

import io
import os
import pickle
import stat
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.numpy_parts import NUMPY_NAMES, RefusedPickle, Resolver, Token, array_from_bytes
from vocoder.safe_loading.other_kinds import other_kind
from vocoder.safe_loading.pickle_guard import HostilePickle, check_pickle

SIZE_LIMIT = 1 << 20  # bytes: schedules and mel statistics take a few kilobytes
NPY_MAGIC = b"\x93NUMPY"


def _bytes_of(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise RefusedPickle(f"it uses the encoding {str(encoding)[:40]!r}")
    return text.encode("latin1")


_NAMES = {
    **NUMPY_NAMES,
    "_codecs.encode": Token("encode", _bytes_of),  # how protocols 0 to 2 spell bytes
    "collections.OrderedDict": Token("OrderedDict", dict),
    **{f"{builtins}.set": Token("set", set) for builtins in ("builtins", "__builtin__")},
}


def load_numpy_pickle(path: str | Path, *, limit: int = SIZE_LIMIT) -> Any:
    """Reads an .npy file (plain or pickled) or a raw pickle.

    Returns NumPy arrays and scalars of plain numbers, in dict, list, tuple or set. A 0-d object array, which is how
    `np.save` stores a dict, is unwrapped to its content. Raises InputError (one line) for a missing, oversized,
    truncated or foreign file and for one that names any code.
    """
    return numpy_content(read_filled(path, limit=limit), path)


def numpy_content(data: bytes, path: str | Path) -> Any:
    """Returns what `load_numpy_pickle` does, from the bytes of a file; `path` is for messages."""
    try:
        return _load_npy(data) if data.startswith(NPY_MAGIC) else _load_pickle(data)
    except (RefusedPickle, HostilePickle) as error:
        raise InputError(f"{path}: refused, {error}; only numbers, text and NumPy arrays are read") from error
    except Exception as error:  # a hostile or torn pickle makes the standard unpickler raise nearly anything
        raise InputError(f"{path}: not a readable NumPy file: {reason_of(error)}") from error


def read_bounded(path: str | Path, *, limit: int = SIZE_LIMIT) -> bytes:
    """Returns a file of at most `limit` bytes; InputError if it is missing, unreadable, larger or of a foreign kind."""
    try:
        # a named pipe would wait for its writer
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(limit + 1) if regular else b""
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {str(path)!r}: {reason}; check the path") from error
    if not regular:
        raise InputError(f"cannot read {str(path)!r}: it is a pipe or a device; give a file")
    if len(data) > limit:
        raise InputError(f"{path}: larger than {limit} bytes, so not the small file expected here; name another")
    if kind := other_kind(data):
        raise InputError(f"{path}: {kind}")
    return data


def read_filled(path: str | Path, *, limit: int = SIZE_LIMIT) -> bytes:
    """Returns a binary file as `read_bounded` does; InputError for an empty one as well."""
    data = read_bounded(path, limit=limit)
    if not data:
        raise InputError(f"{path}: the file is empty, 0 bytes; copy it again")
    return data


def _load_npy(data: bytes) -> Any:
    """Reads NumPy enhancement proposal 1, format versions 1.0 and 2.0."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise RefusedPickle(f"its .npy version {version} is for structured arrays")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2 warn; they are still numbers
        shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        return _load_pickle(data[stream.tell() :])
    if dtype.kind not in "biuf":
        raise RefusedPickle(f"it holds dtype {dtype}")
    return array_from_bytes(data[stream.tell() :], dtype, shape, fortran)


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Token:
        token = _NAMES.get(f"{module}.{name}")
        if token is None:
            raise RefusedPickle(f"it asks for {module[:40]}.{name[:40]}")
        return token

    def persistent_load(self, identity: object) -> None:
        raise RefusedPickle("it points outside itself")


def _load_pickle(data: bytes) -> Any:
    check_pickle(io.BytesIO(data), len(data))
    return Resolver(len(data)).resolve(_RestrictedUnpickler(io.BytesIO(data)).load())
