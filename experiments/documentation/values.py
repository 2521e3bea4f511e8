"""Looks one value up in a committed table: `FILE; ROWS; COLUMN; FORMAT`.

FILE is a CSV, or a pattern for several that are joined; or a JSON file with the list or object meant behind #, such as
run.json#held_out. ROWS chooses the rows as pandas' query does, and may be empty. COLUMN is a column or an expression of
columns (pandas' eval); `max of`, `min of`, `median of`, `mean of`, `sum of` and `count of` before it make one value of
several rows. FORMAT is Python's, and may be left out for words.
"""

import json
from functools import cache
from pathlib import Path

import pandas as pd

from vocoder.errors import InputError

OF_SEVERAL = ("max", "min", "median", "mean", "sum", "count")


def value(source: str) -> str:
    """Returns the text of the value that a marker names. InputError says what is wrong with it."""
    parts = [part.strip() for part in source.split(";")]
    if len(parts) not in (3, 4):
        raise InputError(f"a value is named by FILE; ROWS; COLUMN; FORMAT, and this is not: {source}")
    file, rows, column, spec = (*parts, "")[:4]
    try:
        table = read(file)
        chosen = table.query(rows, engine="python") if rows else table
        return written(_one(chosen, column), spec)
    except InputError as error:
        raise InputError(f"{error}: {source}") from None
    except (KeyError, ValueError, SyntaxError, TypeError, pd.errors.UndefinedVariableError) as error:
        raise InputError(f"{' '.join(str(error).split())}; mend the marker: {source}") from None


def written(number: object, spec: str) -> str:
    """Writes a value in a format of Python's, with a true minus sign and a space before the percent sign."""
    return format(number, spec).replace("-", "−").replace("%", " %") if spec else str(number)


@cache
def read(file: str) -> pd.DataFrame:
    """Reads a table. Paths are relative to the repository's root."""
    name, _, inside = file.partition("#")
    paths = sorted(Path().glob(name))
    if not paths:
        raise InputError(f"there is no file {name}; name a committed table")
    if all(path.suffix == ".csv" for path in paths):
        return pd.concat([pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in paths])
    contents = [json.loads(path.read_text()) for path in paths]
    return pd.concat([pd.json_normalize(content[inside] if inside else content) for content in contents])


def _one(table: pd.DataFrame, column: str) -> object:
    how, of, rest = column.partition(" of ")
    if of and how not in OF_SEVERAL:
        raise InputError(f"one of {', '.join(OF_SEVERAL)} stands before `of`, not {how}")
    values = table.eval(rest if of else column, engine="python")
    if of:
        return getattr(values, how)()
    if len(values) != 1:
        raise InputError(f"one row must be chosen, and these are {len(values)}; say `max of` or narrow the rows")
    return values.iloc[0]
