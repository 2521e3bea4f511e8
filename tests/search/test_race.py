"""Laws of racing: what is surely worse stops early, what goes on is scored as ever, and the best is seldom stopped."""

import math
from typing import Any

import numpy as np
import pytest
from conftest import AnalyticVocoder, BrokenVocoder, noise_clip
from fakes import FakeEvaluator

from schedsearch.evaluation.draws import further_rounds, held_out_draws, search_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.race import LEAST_PAIRS, LEVEL, OTHER_NOISE, Race, is_worse
from schedsearch.study.candidate import Candidate

STEPS, HEATS, CLIPS_A_HEAT = 6, 3, 4
GOOD, BAD = published("ivanvovk-6"), linear(6, 1e-4, 0.5)
SIMILAR = NoiseSchedule.from_log_snr(GOOD.log_snr + [0.05, 0, -0.05, 0.05, 0, 0])
CLIPS = [
    noise_clip(f"{i}", 1280 if i % 2 else 640, 0.1 + 0.002 * i, seed=i) for i in range(HEATS * CLIPS_A_HEAT)
]


def race_of(vocoder, metric, *, heats=HEATS, **options):
    size = len(CLIPS) // heats
    parts = [CLIPS[i * size : (i + 1) * size] for i in range(heats)]
    evaluators = [Evaluator(vocoder, part, [metric], NoiseBank(0)) for part in parts]
    return Race(evaluators, metric.name, -1 if metric.direction == "maximize" else 1, **options)


def log_mel(vocoder):
    return metrics_for(vocoder.front_end, vocoder.sample_rate)["log_mel_l1"]


def negated(metric):
    """The same, more is better."""
    measure = lambda reference, audio: [[-v for v in row] for row in metric.measure(reference, audio)]  # noqa: E731
    return Metric("negated", "", "maximize", measure)


def as_best(evaluation, schedule=GOOD):
    assert evaluation.estimate is None
    return Candidate("best", "tpe", schedule, evaluation.scores, 0.0, 0)


@pytest.fixture
def metric(analytic_vocoder):
    return log_mel(analytic_vocoder)


def test_without_a_best_all_are_scored_on_every_pair(analytic_vocoder, metric):
    for evaluation in race_of(analytic_vocoder, metric).evaluate([GOOD, BAD]):
        assert evaluation.estimate is None
        assert np.isfinite(evaluation.scores["log_mel_l1"].values).all()


def test_a_race_over_heats_scores_as_one_evaluation_of_all_clips(analytic_vocoder, metric):
    whole = race_of(analytic_vocoder, metric, heats=1).evaluate([GOOD, SIMILAR])
    for each, alone in zip(race_of(analytic_vocoder, metric).evaluate([GOOD, SIMILAR]), whole, strict=True):
        np.testing.assert_allclose(
            each.scores["log_mel_l1"].values, alone.scores["log_mel_l1"].values, rtol=0, atol=1e-5
        )
        assert each.network_evaluations == alone.network_evaluations


@pytest.mark.parametrize("shared", [False, True])
def test_the_best_itself_and_its_equals_are_never_stopped(analytic_vocoder, metric, shared):
    race = race_of(analytic_vocoder, metric, shared=shared)
    [best] = race.evaluate([GOOD])
    for again in race.evaluate([GOOD, GOOD, GOOD], as_best(best)):
        assert again.estimate is None
        np.testing.assert_allclose(
            again.scores["log_mel_l1"].values, best.scores["log_mel_l1"].values, rtol=0, atol=1e-3 if shared else 1e-5
        )


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
def test_what_is_worse_stops_after_one_heat_and_is_estimated_by_its_pairs(metric, direction):
    vocoder = AnalyticVocoder()
    measured = negated(metric) if direction == "maximize" else metric
    race = race_of(vocoder, measured)
    best = as_best(race.evaluate([GOOD])[0])
    whole = race.evaluate([BAD])[0].scores[measured.name]
    vocoder.rows.clear()
    [stopped, again] = race.evaluate([BAD, GOOD], best)
    assert stopped.network_evaluations == STEPS * CLIPS_A_HEAT
    assert again.network_evaluations == STEPS * len(CLIPS)
    assert sum(vocoder.rows) == STEPS * (CLIPS_A_HEAT + len(CLIPS))
    values = stopped.scores[measured.name].values
    np.testing.assert_allclose(values[:CLIPS_A_HEAT], whole.values[:CLIPS_A_HEAT], atol=1e-5)
    assert np.isnan(values[CLIPS_A_HEAT:]).all()
    paired = (whole.values - best.score.values)[:CLIPS_A_HEAT].mean()
    assert stopped.estimate == pytest.approx(best.score.mean + paired, abs=1e-5)
    assert not stopped.scores[measured.name].failures


def test_survivors_are_scored_exactly_as_without_a_race(analytic_vocoder, metric):
    race = race_of(analytic_vocoder, metric)
    alone = race.evaluate([GOOD, SIMILAR])
    raced = race.evaluate([BAD, SIMILAR, BAD, GOOD], as_best(alone[0]))
    assert [evaluation.estimate is None for evaluation in raced] == [False, True, False, True]
    for found, expected in ((raced[3], alone[0]), (raced[1], alone[1])):
        np.testing.assert_allclose(
            found.scores["log_mel_l1"].values, expected.scores["log_mel_l1"].values, rtol=0, atol=1e-5
        )
        assert found.network_evaluations == expected.network_evaluations


