"""Text files: JSON and tables."""

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import KEYS, Read, describe, key_of, numbers_of_file
from schedsearch.schedules.files.writing import JSON_SCHEMA
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import read_bounded


def read_json(path: str | Path) -> Read:
    """Reads an object with "betas" or "beta", or a list."""
    content = json_content(path)
    betas = content.get(key_of(content, f"{path}: ") or "betas") if isinstance(content, dict) else content
    if not isinstance(betas, list):
        raise InputError(f'{path}: expected "betas": [numbers], got {describe(betas)}')
    if isinstance(content, list):
        kind = "a JSON list"
    else:
        kind = f"JSON with provenance, schema {JSON_SCHEMA}" if content.get("provenance") else "a JSON object"
    return numbers_of_file(betas, path), kind, ()


def json_content(path: str | Path) -> dict[str, Any] | list[Any]:
    """Parses an object of our schema or without a schema, or a list; InputError if an object has one key twice."""
    data = read_bounded(path)
    try:
        content = json.loads(data, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not JSON: {reason_of(error)}") from error
    if isinstance(content, list):
        return content
    if not isinstance(content, dict) or content.get("schema", JSON_SCHEMA) != JSON_SCHEMA:
        raise InputError(
            f'{path}: expected a list of numbers or an object with "schema": {JSON_SCHEMA}; other schemas are not read'
        )
    return content


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"{twice!r} stands {keys.count(twice)} times in one object; keep one")
    return content


def read_csv(path: str | Path) -> Read:
    """Reads the column named beta; without a header the only column, or the only row."""
    data = read_bounded(path)
    try:
        rows, mark = _rows(data.decode("utf-8-sig"))
        return np.array([_number(value, mark) for value in _betas(rows)]), "a table", ()
    except (ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a column named beta with one number a row, or one row: {reason_of(error)}"
        ) from error


def _rows(text: str) -> tuple[list[list[str]], str]:
    """Returns the rows that are not blank, without blank cells at their ends, and the delimiter.

    Excel may name the delimiter in a first line such as `sep=;`. NumPy's savetxt writes its header behind a #; other
    lines with a # are comments."""
    lines = [line for line in text.splitlines() if line.strip()]
    named = re.fullmatch(r'\s*"?sep=(.)"?\s*', lines[0], re.IGNORECASE) if lines else None
    lines = lines[1:] if named else lines
    data = [line for line in lines if not line.lstrip().startswith("#")]
    mark = named[1] if named else _delimiter(data)
    rows = _cells(data, mark)
    if rows and lines[0] != data[0]:
        header = _cells([lines[0].lstrip("# ")], mark)
        if header and len(header[0]) == len(rows[0]) and _beta_key(header[0]):
            rows = header + rows
    if not rows:
        raise ValueError("it is empty")
    return rows, mark


def _delimiter(lines: list[str]) -> str:
    """Returns the delimiter; spreadsheets write semicolons where a comma is the decimal point."""
    mark = next((mark for mark in (";", "\t") if lines and mark in lines[0]), None)
    return mark or ("," if any("," in line for line in lines) else " ")


def _cells(lines: list[str], mark: str) -> list[list[str]]:
    rows = (line.split() for line in lines) if mark == " " else csv.reader(lines, delimiter=mark)
    trimmed = ([cell.strip() for cell in row] for row in rows)
    return [row[: max(i for i, cell in enumerate(row) if cell) + 1] for row in trimmed if any(row)]


def _number(text: str, mark: str) -> float:
    """Reads a number whose decimal point may be a comma, unless commas delimit cells."""
    return float(text if mark == "," else text.replace(",", ".", 1))


def _beta_key(header: list[str]) -> str | None:
    names = [name.lower() for name in header]
    return next((key for key in KEYS if key in names), None)


def _betas(rows: list[list[str]]) -> list[str]:
    header = [name.lower() for name in rows[0]]
    key = _beta_key(header)
    if key is None:
        if len(rows) == 1:
            return rows[0]
        if wide := [row for row in rows if len(row) > 1]:
            raise ValueError(f"columns are {', '.join(wide[0])[:80]}")
        return [row[0] for row in rows]
    if header.count(key) > 1:
        raise ValueError(f"{key} stands {header.count(key)} times; keep one")
    if any(len(row) <= header.index(key) for row in rows):
        raise ValueError("a row is shorter than the header")
    if any(len(row) > len(header) for row in rows):
        raise ValueError("a row is longer than the header; with decimal commas put semicolons between columns")
    return [row[header.index(key)] for row in rows[1:]]
