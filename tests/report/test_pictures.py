"""Pictures hold the data they are given, take any name as it is, and are the same bytes every time."""

import io
from functools import cache

import matplotlib
import numpy as np
import pytest
from conftest import NO_WARNINGS
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import Comparison, Outcome
from schedsearch.evaluation.scores import Score
from schedsearch.report.pictures.axes import power
from schedsearch.report.pictures.convergence import convergence
from schedsearch.report.pictures.differences import held_out_differences
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quality import quality_against_iterations, quality_against_speed, rated
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.report.pictures.schedules import schedules
from schedsearch.report.pictures.spectrograms import spectrograms
from schedsearch.report.pictures.style import DASHES, LONGEST_NAME, MARKERS, blank, shown, stroke, style
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.candidate import Candidate

HOSTILE = [r"$\frac", "$x^2$ $", "<b>bold</b>", "n" * 300, "two\nlines\r\n\tand a tab", "_hidden", "", "\x00\ud800",
           "模式 🎵", "%s {x} \\n"]  # fmt: skip
LARGEST = 120_000  # bytes
LOSS = Quantity("log_mel_l1", "ln power", "minimize")


def candidate(name="trial 0", value=1.0, *, estimate=None, failures=(), cost=12):
    score = Score(np.full((2, 1), np.nan if failures or estimate is not None else value), failures)
    return Candidate(name, "tpe", NoiseSchedule(np.array([0.1, 0.2])), {"log_mel_l1": score}, 1.0, cost, 0, estimate)


def comparison(differences):
    first = np.linspace(1, 2, len(differences))[:, None]
    searched = Score(first + np.array(differences)[:, None])
    return Comparison("log_mel_l1", searched, Score(first), Interval(-1, -2, 0.5), Outcome.TIE)


def x_of(line):
    return np.asarray(line.get_xdata(orig=False))


def y_of(line):
    return np.asarray(line.get_ydata(orig=False))


def points(count=2):
    return [rated(6 * i, 1 / i, 0.05, 24, real_time_factor=0.1 * i) for i in range(1, count + 1)]


def pictures(*names):
    """Of every kind, each with all names in it."""
    noise = np.random.default_rng(0).normal(0, 0.1, (2, 48_000))
    line = log_snr_line(6, 9, -3)
    series = {name: points() for name in names}
    found = {
        "schedules": lambda: schedules((names[0], line), {name: line for name in names}),
        "convergence": lambda: convergence(
            [candidate(n, i) for i, n in enumerate(names)],
            [candidate(names[-1])],
            LOSS,
            winner=candidate(names[0]),
            pair=0.1,
            other_evaluations=0,
        ),
        "differences": lambda: held_out_differences(
            comparison([-1, 0.5]), Quantity(names[0], names[0], "maximize"), winner=names[0], baseline=names[-1]
        ),
        "iterations": lambda: quality_against_iterations(LOSS, series),
        "speed": lambda: quality_against_speed(LOSS, series),
        "spectrograms": lambda: spectrograms(noise[0], {n: noise[1] for n in names[:2]}, 16_000),
    }
    return found


KINDS = list(pictures("a"))


