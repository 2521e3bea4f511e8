"""Builds NumPy arrays from what a stranger's pickle says, without running NumPy's own unpickling.

A pickle is a program. Each name of NumPy's that it asks for becomes an inert stand-in, which can only describe an
array, a dtype or a scalar. The arrays are then built here from checked sizes, never by `ndarray.__setstate__`, which
trusts them.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_DEPTH = 32
_DTYPE_CODE = re.compile(r"[biuf](1|2|4|8)|O8?")


class RefusedPickle(ValueError):
    """Says that a pickle holds what we do not agree to build."""


@dataclass(eq=False, slots=True)
class DTypeStandIn:
    """Stands for a dtype; only those of plain numbers or objects can be resolved."""

    code: str
    byte_order: str = "="
    structured: bool = False

    def __setstate__(self, state: Any) -> None:
        _, byte_order, *structure = state
        self.structured = byte_order not in ("<", ">", "|", "=") or any(item is not None for item in structure[:3])
        self.byte_order = byte_order

    @property
    def fault(self) -> str | None:
        """Says why arrays of this dtype are not read; None if they are."""
        if not isinstance(self.code, str) or not _DTYPE_CODE.fullmatch(self.code):
            return f"it holds dtype {str(self.code)[:40]!r}"
        return "it holds a structured dtype" if self.structured else None

    def resolve(self) -> np.dtype[Any]:
        """Returns the dtype; RefusedPickle for other than plain numbers and objects."""
        if self.fault:
            raise RefusedPickle(self.fault)
        return np.dtype(self.byte_order + self.code)


@dataclass(eq=False, slots=True)
class ArrayStandIn:
    """Stands for an array: what `ndarray.__reduce__` describes, filled in by the state that follows in the pickle."""

    state: tuple[Any, ...] | None = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class Unread:
    """Stands for what is beside the data that we want, such as an array of text: it holds nothing and does nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


class Token:
    """Stands for a name that a pickle asked for: it can be called with data, and do nothing else."""

    __slots__ = ("maker", "name")

    def __init__(self, name: str, maker: Callable[..., Any] | None) -> None:
        self.name, self.maker = name, maker

    def __setstate__(self, state: object) -> None:
        raise RefusedPickle(f"it tries to alter {self.name}")

    def __call__(self, *arguments: Any) -> Any:
        if self.maker is None:
            raise RefusedPickle(f"it calls {self.name}")
        return self.maker(*arguments)


def array_from_bytes(data: object, dtype: np.dtype[Any], shape: tuple[int, ...], fortran: bool) -> np.ndarray:
    """Returns a writable array; RefusedPickle unless `data` is bytes that hold exactly its numbers."""
    _check_shape(shape)
    if not isinstance(data, bytes | bytearray):
        raise RefusedPickle(f"an array's content must be bytes, and is of type {type(data).__name__}")
    if math.prod(shape) * dtype.itemsize != len(data):
        raise RefusedPickle(f"its array of shape {shape} and dtype {dtype} is cut short: {len(data)} bytes")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").copy()


def _check_shape(shape: object) -> None:
    if not isinstance(shape, tuple) or not all(type(size) is int and size >= 0 for size in shape):
        raise RefusedPickle("an array has an impossible shape")


def _make_from_buffer(data: Any, dtype: Any, shape: tuple[int, ...], order: str, *axes: object) -> ArrayStandIn:
    """Reads protocol 5; NumPy 2.3 adds the order of the axes, for arrays of neither C nor F order."""
    if order not in ("C", "F"):
        raise RefusedPickle("an array has neither C nor F order")
    return ArrayStandIn((1, shape, dtype, order == "F", data))


def _make_scalar(dtype: DTypeStandIn, data: object) -> Any:
    if dtype.fault:
        return ArrayStandIn((1, (), dtype, False, data))
    return array_from_bytes(data, dtype.resolve(), (), False)[()]


_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "multiarray._reconstruct": lambda *arguments: ArrayStandIn(),
    "multiarray.scalar": _make_scalar,
    "numeric._frombuffer": _make_from_buffer,
}
NUMPY_NAMES: dict[str, Token] = {  # "module.name" -> what stands for it
    **{
        f"numpy.{core}.{name}": Token(name.partition(".")[2], maker)
        for core in ("core", "_core")  # NumPy 1 and NumPy 2 write different homes
        for name, maker in _FUNCTIONS.items()
    },
    "numpy.ndarray": Token("ndarray", None),
    "numpy.dtype": Token("dtype", lambda code, *flags: DTypeStandIn(code)),
    **{f"{builtins}.bytes": Token("bytes", lambda: b"") for builtins in ("builtins", "__builtin__")},  # of empty arrays
}


class Resolver:
    """Turns stand-ins into arrays and rebuilds containers.

    A pickle writes at least one byte for each item it shows once. More items than `budget` mean that a small file
    refers to the same part again and again, to grow in memory. Values of other kinds are refused, or left as they are
    where `others` may stay; arrays of text and the like are then left unread.
    """

    def __init__(self, budget: int, *, others: bool = False) -> None:
        self._budget, self._others = budget, others

    def resolve(self, value: Any, depth: int = MAX_DEPTH) -> Any:
        """Returns the value with arrays in the place of stand-ins."""
        self._budget -= 1
        if self._budget < 0 or depth == 0:  # a container that holds itself runs out of depth
            raise RefusedPickle(f"it repeats itself or nests deeper than {MAX_DEPTH}")
        if isinstance(value, ArrayStandIn):
            return self._array(value, depth)
        if isinstance(value, dict):
            return {self.resolve(key, depth - 1): self.resolve(item, depth - 1) for key, item in value.items()}
        if isinstance(value, (list, tuple, set, frozenset)):
            return type(value)(self.resolve(item, depth - 1) for item in value)
        if value is None or isinstance(value, (bool, int, float, str, bytes, np.generic)):
            return value
        if isinstance(value, (Token, DTypeStandIn)) and self._others:
            return Unread()
        if not self._others:
            raise RefusedPickle(f"it holds a bare {type(value).__name__.removesuffix('StandIn')}")
        return value

    def _array(self, array: ArrayStandIn, depth: int) -> Any:
        if array.state is None:
            raise RefusedPickle("an array has no content")
        _, shape, dtype, fortran, data = array.state
        if not isinstance(dtype, DTypeStandIn):
            raise RefusedPickle("an array has no dtype")
        if dtype.fault and self._others:
            return Unread()
        if dtype.code.startswith("O"):
            return self._object_array(data, shape, bool(fortran), depth)
        return array_from_bytes(data, dtype.resolve(), shape, bool(fortran))

    def _object_array(self, items: Any, shape: tuple[int, ...], fortran: bool, depth: int) -> Any:
        _check_shape(shape)
        if not isinstance(items, list) or math.prod(shape) != len(items):
            raise RefusedPickle("an object array has the wrong number of items")
        if shape == ():
            return self.resolve(items[0], depth - 1)
        array = np.empty(len(items), dtype=object)
        for index, item in enumerate(items):
            array[index] = self.resolve(item, depth - 1)
        return array.reshape(shape, order="F" if fortran else "C")