@pytest.mark.parametrize("raced", [False, True])
def test_a_failure_ends_a_candidate_without_an_estimate(metric, raced):
    vocoder = BrokenVocoder()
    best = as_best(race_of(AnalyticVocoder(), metric).evaluate([GOOD])[0]) if raced else None
    [failed] = race_of(vocoder, metric).evaluate([GOOD], best)
    assert len(failed.scores["log_mel_l1"].failures) == CLIPS_A_HEAT
    assert failed.estimate is None
    assert sum(vocoder.rows) == failed.network_evaluations == STEPS * CLIPS_A_HEAT


def heat(values):
    """Gives every schedule the same values."""
    return FakeEvaluator(lambda schedule, draw: values, tuple(map(str, range(len(values)))), "m", 1.0, 1)


def stopped_of(differences, *, heats):
    """Which rows of differences [candidate, clip] a race of so many heats stops."""
    schedules = [log_snr_line(2, 10, -3)]
    found, parts = [], list[Any]()
    for row in differences:
        parts = [heat(part) for part in np.split(row, heats)]
        best = Candidate("b", "", schedules[0], {"m": Score(np.zeros((len(row), 1)))}, 0, 0)
        [evaluation] = Race(parts, "m", 1).evaluate(schedules, best)
        found.append(evaluation.estimate is not None)
    return np.array(found)


@pytest.mark.parametrize("heats", [2, 3])
def test_equals_of_the_best_are_stopped_no_more_often_than_the_level_of_each_test(heats):
    runs = 1500
    stopped = stopped_of(np.random.default_rng(heats).normal(size=(runs, 12)), heats=heats)
    tests = heats - 1  # after the last heat nothing is left to stop
    allowed = LEVEL * tests
    assert stopped.mean() <= allowed + 3 * math.sqrt(allowed / runs)
    assert stopped.any()  # a test that never fires would pass too


@pytest.mark.parametrize("count", [LEAST_PAIRS, 4, 8])
def test_one_test_has_its_level(count):
    generator, runs = np.random.default_rng(count), 4000
    level = 0.05
    found = np.mean([is_worse(generator.normal(size=count), level) for _ in range(runs)])
    assert found == pytest.approx(level, abs=4 * math.sqrt(level / runs))


def test_what_is_far_worse_is_stopped_nearly_always_and_what_is_better_never():
    normal = np.random.default_rng(0).normal(size=(300, 12))
    assert stopped_of(normal + 6, heats=3).mean() > 0.95
    assert not stopped_of(normal - 6, heats=3).any()


def test_nothing_is_stopped_where_all_are_to_be_scored(metric):
    race = race_of(AnalyticVocoder(), metric, stops=False)
    [best] = race.evaluate([GOOD])
    [bad] = race.evaluate([BAD], as_best(best))
    assert bad.estimate is None
    assert np.isfinite(bad.scores[metric.name].values).all()


def test_leaders_have_further_rounds_the_fewer_the_steps_the_more():
    for steps in (1, 2, 6, 12, 25, 50, 100, 1000):
        assert len(search_draws(steps)) <= 1 + further_rounds(steps)  # of an earlier version's candidates each is one
        assert held_out_draws(steps)  # of noise of their own
    assert [len(search_draws(steps)) for steps in (6, 12, 25, 100)] == [4, 2, 1, 1]


def test_too_few_pairs_stop_nothing():
    assert not stopped_of(np.full((1, 2 * (LEAST_PAIRS - 1)), 5.0), heats=2).any()


@pytest.mark.parametrize(("difference", "worse"), [(1.0, True), (0.0, False), (-1.0, False)])
def test_differences_without_spread_are_settled_by_their_sign(difference, worse):
    assert is_worse(np.full(4, difference), LEVEL) == worse


def test_a_share_scores_its_clips_in_their_draws_and_stops_nobody(analytic_vocoder, metric):
    race = race_of(analytic_vocoder, metric)
    draws = [-1, 0, 2, -1, 1, -1, -1, -1, 3, -1, -1, 0]  # of the third heat two, of clips of two lengths
    every = Evaluator(analytic_vocoder, CLIPS, [metric], NoiseBank(0))
    for schedule, found in zip([GOOD, BAD], race.evaluate_share([GOOD, BAD], draws), strict=True):
        [expected] = every.evaluate([schedule], [0, *(OTHER_NOISE + draw for draw in (1, 2, 3))])
        values = found.scores[metric.name].values
        assert values.shape == (len(CLIPS), 1)
        for clip, draw in enumerate(draws):
            wanted = expected.scores[metric.name].values[clip, draw] if draw >= 0 else np.nan
            np.testing.assert_allclose(values[clip, 0], wanted, rtol=0, atol=1e-5)
        assert found.network_evaluations == STEPS * sum(draw >= 0 for draw in draws)
        assert (found.draws, found.estimate) == (tuple(draws), None)


def test_in_a_share_failures_are_those_of_all_its_clips():
    vocoder = BrokenVocoder()
    found = race_of(vocoder, log_mel(vocoder)).evaluate_share([GOOD, BAD], [0] * len(CLIPS))
    assert {len(evaluation.scores["log_mel_l1"].failures) for evaluation in found} == {len(CLIPS)}
