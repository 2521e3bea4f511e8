"""What all mel front ends share: their sizes and band, and centred STFT magnitudes."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import librosa
import torch
from torch import Tensor

from vocoder.errors import InputError

LARGEST_FFT = 1 << 16  # samples; no vocoder looks at a second at once, and a window of millions only takes memory
_WAY_OUT = "correct the vocoder's configuration"


@dataclass(frozen=True)
class MelSettings:
    """Sizes and band of a mel. Raises InputError for those that no STFT or filterbank can have."""

    sample_rate: int  # Hz
    n_fft: int
    win_length: int
    hop_length: int
    f_min: float  # Hz
    f_max: float  # Hz
    n_mels: int

    def __post_init__(self) -> None:
        for name in ("n_fft", "win_length", "sample_rate", "hop_length", "n_mels"):
            if (size := getattr(self, name)) < 1:
                raise InputError(f"{name} must be at least 1, got {size}; {_WAY_OUT}")
        if self.n_fft > LARGEST_FFT:
            raise InputError(f"n_fft must be at most {LARGEST_FFT}, got {self.n_fft}; {_WAY_OUT}")
        if self.win_length > self.n_fft:
            raise InputError(f"win_length must not exceed n_fft = {self.n_fft}, got {self.win_length}; {_WAY_OUT}")
        if not 0 <= self.f_min < self.f_max:
            raise InputError(f"the mel band needs 0 <= f_min < f_max, got {self.f_min} and {self.f_max} Hz; {_WAY_OUT}")


@lru_cache(maxsize=32)
def _hann(win_length: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """Returns a periodic Hann window [win_length].

    It is made outside inference mode: an inference tensor in the cache could never take part in a backward pass.
    """
    with torch.inference_mode(False):
        return torch.hann_window(win_length, periodic=True, device=device, dtype=dtype)


def magnitudes(audio: Tensor, *, n_fft: int, win_length: int, hop_length: int, pad_mode: str = "reflect") -> Tensor:
    """Returns centred STFT magnitudes [clip, n_fft // 2 + 1, samples // hop_length + 1] of audio [clip, samples].

    Raises InputError for audio that is not [clip, samples], or too short for the padding.
    """
    if audio.dim() != 2:
        raise InputError(f"audio must be [clip, samples], got shape {list(audio.shape)}; give one clip as audio[None]")
    if pad_mode == "reflect":
        check_reflection(audio, "n_fft // 2", n_fft // 2)
    window = _hann(win_length, audio.device, audio.dtype)
    spectrum = torch.stft(
        audio, n_fft, hop_length, win_length, window, center=True, pad_mode=pad_mode, return_complex=True
    )
    return spectrum.abs()


def check_reflection(audio: Tensor, name: str, samples: int) -> None:
    """Raises InputError for audio [..., samples] that is too short to be continued by so many of its own samples."""
    if audio.shape[-1] <= samples:
        raise InputError(
            f"a spectrogram needs more than {name} = {samples} samples, got {audio.shape[-1]}; give a longer clip"
        )


def whole_hops(mel: Tensor) -> Tensor:
    """Drops the trailing frame of a centred STFT, so that frames == samples // hop_length."""
    return mel[..., :-1]


def mel_filterbank(mel: MelSettings, *, htk: bool, equal_area: bool, device: torch.device) -> Tensor:
    """Returns librosa's filters, [n_mels, n_fft // 2 + 1], float64; callers must not write into them.

    `equal_area` is Slaney's norm: each triangle has area 1, where otherwise each has height 1.
    """
    return _filterbank(mel.sample_rate, mel.n_fft, mel.n_mels, mel.f_min, mel.f_max, htk, equal_area, device)


@lru_cache(maxsize=64)
def _filterbank(
    rate: int, n_fft: int, n_mels: int, low: float, high: float, htk: bool, equal_area: bool, device: torch.device
) -> Tensor:
    norm: Literal["slaney"] | None = "slaney" if equal_area else None
    weights = librosa.filters.mel(sr=rate, n_fft=n_fft, n_mels=n_mels, fmin=low, fmax=high, htk=htk, norm=norm)
    with torch.inference_mode(False):
        return torch.from_numpy(weights).to(device, torch.float64)
