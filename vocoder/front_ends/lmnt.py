"""Computes the mel of github.com/lmnt-com/wavegrad (src/wavegrad/preprocess.py)."""

import math
from dataclasses import dataclass

from torch import Tensor

from vocoder.front_ends.spectrogram import MelSettings, whole_hops
from vocoder.front_ends.torchaudio_mel import torchaudio_mel


@dataclass(frozen=True)
class LmntMel:
    """Computes decibels of the amplitude mel, less 20 dB, squeezed into 0..1: -100 dB is 0 and 0 dB is 1.

    That repository fixes everything but the rate and the hop; its defaults are 22050 Hz and 300.
    """

    sample_rate: int  # Hz
    hop_length: int
    n_mels: int = 128
    f_min: float = 20.0  # Hz

    def __post_init__(self) -> None:
        _ = self.settings  # checks them

    @property
    def win_length(self) -> int:
        return 4 * self.hop_length

    @property
    def n_fft(self) -> int:
        """Returns the next power of two."""
        return 1 << (self.win_length - 1).bit_length()

    @property
    def f_max(self) -> float:
        return self.sample_rate / 2

    @property
    def settings(self) -> MelSettings:
        """Returns the sizes and the band, which follow from the rate and the hop."""
        return MelSettings(
            self.sample_rate, self.n_fft, self.win_length, self.hop_length, self.f_min, self.f_max, self.n_mels
        )

    @property
    def log_units(self) -> tuple[float, ...]:
        """Returns factors [n_mels] that turn differences of this mel (1 is 100 dB) into natural logs of power."""
        return (100 * math.log(10) / 10,) * self.n_mels

    def __call__(self, audio: Tensor) -> Tensor:
        """Maps audio [clip, samples] to mel [clip, n_mels, samples // hop_length]."""
        amplitude = torchaudio_mel(audio.clamp(-1.0, 1.0), self.settings, power=1.0, normalized=True)
        decibels = 20 * amplitude.clamp(min=1e-5).log10() - 20
        return whole_hops(((decibels + 100) / 100).clamp(0.0, 1.0))
