"""Validates arguments of the Python interface. It stands apart from `arguments` because it needs torch."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from schedsearch.arguments import MOST_SEED, whole_number
from schedsearch.evaluation.draws import MOST_DRAWS
from vocoder.audio.reading import LOUDEST, Clip
from vocoder.errors import InputError


def text(value: object, name: str, example: str) -> str:
    """Returns a string that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be text, and is {value!r}; give such as {example!r}")
    return value


def folder(value: object, name: str) -> Path:
    """Returns a path."""
    if not isinstance(value, str | Path) or value == "":  # Path("") would be the working directory
        raise InputError(f"{name} must be a path, and is {value!r}; give a folder's")
    return Path(value)


def names_of(value: object) -> list[str]:
    """Returns the names of metrics, at least one."""
    names = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise InputError(f"metrics must be a list of names, and is {value!r}; give such as ['pesq', 'lsd']")
    return [str(name) for name in names]  # NumPy's strings too


def whole(value: object, name: str, *, least: int, most: int) -> int:
    """Returns a whole number, NumPy's too, in [least, most]."""
    return whole_number(str(value), name, least=least, most=most)  # as text 1.5 and True are refused


def seed_of(value: object) -> int:
    """Returns the seed of the noise and of random choices."""
    return whole(value, "seed", least=0, most=MOST_SEED)


def draws_of(value: object) -> range:
    """Returns the draws of noise for each clip."""
    return range(whole(value, "draws", least=1, most=MOST_DRAWS))


def clips_of(value: object, sample_rate: int) -> Sequence[Clip]:
    """Returns a caller's clips: one at least, at the voice's rate, with names that differ, since names seed noise."""
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
    """Returns audio [samples] in -1..1 or a mel [n_mels, frames], as float32, from a floating-point array or tensor."""
    if not isinstance(value, Tensor | np.ndarray):
        raise InputError(
            f"source must be a Clip, a path, audio or a mel, and is a {type(value).__name__}; give one of them"
        )
    floats = value.is_floating_point() if isinstance(value, Tensor) else value.dtype.kind == "f"
    if not floats:
        raise InputError(f"audio and mels must be floating-point numbers, and are {value.dtype}; scale audio to -1..1")
    if value.ndim == 1 and not len(value):
        raise InputError("audio must hold a sample at least, and is empty; give some")
    if isinstance(value, Tensor):
        tensor = value.detach().float()
    else:  # copied: a view may run backwards or have another machine's byte order, which torch does not take
        tensor = torch.from_numpy(np.array(value, dtype=np.float32, order="C"))
    peak = float(tensor.abs().max()) if tensor.dim() == 1 else 0.0
    if peak > LOUDEST:
        raise InputError(f"audio must lie in -1..1, and its peak is {peak:g}; scale it down")
    return tensor
