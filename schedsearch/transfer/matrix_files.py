"""Reads matrices of several lengths, which were written one by one, as one table."""

import re
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from schedsearch.transfer.matrix import COLUMNS, TEXT
from vocoder.errors import InputError

_FILLED = ("dataset", "rate", "iterations", "schedule", "relation", "metric", "clips", "draws")  # a torn file's are not
MATRIX = "matrix-{}.csv"  # by the number of steps


def matrices(folder: Path, without: Collection[int] = ()) -> list[Path]:
    """Lists the matrices of a folder, shortest length first, but for some lengths."""
    paths = {int(match[1]): path for path in folder.glob("*.csv") if (match := _match(path))}
    return [paths[n] for n in sorted(paths) if n not in without]


def read_matrices(paths: Sequence[Path]) -> pd.DataFrame:
    """Returns the rows of matrices as one table.

    InputError for a file that is no matrix, and where two have the same judge in the same length.
    """
    tables = [_read(path) for path in paths]
    seen: dict[tuple[object, ...], Path] = {}
    for path, table in zip(paths, tables, strict=True):
        for judge in table[["dataset", "rate", "checkpoint", "iterations"]].drop_duplicates().itertuples(index=False):
            if (other := seen.setdefault(tuple(judge), path)) is not path:
                raise InputError(f"{other} and {path} both have {judge.dataset} in {judge.iterations} steps; give one")
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=list(COLUMNS))


def _match(path: Path) -> re.Match[str] | None:
    return re.fullmatch(re.escape(MATRIX).replace(r"\{\}", "([1-9][0-9]*)"), path.name)


def _read(path: Path) -> pd.DataFrame:
    way_out = "give a matrix of `make transfer`, or delete it"
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)  # a dataset may be called 1034, or NA
    except (OSError, ValueError) as error:
        raise InputError(f"{path} can't be read as a table ({str(error).strip()}); {way_out}") from None
    if "precision" not in table:  # of an earlier version
        table["precision"] = ""
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise InputError(f"{path} must be a matrix of transfer and has no column {missing[0]}; {way_out}")
    for name in (name for name in COLUMNS if name not in TEXT):
        try:
            table[name] = pd.to_numeric(table[name].replace("", None))
        except ValueError as error:
            raise InputError(f"{path} must have numbers in its column {name} ({error}); {way_out}") from None
    for name in _FILLED:
        if table[name].isna().any() or (table[name] == "").any():
            raise InputError(f"{path} must have a value in each row of its column {name}; {way_out}")
    return table
