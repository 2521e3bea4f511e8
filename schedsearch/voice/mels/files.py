"""Finds and reads the mel of each recording: one .npy or .pt file, matched by name."""

import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch
from torch import Tensor

from schedsearch.voice.walking import visible_files
from vocoder.audio.listed_clips import clip_name
from vocoder.audio.reading import ENDINGS
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import load_numpy_pickle, read_filled
from vocoder.safe_loading.torch_file import load_torch

LARGEST = 256 << 20  # bytes: ten minutes of 128 channels in float64 at 48 kHz take 115 MB
KINDS = (".npy", ".pt", ".pth")
_MARKS = (".spec", ".mel", "_mel")  # lmnt's preprocess writes a.wav.spec.npy
_KEYS = ("mel", "mels", "mel_spectrogram", "spectrogram", "spec")


class MelFiles:
    """The mel files below a folder, by the recordings that they belong to."""

    def __init__(self, folder: Path) -> None:
        """Lists the files. Raises InputError for a path that is not a folder, and for a folder without mels."""
        self.folder = folder
        if not os.path.isdir(folder):
            raise InputError(f"MELS must name a folder of mels, and {str(folder)!r} is not a folder; check the path")
        self._by_name: dict[str, list[Path]] = {}
        self._by_last_part: dict[str, list[Path]] = {}
        self._whole: dict[str, list[Path]] = {}  # of recordings whose own name ends as mels' names do
        for path in visible_files(folder, "MELS"):
            if path.suffix not in KINDS:
                continue
            relative = path.relative_to(folder)
            name = _recording_of(relative)
            self._by_name.setdefault(clip_name(name + ".wav"), []).append(path)
            self._by_last_part.setdefault(PurePosixPath(name).name, []).append(path)
            self._whole.setdefault(clip_name(relative.with_suffix(".wav").as_posix()), []).append(path)
        if not self._by_name:
            raise InputError(f"{folder}: must hold mels, no file ends in {', '.join(KINDS)}; name another with MELS=")

    def of(self, recording: str) -> Path | None:
        """Returns the mel of a recording, by its path below the recordings' folder or by its last part alone.

        None where there is no such file. Raises InputError where there are several.
        """
        name, last_part = clip_name(recording), PurePosixPath(recording).stem
        matches = self._by_name.get(name) or self._by_last_part.get(last_part) or self._whole.get(name, [])
        if len(matches) > 1:
            first, second = (path.relative_to(self.folder) for path in matches[:2])
            raise InputError(f"{self.folder}: {first} and {second} are both the mel of {recording}; leave one there")
        return matches[0] if matches else None


def _recording_of(path: Path) -> str:
    """Returns a mel's path without what is added to the recording's: a.wav.spec.npy is the mel of a."""
    name = path.with_suffix("").as_posix()
    for mark in (*_MARKS, *ENDINGS):
        name = name.removesuffix(mark)
    return name


def read_mel(path: Path, n_mels: int, *, like: Tensor | None = None) -> Tensor:
    """Returns a mel [n_mels, frames] in float32 from an array or tensor of that shape, or turned.

    Nothing in the file is run. Dimensions of 1 before the two are dropped. `like` [n_mels, frames] decides about an
    array that is as wide as it is high. Raises InputError for any other shape, for integers and for NaN.
    """
    array = _numbers(path)
    while array.ndim > 2 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or n_mels not in array.shape or 0 in array.shape:
        shape = list(array.shape)
        raise InputError(
            f"mel {path}: must be [n_mels, frames] or turned, with the checkpoint's {n_mels} mels, and is {shape}; "
            "let the TTS make mels of so many channels"
        )
    if array.shape[0] != n_mels or (array.shape[1] == n_mels and like is not None and _is_turned(array, like)):
        array = array.T
    if not array.isfinite().all():
        bad = int((~array.isfinite()).sum())
        raise InputError(f"mel {path}: its values must be finite, and {bad} are NaN or infinite; make it again")
    return array.float().contiguous()


def mel_paths(files: MelFiles, recordings: Mapping[str, str]) -> dict[str, Path]:
    """Returns the path of each clip's mel; `recordings` are file names by clip. Raises InputError for missing ones."""
    paths = {clip: files.of(recording) for clip, recording in recordings.items()}
    missing = [recordings[clip] for clip, path in paths.items() if path is None]
    if missing:
        example = PurePosixPath(missing[0]).with_suffix(".npy")
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"{files.folder}: every clip needs a mel of its name, and {missing[0]}{more} has none; "
            f"add {example}, or take the clip out"
        )
    found = {clip: path for clip, path in paths.items() if path is not None}
    first = {path: clip for clip, path in reversed(found.items())}
    if twice := [clip for clip, path in found.items() if first[path] != clip]:
        path, other = found[twice[0]], recordings[first[found[twice[0]]]]
        raise InputError(f"{path}: is the mel of {other} and of {recordings[twice[0]]} by its name; give each its own")
    return found


def _numbers(path: Path) -> Tensor:
    content = load_numpy_pickle(path, limit=LARGEST) if path.suffix == ".npy" else _of_torch(path)
    if isinstance(content, Mapping):
        content = _only_mel(content)
    if isinstance(content, Sequence) and len(content) == 1:
        content = content[0]
    if isinstance(content, np.ndarray) and content.dtype.kind == "f":
        content = torch.from_numpy(content.astype(np.float32))
    if not isinstance(content, Tensor) or not content.is_floating_point():
        kind = str(getattr(content, "dtype", type(content).__name__))
        raise InputError(f"mel {path}: must hold one array of floating-point numbers, and holds {kind}; save the mel")
    if content.numel() * 4 > LARGEST:  # a small file can hold an expanded view of one number
        raise InputError(f"mel {path}: must have less than {LARGEST // 4} values, and has {content.numel()}; cut it")
    return content.detach()


def _of_torch(path: Path) -> Any:
    data = read_filled(path, limit=LARGEST)
    try:
        return load_torch(io.BytesIO(data), len(data), advice="give a tensor, as torch.save writes it")
    except InputError as error:
        raise InputError(f"mel {path}: {error}") from error


def _only_mel(content: Mapping[Any, Any]) -> Any:
    """Returns the mel of a dict: under one of the usual names, or the only value."""
    named = [content[key] for key in _KEYS if key in content]
    values = named or list(content.values())
    return values[0] if len(values) == 1 else None


def _is_turned(array: Tensor, like: Tensor) -> bool:
    frames = min(array.shape[1], like.shape[1])
    upright, turned = (_correlation(each.float()[:, :frames], like[:, :frames]) for each in (array, array.T))
    return turned > upright


def _correlation(one: Tensor, other: Tensor) -> float:
    return float(torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1].nan_to_num())
