"""Laws of correcting for many comparisons."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from schedsearch.evaluation.bootstrap import paired_bootstrap
from schedsearch.evaluation.multiple import holm, p_values


def test_holm_as_worked_by_hand():
    # Sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2 and 0.04 * 1, which may not fall below the one before.
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_correction_makes_no_p_value_smaller_and_keeps_their_order(values):
    p = np.array(values)
    corrected = holm(p)
    assert (p <= corrected).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p)]) >= 0).all()


def test_what_could_not_be_compared_is_not_counted():
    np.testing.assert_allclose(holm(np.array([np.nan, 0.02, 0.03])), [np.nan, 0.04, 0.04])


@pytest.mark.parametrize(("mean", "low", "high"), [(0.1, 0.0, 0.2), (-0.1, -0.3, 0.0)])
def test_an_interval_that_ends_at_zero_has_a_p_value_of_a_twentieth(mean, low, high):
    assert p_values(*(np.array([value]) for value in (mean, low, high, 12))) == pytest.approx(0.05)


def test_it_is_near_that_of_a_paired_t_test():
    rng = np.random.default_rng(3)
    first, second = rng.normal(0.3, 1, (24, 1)), rng.normal(0, 1, (24, 1))
    interval = paired_bootstrap(first, second, seed=0)
    p = p_values(*(np.array([value]) for value in (interval.mean, interval.low, interval.high, 24)))
    assert p == pytest.approx(stats.ttest_rel(first[:, 0], second[:, 0]).pvalue, rel=0.2)


def test_no_difference_and_no_width():
    mean, low, high = np.array([[0.0, 0.0, 0.0], [0.1, 0.1, 0.1], [0.0, -1.0, 1.0]]).T
    np.testing.assert_allclose(p_values(mean, low, high, np.full(3, 24)), [1, 0, 1])
