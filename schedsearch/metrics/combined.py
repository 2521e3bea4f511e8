"""Adds up metrics, for a search that no metric alone should decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.measuring import Measure, Measured, Value


@dataclass(frozen=True)
class of_sum:  # noqa: N801 - a function that keeps its parts
    """Measures a constant + a weighted sum of measures. A clip that fails in one part fails, for the first reason."""

    constant: float
    parts: tuple[tuple[float, Measure], ...]  # weight, measure

    def __call__(self, references: Tensor, estimates: Tensor) -> Measured:
        """Returns values [candidate][clip]."""
        values = [measure(references, estimates) for _, measure in self.parts]  # [part][candidate][clip]
        return [[self._added(clip) for clip in zip(*rows, strict=True)] for rows in zip(*values, strict=True)]

    def _added(self, values: Sequence[Value]) -> Value:
        total = 0.0
        for (weight, _), value in zip(self.parts, values, strict=True):
            if isinstance(value, Failure):
                return value
            total += weight * value
        return self.constant + total
