"""Weighted sums of metrics: for a search that no metric alone should decide."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.measuring import Distance, Measure, Measured, Value, of_batches


@dataclass(frozen=True)
class of_sum:  # noqa: N801 - a function that keeps what it adds up
    """constant + the weighted sum of measures; a clip that fails in one of them fails, with the first's reason."""

    constant: float
    parts: tuple[tuple[float, Measure], ...]  # weight, measure

    def __call__(self, references: Tensor, estimates: Tensor) -> Measured:
        """[candidate][clip]."""
        found = [measure(references, estimates) for _, measure in self.parts]  # [part][candidate][clip]
        weights = [weight for weight, _ in self.parts]
        return [[self._added(weights, clip) for clip in zip(*rows, strict=True)] for rows in zip(*found, strict=True)]

    @property
    def distance(self) -> Distance | None:
        """The differentiable parts alone, so that strategies with a gradient serve the sum as well; None without any.

        What such a strategy proposes is scored by the whole sum.
        """
        able = [(weight, measure.distance) for weight, measure in self.parts if isinstance(measure, of_batches)]
        if not able:
            return None

        def added(reference: Tensor, estimate: Tensor) -> Tensor:
            first, *others = [weight * distance(reference, estimate) for weight, distance in able]
            return sum(others, start=first)

        return added

    def _added(self, weights: Sequence[float], values: Sequence[Value]) -> Value:
        failure = next((value for value in values if isinstance(value, Failure)), None)
        if failure is not None:
            return failure
        numbers = [value for value in values if not isinstance(value, Failure)]
        return self.constant + sum(weight * value for weight, value in zip(weights, numbers, strict=True))
