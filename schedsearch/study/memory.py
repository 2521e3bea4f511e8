"""JSON values kept under a study by their keys: baselines, finalists, budgets."""

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import optuna

_REMEMBERED, _WORK = "memory ", "work "  # beginnings of stored keys


class Memory:
    """The attributes of one Optuna study, read again by `refresh`."""

    def __init__(self, study: optuna.Study, reading: Callable[[], AbstractContextManager[None]]) -> None:
        """Takes the study. Inside `reading`, errors are those of a damaged store."""
        self._study, self._reading = study, reading
        self.refresh()

    def refresh(self) -> None:
        """Reads what other processes have stored."""
        with self._reading():
            self._attributes = dict(self._study.user_attrs)

    def get(self, key: str, parse: Callable[[Any], Any]) -> Any:
        """Returns the parsed value that is stored under this very key, or None. What `parse` raises is damage."""
        with self._reading():
            return parse(self._attributes[key]) if key in self._attributes else None

    def set(self, key: str, value: Any) -> None:
        """Stores a value under this very key."""
        self._study.set_user_attr(key, value)
        self._attributes[key] = value

    def starting_with(self, prefix: str) -> dict[str, Any]:
        """Returns the values of all keys that start so, by the rest of the key."""
        stored = self._attributes
        return {key.removeprefix(prefix): stored[key] for key in stored if key.startswith(prefix)}

    def remember(self, key: str, value: Any) -> None:
        """Stores a value for `recall`."""
        self.set(f"{_REMEMBERED}{key}", json.dumps(value))

    def recall(self, key: str, parse: Callable[[Any], Any] = lambda value: value) -> Any:
        """Returns what `remember` stored under the key, or None. What `parse` raises is damage."""
        return self.get(f"{_REMEMBERED}{key}", lambda stored: _parsed(stored, parse))

    def forget(self, beginning: str) -> None:
        """Forgets what `remember` stored under all keys that start so."""
        for rest in self.starting_with(f"{_REMEMBERED}{beginning}"):
            self.remember(f"{beginning}{rest}", None)

    def work(self) -> tuple[float, int]:
        """Returns the seconds and network evaluations that strategies of earlier versions spent beside scoring."""
        entries = self.starting_with(_WORK).values()
        with self._reading():
            return sum(float(entry[0]) for entry in entries), sum(int(entry[1]) for entry in entries)


def _parsed(stored: str, parse: Callable[[Any], Any]) -> Any:
    value = json.loads(stored)
    return None if value is None else parse(value)
