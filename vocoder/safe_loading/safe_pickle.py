"""Reads NumPy pickles that strangers made, without running anything they contain.

A pickle is a programme. Here every name it asks for becomes an inert token that can only describe an array, a
dtype or a scalar; the arrays are then built by us from checked sizes, never by NumPy's own `__setstate__`
(which trusts them).
"""

import io
import math
import os
import pickle
import re
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vocoder.errors import InputError
from vocoder.safe_loading.pickle_guard import HostilePickle, check_pickle

SIZE_LIMIT = 1 << 20  # bytes: schedules and mel statistics take a few kilobytes
MAX_DEPTH = 32
NPY_MAGIC = b"\x93NUMPY"

_DTYPE_CODE = re.compile(r"[biuf](1|2|4|8)|O8?")
_ALLOWED_NAMES = {
    **{
        (f"{core}.{module}", name): name
        for core in ("numpy.core", "numpy._core")  # NumPy 1 and NumPy 2 write different homes
        for module, name in (
            ("multiarray", "_reconstruct"),
            ("multiarray", "scalar"),
            ("numeric", "_frombuffer"),
        )
    },
    ("numpy", "ndarray"): "ndarray",
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "encode",  # how protocols 0 to 2 spell bytes
    ("collections", "OrderedDict"): "OrderedDict",
    **{
        (builtins, name): name for builtins in ("__builtin__", "builtins") for name in ("bytes", "set")
    },  # 0 to 3
}


def load_numpy_pickle(path: str | Path, *, limit: int = SIZE_LIMIT) -> Any:
    """The content of an .npy file (plain or pickled) or of a raw pickle: NumPy arrays and scalars of plain
    numbers, in dict, list, tuple or set. A 0-d object array, which is how `np.save` stores a dict, is
    unwrapped to its content.

    Raises InputError (one line) for a missing, oversized, truncated or foreign file and for one that names
    any code.
    """
    data = read_filled(path, limit=limit)
    try:
        return _load_npy(data) if data.startswith(NPY_MAGIC) else _load_pickle(data)
    except (_Refused, HostilePickle) as error:
        raise InputError(f"{path}: refused, {error}; only numbers, text and NumPy arrays are read") from error
    except (
        Exception
    ) as error:  # a hostile or torn pickle can make the standard unpickler raise nearly anything
        raise InputError(f"{path}: not a readable NumPy file: {_one_line(error)}") from error


def read_bounded(path: str | Path, *, limit: int = SIZE_LIMIT) -> bytes:
    """The bytes of a file of at most `limit` bytes; InputError when it is missing, unreadable or larger."""
    try:
        with open(path, "rb", opener=_without_waiting) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            data = file.read(limit + 1) if regular else b""
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot read {str(path)!r}: {reason}; check the path") from error
    if not regular:
        raise InputError(f"cannot read {str(path)!r}: it is a pipe or a device; give a file")
    if len(data) > limit:
        raise InputError(f"{path}: larger than {limit} bytes, so not the small file expected here; name another")
    return data


def read_filled(path: str | Path, *, limit: int = SIZE_LIMIT) -> bytes:
    """The same of a binary file, which is none without a byte."""
    data = read_bounded(path, limit=limit)
    if not data:
        raise InputError(f"{path}: the file is empty, 0 bytes; copy it again")
    return data


def _without_waiting(path: str, flags: int) -> int:
    """A named pipe that nobody writes to would be waited for."""
    return os.open(path, flags | os.O_NONBLOCK)


class _Refused(ValueError):
    """The content is outside what we agree to build."""


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text[:160] or type(error).__name__


# --- the .npy container ---------------------------------------------------------------------------


def _load_npy(data: bytes) -> Any:
    """NumPy enhancement proposal 1, format versions 1.0 and 2.0."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise _Refused(f"its .npy version {version} is for structured arrays")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # headers written by Python 2 warn; they are still numbers
        shape, fortran, dtype = readers[version](stream)
    if dtype.hasobject:
        return _load_pickle(data[stream.tell() :])
    if dtype.kind not in "biuf":
        raise _Refused(f"it holds dtype {dtype}")
    return _array_from_bytes(data[stream.tell() :], dtype, shape, fortran)


def _array_from_bytes(data: bytes, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    _check_shape(shape)
    if math.prod(shape) * dtype.itemsize != len(data):
        raise _Refused(f"its array of shape {shape} and dtype {dtype} is cut short: {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _check_shape(shape: object) -> None:
    whole = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
    if not whole:
        raise _Refused("an array has an impossible shape")


# --- the pickle: inert stand-ins, resolved afterwards ---------------------------------------------


@dataclass(eq=False, slots=True)
class _DType:
    code: str
    byte_order: str = "="

    def __setstate__(self, state: Any) -> None:
        _, byte_order, *structure = state
        if byte_order not in ("<", ">", "|", "=") or any(item is not None for item in structure[:3]):
            raise _Refused("it holds a structured dtype")
        self.byte_order = byte_order

    def resolve(self) -> np.dtype[Any]:
        return np.dtype(self.byte_order + self.code)


@dataclass(eq=False, slots=True)
class _Array:
    """What `ndarray.__reduce__` describes: filled in by the state that follows it in the pickle."""

    state: tuple[Any, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Token:
    """A name the pickle asked for. It can be called with data, and it can do nothing else."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __setstate__(self, state: object) -> None:
        raise _Refused(f"it tries to alter {self.name}")

    def __call__(self, *arguments: Any) -> Any:
        maker = _MAKERS.get(self.name)
        if maker is None:
            raise _Refused(f"it calls {self.name}")
        return maker(*arguments)


