"""Scores clips by a user's own metric. Whatever its function does wrong is a Failure of one line."""

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

from schedsearch.metrics.catalogue import Definition, Setup
from schedsearch.metrics.clips import Samples
from schedsearch.metrics.failure import Failure
from schedsearch.metrics.measuring import Measure, Measured, Pair, Value, of_pairs
from schedsearch.metrics.own import OwnMetric, own_metric, told
from schedsearch.metrics.processes import spread
from vocoder.errors import InputError

# A disk that is full, and the like, are no fault of the clip: a stored failure would stand for ever.
OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO)
LARGEST = 1e100  # of a metric's values: squares of larger ones overflow in variances
NOT_FINITE = Failure("estimate has NaN or infinite samples")


def definition(own: OwnMetric) -> Definition:
    """Returns the definition of a user's metric, for a voice to be bound to."""
    bind = _in_batches if own.batch else _clip_by_clip
    return Definition(
        own.name,
        own.unit,
        own.direction,
        own.summary,
        lambda setup: bind(own, setup),
        function=own.reference,
        source=own.source,
    )


def _clip_by_clip(own: OwnMetric, setup: Setup) -> Measure:
    def scorer(pairs: list[Pair]) -> list[Value]:
        call = _Call(own.reference, own.folder, own.source, setup.sample_rate)
        calls = [(call, _array(reference), _array(estimate)) for reference, estimate in pairs]
        return spread(_score, calls, setup.jobs)

    return of_pairs(scorer)


@dataclass(frozen=True)
class _Call:
    """What another process needs beside two clips."""

    reference: str  # package.module:function
    folder: str
    source: str
    sample_rate: int


def _array(audio: Tensor) -> Samples:
    samples: Samples = audio.detach().cpu().float().numpy()
    return samples


def _score(call: _Call, reference: Samples, estimate: Samples) -> Value:
    own = own_metric(call.reference, call.folder)  # another process has to import it
    if own.source != call.source:
        raise InputError(
            f"the file of metric {call.reference} changed meanwhile; give the same command again, in Python after "
            "a new start of it"
        )
    if not np.isfinite(estimate).all():
        return NOT_FINITE
    # Copies, which the function may write into.
    return _value(own, lambda: own.function(reference.copy(), estimate.copy(), call.sample_rate))


@dataclass(frozen=True)
class _in_batches:  # noqa: N801 - a function that keeps what it wraps
    """Measures all clips of a candidate in one call, in this process and on the vocoder's device."""

    own: OwnMetric
    setup: Setup

    def __call__(self, references: Tensor, estimates: Tensor) -> Measured:
        """Returns values [candidate][clip]."""
        return [self._of_candidate(references, estimate) for estimate in estimates]

    def _of_candidate(self, references: Tensor, estimate: Tensor) -> list[Value]:
        if estimate.isfinite().all():
            with suppress(Exception, SystemExit):
                values = _numbers(self._called(references, estimate))
                if values.shape == (len(references),) and (abs(values) <= LARGEST).all():
                    return [float(value) for value in values]
        # Clip by clip, to tell which of them it is.
        return [self._of_clip(references[k : k + 1], estimate[k : k + 1]) for k in range(len(references))]

    def _of_clip(self, reference: Tensor, estimate: Tensor) -> Value:
        if not estimate.isfinite().all():
            return NOT_FINITE
        return _value(self.own, lambda: self._called(reference, estimate))

    def _called(self, references: Tensor, estimate: Tensor) -> Any:
        return self.own.function(references.clone(), estimate.clone(), self.setup.sample_rate)


def _value(own: OwnMetric, call: Callable[[], Any]) -> Value:
    try:
        answer = call()
    except (Exception, SystemExit) as error:  # whatever the user's function does
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in OF_THE_MACHINE:
            raise InputError(
                f"metric {own.name} could not be computed ({told(error)}); mend that and give the same command again"
            ) from error
        return Failure(f"{own.name}: {told(error)}")
    try:
        number = _numbers(answer)
    except (TypeError, ValueError):
        return Failure(f"{own.name} must return a number for each clip, and returned a {type(answer).__name__}")
    if number.size != 1:
        shape = list(number.shape)
        return Failure(f"{own.name} must return a number for each clip, and returned an array of shape {shape}")
    value = float(number.reshape(()))
    if abs(value) <= LARGEST:  # NaN is not
        return value
    return Failure(f"{own.name} is {value:g}, no number up to {LARGEST:g}")


def _numbers(answer: Any) -> "np.ndarray[Any, np.dtype[np.float64]]":
    if answer is None:
        raise TypeError("no number")
    return np.asarray(answer.detach().cpu() if isinstance(answer, Tensor) else answer, dtype=np.float64)
