"""Laws of the search box."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedsearch.schedules import formulas, named
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, LEAST_RANGE, CurveSpace, LogSnrSpace, ScheduleSpace
from vocoder.errors import InputError

LAST_LOG_SNR = formulas.TERMINAL_LOG_SNR
coordinate = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(0.0, 1.0))


def cubes(dimensions):
    return st.lists(coordinate, min_size=dimensions, max_size=dimensions)


@st.composite
def spaces_and_points(draw):
    space: ScheduleSpace
    if draw(st.booleans()):
        space = LogSnrSpace(draw(st.sampled_from([1, 2, 3, 4, 6, 7, 12, 25, 100])))
    else:
        space = CurveSpace(draw(st.sampled_from([7, 25, 50, 1000])))
    return space, draw(cubes(space.dimensions))


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(spaces_and_points())
def test_every_point_of_the_cube_is_a_legal_schedule_inside_the_box(space_and_point):
    space, point = space_and_point
    schedule = space.decode(point)
    first, last = schedule.log_snr[0], schedule.log_snr[-1]
    assert len(schedule) == space.steps
    assert LAST_LOG_SNR[0] - 1e-9 <= last <= LAST_LOG_SNR[1] + 1e-9
    if space.steps > 1:
        assert FIRST_LOG_SNR[0] - 1e-9 <= first <= FIRST_LOG_SNR[1] + 1e-9
        assert first - last >= LEAST_RANGE - 1e-9


@pytest.mark.parametrize("steps", [2, 6, 12, 100, 1000])
@pytest.mark.parametrize("corner", [0.0, 1.0])
def test_the_outermost_corners_are_legal(steps, corner):
    assert len(LogSnrSpace(steps).decode(np.full(steps, corner))) == steps


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([1, 2, 3, 6, 7, 12, 50]).flatmap(lambda n: st.tuples(st.just(n), cubes(n))))
def test_encode_is_the_inverse_of_decode_corners_included(case):
    steps, point = case
    space = LogSnrSpace(steps)
    np.testing.assert_allclose(space.encode(space.decode(point)), point, rtol=0, atol=1e-7)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, 3, 6, 12, 100]).flatmap(lambda n: st.tuples(st.just(n), cubes(n))))
def test_decode_is_the_inverse_of_encode_in_log_snr(case):
    steps, point = case
    space = LogSnrSpace(steps)
    schedule = space.decode(point)
    np.testing.assert_allclose(
        space.decode(space.encode(schedule)).log_snr, schedule.log_snr, rtol=0, atol=1e-9
    )


@pytest.mark.parametrize("steps", [2, 3, 6, 7, 12, 50])
def test_the_middle_of_the_cube_is_a_straight_line(steps):
    levels = LogSnrSpace(steps).decode(np.full(steps, 0.5)).log_snr
    np.testing.assert_allclose(levels, np.linspace(levels[0], levels[-1], steps), atol=1e-9)


def test_each_free_number_beyond_the_ends_moves_levels_down_as_it_grows():
    space = LogSnrSpace(6)
    middle = np.full(6, 0.5)
    for index in range(2, 6):
        point = middle.copy()
        point[index] = 0.8
        moved = space.decode(point).log_snr - space.decode(middle).log_snr
        assert (moved <= 1e-12).all() and moved.min() < -0.1


def test_uniform_points_are_mostly_near_straight_lines():
    space, random = LogSnrSpace(6), np.random.default_rng(3)
    gaps = [-np.diff(space.decode(point).log_snr) for point in random.random((400, 6))]
    shares = np.array([gap / gap.sum() for gap in gaps])
    assert 0.05 < np.median(np.abs(shares - 0.2)) < 0.1  # published 6-step schedules: 0.0 to 0.07
    assert np.quantile(shares, 0.05) > 0.02  # few gaps close to nothing


@pytest.mark.parametrize("name", [name for name in named.published_schedules() if name != "fastdiff-8"])
def test_published_schedules_are_inside_the_box(name):
    schedule = named.published(name)
    space = LogSnrSpace(len(schedule))
    assert space.clip(schedule).report == ""
    np.testing.assert_allclose(
        space.decode(space.encode(schedule)).log_snr, schedule.log_snr, rtol=0, atol=1e-9
    )


def test_a_schedule_outside_is_refused_until_it_is_clipped_and_the_clip_is_reported():
    outside = named.published("fastdiff-8")  # its first log-SNR is 14.2
    space = LogSnrSpace(8)
    with pytest.raises(
        InputError, match=r"clip it first: moved by up to 0.318 in log-SNR: step 0 from 14.22 to 13.9"
    ):
        space.encode(outside)
    clipped = space.clip(outside)
    assert clipped.moved == pytest.approx(0.3176, abs=1e-3)
    assert clipped.schedule.log_snr[0] == pytest.approx(FIRST_LOG_SNR[1], abs=1e-9)
    assert space.clip(clipped.schedule).report == ""
    space.encode(clipped.schedule)


@pytest.mark.parametrize(
    "betas",
    [[0.999, 0.5, 0.9], [1e-9, 1e-9, 1e-9], [0.5, 1e-300, 0.5], [1e-12, 0.5, 1e-17], [1e-6, 1e-17, 1e-17]],
)
def test_clipping_brings_any_legal_schedule_inside(betas):
    space = LogSnrSpace(3)
    clipped = space.clip(NoiseSchedule(betas))
    assert clipped.moved > 0 and "\n" not in clipped.report
    assert space.clip(clipped.schedule).moved == 0


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(0.1, 0.9), min_size=6, max_size=6))
def test_a_curve_is_found_again_by_its_fit(point):
    space = CurveSpace(50)
    curve = space.decode(point)
    np.testing.assert_allclose(space.decode(space.encode(curve)).log_snr, curve.log_snr, atol=1e-5)


@pytest.mark.parametrize("name", ["ivanvovk-50", "ivanvovk-100"])
def test_a_curve_fits_a_published_schedule(name):
    schedule = named.published(name)
    space = CurveSpace(len(schedule))
    fitted = space.decode(space.encode(schedule)).log_snr
    assert np.sqrt(np.mean((fitted - schedule.log_snr) ** 2)) < 0.5


def test_the_fit_is_no_worse_than_its_neighbours():
    schedule, space = named.published("ivanvovk-50"), CurveSpace(50)
    best = space.encode(schedule)

    def error(point):
        return float(np.mean((space.decode(np.clip(point, 0, 1)).log_snr - schedule.log_snr) ** 2))

    for direction in np.vstack([np.eye(6), -np.eye(6)]):
        assert error(best) <= error(best + 0.02 * direction) + 1e-9


def test_a_clipped_curve_says_how_far_it_lies_from_the_schedule():
    schedule, space = named.published("ivanvovk-50"), CurveSpace(50)
    clipped = space.clip(schedule)
    assert clipped.moved == pytest.approx(np.abs(clipped.schedule.log_snr - schedule.log_snr).max())
    assert "in log-SNR" in clipped.report


@pytest.mark.parametrize("point", [[0.5] * 5, [0.5] * 7, 0.5, [[0.5] * 6]])
def test_a_point_of_the_wrong_shape_is_refused(point):
    with pytest.raises(InputError, match=r"shape \(6,\)"):
        LogSnrSpace(6).decode(point)


@pytest.mark.parametrize("value", [-1e-9, 1.0000001, float("nan"), float("inf")])
def test_a_point_outside_the_cube_is_refused(value):
    with pytest.raises(InputError, match=r"lies in \[0, 1\]"):
        LogSnrSpace(3).decode([0.5, value, 0.5])


@pytest.mark.parametrize("space", [LogSnrSpace(6), CurveSpace(25)])
def test_a_schedule_of_another_length_is_refused(space):
    with pytest.raises(InputError, match="got 7; resample it first"):
        space.encode(named.published("ivanvovk-7"))
