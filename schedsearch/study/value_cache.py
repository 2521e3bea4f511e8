"""Stores measured values in a file of JSON lines that survives being stopped at any moment."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vocoder.errors import InputError


class ValueCache:
    """Key -> JSON values by name. Lines are only ever added; the last line that has a name decides.

    A line is written whole and flushed to the disk. A torn line is passed over: its values are measured again.
    """

    def __init__(self, path: Path, field: str = "values") -> None:
        """Reads the file if there is one, with the values under `field`; InputError where it cannot be read."""
        self._path, self._field = path, field
        self._values: dict[str, dict[str, Any]] = {}
        for line in self._lines():
            self._take(line)

    def get(self, key: str) -> Mapping[str, Any]:
        """Returns all values of the key; {} where there are none."""
        return self._values.get(key, {})

    def add(self, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Stores values by key and name; InputError where they cannot be written."""
        lines = [json.dumps({"key": key, self._field: dict(values)}) for key, values in entries.items()]
        content = "".join(f"{line}\n" for line in lines)
        try:
            with self._path.open("ab") as file:
                # One write. After a torn line it begins a new one, or the torn line would spoil it.
                file.write(("\n" + content if self._is_torn() else content).encode())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            reason = f"cannot write {str(self._path)!r}: {error.strerror}"
            raise InputError(f"{reason}; mend its rights, or make room") from error
        for key, values in entries.items():
            self._values.setdefault(key, {}).update(values)

    def _lines(self) -> list[bytes]:
        try:
            return self._path.read_bytes().splitlines() if self._path.exists() else []
        except OSError as error:
            reason = f"cannot read {str(self._path)!r}: {error.strerror}"
            raise InputError(f"{reason}; move it away to begin anew") from error

    def _take(self, line: bytes) -> None:
        try:
            entry = json.loads(line)
            self._values.setdefault(str(entry["key"]), {}).update(dict(entry[self._field]))
        except (ValueError, TypeError, LookupError, RecursionError):  # torn, or not a line of ours
            return

    def _is_torn(self) -> bool:
        with self._path.open("rb") as file:
            if file.seek(0, os.SEEK_END) == 0:
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"
