"""Text files: JSON, tables, and lists as Python prints them and as YAML has them."""

import codecs
import csv
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.schedules.files.numbers import Read, betas_of, describe, is_key, numbers_of_file
from schedsearch.schedules.files.writing import JSON_SCHEMA
from schedsearch.schedules.schedule import Array
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import read_bounded

_COMMENTS = ("#", "//", "%", "---")  # the last begins a YAML document
# A list as Python, NumPy and torch print it and as YAML has it: betas = [...], tensor([...], dtype=torch.float64)
_LIST = re.compile(r"(?:---)?([\w\s.=:(]*)\[([^][]*)\](?:,?\s*dtype=[\w.]+)?[\s);,]*")
_NAME = re.compile(r"\b(\w+)\s*[=:]")
_DECIMAL_COMMA = re.compile(r"\d+,\d+(e[+-]?\d+)?", re.IGNORECASE)


def read_json(path: str | Path) -> Read:
    """Reads an object with "betas" or "beta", a list, or a list of such objects."""
    content = json_content(path)
    betas = betas_of(content, f"{path}: ")[1] if isinstance(content, dict) else content
    if isinstance(betas, list) and betas and all(isinstance(row, dict) for row in betas):
        betas = [betas_of(row, f"{path}: ")[1] for row in betas]
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
        raise InputError(f"{path} must be JSON, and is not ({reason_of(error)}); give a schedule file") from error
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
        [(twice, times)] = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"{twice!r} stands {times} times in one object; keep one")
    return content


def read_table(path: str | Path) -> Read:
    """Reads the column or the row named beta; without a name the only one, also beside the numbers of the steps."""
    data = read_bounded(path)
    try:
        text = _text(data)
        if whole := _LIST.fullmatch(text):
            if (names := _NAME.findall(whole[1])) and not is_key(names[-1]):
                betas_of({names[-1]: None})  # raises, as for a dict of this one key
            return _floats(re.split(r"[\s,;]+", whole[2].strip(" \t\r\n,;"))), "a list", ()
        return _floats(_betas(*_rows(text))), "a table", ()
    except (ValueError, IndexError, csv.Error) as error:
        raise InputError(
            f"{path}: expected a column named beta with one number a row, or one row: {reason_of(error)}"
        ) from error


def _text(data: bytes) -> str:
    """Decodes UTF-8, Windows' UTF-16, or else Latin-1, which comments may be written in: numbers are alike in all."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    if b"\0" in data:
        raise ValueError("it has NUL bytes; save it as text in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _rows(text: str) -> tuple[list[list[str]], str]:
    """Returns the rows that are not blank, without blank cells at their ends, and the delimiter.

    Excel may name the delimiter in a first line such as `sep=;`. NumPy's savetxt writes its header behind a #; what
    else stands behind one is a comment. YAML begins an item with a dash."""
    lines = [re.sub(r"^\s*-\s+", "", line) for line in text.splitlines() if line.strip()]
    named = re.fullmatch(r'\s*"?sep=(.)"?\s*', lines[0], re.IGNORECASE) if lines else None
    lines = lines[1:] if named else lines
    data = [line.partition("#")[0] for line in lines if not line.lstrip().startswith(_COMMENTS)]
    mark = named[1] if named else _delimiter(data)
    rows = _cells(data, mark)
    if rows and lines[0].lstrip().startswith(_COMMENTS):
        header = _cells([lines[0].lstrip("#/%- ")], mark)
        if header and len(header[0]) == len(rows[0]) and any(map(is_key, header[0])):
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


def _floats(cells: list[str]) -> Array:
    """Reads numbers; a comma that is left in a cell is a decimal one."""
    return np.array([float(cell.replace(",", ".", 1)) for cell in cells])


def _betas(rows: list[list[str]], mark: str) -> list[str]:
    named_row = next((row for row in rows if is_key(row[0]) and len(row) > 1 and _is_number(row[1])), None)
    if named_row:
        return named_row[1:]
    header, numbers = rows[0], rows[1:]
    columns = [column for column, name in enumerate(header) if is_key(name)]
    if not columns:
        return header if len(rows) == 1 else _unnamed(rows, mark)
    if len(columns) > 1:
        raise ValueError(f"{header[columns[0]]} stands {len(columns)} times; keep one")
    if len(header) == 1 and (joined := _decimal_commas(numbers, mark)):
        return joined
    if any(len(row) <= columns[0] for row in numbers):
        raise ValueError("a row is shorter than the header")
    if any(len(row) > len(header) for row in numbers):
        raise ValueError("a row is longer than the header; with decimal commas put semicolons between columns")
    return [row[columns[0]] for row in numbers]


def _unnamed(rows: list[list[str]], mark: str) -> list[str]:
    """Returns the only column of rows without a name for it, or the one beside the numbers of the steps."""
    rows = rows if rows[0][0] else rows[1:]  # pandas leaves the name of its index blank
    wide = [row for row in rows if len(row) > 1]
    if not wide:
        return [row[0] for row in rows]
    first = [row[0] for row in rows]
    if {len(row) for row in rows} == {2} and first in [[str(n + k) for n in range(len(rows))] for k in (0, 1)]:
        return [row[1] for row in rows]
    if joined := _decimal_commas(rows, mark):
        return joined
    raise ValueError(f"columns are {', '.join(wide[0])[:80]}; call the right one beta")


def _decimal_commas(rows: list[list[str]], mark: str) -> list[str]:
    """Joins the halves of numbers with a decimal comma, if all rows are such numbers."""
    joined = [",".join(row) for row in rows] if mark == "," else []
    return joined if all(_DECIMAL_COMMA.fullmatch(number) for number in joined) else []


def _is_number(text: str) -> bool:
    try:
        return bool(_floats([text]).size)
    except ValueError:
        return False
