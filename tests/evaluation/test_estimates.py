"""Laws of estimates from unequal pairs: they find means that were planted, and say how far off they may be."""

import numpy as np
import pytest

from schedsearch.evaluation.draws import MIXED, share_of
from schedsearch.evaluation.estimates import BETWEEN, NOISE, _pair_effects, estimate

SCHEDULES, CLIPS, DRAWS = 12, 12, 3


def table(seed, *, noise=0.2, effects=1.0):
    """Planted means, and scores whose pairs differ by far more than the schedules do."""
    rng = np.random.default_rng(seed)
    means = rng.normal(scale=0.1, size=SCHEDULES)
    pairs = rng.normal(scale=effects, size=(CLIPS, DRAWS))
    return means, means[:, None, None] + pairs + rng.normal(scale=noise, size=(SCHEDULES, CLIPS, DRAWS))


def test_without_gaps_differences_are_those_of_plain_means():
    _, values = table(0)
    found = estimate(values).means
    np.testing.assert_allclose(found - found[0], values.mean((1, 2)) - values[0].mean(), atol=1e-9)


def test_without_noise_planted_differences_come_out_whatever_is_missing():
    means, values = table(1, noise=0.0)
    values[3:, 4:, :] = np.nan  # stopped after four clips
    values[3:, :, 1:] = np.nan
    values[6:9, :2, 0] = np.nan  # two clips left
    found = estimate(values)
    np.testing.assert_allclose(found.means - found.means[0], means - means[0], atol=1e-6)
    assert found.pair == pytest.approx(0, abs=1e-12)


def test_plain_means_over_easier_clips_would_mislead_where_estimates_do_not():
    means, values = table(2, noise=0.05)
    values[5, 2:, :] = np.nan
    plain = np.nanmean(values[5]) - values[0].mean()
    found = estimate(values).means
    assert abs(found[5] - found[0] - (means[5] - means[0])) < 0.1 < abs(plain - (means[5] - means[0]))


def test_the_variance_of_a_pair_is_found_and_errors_are_as_large_as_said():
    pairs, ratios = [], []
    for seed in range(40):
        means, values = table(seed)
        values[6:, 4:, :] = np.nan
        values[6:, :, 1:] = np.nan
        found = estimate(values)
        pairs.append(found.pair)
        errors = found.means - means - (found.means - means)[:6].mean()
        ratios.append((errors[6:] ** 2 / found.variances[6:]).mean())
    assert np.mean(pairs) == pytest.approx(0.2**2, rel=0.1)
    assert 0.5 < np.mean(ratios) < 1.5


def test_more_pairs_mean_less_variance_and_further_draws_less_than_further_clips():
    _, values = table(3)
    values[0, 6:, :] = np.nan  # six clips, three draws
    values[1, :, 1:] = np.nan  # twelve clips, one draw
    values[2, 6:, :] = np.nan
    values[2, :, 1:] = np.nan  # six clips, one draw
    found = estimate(values)
    six, twelve, few, whole = found.variances[[0, 1, 2, 3]]
    assert whole < min(six, twelve) < max(six, twelve) < few
    assert few == pytest.approx(found.pair / 6)
    assert six == pytest.approx(found.pair * (BETWEEN / 6 + (1 - BETWEEN) / 18))


def test_what_is_hopeless_does_not_move_the_others():
    _, values = table(4)
    spoilt = np.concatenate([values, 50 * np.abs(np.random.default_rng(0).normal(size=(3, CLIPS, DRAWS)))])
    spoilt[SCHEDULES:, 4:, :] = np.nan
    one, other = estimate(values), estimate(spoilt)
    np.testing.assert_allclose(other.means[:SCHEDULES], one.means, atol=1e-9)
    assert other.pair == pytest.approx(one.pair)


def test_further_draws_of_longer_excerpts_weigh_more_and_do_not_shift_the_means():
    means, values = table(6, effects=0.0)
    values[:, :, 1:] = means[:, None, None] - 0.5 + 0.5 * (values[:, :, 1:] - means[:, None, None])  # easier, quieter
    values[3:, :, 1:] = np.nan
    found = estimate(values, np.array([1.0, 4.0, 4.0]))
    assert found.pair == pytest.approx(0.2**2, rel=0.3)
    assert found.variances[0] == pytest.approx(found.pair * (BETWEEN / CLIPS + (1 - BETWEEN) / (9 * CLIPS)))
    assert np.abs(found.means - means).max() < 5 * 0.2 / np.sqrt(CLIPS)


def test_a_further_draw_that_only_worse_schedules_heard_has_effects_too():
    means, values = table(7, noise=0.0)
    order = np.argsort(means)
    values[order[:-2], :, 1:] = np.nan
    found = estimate(values)
    np.testing.assert_allclose(found.means - found.means[0], means - means[0], atol=1e-6)


@pytest.mark.parametrize("schedules", [1, 2])
def test_few_schedules_are_estimated_too(schedules):
    values = table(5)[1][:schedules, :, :1]
    found = estimate(values)
    assert np.isfinite(found.means).all()
    assert np.isfinite(found.variances).all()


