"""JSON values kept under a study by their keys: baselines, finalists, budgets, what strategies measured."""

import json
from typing import Any

import optuna

_REMEMBERED, _WORK = "memory ", "work "  # beginnings of stored keys


class Memory:
    """The attributes of one Optuna study, read again by `refresh`."""

    def __init__(self, study: optuna.Study) -> None:
        self._study = study
        self.refresh()

    def refresh(self) -> None:
        """Reads what other processes have stored."""
        self._attributes = dict(self._study.user_attrs)

    def get(self, key: str) -> Any:
        """Returns the value stored under this very key, or None."""
        return self._attributes.get(key)

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

    def recall(self, key: str) -> Any:
        """Returns what `remember` stored under the key, or None."""
        stored = self.get(f"{_REMEMBERED}{key}")
        return None if stored is None else json.loads(stored)

    def remember_work(self, key: str, value: Any, *, seconds: float, network_evaluations: int) -> None:
        """Stores a value for `recall_work`, with what it cost a strategy."""
        self.set(f"{_WORK}{key}", [seconds, network_evaluations, json.dumps(value)])

    def recall_work(self, key: str) -> Any:
        """Returns the value that `remember_work` stored under the key, or None."""
        stored = self.get(f"{_WORK}{key}")
        return None if stored is None else json.loads(stored[2])

    def work(self) -> tuple[float, int]:
        """Returns the seconds and network evaluations of all remembered work."""
        entries = self.starting_with(_WORK).values()
        return sum(entry[0] for entry in entries), sum(entry[1] for entry in entries)
