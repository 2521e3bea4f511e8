"""Serves the metrics that score one clip at a time: input and refusals."""

import numpy as np
import numpy.typing as npt
from torch import Tensor

from schedsearch.metrics.failure import Failure
from schedsearch.metrics.offset import without_offset
from vocoder.audio.reading import SILENCE
from vocoder.errors import InputError

Samples = npt.NDArray[np.float32]  # [samples]


def paired(metric: str, reference: Tensor, estimate: Tensor) -> tuple[Samples, Samples]:
    """Returns both as arrays. Raises InputError unless they are [samples] of one length."""
    if reference.dim() != 1 or reference.shape != estimate.shape:
        raise InputError(
            f"{metric} compares [samples] of equal length, got {list(reference.shape)} and "
            f"{list(estimate.shape)}; cut both to the shorter"
        )
    return array(reference), array(estimate)


def array(audio: Tensor) -> Samples:
    """Returns audio in the form that other processes get, without an offset."""
    samples: Samples = without_offset(audio.detach().cpu().float()).numpy()
    return samples


def obstacle(name: str, audio: Samples) -> Failure | None:
    """Returns why no metric can judge a clip: samples that are not finite, or silence."""
    if not np.isfinite(audio).all():
        return Failure(f"{name} has NaN or infinite samples")
    if np.abs(audio).max(initial=0.0) < SILENCE:
        return Failure(f"{name} is silent, its peak is below {SILENCE}")
    return None
