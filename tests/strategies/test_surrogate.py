"""Laws of the model of all scores: it knows what is noise, proposes where it pays, and ends where nothing is left."""

import numpy as np
import pytest

from schedsearch.evaluation.estimates import Estimates
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR, log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, space_for
from schedsearch.strategies.posterior import Posterior, Scored
from schedsearch.strategies.surrogate import LEAST, NEAR, Surrogate, _child, settled

OPTIMUM = log_snr_line(6, 10.5, -2.5)


def bowl(schedule, optimum=OPTIMUM):
    """A planted truth: the squared distance to an optimum."""
    return 0.1 * schedule.distance(optimum) ** 2


def scored(count, *, noise=0.03, seed=0, steps=6, spread=1.5):
    """Schedules near the optimum with noisy scores."""
    rng = np.random.default_rng(seed)
    schedules: list[NoiseSchedule] = []
    while len(schedules) < count:
        curve = np.linspace(10.5, -2.5, steps) + np.interp(
            np.linspace(0, 1, steps), np.linspace(0, 1, 4), spread * rng.normal(size=4)
        )
        if (np.diff(curve) < -0.1).all():
            schedules.append(NoiseSchedule.from_log_snr(curve))
    optimum = log_snr_line(steps, 10.5, -2.5)
    truths = np.array([bowl(s, optimum) for s in schedules])
    means = truths + noise * rng.normal(size=count)
    return Scored(schedules, Estimates(means, np.full(count, noise**2), 12 * noise**2)), truths


def surrogate(known, *, steps=6, worth=None, seed=0, pending=()):
    return Surrogate(
        space_for(steps), seed, lambda: known, index=lambda: len(known.schedules), pending=lambda: pending, worth=worth
    )


def test_the_posterior_is_nearer_to_the_truth_than_the_scores_are():
    gains = []
    for seed in range(6):
        known, truths = scored(25, noise=0.06, seed=seed)
        posterior = Posterior(known).joint(known.schedules).means
        gains.append(np.mean((posterior - truths) ** 2) / np.mean((known.estimates.means - truths) ** 2))
    assert np.median(gains) < 0.8


def test_a_schedule_of_many_pairs_is_believed_and_one_of_few_is_not():
    known, truths = scored(20, noise=0.03)
    place = int(np.argsort(truths)[10])
    found = []
    for variance in (1e-6, 0.04):
        means, variances = known.estimates.means.copy(), known.estimates.variances.copy()
        means[place], variances[place] = truths.min() - 0.1, variance
        estimates = Estimates(means, variances, known.estimates.pair)
        found.append(Posterior(Scored(known.schedules, estimates)).joint(known.schedules).means[place])
    believed, doubted = found
    assert believed == pytest.approx(truths.min() - 0.1, abs=0.02)
    assert doubted > believed + 0.05


@pytest.mark.slow
def test_proposals_are_legal_new_and_apart():
    for steps in (1, 2, 6, 30):
        known, _ = scored(12, steps=steps) if steps > 2 else (_few(steps), None)
        proposed = surrogate(known, steps=steps).ask(4)
        assert 1 <= len(proposed) <= 4
        for i, schedule in enumerate(proposed):
            assert len(schedule) == steps
            assert schedule.log_snr[0] <= FIRST_LOG_SNR[1] + 1e-9
            assert TERMINAL_LOG_SNR[0] - 1e-6 <= schedule.log_snr[-1] <= TERMINAL_LOG_SNR[1] + 1e-6
            assert all(schedule.distance(other) >= NEAR for other in [*known.schedules, *proposed[:i]])


def _few(steps):
    curves = [np.linspace(10 - i, -3 + 0.5 * i, steps) if steps > 1 else [-3 + 0.5 * i] for i in range(6)]
    schedules = [NoiseSchedule.from_log_snr(curve) for curve in curves]
    return Scored(schedules, Estimates(np.linspace(0, 1, 6), np.full(6, 1e-3), 0.01))


def test_proposals_are_better_than_what_they_were_proposed_from():
    known, truths = scored(16, noise=0.02)
    proposed = surrogate(known).ask(4)
    assert np.median([bowl(schedule) for schedule in proposed]) < np.median(truths)
    assert bowl(proposed[0]) < np.sort(truths)[2]


def test_proposals_hang_on_scores_seed_and_index_alone():
    known, _ = scored(12)
    assert surrogate(known).ask(4) == surrogate(known).ask(4)
    assert surrogate(known).ask(4) != surrogate(known, seed=1).ask(4)


def test_what_another_process_scores_is_not_proposed_again():
    known, _ = scored(12)
    first = surrogate(known).ask(1)
    [other] = surrogate(known, pending=first).ask(1)
    assert other.distance(first[0]) >= NEAR


def test_a_schedule_of_one_step_is_moved_to_many_levels_of_its_box():
    rng = np.random.default_rng(0)
    children = np.array([_child(np.array([[-1.0], [-2.0], [0.5]]), rng) for _ in range(50)])[:, 0]
    assert len(set(children.round(6))) > 40
    assert (children >= TERMINAL_LOG_SNR[0]).all()
    assert (children <= TERMINAL_LOG_SNR[1]).all()


def test_one_step_has_new_levels_to_propose_however_many_were_scored():
    levels = np.arange(*TERMINAL_LOG_SNR, NEAR)
    schedules = [NoiseSchedule.from_log_snr([level]) for level in levels]
    estimates = Estimates(0.1 * (levels + 2.0) ** 2, np.full(len(levels), 1e-3), 0.01)
    proposals = surrogate(Scored(schedules, estimates), steps=1).ask(4)
    assert len(set(proposals) - set(schedules)) >= 1


def test_it_ends_when_the_gain_is_not_worth_it_and_not_before():
    known, _ = scored(settled(6) + 6, noise=0.02)
    gain = surrogate(known).gain()
    assert gain is not None
    assert 0 <= gain.mean <= gain.bound
    assert surrogate(known, worth=lambda pair: 10 * gain.mean + 1e-3).ask(4) == []
    few, _ = scored(settled(6) - 1)
    assert surrogate(few, worth=lambda pair: 1e6).ask(4)
    assert surrogate(known, worth=lambda pair: gain.mean / 10).ask(4)
    assert surrogate(known).ask(4)


def test_a_noisy_search_has_more_left_to_gain_than_a_settled_one():
    rough, _ = scored(8, noise=0.02, spread=3.0)
    settled, _ = scored(60, noise=0.005, spread=0.7)
    assert surrogate(settled).gain().mean < surrogate(rough).gain().mean


@pytest.mark.slow
def test_what_is_said_to_be_left_to_gain_is_what_further_candidates_find():
    claims, regrets = [], []
    for seed in range(8):
        known, truths = scored(20, noise=0.03, seed=seed)
        chosen = int(Posterior(known).joint(known.schedules).means.argmin())
        claims.append(surrogate(known, seed=seed).gain().bound)
        regrets.append(truths[chosen])  # the optimum is 0
    assert sum(regret > claim for regret, claim in zip(regrets, claims, strict=True)) <= 1


def test_with_too_few_scores_nothing_is_proposed_or_said():
    known, _ = scored(LEAST - 1)
    assert surrogate(known).ask(4) == []
    assert surrogate(known).gain() is None
