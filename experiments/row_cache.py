"""Stores rows in a CSV file that grows while a study runs, so that a stopped study goes on."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from vocoder.atomic import atomic_write


class RowCache:
    """The rows of a file as text. Every addition writes the file anew, whole or not at all."""

    def __init__(self, path: Path, number_format: str = "", **same: object) -> None:
        """Reads the file if there is one. Rows that do not have the values `same` are dropped: they are made again.

        Floats are written in `number_format`, such as ".6g"; NaN is an empty cell.
        """
        self._path, self._format = path, number_format
        self.rows: list[dict[str, str]] = []
        if path.exists() and path.read_bytes().strip():  # pandas refuses a file without a header
            rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
            self.rows = [row for row in rows if self._has(row, same)]

    def has(self, **key: object) -> bool:
        """Says whether a row has these values."""
        return any(self._has(row, key) for row in self.rows)

    def add(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Writes the rows behind those that are there."""
        self.write([*self.rows, *rows])

    def write(self, rows: Iterable[Mapping[str, object]]) -> None:
        """Writes these rows in place of all. Without rows there is no header to write, and so no file."""
        self.rows = [{name: self._text(value) for name, value in row.items()} for row in rows]
        if not self.rows:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(self._path, pd.DataFrame(self.rows).to_csv(index=False).encode())

    def _has(self, row: Mapping[str, str], key: Mapping[str, object]) -> bool:
        return all(row.get(name) == self._text(value) for name, value in key.items())

    def _text(self, value: object) -> str:
        if not isinstance(value, float):
            return str(value)
        return "" if math.isnan(value) else format(value, self._format)
