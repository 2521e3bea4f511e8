"""Reads typed values out of a foreign configuration; every complaint names the key, the value and the rule."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vocoder.errors import InputError

_LARGEST = 1_000_000  # no size or rate in a WaveGrad configuration comes near; refuses absurd allocations


@dataclass(frozen=True)
class Fields:
    """Holds a section of a configuration and its name for messages."""

    values: Mapping[str, Any]
    section: str

    def integer(self, key: str, default: int | None = None) -> int:
        """Returns a positive whole number; 3.0 counts as one."""
        return self._whole(key, self._get(key, default))

    def number(self, key: str, default: float | None = None) -> float:
        """Returns a finite number."""
        value = self._get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _LARGEST:
            raise self._wrong(key, value, "a number")
        return float(value)

    def integers(self, key: str) -> tuple[int, ...]:
        """Returns a list of 1 to 16 positive whole numbers."""
        return tuple(self._whole(key, item) for item in self._items(key, "a list of 1 to 16 whole numbers"))

    def integer_rows(self, key: str) -> tuple[Any, ...]:
        """Returns a list of 1 to 16 lists of positive whole numbers."""
        rows = self._items(key, "a list of lists of whole numbers")
        return tuple(Fields({key: row}, self.section).integers(key) for row in rows)

    def _items(self, key: str, rule: str) -> list[Any] | tuple[Any, ...]:
        value = self._get(key, None)
        if not isinstance(value, list | tuple) or not 1 <= len(value) <= 16:
            raise self._wrong(key, value, rule)
        return value

    def _get(self, key: str, default: Any) -> Any:
        value = self.values.get(key, default)
        if value is None:
            raise InputError(f"{self.section} needs {key}, and has none; take it from the one it was trained with")
        return value

    def _whole(self, key: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
            raise self._wrong(key, value, "a positive whole number")
        if not 0 < value <= _LARGEST:
            raise self._wrong(key, value, f"between 1 and {_LARGEST}")
        return int(value)

    def _wrong(self, key: str, value: Any, rule: str) -> InputError:
        shown = repr(value)[:60]
        return InputError(f"{self.section}.{key} must be {rule}, and is {shown}; correct it in the configuration")
