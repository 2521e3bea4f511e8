"""What quality costs: intervals, the front of speed and quality, and lengths read from finished runs."""

import json
import shutil

import numpy as np
import pytest
from conftest import NO_WARNINGS
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.report.pictures.lengths import ALIKE, most_lengths, rated_lengths
from schedsearch.report.pictures.png import png
from schedsearch.report.pictures.quality import (
    Rated,
    pareto_front,
    quality_against_iterations,
    quality_against_speed,
    rated,
)
from schedsearch.report.pictures.quantity import Quantity

LOSS = Quantity("log_mel_l1", "ln power", "minimize")
FEW = st.integers(0, 5).map(float)


def point(factor, mean, iterations=6):
    return Rated(iterations, Interval(mean, mean, mean), factor)


def test_the_interval_of_a_mean_is_student_s():
    # scipy 1.17.1: stats.t.ppf(0.975, 23) = 2.0686576
    score = rated(6, 1.5, 0.1, 24).score
    assert (score.mean, score.low, score.high) == pytest.approx((1.5, 1.29313424, 1.70686576))


def test_one_clip_has_no_interval_and_is_drawn():
    assert np.isnan(rated(6, 1.5, float("nan"), 1).score.low)
    assert png(quality_against_iterations(LOSS, {"searched": [rated(6, 1.5, float("nan"), 1)]}))


@given(pairs=st.lists(st.tuples(FEW, FEW), max_size=12), sign=st.sampled_from([1, -1]))
def test_the_front_is_what_nothing_beats_in_speed_and_quality(pairs, sign):
    every = [point(*pair) for pair in pairs]
    front = pareto_front(every, sign)

    def beats(one, other):
        mine, its = ((p.real_time_factor, sign * p.score.mean) for p in (one, other))
        return mine[0] <= its[0] and mine[1] <= its[1] and mine != its

    wanted = {(p.real_time_factor, p.score.mean) for p in every if not any(beats(o, p) for o in every)}
    assert {(p.real_time_factor, p.score.mean) for p in front} == wanted
    assert len(front) == len(wanted)


def test_what_has_no_speed_or_no_score_is_not_on_the_front():
    assert pareto_front([point(np.nan, 0.0), point(1.0, np.nan)], 1) == []


@pytest.mark.parametrize("picture", [quality_against_iterations, quality_against_speed])
def test_each_series_stands_at_its_means_with_whiskers_at_its_interval_s_ends(picture):
    series = {name: [rated(n, 1 / n + i, 0.1, 24, real_time_factor=n / 10) for n in (6, 12, 25)]
              for i, name in enumerate(("searched", "best baseline"))}  # fmt: skip
    drawn = picture(LOSS, series).axes[0].containers
    for container, points in zip(drawn, series.values(), strict=True):
        line, _, [whiskers] = container
        np.testing.assert_allclose(line.get_ydata(), [p.score.mean for p in points])
        ends = [segment[:, 1] for segment in whiskers.get_segments()]
        np.testing.assert_allclose(ends, [[p.score.low, p.score.high] for p in points])
    assert len({container[0].get_marker() for container in drawn}) == 2


def test_lengths_are_the_ticks_and_stand_in_order():
    figure = quality_against_iterations(LOSS, {"searched": [rated(n, 1 / n, 0.1, 24) for n in (25, 6, 12)]})
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["6", "12", "25"]
    np.testing.assert_allclose(figure.axes[0].containers[0][0].get_xdata(orig=False), [6, 12, 25])


@NO_WARNINGS
@pytest.mark.parametrize("series", [{}, {"searched": []}, {"searched": [point(np.nan, np.nan)]}])
@pytest.mark.parametrize("picture", [quality_against_iterations, quality_against_speed])
def test_little_or_nothing_to_show_is_a_picture_all_the_same(picture, series):
    assert png(picture(LOSS, series))


# --- lengths --------------------------------------------------------------------------------------


def write_run(voice, iterations, *, mean=1.0, objective="log_mel_l1", **changed):
    identity = {**dict.fromkeys(ALIKE, "same"), "sample_rate": 16_000, "iterations": iterations, **changed}
    score = {"mean": mean, "se": 0.1, "clips": 24, "draws": 1, "failures": 0}
    told = {"objective": objective, "identity": identity,
            "held_out": [{"metric": "lsd", "winner": {}, "baseline": {}},
                         {"metric": objective, "winner": score, "baseline": {**score, "mean": 2.0}}]}  # fmt: skip
    folder = voice / f"{iterations}iters"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "run.json").write_text(json.dumps(told))
    return folder


