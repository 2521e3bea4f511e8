"""Levels in dB that are what they say, and pictures whose panels can be compared."""

import numpy as np
import pytest
from conftest import NO_WARNINGS

from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.spectrograms import COARSE, FINE, RANGE, WIDEST, decibels, spectrograms

RATE = 16_000
BINS = 256  # above 0 Hz, of the window of 512
NOISE = np.random.default_rng(0).normal(0, 0.1, 2 * RATE)


def images(figure):
    """The pictures of the panels, row by row; the panel of the scales has none."""
    return [axes.images[0] for axes in figure.axes if axes.images]


def sine(frequency, amplitude=1.0):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(RATE) / RATE)


@pytest.mark.parametrize("bin_", [32, 100])
def test_a_full_scale_sine_has_0_db_in_its_bin_and_nothing_far_from_it(bin_):
    levels = decibels(sine(bin_ * RATE / 512), RATE, rows=BINS, columns=50)[:, 5:-5]
    assert levels.shape == (BINS, 40)
    np.testing.assert_allclose(levels[bin_ - 1], 0, atol=1e-6)  # the first row is bin 1
    assert (np.delete(levels, range(bin_ - 4, bin_ + 3), axis=0) < -60).all()


def test_a_gain_adds_its_decibels_everywhere():
    quiet, loud = (decibels(gain * NOISE, RATE, rows=40, columns=30) for gain in (0.1, 1.0))
    np.testing.assert_allclose(loud - quiet, 20)


def test_larger_cells_hold_the_mean_power_of_smaller_ones():
    fine, coarse = (10 ** (decibels(NOISE[:16_256], RATE, rows=r, columns=c) / 10) for r, c in ((256, 128), (64, 32)))
    np.testing.assert_allclose(fine.reshape(64, 4, 32, 4).mean(axis=(1, 3)), coarse)


@pytest.mark.parametrize("samples", [1, 2, 100, 511, 513])
def test_clips_shorter_than_a_window_have_levels_too(samples):
    assert np.isfinite(decibels(NOISE[:samples], RATE, rows=80, columns=200)).all()


def test_panels_share_their_axes_and_scales():
    found = images(spectrograms(NOISE, {"a": 0.5 * NOISE, "b": NOISE[:-100]}, RATE))
    levels, differences = [found[0], found[1], found[3]], [found[2], found[4]]
    assert {image.get_clim() for image in levels} == {(-RANGE, 0.0)}
    assert {image.get_clim() for image in differences} == {(-WIDEST, WIDEST)}
    assert {tuple(image.get_extent()) for image in found} == {(0, (2 * RATE - 100) / RATE, 0, 8)}
    assert {image.get_array().shape for image in levels} == {FINE}
    assert {image.get_array().shape for image in differences} == {COARSE}


def test_differences_are_estimate_minus_reference():
    found = images(spectrograms(NOISE, {"the same": NOISE, "half": 0.5 * NOISE, "double": 2 * NOISE}, RATE))
    same, half, double = found[2], found[4], found[6]
    np.testing.assert_allclose(same.get_array(), 0)
    np.testing.assert_allclose(half.get_array(), -6.0206, atol=1e-4)  # 20 log10 0.5
    np.testing.assert_allclose(double.get_array(), 6.0206, atol=1e-4)


def test_the_reference_s_loudest_is_0_db():
    assert images(spectrograms(0.001 * NOISE, {}, RATE))[0].get_array().max() == pytest.approx(0)


def luminances(image):
    """Of the colour map's shades, in the order of their values."""
    colours = image.cmap(np.linspace(0, 1, image.cmap.N))
    return colours[:, :3] @ [0.2126, 0.7152, 0.0722]


def test_every_scale_is_even_in_black_and_white():
    level, _, difference = images(spectrograms(NOISE, {"a": NOISE}, RATE))
    assert (np.diff(luminances(level)) < 0).all()  # loud is dark
    assert (np.diff(luminances(difference)) > 0).all()


@pytest.mark.slow
@NO_WARNINGS
@pytest.mark.parametrize(
    ("reference", "estimate"),
    [
        (np.zeros(RATE), np.zeros(RATE)),
        (np.zeros(RATE), NOISE),
        (NOISE, np.zeros(RATE)),
        (NOISE, np.full(RATE, np.nan)),
        (np.full(RATE, np.nan), NOISE),
        (NOISE[:1], NOISE),
        (NOISE.astype(np.float32), NOISE.astype(np.float32)),
    ],
)
def test_silence_nan_and_short_clips_are_pictures_all_the_same(reference, estimate):
    assert png(spectrograms(reference, {"a": estimate}, RATE))


@pytest.mark.slow
def test_three_estimates_of_white_noise_for_ten_seconds_stay_small():
    noise = np.random.default_rng(1).normal(0, 0.1, (4, 10 * RATE))
    assert len(png(spectrograms(noise[0], dict(zip("abc", noise[1:], strict=True)), RATE))) < 120_000
