"""Computes the levels of small cells of time and frequency, in dB."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from vocoder.errors import InputError
from vocoder.front_ends.spectrogram import magnitudes

Array: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]

WINDOW = 0.032  # seconds; harmonics of a voice stand apart


def decibels(audio: npt.NDArray[Any], sample_rate: int, *, rows: int, columns: int) -> Array:
    """Returns, for audio [samples], [row, column]: each cell's mean power over a full-scale sine's, low rows first.

    There are at most `rows` and `columns`, and no more than bins and frames. Hann windows of 32 ms, a quarter of that
    apart, are averaged in power over the cells. NaN where the audio is NaN, -inf for digital silence. InputError for
    audio that is not a vector of samples.
    """
    if audio.ndim != 1 or not audio.size:
        raise InputError(f"a spectrogram needs audio [samples], and got shape {list(audio.shape)}; give one channel")
    window = 4 * max(4, round(WINDOW * sample_rate / 4))
    clip = torch.from_numpy(np.ascontiguousarray(audio, dtype=np.float64))[None]
    spectrum = magnitudes(clip, n_fft=window, win_length=window, hop_length=window // 4, pad_mode="constant")[0]
    power = np.square(spectrum.numpy() / (window / 4))  # a sine of amplitude 1 has the window's sum / 2 = window / 4
    cells = _means(_means(power[1:], rows).T, columns).T
    with np.errstate(divide="ignore"):
        return np.asarray(10 * np.log10(cells))


def _means(values: Array, most: int) -> Array:
    """Averages neighbouring rows into at most `most` almost equal parts."""
    edges = np.linspace(0, len(values), min(most, len(values)) + 1).round().astype(int)
    return np.stack([values[begin:end].mean(axis=0) for begin, end in zip(edges, edges[1:], strict=False)])
