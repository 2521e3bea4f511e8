"""Laws of warm starts: neighbours' schedules arrive at this length and in the box, the nearest first, none twice."""

import json

import numpy as np
import pytest

from schedsearch.schedules.formulas import log_snr_line, resample
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import CurveSpace, LogSnrSpace
from schedsearch.search.warm_starts import MOST, neighbours

SPACE = LogSnrSpace(6)


def shipped(results, place, schedule):
    path = results / place / f"{len(schedule)}iters" / "schedule.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"betas": schedule.betas.tolist()}))
    return path


def found(results, space=SPACE, dataset="mine", rate=16000):
    return list(neighbours(results, f"{dataset}/{rate}hz", space).items())


def line(steps, first=10.0):
    return log_snr_line(steps, first, -3.0)


def test_no_results_are_no_neighbours(tmp_path):
    assert found(tmp_path / "nowhere") == []
    assert found(tmp_path) == []


def test_own_lengths_come_first_then_others_by_how_near_their_length_is(tmp_path):
    shipped(tmp_path, "other/16000hz", line(6, 9.0))
    shipped(tmp_path, "other/16000hz", line(7, 9.1))
    shipped(tmp_path, "mine/16000hz", line(12, 9.2))
    shipped(tmp_path, "mine/16000hz", line(50, 9.3))
    shipped(tmp_path, "mine/8000hz", line(5, 9.4))  # another rate is another voice
    assert [name for _, name in found(tmp_path)] == [
        "mine/16000hz/12 steps", "mine/16000hz/50 steps", "other/16000hz/6 steps", "other/16000hz/7 steps",
        "mine/8000hz/5 steps",
    ]  # fmt: skip


def test_the_search_s_own_last_winner_is_no_neighbour(tmp_path):
    shipped(tmp_path, "mine/16000hz", line(6))
    assert found(tmp_path) == []
    assert len(found(tmp_path, LogSnrSpace(5))) == 1


@pytest.mark.parametrize("space", [SPACE, LogSnrSpace(1), LogSnrSpace(13), CurveSpace(30)])
def test_each_start_has_this_length_and_lies_in_the_box(tmp_path, space):
    for i, schedule in enumerate([published("ivanvovk-6"), published("ivanvovk-100"), line(25, 20.0), line(2)]):
        shipped(tmp_path, f"voice{i}/22050hz", schedule)
    starts = found(tmp_path, space)
    assert len(starts) > (0 if space.steps == 1 else 3)
    for schedule, _ in starts:
        assert len(schedule) == space.steps
        assert space.clip(schedule).moved < 1e-2


def test_a_start_in_the_box_is_the_neighbour_read_at_this_length(tmp_path):
    shipped(tmp_path, "mine/16000hz", line(12))
    [(schedule, _)] = found(tmp_path)
    np.testing.assert_allclose(schedule.log_snr, resample(line(12), 6).log_snr, atol=1e-6)


def test_shipped_results_count_too(tmp_path):
    shipped(tmp_path, "shipped/other/16000hz", line(6))
    assert [name for _, name in found(tmp_path)] == ["other/16000hz/6 steps"]


def test_equal_schedules_are_one_start_and_there_are_not_many(tmp_path):
    for i in range(3):
        shipped(tmp_path, f"same{i}/16000hz", line(6))
    assert [name for _, name in found(tmp_path)] == ["same0/16000hz/6 steps"]
    for i in range(MOST + 3):
        shipped(tmp_path, f"other{i}/16000hz", line(6, 5.0 + 0.3 * i))
    starts = found(tmp_path)
    assert len(starts) == len(dict(starts)) == MOST


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"betas": null}', '{"betas": []}', '{"betas": [0.1, "b"]}', '{"betas": [0.1, 2.0]}',
     '{"betas": [[0.1], [0.2]]}', '{"betas": [0.1]}', '{"betas": [NaN, 0.1]}',
     '{"betas": [1e-6, 1e-23, 1e-3, 1e-2, 0.1]}', b"\xff\xfe\x00"],
)  # fmt: skip
def test_what_is_no_schedule_is_passed_over(tmp_path, content):
    sound = shipped(tmp_path, "good/16000hz", line(7))
    bad = tmp_path / "bad" / "16000hz" / "7iters" / "schedule.json"
    bad.parent.mkdir(parents=True)
    bad.write_bytes(content if isinstance(content, bytes) else content.encode())
    (tmp_path / "folder" / "16000hz" / "7iters" / "schedule.json").mkdir(parents=True)
    assert [name for _, name in found(tmp_path)] == ["good/16000hz/7 steps"]
    sound.unlink()
    assert found(tmp_path) == []


def test_starts_do_not_depend_on_the_order_of_writing(tmp_path):
    places = ["b/16000hz", "a/16000hz", "a/8000hz"]
    for folder, order in (("one", places), ("two", places[::-1])):
        for place in order:
            shipped(tmp_path / folder, place, line(6, 5.0 + len(place) + ord(place[0]) / 50))
    one, two = found(tmp_path / "one"), found(tmp_path / "two")
    assert len(one) == 3
    assert one == two
    assert all(isinstance(schedule, NoiseSchedule) for schedule, _ in one)
