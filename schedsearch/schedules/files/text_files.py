"""Text files: JSON and tables."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import KEYS, Read, describe, numbers_of_file, one_line
from schedsearch.schedules.files.writing import JSON_SCHEMA
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import read_bounded


def read_json(path: str | Path) -> Read:
    """Reads an object with "betas", or a list."""
    content = json_content(path)
    betas = content.get("betas") if isinstance(content, dict) else content
    if not isinstance(betas, list):
        raise InputError(f'{path}: expected "betas": [numbers], got {describe(betas)}')
    if isinstance(content, list):
        kind = "a JSON list"
    else:
        kind = f"JSON with provenance, schema {JSON_SCHEMA}" if content.get("provenance") else "a JSON object"
    return numbers_of_file(betas, path), kind, ()


def json_content(path: str | Path) -> dict[str, Any] | list[Any]:
    """Parses an object of our schema or without a schema, or a list."""
    try:
        content = json.loads(read_bounded(path))
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: not JSON: {one_line(error)}") from error
    if isinstance(content, list):
        return content
    if not isinstance(content, dict) or content.get("schema", JSON_SCHEMA) != JSON_SCHEMA:
        raise InputError(
            f'{path}: expected a list of numbers or an object with "schema": {JSON_SCHEMA}; '
            "other schemas are not read"
        )
    return content


def read_csv(path: str | Path) -> Read:
    """Reads the column named beta, or the only column of a table without a header."""
    try:
        text = read_bounded(path).decode("utf-8-sig")
        mark = _delimiter(text)
        rows = [row for row in csv.reader(io.StringIO(text), delimiter=mark) if row]
        if not rows:
            raise ValueError("it is empty")
        return np.array([_number(value, mark) for value in _beta_column(rows)]), "a table", ()
    except InputError:
        raise
    except (ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a column named beta with one number a row: {one_line(error)}"
        ) from error


def _delimiter(text: str) -> str:
    """Returns the delimiter in the first line; spreadsheets write semicolons where a comma is the decimal point."""
    first = text.split("\n", 1)[0]
    return next((mark for mark in (";", "\t") if mark in first), ",")


def _number(text: str, mark: str) -> float:
    """Reads a number whose decimal point may be a comma, unless commas delimit cells."""
    return float(text if mark == "," else text.replace(",", ".", 1))


def _beta_column(rows: list[list[str]]) -> list[str]:
    header = [name.strip().lower() for name in rows[0]]
    name = next((name for name in KEYS if name in header), None)
    if name is not None:
        if header.count(name) > 1:
            raise ValueError(f"{name} stands {header.count(name)} times; keep one")
        if any(len(row) <= header.index(name) for row in rows):
            raise ValueError("a row is shorter than the header")
        if any(cell.strip() for row in rows for cell in row[len(header) :]):
            raise ValueError("a row is longer than the header; with decimal commas put semicolons between columns")
        return [row[header.index(name)] for row in rows[1:]]
    if len(header) != 1:
        raise ValueError(f"columns are {', '.join(header)[:80]}")
    return [row[0] for row in rows]