def _make_dtype(code: object, *flags: object) -> _DType:
    if not isinstance(code, str) or not _DTYPE_CODE.fullmatch(code):
        raise _Refused(f"it holds dtype {str(code)[:40]!r}")
    return _DType(code)


def _make_scalar(dtype: _DType, data: bytes) -> Any:
    return _array_from_bytes(data, dtype.resolve(), (), False)[()]


def _make_from_buffer(data: Any, dtype: _DType, shape: tuple[int, ...], order: str, *axes: object) -> _Array:
    """Protocol 5; NumPy 2.3 adds the order of the axes, for arrays of neither C nor F order."""
    if order not in ("C", "F"):
        raise _Refused("an array has neither C nor F order")
    return _Array((1, shape, dtype, order == "F", bytes(data)))


def _make_bytes(text: str, encoding: str) -> bytes:
    if encoding != "latin1":
        raise _Refused(f"it uses the encoding {str(encoding)[:40]!r}")
    return text.encode("latin1")


_MAKERS: dict[str, Any] = {
    "_reconstruct": lambda *arguments: _Array(),
    "scalar": _make_scalar,
    "_frombuffer": _make_from_buffer,
    "dtype": _make_dtype,
    "encode": _make_bytes,
    "OrderedDict": dict,
    "bytes": lambda: b"",  # empty ones only: bytes(10**12) would take the memory
    "set": set,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> _Token:
        if (module, name) not in _ALLOWED_NAMES:
            raise _Refused(f"it asks for {module[:40]}.{name[:40]}")
        return _Token(_ALLOWED_NAMES[module, name])

    def persistent_load(self, identity: object) -> None:
        raise _Refused("it points outside itself")


def _load_pickle(data: bytes) -> Any:
    check_pickle(io.BytesIO(data), len(data))
    loaded = _RestrictedUnpickler(io.BytesIO(data)).load()
    return _Resolver(len(data)).resolve(loaded, MAX_DEPTH)


class _Resolver:
    """Turns stand-ins into arrays and rebuilds containers.

    A pickle writes at least one byte for each item it shows once. More items than bytes means that a small
    file refers to the same part again and again, to grow in our hands.
    """

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def resolve(self, value: Any, depth: int) -> Any:
        self._budget -= 1
        if self._budget < 0 or depth == 0:  # a container that holds itself runs out of depth
            raise _Refused(f"it repeats itself or nests deeper than {MAX_DEPTH}")
        if isinstance(value, _Array):
            return self._array(value, depth)
        if isinstance(value, dict):
            return {
                self.resolve(key, depth - 1): self.resolve(item, depth - 1) for key, item in value.items()
            }
        if isinstance(value, (list, tuple, set, frozenset)):
            return type(value)(self.resolve(item, depth - 1) for item in value)
        if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
            return value
        raise _Refused(f"it holds a bare {type(value).__name__.strip('_')}")

    def _array(self, array: _Array, depth: int) -> Any:
        if array.state is None:
            raise _Refused("an array has no content")
        _, shape, dtype, fortran, data = array.state
        if not isinstance(dtype, _DType):
            raise _Refused("an array has no dtype")
        if dtype.code.startswith("O"):
            return self._object_array(data, shape, bool(fortran), depth)
        return _array_from_bytes(data, dtype.resolve(), shape, bool(fortran))

    def _object_array(self, items: Any, shape: tuple[int, ...], fortran: bool, depth: int) -> Any:
        _check_shape(shape)
        if not isinstance(items, list) or math.prod(shape) != len(items):
            raise _Refused("an object array has the wrong number of items")
        if shape == ():
            return self.resolve(items[0], depth - 1)
        array = np.empty(len(items), dtype=object)
        for index, item in enumerate(items):
            array[index] = self.resolve(item, depth - 1)
        return array.reshape(shape, order="F" if fortran else "C")
