"""Gives clips the mels of a TTS, checked against the recordings' own."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from schedsearch.voice.mels.files import read_mel
from schedsearch.voice.mels.scaling import fault_of_scaling
from schedsearch.voice.mels.timing import (
    Length,
    Pair,
    fault_of_hop,
    fault_of_lag,
    fault_of_length,
    half_a_hop,
    lag,
    likeness,
)
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.dialects.dialect import FrontEnd
from vocoder.errors import InputError

LISTENED = 4  # clips whose scaling is looked at: each is made into some fifty other mels where it is wrong
UNLIKE = 0.4  # correlation of a clip's mel with its recording's own
ODD_LAG = 2.0  # frames by which one clip alone may be off
_ANYWAY = "; if the checkpoint was trained on just these, say check_mels = false in the dataset's file"


def with_mels(
    clips: Sequence[Clip], paths: Mapping[str, Path], front_end: FrontEnd, *, check: bool = True
) -> list[Clip]:
    """Returns the clips with the mels of these files, by their names, and their audio cut to the mels' hops.

    Raises InputError for a file that is no mel, or whose length is not its recording's. With `check` also for mels that
    begin elsewhere than the recordings, or are scaled in another way.
    """
    own = {clip.name: _own_mel(clip, front_end) for clip in clips}
    mels = {clip.name: read_mel(paths[clip.name], front_end.n_mels, like=own[clip.name]) for clip in clips}
    source = paths[clips[0].name] if len(clips) == 1 else paths[clips[0].name].parent
    lengths = {name: Length(mels[name].shape[1], own[name].shape[1]) for name in mels}
    if fault := fault_of_hop(list(lengths.values()), front_end):
        raise InputError(f"mels of {source}: {fault}")
    for name, length in lengths.items():
        if fault := fault_of_length(length, front_end):
            raise InputError(f"mel {paths[name]}: {fault}")
    joined = [_joined(clip, mels[clip.name], front_end.hop_length) for clip in clips]
    if check:
        _check(joined, own, paths, source, front_end)
    return joined


def _own_mel(clip: Clip, front_end: FrontEnd) -> Tensor:
    with torch.inference_mode():
        return front_end(cut_to_hops(clip.audio, front_end.hop_length)[None])[0]


def _joined(clip: Clip, mel: Tensor, hop_length: int) -> Clip:
    """Returns a clip and its mel, each cut to the frames that both have."""
    frames = min(mel.shape[1], len(clip.audio) // hop_length)
    return replace(clip, audio=clip.audio[: frames * hop_length], mel=mel[:, :frames].contiguous())


def _check(
    clips: Sequence[Clip], own: Mapping[str, Tensor], paths: Mapping[str, Path], source: Path, front_end: FrontEnd
) -> None:
    """Raises InputError for mels that run early or late, are scaled in another way, or are of other recordings."""
    pairs = {clip.name: _pair(clip, own[clip.name]) for clip in clips}
    common = lag(list(pairs.values()))
    alike = likeness(list(pairs.values()), round(common)) >= UNLIKE
    longest = sorted(clips, key=lambda clip: -len(clip.audio))[:LISTENED]
    if alike and (fault := fault_of_lag(common, front_end)):
        raise InputError(f"mels of {source} {fault}{_ANYWAY}")
    if fault := fault_of_scaling([_mel(clip) for clip in longest], [clip.audio for clip in longest], front_end):
        raise InputError(f"mels of {source} {fault}{_ANYWAY}")
    for name, pair in pairs.items():
        _check_one(paths[name], pair, common, front_end)
    if remark := half_a_hop(common):
        warnings.warn(f"mels of {source} {remark}", stacklevel=2)


def _check_one(path: Path, pair: Pair, common: float, front_end: FrontEnd) -> None:
    """Raises InputError for a mel of another recording, or for one that alone runs early or late."""
    frames = lag([pair])
    if likeness([pair], round(frames)) >= UNLIKE and abs(frames - common) > ODD_LAG:
        raise InputError(f"mel {path}: {fault_of_lag(frames, front_end)}{_ANYWAY}")
    if (correlation := likeness([pair])) < UNLIKE:
        raise InputError(
            f"mel {path}: it is not that of its recording, for their correlation is {correlation:.2f}; "
            "give the teacher-forced mel of the same words"
        )


def _pair(clip: Clip, own: Tensor) -> Pair:
    """Returns a clip's mel and its recording's own, in as many frames."""
    mel = _mel(clip)
    given, recorded = (each.double().cpu().numpy() for each in (mel, own[:, : mel.shape[1]]))
    return given, recorded


def _mel(clip: Clip) -> Tensor:
    if clip.mel is None:
        raise AssertionError("clips were given mels")
    return clip.mel
