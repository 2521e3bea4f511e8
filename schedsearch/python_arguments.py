"""What is passed to the Python interface -> checked values: no table and no audio comes of what is none."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from schedsearch.arguments import whole_number
from schedsearch.evaluation.draws import MOST_DRAWS
from vocoder.audio.reading import LOUDEST, Clip
from vocoder.errors import InputError

MOST_SEED = 2**31 - 1


def text(value: object, name: str, example: str) -> str:
    """A string that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be text, and is {value!r}; give such as {example!r}")
    return value


def folder(value: object, name: str) -> Path:
    """A path."""
    if not isinstance(value, str | Path) or value == "":  # Path("") would be the working directory
        raise InputError(f"{name} must be a path, and is {value!r}; give a folder's")
    return Path(value)


def names_of(value: object) -> list[str]:
    """Of metrics, one at least."""
    names = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"metrics must be a list of names, and is {value!r}; give such as ['pesq', 'lsd']")
    return [str(name) for name in names]  # of an array's too


def whole(value: object, name: str, *, least: int, most: int) -> int:
    """A whole number, NumPy's too, in [least, most]."""
    return whole_number(str(value), name, least=least, most=most)  # so that 1.5 and True are none


def seed_of(value: object) -> int:
    """Of the noise and of what is chosen at random."""
    return whole(value, "seed", least=0, most=MOST_SEED)


def draws_of(value: object) -> range:
    """Of noise for each clip."""
    return range(whole(value, "draws", least=1, most=MOST_DRAWS))


def clips_of(value: object, sample_rate: int) -> Sequence[Clip]:
    """A caller's own: one at least, at the voice's rate, no name twice (a clip's noise is drawn for its name)."""
    if not isinstance(value, Sequence) or not value or not all(isinstance(clip, Clip) for clip in value):
        raise InputError("clips must be 'held_out', 'search' or a list of Clips, one at least; give one of them")
    names = [clip.name for clip in value]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"clips must have names of their own, and {twice[0]!r} stands twice; drop or rename one")
    for clip in value:
        if clip.sample_rate != sample_rate:
            raise InputError(
                f"clip {clip.name}: {clip.sample_rate} Hz, the vocoder needs {sample_rate} Hz; resample it"
            )
    return value


def sound(value: object) -> Tensor:
    """Audio [samples] in -1..1 or a mel [n_mels, frames], float32, of an array or tensor of floating-point numbers."""
    if not isinstance(value, Tensor | np.ndarray):
        raise InputError(
            f"source must be a Clip, a path, audio or a mel, and is a {type(value).__name__}; give one of them"
        )
    floats = value.is_floating_point() if isinstance(value, Tensor) else value.dtype.kind == "f"
    if not floats:
        raise InputError(f"audio and mels must be floating-point numbers, and are {value.dtype}; scale audio to -1..1")
    if value.ndim == 1 and not len(value):
        raise InputError("audio must hold a sample at least, and is empty; give some")
    found = value.detach().float() if isinstance(value, Tensor) else torch.from_numpy(_native(value))
    peak = float(found.abs().max()) if found.dim() == 1 else 0.0
    if peak > LOUDEST:
        raise InputError(f"audio must lie in -1..1, and its peak is {peak:g}; scale it down")
    return found


def _native(array: "np.ndarray[Any, Any]") -> "np.ndarray[Any, np.dtype[np.float32]]":
    """A view may run backwards and have another machine's byte order, which torch does not take."""
    return np.array(array, dtype=np.float32, order="C")