def test_lengths_hold_both_sides_of_every_run(tmp_path):
    newest = [write_run(tmp_path, n, mean=1 / n) for n in (12, 6)][-1]
    found = rated_lengths(newest)
    assert found is not None
    assert found[0] == LOSS
    scores = {side: [(point.iterations, point.score) for point in points] for side, points in found[1].items()}
    assert scores["searched"] == [(n, rated(n, 1 / n, 0.1, 24).score) for n in (6, 12)]
    assert scores["best baseline"] == [(n, rated(n, 2.0, 0.1, 24).score) for n in (6, 12)]


@pytest.mark.parametrize("key", [key for key in ALIKE if key not in ("sample_rate", "objective")])
def test_runs_that_can_not_be_compared_are_left_out(tmp_path, key):
    newest = [write_run(tmp_path, n) for n in (12, 6)][-1]
    write_run(tmp_path, 25, **{key: "other"})
    found = rated_lengths(newest)
    assert found is not None
    assert sorted(point.iterations for point in found[1]["searched"]) == [6, 12]
    assert rated_lengths(tmp_path / "25iters") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"identity": {}}', "3", '{"identity": 1, "held_out": 2}'])
def test_a_run_that_some_other_program_wrote_is_left_out(tmp_path, content):
    newest = [write_run(tmp_path, n) for n in (12, 6)][-1]
    (tmp_path / "9iters").mkdir()
    (tmp_path / "9iters" / "run.json").write_text(content)
    found = rated_lengths(newest)
    assert found is not None
    assert len(found[1]["searched"]) == 2
    assert rated_lengths(tmp_path / "9iters") is None


def test_a_score_with_failures_is_left_out(tmp_path):
    newest = [write_run(tmp_path, 6), write_run(tmp_path, 12, mean=None)][0]
    found = rated_lengths(newest)
    assert found is not None
    assert [point.iterations for point in found[1]["searched"]] == [6]
    assert [point.iterations for point in found[1]["best baseline"]] == [6, 12]


def test_the_largest_group_of_lengths_that_compare_is_taken(tmp_path):
    assert most_lengths(tmp_path) is None
    for iterations, clips in ((6, "old"), (12, "new"), (25, "new"), (50, "old"), (100, "new")):
        write_run(tmp_path, iterations, **{"held-out clips": clips})
    found = most_lengths(tmp_path)
    assert found is not None
    assert sorted(point.iterations for point in found[1]["searched"]) == [12, 25, 100]


def test_speeds_are_not_moved_and_all_ends_lie_within_the_axis():
    series = {name: [rated(6, mean, 0.1, 24, real_time_factor=0.5)] for name, mean in (("a", 1.0), ("b", 9.0))}
    axes = quality_against_speed(LOSS, series, "cpu, 2 threads").axes[0]
    assert [c[0].get_xdata(orig=False).tolist() for c in axes.containers] == [[0.5], [0.5]]
    low, high = axes.get_ylim()
    assert low < series["a"][0].score.low
    assert high > series["b"][0].score.high
    assert axes.get_xlabel().startswith("real-time factor on cpu, 2 threads: ")


@NO_WARNINGS
@pytest.mark.parametrize(("factors", "lines"), [((0.001, 0.002), 0), ((0.3, 0.4), 0), ((0.5, 5.0), 1), ((20, 90), 0)])
def test_real_time_is_marked_where_it_is_in_view(factors, lines):
    points = [rated(6, 1.0, 0.1, 24, real_time_factor=factor) for factor in factors]
    figure = quality_against_speed(LOSS, {"searched": points})
    assert png(figure)
    assert [text.get_text().strip() for text in figure.axes[0].texts].count("real time") == lines


def test_one_length_is_no_comparison(tmp_path):
    assert rated_lengths(write_run(tmp_path, 6)) is None
    assert rated_lengths(tmp_path / "7iters") is None


def test_a_copy_of_a_length_is_no_length(tmp_path):
    newest = [write_run(tmp_path, n) for n in (12, 6)][-1]
    shutil.copytree(newest, tmp_path / "old-6iters")
    found = rated_lengths(newest)
    assert found is not None and len(found[1]["searched"]) == 2
    shutil.rmtree(tmp_path / "12iters")
    assert rated_lengths(newest) is None
    assert most_lengths(tmp_path) is None
