"""Spectral distances against numbers computed by independent packages, and against mathematics."""

import math
from pathlib import Path

import librosa
import numpy as np
import pytest
import scipy.fft
import torch
from torch import Tensor

from schedsearch.metrics import cepstral
from schedsearch.metrics.cepstral import mel_cepstral_distortion
from schedsearch.metrics.fixed_mel import log_mel
from schedsearch.metrics.spectral import ls_mae
from schedsearch.metrics.stft import log_spectral_distance, log_stft_magnitude, spectral_convergence
from vocoder.audio.reading import read_audio, resample

CLIPS = Path(__file__).parents[2] / "experiments" / "demo" / "16000hz" / "clips" / "search"
RATES = (8000, 16000, 22050, 44100)


@pytest.fixture(scope="module", params=RATES)
def clips(request) -> tuple[Tensor, Tensor, int]:
    """Reference and estimate [samples] float64, and their rate."""
    speech = read_audio(sorted(CLIPS.glob("*.flac"))[1], sample_rate=16000).audio[2000:18000]
    noise = torch.randn(speech.shape, generator=torch.Generator().manual_seed(0))
    pair = [resample(audio, 16000, request.param).double() for audio in (speech, 0.8 * speech + 0.01 * noise)]
    return pair[0], pair[1], request.param


def librosa_mel(audio: Tensor, rate: int) -> np.ndarray:
    """[128, frames], ln of the amplitude mel, by librosa 0.11.0."""
    window = round(0.05 * rate)
    mel = librosa.feature.melspectrogram(
        y=audio.numpy(),
        sr=rate,
        n_fft=2 ** math.ceil(math.log2(window)),
        win_length=window,
        hop_length=round(0.00625 * rate),
        pad_mode="reflect",
        power=1.0,
        n_mels=128,
        fmin=20.0,
        fmax=min(12000.0, rate / 2),
        htk=True,
        norm=None,
        dtype=np.float64,
    )
    return np.log(np.maximum(mel, 0.01))


def librosa_stft(audio: Tensor, n_fft: int, window: int, shift: int) -> np.ndarray:
    """[bins, frames] magnitudes, by librosa 0.11.0."""
    return np.abs(
        librosa.stft(audio.numpy(), n_fft=n_fft, hop_length=shift, win_length=window, pad_mode="reflect")
    )


def test_ls_mae_is_librosa_s(clips):
    reference, estimate, rate = clips
    expected = np.abs(librosa_mel(reference, rate) - librosa_mel(estimate, rate)).mean()
    assert float(ls_mae(reference, estimate, rate)) == pytest.approx(expected, rel=1e-3)


def test_mel_cepstral_distortion_is_scipy_s_of_librosa_s_mel(clips):
    reference, estimate, rate = clips
    cepstra = [
        scipy.fft.dct(librosa_mel(audio, rate), type=2, axis=0)[1:14] / 128 for audio in (reference, estimate)
    ]
    frames = 10 / np.log(10) * np.sqrt(2 * np.sum((cepstra[0] - cepstra[1]) ** 2, axis=0))
    found = mel_cepstral_distortion(reference, estimate, rate)
    assert float(found) == pytest.approx(frames.mean(), rel=1e-3)


def test_log_spectral_distance_is_librosa_s(clips):
    reference, estimate, rate = clips
    window = 4 * round(0.032 * rate / 4)
    power = [(librosa_stft(x, window, window, window // 4) / (window / 4)) ** 2 for x in (reference, estimate)]
    ratio = 10 * np.log10(np.maximum(power[0], 1e-10) / np.maximum(power[1], 1e-10))
    expected = np.sqrt((ratio**2).mean(0)).mean()
    assert float(log_spectral_distance(reference, estimate, rate)) == pytest.approx(expected, rel=1e-6)


def test_multi_resolution_distances_are_librosa_s(clips):
    reference, estimate, _ = clips
    convergence, magnitude = [], []
    for sizes in ((512, 240, 50), (1024, 600, 120), (2048, 1200, 240)):
        x, y = (librosa_stft(audio, *sizes) for audio in (reference, estimate))
        convergence.append(np.linalg.norm(x - y) / np.linalg.norm(x))
        magnitude.append(np.mean(np.abs(np.log(np.maximum(x**2, 1e-7)) - np.log(np.maximum(y**2, 1e-7))) / 2))
    assert float(spectral_convergence(reference, estimate)) == pytest.approx(np.mean(convergence), rel=1e-6)
    assert float(log_stft_magnitude(reference, estimate)) == pytest.approx(np.mean(magnitude), rel=1e-6)


@pytest.mark.parametrize("order", [1, 7, 13])
def test_a_cosine_ripple_in_the_mel_has_the_distortion_of_its_rms(monkeypatch, order):
    # A ripple of 3 dB peak along the mel axis is 3 / sqrt(2) dB RMS: what Kubichek's constant is for.
    ripple = torch.cos(math.pi * order * (torch.arange(128) + 0.5) / 128) * 3 / (20 / math.log(10))
    mels = {0.0: torch.zeros(128, 5), 1.0: ripple[:, None].expand(128, 5)}
    monkeypatch.setattr(cepstral, "log_mel", lambda audio, rate: mels[float(audio[0])])
    assert float(mel_cepstral_distortion(torch.zeros(9), torch.ones(9), 16000)) == pytest.approx(3 / 2**0.5)


@pytest.mark.parametrize("order", [0, 14, 40])
def test_a_change_of_level_or_of_fine_structure_is_no_distortion(monkeypatch, order):
    ripple = torch.cos(math.pi * order * (torch.arange(128) + 0.5) / 128)
    mels = {0.0: torch.zeros(128, 5), 1.0: ripple[:, None].expand(128, 5)}
    monkeypatch.setattr(cepstral, "log_mel", lambda audio, rate: mels[float(audio[0])])
    assert float(mel_cepstral_distortion(torch.zeros(9), torch.ones(9), 16000)) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("rate", RATES)
def test_every_channel_of_the_fixed_mel_hears_something(rate):
    hiss = 0.3 * torch.randn(1, rate // 2, generator=torch.Generator().manual_seed(0))
    assert (log_mel(hiss, rate) > math.log(0.01)).any(-1).all()


def test_a_full_scale_sine_stands_at_0_decibels_in_the_log_spectral_distance():
    # On a bin's centre a Hann window leaks into its two neighbours, by half: 0, -6 and -6 dB over the floor of -100.
    # Whole periods of a cosine: reflected at the ends it goes on.
    sine = torch.cos(2 * math.pi * 1000 / 16000 * torch.arange(16001, dtype=torch.float64))
    found = float(log_spectral_distance(torch.zeros_like(sine), sine, 16000))
    assert found == pytest.approx(math.sqrt((100**2 + 2 * (100 - 20 * math.log10(2)) ** 2) / 257), rel=1e-6)


def test_digital_silence_against_silence_is_no_distance():
    silence = torch.zeros(2, 8000)
    for distance in (ls_mae, mel_cepstral_distortion, log_spectral_distance):
        assert distance(silence, silence, 16000).tolist() == [0, 0]
    assert log_stft_magnitude(silence, silence).tolist() == [0, 0]


def test_a_silent_estimate_has_spectral_convergence_1_and_a_silent_reference_none():
    hiss = torch.randn(1, 8000, generator=torch.Generator().manual_seed(0))
    assert float(spectral_convergence(hiss, 0 * hiss)) == pytest.approx(1)
    assert spectral_convergence(0 * hiss, hiss).isnan().all() or spectral_convergence(0 * hiss, hiss).isinf().all()
