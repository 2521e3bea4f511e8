"""Turns functions of clips into measures of all candidates at once, with a Failure where there is no number."""

from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.pitch import PitchTrack, Tracker

Pair: TypeAlias = tuple[Tensor, Tensor]  # reference, estimate, [samples] each
Value: TypeAlias = float | Failure
Measured: TypeAlias = list[list[Value]]  # [candidate][clip]
Measure: TypeAlias = Callable[[Tensor, Tensor], Measured]  # references [K, samples], estimates [C, K, samples]


def of_batches(distance: Callable[[Tensor, Tensor], Tensor]) -> Measure:
    """Returns the measure of a function of [..., samples] each -> [...] whose leading dimensions broadcast."""

    def measure(references: Tensor, estimates: Tensor) -> Measured:
        values = distance(references, estimates).double().cpu()
        finite = (references.isfinite().all(-1) & estimates.isfinite().all(-1)).cpu()
        return [[_value(v, f) for v, f in zip(*row, strict=True)] for row in zip(values, finite, strict=True)]

    return measure


class remembering:  # noqa: N801 - a function that keeps its last values
    """Measures by a slow measure that several metrics share, and remembers the values of the last two tensors.

    The tensors must be the same objects, and nothing may have written into them meanwhile.
    """

    def __init__(self, measure: Measure) -> None:
        self._measure = measure
        self._last: tuple[Tensor, Tensor, Measured] | None = None

    def __call__(self, references: Tensor, estimates: Tensor) -> Measured:
        """Returns values [candidate][clip]."""
        last = self._last
        if last is None or last[0] is not references or last[1] is not estimates:
            last = self._last = references, estimates, self._measure(references, estimates)
        return last[2]


def of_pairs(scorer: Callable[[list[Pair]], list[Value]]) -> Measure:
    """Returns the measure of a function of many pairs of clips."""

    def measure(references: Tensor, estimates: Tensor) -> Measured:
        clips = len(references)
        scores = scorer([(references[k], row[k]) for row in estimates for k in range(clips)])
        return [scores[i : i + clips] for i in range(0, len(scores), clips)]

    return measure


def of_clips(score: Callable[[Tensor, Tensor], Value]) -> Measure:
    """Returns the measure of a function of two clips [samples]."""
    return of_pairs(lambda pairs: [score(*pair) for pair in pairs])


def of_tracks(tracker: Tracker, compare: Callable[[PitchTrack, PitchTrack], Value]) -> Measure:
    """Returns the measure of a function of two pitch tracks."""

    def scorer(pairs: list[Pair]) -> list[Value]:
        tracks = tracker([clip for pair in pairs for clip in pair])
        return [_compared(compare, *both) for both in zip(tracks[::2], tracks[1::2], strict=True)]

    return of_pairs(scorer)


def _value(value: Tensor, finite: Tensor) -> Value:
    if torch.isfinite(value):
        return float(value)
    return Failure(f"it is {float(value)}: a clip is silent" if finite else "audio has NaN or infinite samples")


def _compared(
    compare: Callable[[PitchTrack, PitchTrack], Value],
    reference: PitchTrack | Failure,
    estimate: PitchTrack | Failure,
) -> Value:
    if isinstance(reference, Failure):
        return Failure(f"reference: {reference.reason}")
    if isinstance(estimate, Failure):
        return Failure(f"estimate: {estimate.reason}")
    return compare(reference, estimate)
