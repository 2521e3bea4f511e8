"""Computes the mel of github.com/ivanvovk/WaveGrad (data.py, MelSpectrogramFixed)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vocoder.front_ends.spectrogram import MelSettings, whole_hops
from vocoder.front_ends.torchaudio_mel import torchaudio_mel


@dataclass(frozen=True)
class IvanvovkMel(MelSettings):
    """Computes log10 of the power mel; a power of exactly zero gives 0, as there.

    The defaults of that repository's config: 22050, 1024, 1024, 300, 80, 8000, 80 (in the order of the fields).
    """

    @property
    def log_units(self) -> tuple[float, ...]:
        """Returns factors [n_mels] that turn differences of this mel into natural-log units of power."""
        return (math.log(10),) * self.n_mels

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps audio [clip, samples] to mel [clip, n_mels, samples // hop_length]."""
        power = torchaudio_mel(audio, self, power=2.0)
        # log10(1) = 0 stands for the -inf of silence; replaced before the logarithm, so gradients are finite.
        return whole_hops(torch.where(power == 0, 1.0, power).log10())
