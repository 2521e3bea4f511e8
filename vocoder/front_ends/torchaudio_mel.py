"""Computes what torchaudio's MelSpectrogram does, without torchaudio; two dialects use it."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from vocoder.front_ends.spectrogram import MelSettings, magnitudes


def _htk_mel(hertz: float) -> float:
    """Converts Hz to mel (O'Shaughnessy 1987): 2595 log10(1 + f / 700)."""
    return 2595 * math.log10(1 + hertz / 700)


@lru_cache(maxsize=32)
def _htk_filterbank(
    sample_rate: int, n_fft: int, n_mels: int, f_min: float, f_max: float, device: torch.device
) -> Tensor:
    """Returns unnormalised triangles on the HTK scale, [n_mels, n_fft // 2 + 1]; callers must not write into them.

    Formed in float32 because torchaudio does: librosa's float64 triangles differ by 1e-5, which measured
    up to 1.45e-4 in the log mel of quiet bins at 22050 Hz, where these agree exactly.
    """
    # torchaudio spreads the bins over 0 .. sample_rate // 2, an integer, which matters at odd rates.
    with torch.inference_mode(False):
        bins = torch.linspace(0, sample_rate // 2, n_fft // 2 + 1)
        mels = torch.linspace(_htk_mel(f_min), _htk_mel(f_max), n_mels + 2)
        corners = 700 * (10 ** (mels / 2595) - 1)
        widths = corners.diff()
        to_corner = corners[None] - bins[:, None]
        rising = -to_corner[:, :-2] / widths[:-1]
        falling = to_corner[:, 2:] / widths[1:]
        return torch.minimum(rising, falling).clamp(min=0).T.to(device)


def torchaudio_mel(audio: Tensor, mel: MelSettings, *, power: float, normalized: bool = False) -> Tensor:
    """Returns the linear mel [clip, n_mels, samples // hop_length + 1] of audio [clip, samples], in float32.

    As torchaudio.transforms.MelSpectrogram: HTK mel scale, unnormalised triangles, periodic Hann window, reflect
    padding; `normalized` divides the STFT by the window's root energy.
    """
    # Mixed precision around the caller would run the filterbank product in bfloat16.
    with torch.autocast(audio.device.type, enabled=False):
        audio = audio.float()
        amplitude = magnitudes(audio, n_fft=mel.n_fft, win_length=mel.win_length, hop_length=mel.hop_length)
        if normalized:
            amplitude = amplitude / torch.hann_window(mel.win_length).square().sum().sqrt().item()
        bank = _htk_filterbank(mel.sample_rate, mel.n_fft, mel.n_mels, mel.f_min, mel.f_max, audio.device)
        return bank @ amplitude.pow(power)
