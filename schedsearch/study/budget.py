"""BUDGET=: how long a search may go on, in minutes, candidates or network evaluations."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal

from schedsearch.evaluation.draws import FEW_STEPS, SHORT
from vocoder.errors import InputError

MOST = ((FEW_STEPS, 80), (SHORT, 60), (math.inf, 40))  # most steps, and candidates of a search without a budget
OPEN = "auto"  # how such a budget is stored
_UNITS = {"min": "minutes", "candidates": "candidates", "calls": "calls"}


@dataclass(frozen=True)
class Budget:
    """An amount of "minutes", "candidates" or "calls" (network evaluations)."""

    amount: float
    unit: str
    is_open: bool = False  # the search ends before, where nothing is left to gain

    def used(self, *, seconds: float, candidates: int, calls: int) -> float:
        """Returns the spent part, 0 to 1 and beyond."""
        spent = {"minutes": seconds / 60, "candidates": candidates, "calls": calls}[self.unit]
        return spent / self.amount

    def __str__(self) -> str:
        """Returns what `parse_budget` reads, or OPEN."""
        if self.is_open:
            return OPEN
        unit = {full: short for short, full in _UNITS.items()}[self.unit]
        return f"{Decimal(repr(self.amount)).normalize():f}{unit}"  # never 1e+06, which parse_budget refuses


def default_budget(iterations: int) -> Budget:
    """Returns the budget of a search that was given none: it ends where nothing is left to gain, or at MOST candidates.
    """
    most = next(candidates for steps, candidates in MOST if iterations <= steps)
    return Budget(most, "candidates", is_open=True)


def parse_budget(text: str, *, name: str = "BUDGET") -> Budget:
    """Reads `10min` (or `0.5min`), `300candidates` or `50000calls`; raises InputError for anything else."""
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+(?=\s*min))?)\s*(min|candidates|calls)\s*", text)
    if not match or not 0 < float(match[1]) <= 1e9:
        raise InputError(
            f"{name} must be a positive number of min or a whole one of candidates or calls, and is {text!r}; "
            "give one such as 10min, 300candidates or 50000calls"
        )
    return Budget(float(match[1]), _UNITS[match[2]])