def test_shares_of_several_draws_are_levelled():
    errors, raw = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        means = rng.normal(scale=0.05, size=40)
        pairs, noise = rng.normal(scale=0.4, size=(12, MIXED)), rng.normal(scale=0.1, size=(40, 12, MIXED))
        values = means[:, None, None] + pairs + noise
        heard = np.full(values.shape, np.nan)
        heard[:4, :, 0] = values[:4, :, 0]  # baselines hear every clip in the first draw
        for row in range(4, 40):
            for clip, draw in enumerate(share_of(row // 4, 12)):
                if draw >= 0:
                    heard[row, clip, draw] = values[row, clip, draw]
        found = estimate(heard, np.ones(MIXED), np.ones(MIXED, dtype=bool)).means
        errors.append(np.std((found - means)[4:]))
        raw.append(np.std(np.nanmean(heard, axis=(1, 2))[4:] - means[4:]))
    assert np.mean(errors) < 0.07  # 0.041 is left by the noise of six pairs
    assert np.mean(raw) > 0.1


def test_a_share_is_half_of_the_clips_in_draws_by_chance_and_the_same_again():
    shares = np.array([share_of(batch, 12) for batch in range(200)])
    assert (np.sum(shares >= 0, axis=1) == 6).all()
    counts = [(shares == draw).sum(axis=0) for draw in range(MIXED)]
    assert np.min(counts) > 10
    assert share_of(7, 12) == share_of(7, 12) != share_of(8, 12)
    assert [sum(draw >= 0 for draw in share_of(0, clips)) for clips in (1, 2, 4, 5, 7)] == [1, 2, 3, 3, 4]


def scored_in(draws, clip, noise, truth):
    """Scores [clip, draw] of a schedule that heard each clip in one draw, -1 for none; they have no noise of their own.
    """
    values = np.full(noise.shape, np.nan)
    for place, draw in enumerate(draws):
        if draw >= 0:
            values[place, draw] = truth + clip[place] + noise[place, draw]
    return values


def test_a_batch_that_shares_no_pair_with_others_stands_where_its_clips_are_as_hard_as_they_were():
    truths = [4.0, 4.1, 4.2, 4.0, 4.1]  # the last two heard other draws alone
    heard = [[0] * 8] * 3 + [[-1, 1, 2, -1, 3, 1, -1, -1]] * 2
    off = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        clip, noise = rng.normal(scale=1.0, size=8), rng.normal(scale=0.05, size=(8, 4))
        values = np.array([scored_in(draws, clip, noise, truth) for draws, truth in zip(heard, truths, strict=True)])
        means = estimate(values, np.ones(4), np.ones(4, dtype=bool)).means
        assert means[4] - means[3] == pytest.approx(0.1)
        off.append(means[3] - means[0])
    assert np.sqrt(np.mean(np.square(off))) < 0.06  # 0.05 in four pairs beside 0.05 in eight: 0.03; clips alone: 0.4


@pytest.mark.parametrize("weight", [1.0, 2.41])
def test_effects_are_those_of_least_squares_with_pairs_held_to_their_clips(weight):
    """The same system, written out: a row a score, and rows that hold pairs of the first round to their clip's mean."""
    rng = np.random.default_rng(0)
    weights, is_first = np.array([1.0, weight, 1.0, 1.0]), np.array([True, False, True, True])
    for _ in range(20):
        values = rng.normal(size=(10, 6, 4))
        values[rng.random(values.shape) < 0.5] = np.nan
        values[:, :, 0] = rng.normal(size=(10, 6))
        values[3:, :, 1] = np.nan  # a further round that few had
        effects, _ = _pair_effects(values, np.tile(weights, 6), np.tile(is_first, 6))
        rows, targets = [], []
        for schedule, clip, draw in zip(*np.nonzero(np.isfinite(values)), strict=True):
            row = np.zeros(10 + 24)
            row[[schedule, 10 + 4 * clip + draw]] = np.sqrt(weights[draw])
            rows.append(row)
            targets.append(np.sqrt(weights[draw]) * values[schedule, clip, draw])
        heard = np.isfinite(values).any(axis=0) & is_first
        for clip, draw in zip(*np.nonzero(heard), strict=True):
            row = np.zeros(10 + 24)
            row[10 + 4 * clip + np.flatnonzero(heard[clip])] = -1 / heard[clip].sum()
            row[10 + 4 * clip + draw] += 1
            rows.append(row / np.sqrt(NOISE))
            targets.append(0.0)
        solved = np.linalg.lstsq(np.array(rows), np.array(targets), rcond=None)[0][10:].reshape(6, 4)
        expected = np.where(np.isfinite(values).any(axis=0), solved - solved[:, 0].mean(), 0.0)
        np.testing.assert_allclose(effects.reshape(6, 4), expected, atol=1e-8)


def test_a_schedule_that_heard_all_of_the_first_draw_keeps_its_mean_whatever_others_heard():
    rng = np.random.default_rng(1)
    clip, noise = np.linspace(-1, 1, 12), rng.normal(scale=0.2, size=(12, 4))
    heard = [[0] * 12, [0] * 12, *([draw, 0, draw, 0, draw, draw, *[-1] * 6] for draw in (1, 2, 3))]
    values = np.array([scored_in(draws, clip, noise, 4.0 + 0.1 * row) for row, draws in enumerate(heard)])
    means = estimate(values, np.ones(4), np.ones(4, dtype=bool)).means
    np.testing.assert_allclose(means[:2], values[:2, :, 0].mean(axis=1), atol=1e-9)
