"""Laws of the paired bootstrap: it covers what it says, and does not mistake draws for clips."""

import numpy as np
import pytest

from schedsearch.evaluation.bootstrap import Interval, paired_bootstrap, sound_clips
from schedsearch.evaluation.scores import Score

TRUE = 0.3


def normal_pairs(clips, draws, seed, *, between=1.0, within=0.5):
    """first and second [clip, draw]; their differences are N(TRUE, between^2) a clip, plus N(0, within^2) a draw."""
    generator = np.random.default_rng(seed)
    second = generator.normal(size=(clips, draws))
    of_clip = generator.normal(TRUE, between, size=(clips, 1))
    return second + of_clip + generator.normal(0, within, size=(clips, draws)), second


@pytest.mark.parametrize(("clips", "draws", "between"), [(6, 1, 1.0), (24, 1, 1.0), (24, 4, 1.0), (24, 4, 0.0)])
def test_interval_contains_the_true_mean_95_times_in_100(clips, draws, between):
    repetitions = 500
    found = [
        paired_bootstrap(*normal_pairs(clips, draws, seed, between=between), seed=seed, resamples=400)
        for seed in range(repetitions)
    ]
    covered = sum(interval.low <= TRUE <= interval.high for interval in found) / repetitions
    # Binomial standard error at 500 repetitions: 0.01.
    assert 0.92 <= covered <= 0.98


def test_mean_is_that_of_the_differences():
    first, second = normal_pairs(7, 3, seed=0)
    assert paired_bootstrap(first, second, seed=0).mean == pytest.approx(np.mean(first - second))


def test_duplicated_draws_narrow_nothing():
    first, second = normal_pairs(8, 2, seed=1, between=0.0)
    once = paired_bootstrap(first, second, seed=0)
    twice = paired_bootstrap(np.hstack([first, first]), np.hstack([second, second]), seed=0)
    assert (twice.low, twice.high) == pytest.approx((once.low, once.high))


def test_four_times_the_clips_halve_the_interval():
    narrow = [paired_bootstrap(*normal_pairs(96, 1, s), seed=s, resamples=500) for s in range(40)]
    wide = [paired_bootstrap(*normal_pairs(24, 1, s), seed=s, resamples=500) for s in range(40)]
    ratio = np.mean([i.high - i.low for i in narrow]) / np.mean([i.high - i.low for i in wide])
    # t quantiles of 95 and 23 degrees of freedom: 1.985 / 2.069 / 2 = 0.48
    assert ratio == pytest.approx(0.48, abs=0.03)


def test_a_shared_difficulty_of_clips_cancels():
    first, second = normal_pairs(8, 2, seed=3)
    hard = np.random.default_rng(0).normal(0, 100, size=(8, 1))
    plain, shifted = (paired_bootstrap(first + h, second + h, seed=0) for h in (0.0, hard))
    assert (shifted.mean, shifted.low, shifted.high) == pytest.approx((plain.mean, plain.low, plain.high))


def test_equal_scores_are_never_told_apart():
    values = np.random.default_rng(0).normal(size=(5, 2))
    assert not paired_bootstrap(values, values, seed=0).excludes_zero


def test_two_clips_that_agree_settle_nothing():
    # By chance alone two differences have one sign half the time.
    assert not paired_bootstrap(np.array([[1.0], [1.5]]), np.zeros((2, 1)), seed=0).excludes_zero


def test_interval_swaps_with_the_pair_and_repeats_with_its_seed():
    first, second = normal_pairs(9, 2, seed=2)
    forth, back = paired_bootstrap(first, second, seed=5), paired_bootstrap(second, first, seed=5)
    assert forth == paired_bootstrap(first, second, seed=5)
    assert (-back.high, -back.low) == pytest.approx((forth.low, forth.high), abs=0.05)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_unfinished_pairs_raise(bad):
    values = np.ones((3, 2))
    spoilt = values.copy()
    spoilt[1, 0] = bad
    with pytest.raises(ValueError, match="finite"):
        paired_bootstrap(spoilt, values, seed=0)


@pytest.mark.parametrize("shapes", [((1, 4), (1, 4)), ((0, 1), (0, 1)), ((3, 1), (3, 2))])
def test_what_is_no_set_of_pairs_raises(shapes):
    first, second = (np.ones(shape) for shape in shapes)
    with pytest.raises(ValueError, match="two clips"):
        paired_bootstrap(first, second, seed=0)


@pytest.mark.parametrize(("low", "high", "settled"), [(0.1, 0.2, True), (-0.2, -0.1, True), (-0.1, 0.1, False)])
def test_the_sign_is_settled_when_zero_lies_outside(low, high, settled):
    assert Interval((low + high) / 2, low, high).excludes_zero == settled


def test_a_clip_is_sound_only_when_no_schedule_failed_in_any_draw():
    first = np.array([[1.0, 1.0], [np.nan, 1.0], [1.0, 1.0]])
    second = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, np.nan]])
    assert sound_clips([first, second]).tolist() == [True, False, False]


def test_a_failure_is_never_averaged_away():
    assert np.isnan(Score(np.array([[1.0], [np.nan]]), ("b, draw 0: silent",)).mean)


def test_standard_error_counts_clips_not_draws():
    clips = np.array([[1.0], [2.0], [4.0]])
    expected = np.std([1.0, 2.0, 4.0], ddof=1) / np.sqrt(3)
    assert Score(clips).standard_error == pytest.approx(expected)
    assert Score(np.repeat(clips, 50, axis=1)).standard_error == pytest.approx(expected)
    assert np.isnan(Score(clips[:1]).standard_error)
