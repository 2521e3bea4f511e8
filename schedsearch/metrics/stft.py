"""Computes distances of linear spectrograms, which resolve what mels blur, up to half the sample rate."""

import math
from collections.abc import Iterator

import torch
from torch import Tensor

from schedsearch.metrics.finite import finite_clips
from schedsearch.metrics.offset import without_offset
from vocoder.front_ends.spectrogram import magnitudes

LSD_WINDOW = 0.032  # seconds
LSD_FLOOR = 1e-5  # -100 dB of a full-scale sine
# Yamamoto et al. 2020 (Parallel WaveGAN), table 1: n_fft, window and shift in samples.
RESOLUTIONS = ((1024, 600, 120), (2048, 1200, 240), (512, 240, 50))
MAGNITUDE_FLOOR = 1e-7**0.5  # its authors' kan-bayashi/ParallelWaveGAN clamps the power at 1e-7


def log_spectral_distance(reference: Tensor, estimate: Tensor, sample_rate: int) -> Tensor:
    """Returns the LSD, [..., samples] each -> [...] in dB: the mean over frames of the RMS over bins of
    10 log10(P_ref / P_est) (Gray & Markel 1976, d_2 on sampled frequencies).

    Hann windows of 32 ms every 8 ms. Smaller amplitudes count as 1e-5 of a full-scale sine's (-100 dB), so that digital
    silence is not infinitely far from a faint hiss. From 0 (equal) upwards, lower is better. A pure gain g costs
    20 |log10 g| dB above the floor; a delay of 1 ms 1.6 dB on the demo voice, where white noise of -60 dB costs 6.4.
    NaN for a clip with NaN or infinite samples.
    """
    window = 4 * round(LSD_WINDOW * sample_rate / 4)
    levels = [_decibels(audio, window) for audio in (reference, estimate)]
    # A norm has a gradient at 0.
    norms = torch.linalg.vector_norm(levels[0] - levels[1], dim=-2)  # [..., frames]
    return finite_clips(norms.mean(-1) / math.sqrt(window // 2 + 1), reference, estimate)


def spectral_convergence(reference: Tensor, estimate: Tensor) -> Tensor:
    """Returns || |X| - |Y| ||_F / || |X| ||_F, its mean over three resolutions, [..., samples] each -> [...].

    Arik et al. 2019, as used by Yamamoto et al. 2020, eq. 4: X the reference's STFT, Y the estimate's. The loudest
    parts decide. No unit; from 0 (equal) upwards, 1 for a silent estimate, lower is better. A pure gain g costs
    |1 - g|; a delay of 1 ms 0.04 on the demo voice, where white noise of -60 dB costs 0.005: it does not measure faint
    noise. A silent reference, NaN and infinite samples give NaN.
    """
    ratios = [
        torch.linalg.matrix_norm(x - y) / torch.linalg.matrix_norm(x) for x, y in _resolutions(reference, estimate)
    ]
    return finite_clips(torch.stack(ratios).mean(0), reference, estimate)


def log_stft_magnitude(reference: Tensor, estimate: Tensor) -> Tensor:
    """Returns the mean of |ln |X| - ln |Y|| over bins, frames and three resolutions, [..., samples] each -> [...].

    Yamamoto et al. 2020, eq. 5. Quiet parts count as much as loud ones. Magnitudes (of audio in -1..1) below 3.2e-4
    count as 3.2e-4. In nepers (1 is 8.7 dB); from 0 (equal) upwards, lower is better. A pure gain g costs |ln g| above
    the floor; a delay of 1 ms 0.13 on the demo voice, where white noise of -60 dB costs 0.59. NaN for a clip with NaN
    or infinite samples.
    """
    distances = [
        (x.clamp(min=MAGNITUDE_FLOOR).log() - y.clamp(min=MAGNITUDE_FLOOR).log()).abs().mean((-2, -1))
        for x, y in _resolutions(reference, estimate)
    ]
    return finite_clips(torch.stack(distances).mean(0), reference, estimate)


def multi_resolution_stft(reference: Tensor, estimate: Tensor) -> Tensor:
    """Returns spectral convergence + log STFT magnitude, [..., samples] each -> [...] (Yamamoto et al. 2020, eq. 6).

    The first hears the loud parts and the level, the second the quiet ones. Neither alone ranks schedules as models of
    listeners do (results/shipped/demo/16000hz/metrics/metrics.md). No unit; from 0 (equal) upwards, lower is better.
    A pure gain g costs |1 - g| + |ln g| above the floor; a delay of 1 ms 0.17 on the demo voice, where white noise of
    -60 dB costs 0.56. NaN where either is.
    """
    return spectral_convergence(reference, estimate) + log_stft_magnitude(reference, estimate)


def _resolutions(reference: Tensor, estimate: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
    """Yields magnitudes [..., bins, frames] of both. Sizes are in samples, as published, at every sample rate."""
    for n_fft, window, shift in RESOLUTIONS:
        x, y = (_magnitudes(audio, n_fft, window, shift) for audio in (reference, estimate))
        yield x, y


def _decibels(audio: Tensor, window: int) -> Tensor:
    """Returns levels [..., window // 2 + 1, frames], 0 for a full-scale sine: a Hann window sums to half its length."""
    amplitude = _magnitudes(audio, window, window, window // 4) * (4 / window)
    return 20 * amplitude.clamp(min=LSD_FLOOR).log10()


def _magnitudes(audio: Tensor, n_fft: int, window: int, shift: int) -> Tensor:
    rows = without_offset(audio.reshape(-1, audio.shape[-1]))
    spectrum = magnitudes(rows, n_fft=n_fft, win_length=window, hop_length=shift)
    return spectrum.reshape(*audio.shape[:-1], *spectrum.shape[1:])
