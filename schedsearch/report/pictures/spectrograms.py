"""Draws spectrograms of a clip: the recording, its syntheses, and the difference of each to the recording."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from schedsearch.evaluation.bootstrap import Array
from schedsearch.report.pictures.style import blank, shown, style
from vocoder.front_ends.spectrogram import magnitudes

Audio = npt.NDArray[Any]
RANGE = 80.0  # dB below the reference's loudest cell; quieter cells are cut to that
WINDOW = 0.032  # seconds; harmonics of a voice stand apart
WIDEST = 20.0  # dB of difference to either side
QUIETEST = -200.0  # dB of full scale: the loudest level of a silent recording
FINE, COARSE = (80, 200), (40, 100)  # rows and columns; differences of single small cells are mostly chance
# Both run evenly from light to dark, so they say the same in black and white; cividis (Nunez et al. 2018) also to
# eyes that don't tell red from green. Few shades keep a picture of noise small.
LEVELS, DIFFERENCES, SHADES = "gray_r", "cividis", 21


@style()
def spectrograms(reference: Audio, estimates: Mapping[str, Audio], sample_rate: int) -> Figure:
    """Draws a row for each audio [samples] of one clip, with its difference in dB to the reference beside it.

    All are cut to the shortest. Levels are relative to the reference's loudest cell.
    """
    samples = min(len(audio) for audio in (reference, *estimates.values()))
    size = (samples / sample_rate, sample_rate / 2000)  # seconds, kHz
    clips = [audio[:samples] for audio in (reference, *estimates.values())]
    fine, coarse = (_levels(clips, sample_rate, *cells) for cells in (FINE, COARSE))
    figure = blank(1.85 * len(clips) + 0.3)
    grid = figure.subplots(len(clips), 2, sharex=True, sharey=True, squeeze=False)
    names = ["reference", *(shown(name) for name in estimates)]
    levels = [
        _image(axes, values, size, name, LEVELS, (-RANGE, 0.0))
        for axes, values, name in zip(grid[:, 0], fine, names, strict=True)
    ]
    differences = [
        _image(axes, values - coarse[0], size, f"{name} minus reference", DIFFERENCES, (-WIDEST, WIDEST))
        for axes, values, name in zip(grid[1:, 1], coarse[1:], names[1:], strict=True)
    ]
    _scales(figure, grid[0, 1], levels[0], differences)
    figure.supxlabel("time (s)", fontsize=11)
    figure.supylabel("frequency (kHz)", fontsize=11)
    return figure


def _levels(clips: list[Audio], sample_rate: int, rows: int, columns: int) -> list[Array]:
    """Returns levels in dB relative to the loudest cell of the first clip, cut to -RANGE."""
    levels = [decibels(clip, sample_rate, rows=rows, columns=columns) for clip in clips]
    loudest = levels[0][np.isfinite(levels[0])].max(initial=QUIETEST)
    return [np.clip(level - loudest, -RANGE, None) for level in levels]


def _image(
    axes: Axes, values: Array, size: tuple[float, float], title: str, colours: str, limits: tuple[float, float]
) -> AxesImage:
    axes.set_title(title, loc="left", fontsize=10, pad=3)
    axes.grid(False)
    return axes.imshow(
        values,
        cmap=matplotlib.colormaps[colours].resampled(SHADES),
        vmin=limits[0],
        vmax=limits[1],
        origin="lower",
        aspect="auto",
        extent=(0, size[0], 0, size[1]),
        interpolation="nearest",
    )


def _scales(figure: Figure, axes: Axes, level: AxesImage, differences: list[AxesImage]) -> None:
    """Draws both scales beside the reference, where no difference stands."""
    axes.axis("off")
    scales = [(level, "level (dB; 0 = the reference's loudest)")]
    scales += [(image, "difference (dB; dark: too quiet, bright: too loud)") for image in differences[:1]]
    for height, (image, label) in zip((0.75, 0.2), scales, strict=False):
        bar = figure.colorbar(image, cax=axes.inset_axes((0.03, height, 0.94, 0.13)), orientation="horizontal")
        bar.set_label(label, fontsize=10)
        bar.ax.tick_params(labelsize=9)


def decibels(audio: Audio, sample_rate: int, *, rows: int, columns: int) -> Array:
    """Returns, for audio [samples], [row, column]: each cell's mean power over a full-scale sine's, low rows first.

    There are at most `rows` and `columns`, and no more than bins and frames. Hann windows of 32 ms, a quarter of that
    apart, are averaged in power over the cells. NaN where the audio is NaN, -inf for digital silence.
    """
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
