"""BUDGET=: how long a search stage may go on, in minutes, candidates or network evaluations."""

import re
from dataclasses import dataclass

from vocoder.errors import InputError

_UNITS = {"min": "minutes", "candidates": "candidates", "calls": "calls"}


@dataclass(frozen=True)
class Budget:
    """An amount of one unit: "minutes", "candidates" or "calls" (network evaluations)."""

    amount: float
    unit: str

    def used(self, *, seconds: float, candidates: int, calls: int) -> float:
        """The spent part, 0 to 1 and beyond."""
        spent = {"minutes": seconds / 60, "candidates": candidates, "calls": calls}[self.unit]
        return spent / self.amount

    def __str__(self) -> str:
        """As a user writes it."""
        unit = {full: short for short, full in _UNITS.items()}[self.unit]
        return f"{self.amount:g}{unit}"


def parse_budget(text: str, *, name: str = "BUDGET") -> Budget:
    """`10min`, `300candidates` or `50000calls`."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(min|candidates|calls)\s*", text)
    if not found or not 0 < float(found[1]) <= 1e9:
        raise InputError(
            f"{name} must be a positive number of min, candidates or calls, such as 10min, 300candidates or "
            f"50000calls, and is {text!r}"
        )
    return Budget(float(found[1]), _UNITS[found[2]])