@cache
def drawn(kind):
    return png(pictures("searched", "baseline")[kind]())


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_equal_input_gives_equal_bytes(kind):
    assert png(pictures("searched", "baseline")[kind]()) == drawn(kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_a_small_png_of_the_usual_width_with_nothing_written_inside(kind):
    content = drawn(kind)
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(content) < LARGEST  # the spectrograms are of white noise, which packs worst
    image = Image.open(io.BytesIO(content))
    assert image.width == 900
    assert not image.info.keys() & {"Software", "Creation Time", "date"}


def test_a_user_s_matplotlibrc_changes_nothing_and_stays_as_it_was():
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "text.parse_math": True}):
        assert png(pictures("searched", "baseline")["schedules"]()) == drawn("schedules")
        assert matplotlib.rcParams["font.size"] == 30
        assert matplotlib.rcParams["text.parse_math"] is True


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.slow
@NO_WARNINGS
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_are_drawn_and_not_interpreted(kind):
    figure = pictures(*HOSTILE)[kind]()
    assert png(figure)
    texts = [text for text in figure.findobj(Text) if text.get_text()]
    assert not any(text.get_parse_math() or text.get_usetex() for text in texts)
    assert any(shown(HOSTILE[0], 24) in text.get_text() for text in texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_shown_on_one_line_that_fits(name):
    line = shown(name)
    assert 0 < len(line) <= LONGEST_NAME
    assert line.isprintable()
    assert shown(line) == line


def test_a_name_that_fits_is_shown_as_it_is():
    assert shown("exponential 1e-6 to 1e-1") == "exponential 1e-6 to 1e-1"
    assert shown("a" * 40 + "the end").endswith("the end")


def test_no_glyph_of_a_baseline_s_name_is_cut():
    for steps in (1, 6, 12, 25, 50, 100):
        for name in baselines(steps):
            assert shown(name) == name


# --- lines ----------------------------------------------------------------------------------------


def test_no_two_lines_differ_in_colour_alone():
    looks = [(stroke(i).dashes, stroke(i).marker) for i in range(len(DASHES) * len(MARKERS))]
    assert len(set(looks)) == len(looks) == 36


@pytest.mark.parametrize("steps", [1, 2, 6, 100])
def test_both_panels_hold_each_schedule_once_and_whole(steps):
    winner, given = log_snr_line(steps, 9, -3), baselines(steps)
    figure = schedules(("winner", winner), given)
    every = [winner, *given.values()]
    snr, beta = figure.axes
    for axes, wanted in ((snr, [s.log_snr for s in every]), (beta, [s.betas for s in every])):
        assert len(axes.lines) == len(every)
        for line, values in zip(axes.lines, wanted, strict=True):
            np.testing.assert_array_equal(x_of(line), np.arange(steps))
            np.testing.assert_array_equal(y_of(line), values)
            assert axes.get_ylim()[0] < min(values)
            assert max(values) < axes.get_ylim()[1]
        looks = {(line.get_linestyle(), line.get_marker()) for line in axes.lines}
        assert len(looks) == len(every)
    assert beta.get_yscale() == "log"
    [legend] = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["winner", *given]


@pytest.mark.slow
def test_schedules_draw_with_one_step_and_without_baselines():
    assert png(schedules(("winner", log_snr_line(1, 3, 3)), {}))


def test_powers_of_ten_are_written_out_without_formulas():
    assert [power(10.0**n) for n in (-6, -1, 0, 12)] == ["10⁻⁶", "10⁻¹", "1", "10¹²"]


# --- held-out clips -------------------------------------------------------------------------------


def test_held_out_dots_are_the_paired_differences_sorted_and_split_by_who_is_better():
    gaps = [0.5, -1.0, -0.25, 2.0, -3.0]
    better, worse = held_out_differences(comparison(gaps), LOSS, winner="w", baseline="b").axes[0].lines[:2]
    np.testing.assert_allclose(x_of(better), [-3.0, -1.0, -0.25])
    np.testing.assert_allclose(x_of(worse), [0.5, 2.0])
    np.testing.assert_array_equal([*y_of(better), *y_of(worse)], [1, 2, 3, 4, 5])
    assert better.get_marker() != worse.get_marker()
    more = Quantity("pesq_wb", "MOS-LQO", "maximize")
    better, worse = held_out_differences(comparison(gaps), more, winner="w", baseline="b").axes[0].lines[:2]
    np.testing.assert_allclose(x_of(better), [0.5, 2.0])


def test_held_out_mean_and_interval_are_the_verdict_s():
    axes = held_out_differences(comparison([-1, 0.5]), LOSS, winner="w", baseline="b").axes[0]
    assert [x_of(line)[0] for line in axes.lines if line.get_label() == "mean −1"] == [-1]
    assert "95 % interval −2 to +0.5" in [patch.get_label() for patch in axes.patches]


@pytest.mark.parametrize("values", [[np.nan, np.nan], [0.1, np.nan], [np.nan] * 3])
def test_clips_that_failed_are_counted_and_not_drawn(values):
    searched, baseline = Score(np.array(values)[:, None]), Score(np.zeros((len(values), 1)))
    found = Comparison("log_mel_l1", searched, baseline, None, Outcome.NO_COMPARISON)
    figure = held_out_differences(found, LOSS, winner="w", baseline="b")
    sound, failed = np.isfinite(values).sum(), np.isnan(values).sum()
    assert sum(len(x_of(line)) for line in figure.axes[0].lines[:2]) == sound
    assert f"{failed} more failed" in figure.axes[0].get_ylabel()
    assert png(figure)


# --- quantities -----------------------------------------------------------------------------------


def test_an_axis_tells_unit_and_better_side():
    assert Quantity("lsd", "dB", "minimize").label == "lsd (dB), less is better"
    assert Quantity("pesq_nb", "MOS-LQO", "maximize").label == "pesq_nb (MOS-LQO), more is better"
    assert Quantity("mr_stft", "1", "minimize").label == "mr_stft, less is better"
    assert Quantity("my own", "", "maximize").label == "my own, more is better"


def test_the_style_is_no_longer_set_when_a_picture_is_made():
    before = dict(matplotlib.rcParams)
    with style():
        assert isinstance(blank(3), Figure)
        assert matplotlib.rcParams["text.parse_math"] is False
    assert dict(matplotlib.rcParams) == before
