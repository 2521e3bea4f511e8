"""Computes one log mel for every voice, to compare vocoders beside the checkpoint's own front end."""

from torch import Tensor

from schedsearch.metrics.offset import without_offset
from vocoder.front_ends.spectrogram import MelSettings
from vocoder.front_ends.torchaudio_mel import torchaudio_mel

MELS = 128
LOWEST, HIGHEST = 20.0, 12000.0  # Hz
WINDOW, HOP = 0.05, 0.00625  # seconds
FLOOR = 0.01  # of the mel's amplitude


def log_mel(audio: Tensor, sample_rate: int) -> Tensor:
    """Returns ln of the amplitude mel, [..., samples] -> [..., 128, samples // hop + 1].

    NaN and infinite samples stay so. Chen et al. 2020 condition on 128 mels of 20 Hz to 12 kHz (here at most half the
    sample rate), 50 ms Hann windows and 2048 frequencies at 24 kHz (the next power of two). We assume triangles of unit
    height on the HTK scale, as TensorFlow makes them, and take half of their shift of 12.5 ms. The floor of 0.01 is
    that of Shen et al. 2018 (Tacotron 2): -92 dB of a full-scale sine at 16 kHz.
    """
    window = round(WINDOW * sample_rate)
    size, hop = 1 << (window - 1).bit_length(), round(HOP * sample_rate)
    settings = MelSettings(sample_rate, size, window, hop, LOWEST, min(HIGHEST, sample_rate / 2), MELS)
    mel = torchaudio_mel(without_offset(audio.reshape(-1, audio.shape[-1])), settings, power=1.0)
    return mel.clamp(min=FLOOR).log().reshape(*audio.shape[:-1], *mel.shape[1:])
