"""Loads a user's own metric, which is named as `package.module:function`.

    def loudest(reference, estimate, sample_rate):
        return abs(abs(reference).max() - abs(estimate).max())

docs/own-metric.md says what the function gets and returns, and what it may say of itself.
"""

import importlib
import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, TypeVar

from schedsearch.metrics.catalogue import Direction
from schedsearch.metrics.own_source import hashed_source
from vocoder.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")  # it heads columns of CSV files and of the terminal
_UNIT = re.compile(r"[^\x00-\x1f,]{1,20}")
_DIRECTIONS = ("minimize", "maximize")


def metric(
    *, direction: Direction = "minimize", unit: str = "1", name: str | None = None, batch: bool = False
) -> Callable[[Function], Function]:
    """Decorates a function with what a metric says of itself. The same can be set as attributes of the function.

    InputError for a direction, unit or name that cannot be.
    """
    said = {"direction": direction, "unit": unit, "name": name, "batch": batch}

    def decorated(function: Function) -> Function:
        for attribute, value in said.items():
            if value is not None:
                setattr(function, attribute, value)
        _described(function, function.__module__)
        return function

    return decorated


@dataclass(frozen=True)
class OwnMetric:
    """A user's function and what it says of itself."""

    reference: str  # package.module:function
    folder: str  # the working directory, from which worker processes import it too
    function: Callable[..., Any]
    name: str
    unit: str
    direction: Direction
    summary: str  # one line; the beginning of its docstring
    batch: bool  # gets tensors of all clips at once, [clips, samples]
    source: str  # SHA-256 of its file, and of the files beside it that it imports


def is_own(name: str) -> bool:
    """Says whether the name is that of a user's own metric."""
    return ":" in name


def own_metric(reference: str, folder: str | None = None) -> OwnMetric:
    """Imports a function from the working directory or Python's path. InputError where it cannot be a metric."""
    return _loaded(reference, os.getcwd() if folder is None else folder)


@cache
def _loaded(reference: str, folder: str) -> OwnMetric:
    if not _REFERENCE.fullmatch(reference):
        raise InputError(f"a metric of your own must be named as package.module:function, and is {reference!r}")
    module_name, _, path = reference.partition(":")
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as for `python -m`
    module = _imported(module_name, folder)
    function: Any = module
    for part in path.split("."):
        function = getattr(function, part, None)
    if not callable(function):
        where = getattr(module, "__file__", None) or module_name
        raise InputError(f"metric {reference}: {where} has no function {path}; name one that it has")
    _check_signature(reference, function)
    said = _described(function, reference)
    source = hashed_source(module)
    if not source:
        raise InputError(f"metric {reference} must stand in a file, and has none; write your function in a .py file")
    return OwnMetric(reference, folder, function, source=source, **said)


def _imported(name: str, folder: str) -> ModuleType:
    importlib.invalidate_caches()  # the file may be younger than Python's list of the folder
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise InputError(f"metric {name}: it imports {error.name}, which is not installed; install it") from error
        raise InputError(
            f"metric {name}: neither {folder} nor Python's path has a module {error.name}; give the command in its "
            "folder, or set PYTHONPATH"
        ) from error
    except (Exception, SystemExit) as error:  # whatever the user's file does
        raise InputError(f"metric {name}: its import fails: {told(error)}; mend it") from error


def _check_signature(reference: str, function: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(function)
    except ValueError:  # some functions in C have none; the first clip will tell
        return
    try:
        signature.bind(None, None, None)
    except TypeError as error:
        raise InputError(
            f"metric {reference} must take (reference, estimate, sample_rate), and takes {signature}; change that"
        ) from error


def _described(function: Callable[..., Any], reference: str) -> dict[str, Any]:
    """Returns name, unit, direction, summary and batch from the function's attributes."""
    name = getattr(function, "name", None) or getattr(function, "__name__", None)
    unit, direction = getattr(function, "unit", "1"), getattr(function, "direction", "minimize")
    rules = (
        ("name", name, isinstance(name, str) and _NAME.fullmatch(name), "a letter, then at most 39 letters, digits, _"),
        ("unit", unit, isinstance(unit, str) and _UNIT.fullmatch(unit), "1 to 20 characters without a comma"),
        ("direction", direction, direction in _DIRECTIONS, " or ".join(_DIRECTIONS)),
    )
    for attribute, value, holds, rule in rules:
        if not holds:
            raise InputError(f"metric {reference}: its {attribute} must be {rule}, and is {value!r}; set another")
    lines = (inspect.getdoc(function) or "").splitlines()
    return {
        "name": name,
        "unit": unit,
        "direction": direction,
        "summary": lines[0].strip() if lines else f"your own: {reference}",
        "batch": bool(getattr(function, "batch", False)),
    }


def told(error: BaseException) -> str:
    """Returns an error's kind and message in one line."""
    message = " ".join(str(error).split())
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
