"""Computes the mel of github.com/ivanvovk/WaveGrad (data.py, MelSpectrogramFixed)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from vocoder.front_ends.spectrogram import check_band, check_sizes, whole_hops
from vocoder.front_ends.torchaudio_mel import torchaudio_mel


@dataclass(frozen=True)
class IvanvovkMel:
    """Computes log10 of the power mel; a power of exactly zero gives 0, as there.

    The defaults of that repository's config: 22050, 1024, 1024, 300, 80, 8000, 80 (in the order below).
    """

    sample_rate: int  # Hz
    n_fft: int
    win_length: int
    hop_length: int
    f_min: float  # Hz
    f_max: float  # Hz
    n_mels: int

    def __post_init__(self) -> None:
        check_sizes(
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            win_length=self.win_length,
            hop_length=self.hop_length,
            n_mels=self.n_mels,
        )
        check_band(self.f_min, self.f_max)

    @property
    def log_units(self) -> tuple[float, ...]:
        """Returns factors [n_mels] that turn differences of this mel into natural-log units of power."""
        return (math.log(10),) * self.n_mels

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps audio [clip, samples] to mel [clip, n_mels, samples // hop_length]."""
        power = torchaudio_mel(
            audio,
            sample_rate=self.sample_rate,
            n_fft=self.n_fft,
            win_length=self.win_length,
            hop_length=self.hop_length,
            f_min=self.f_min,
            f_max=self.f_max,
            n_mels=self.n_mels,
            power=2.0,
        )
        # log10(1) = 0 stands for the -inf of silence; replaced before the logarithm, so gradients are finite.
        return whole_hops(torch.where(power == 0, 1.0, power).log10())
