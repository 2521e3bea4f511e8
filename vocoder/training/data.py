"""Draws random crops of speech with their mels, for training."""

from collections.abc import Sequence
from dataclasses import dataclass

import librosa
import torch
from torch import Tensor
from torch.nn import functional as F

from vocoder.audio.reading import Clip
from vocoder.dialects.dialect import FrontEnd
from vocoder.errors import InputError

SILENCE_DB = 50.0  # below the clip's own peak; quieter ends are cut off
QUIET_PEAK = 1e-3  # a crop that is nowhere louder is drawn again
REDRAWS = 4


@dataclass(frozen=True)
class TrainingSet:
    """Utterances cut to whole hops, and their mels."""

    audio: tuple[Tensor, ...]  # each [samples], at least one crop long
    mels: tuple[Tensor, ...]  # each [n_mels, frames]
    hop_length: int
    crop_frames: int

    def batch(self, size: int, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draws `size` crops, every start equally likely: audio [size, samples] and mel [size, n_mels, frames]."""
        crops = [self._crop(generator) for _ in range(size)]
        return torch.stack([audio for audio, _ in crops]), torch.stack([mel for _, mel in crops])

    def _crop(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        for _ in range(REDRAWS):
            audio, mel = self._draw(generator)
            if audio.abs().max() > QUIET_PEAK:
                break
        return audio, mel

    def _draw(self, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        starts = torch.tensor([mel.shape[1] - self.crop_frames + 1 for mel in self.mels])
        place = int(torch.randint(int(starts.sum()), (1,), generator=generator))
        ends = starts.cumsum(0)
        which = int(torch.searchsorted(ends, place, right=True))
        first = place - int(ends[which] - starts[which])
        last = first + self.crop_frames
        audio = self.audio[which][first * self.hop_length : last * self.hop_length]
        return audio, self.mels[which][:, first:last]


def training_set(clips: Sequence[Clip], front_end: FrontEnd, *, crop_frames: int) -> TrainingSet:
    """Cuts off silence at both ends, pads short clips to one crop, and computes mels of whole clips."""
    if not clips:
        raise InputError("training needs at least one clip, and got none; name a folder of audio")
    if crop_frames < 1:
        raise InputError("a crop must hold at least one mel frame, and holds none; give a larger crop_seconds")
    hop = front_end.hop_length
    audio = tuple(_prepared(clip.audio, hop, crop_frames) for clip in clips)
    with torch.inference_mode():
        mels = [front_end(a[None])[0] for a in audio]
    return TrainingSet(audio, tuple(mel.clone() for mel in mels), hop, crop_frames)


def _prepared(audio: Tensor, hop: int, crop_frames: int) -> Tensor:
    _, (start, end) = librosa.effects.trim(audio.numpy(), top_db=SILENCE_DB)
    speech = audio[start:end]
    speech = F.pad(speech, (0, max(0, crop_frames * hop - len(speech))))
    return speech[: len(speech) // hop * hop]
