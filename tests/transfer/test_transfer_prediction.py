"""Laws of the rule that calls a borrowed schedule safe: what it is told, and whom it is tried on."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from conftest import AnalyticVocoder, noise_clip
from hypothesis import given
from hypothesis import strategies as st

from schedsearch.comparison.kept import Kept
from schedsearch.comparison.scoring import Scoring
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.dynamic_programming import optimal_levels, trajectory
from schedsearch.transfer.matrix import OTHER, SAME
from schedsearch.transfer.prediction import Pair, safety_sentence, threshold, trial
from schedsearch.transfer.signs import Signs, curve_distance, distances, measured, path_excess, signs


def pair(judge: str, origin: str, sign: float, verdict: str, *, loss: float = 0.0, relation: str = OTHER) -> Pair:
    """Of two voices, named by their speakers."""
    voice: Any = lambda name: SimpleNamespace(voice=SimpleNamespace(speaker=name), label=name)  # noqa: E731
    entrant = SimpleNamespace(schedule=log_snr_line(6, 9.0, -3.0))
    cell: Any = SimpleNamespace(relation=relation, verdict=verdict, relative_loss=loss, entrant=entrant)
    names = ("curve_distance", "level_distance", "path_excess")
    return Pair(voice(judge), voice(origin), cell, dict.fromkeys(names, sign))


def between(*triples: tuple[str, str, float]) -> list[Pair]:
    """Both ways; a sign above 1 is worse."""
    return [
        pair(judge, origin, sign, "worse" if sign > 1 else "tie", loss=sign)
        for one, other, sign in triples
        for judge, origin in ((one, other), (other, one))
    ]


@pytest.fixture
def scoring(tmp_path) -> Scoring:
    clips = tuple(noise_clip(f"c{i}", 3200, 0.05 * (i + 1), seed=i) for i in range(2))
    return Scoring(AnalyticVocoder(), clips, (), 1, 0, Kept(tmp_path / "kept.jsonl"))


@pytest.fixture
def mine(scoring: Scoring) -> Signs:
    measured(scoring)
    return signs(scoring)


def test_a_threshold_between_safe_and_unsafe_pairs_calls_all_of_them_right():
    limit = threshold(np.array([3.0, 0.1, 2.0, 0.2]), [False, True, False, True])
    assert 0.2 < limit < 2.0


@pytest.mark.parametrize(("safe", "limit"), [([True, True], np.inf), ([False, False], -np.inf)])
def test_what_was_always_so_is_called_always(safe, limit):
    assert threshold(np.array([1.0, 2.0]), safe) == limit


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), min_size=1, max_size=9))
def test_no_constant_answer_is_right_more_often_where_the_threshold_was_set(found):
    values, safe = np.array([value for value, _ in found]), np.array([is_safe for _, is_safe in found])
    right = ((values < threshold(values, list(safe))) == safe).sum()
    assert right >= max(safe.sum(), (~safe).sum())


def test_a_sign_that_tells_is_right_on_every_speaker_that_was_left_out():
    of_a = ("a", "b", 0.1), ("a", "c", 2.8), ("a", "d", 2.5)
    found = between(*of_a, ("b", "c", 3.0), ("b", "d", 0.3), ("c", "d", 0.2))
    result = trial(found, "curve_distance")
    assert result is not None
    assert (result.right, result.pairs) == (12, 12)
    assert result.commoner < 12
    assert result.correlation == pytest.approx(1.0)


def test_the_speaker_that_is_left_out_teaches_nothing():
    # Without c all pairs are safe, so c's unsafe ones are called safe: a rule that had seen them would not.
    found = between(("a", "b", 0.1), ("a", "c", 3.0), ("b", "c", 3.0))
    result = trial(found, "curve_distance")
    assert result is not None
    of_c = [p for p in found if p.judge.voice.speaker == "c"]
    assert result.pairs == 6
    assert result.pairs - result.right >= len(of_c)


def test_pairs_of_one_speaker_are_no_test_of_another():
    assert trial([pair("a", "a", 0.1, "tie", relation=SAME)], "curve_distance") is None
    assert trial(between(("a", "b", 0.1)), "curve_distance") is None  # nobody is left to learn from
    assert safety_sentence(between(("a", "b", 0.1)), 6) == ""


def test_a_sign_that_is_not_known_takes_no_part():
    found = between(("a", "b", 0.1), ("b", "c", float("nan")), ("a", "c", 0.2))
    result = trial(found, "level_distance")
    assert result is None or result.pairs < 6


def test_the_sentence_says_how_often_and_how_many_speakers():
    told = safety_sentence(between(("a", "b", 0.1), ("a", "c", 3.0), ("b", "c", 3.0)), 6)
    result = trial(between(("a", "b", 0.1), ("a", "c", 3.0), ("b", "c", 3.0)), "curve_distance")
    assert result is not None
    assert f"curve_distance {result.right} of 6 (always the commoner answer {result.commoner})" in told
    assert "a hypothesis: 3 speakers" in told


def test_a_failure_is_not_safe():
    assert not pair("a", "b", 0.1, "").safe
    assert not pair("a", "b", 0.1, "worse").safe
    assert pair("a", "b", 0.1, "tie").safe
    assert pair("a", "b", 0.1, "better").safe


def test_an_error_curve_is_measured_once(scoring: Scoring):
    measured(scoring)
    vocoder: Any = scoring.vocoder
    calls = sum(vocoder.rows)
    assert calls == 64 * 2  # levels x clips
    measured(scoring)
    assert sum(vocoder.rows) == calls


def test_the_level_is_that_of_all_clips_together(mine: Signs):
    assert mine.level == pytest.approx(10 * np.log10((0.05**2 + 0.1**2) / 2), abs=0.3)


def test_a_voice_is_no_distance_from_itself_and_louder_speech_is_further(mine: Signs, tmp_path):
    louder = [noise_clip(f"c{i}", 3200, 0.2, seed=i) for i in range(2)]
    scoring = Scoring(AnalyticVocoder(), tuple(louder), (), 1, 0, Kept(tmp_path / "other.jsonl"))
    measured(scoring)
    other = signs(scoring)
    assert curve_distance(mine, mine) == 0
    assert curve_distance(mine, other) == curve_distance(other, mine) > 0.1
    assert distances(mine, other, log_snr_line(6, 9.0, -3.0))["level_distance"] == pytest.approx(8.1, abs=0.5)


def test_the_best_path_has_no_excess_and_others_between_its_ends_have_some(mine: Signs):
    levels = np.linspace(9.0, -3.0, 256)
    best = optimal_levels(trajectory(mine.errors.refined(levels)), levels, [6])[6]
    assert path_excess(mine, NoiseSchedule.from_log_snr(best)) == pytest.approx(0, abs=0.02)
    crowded = NoiseSchedule.from_log_snr([9.0, 8.9, 8.8, 8.7, 8.6, -3.0])
    assert path_excess(mine, crowded) > 0.5


def test_two_steps_are_their_ends(mine: Signs):
    assert np.isnan(path_excess(mine, log_snr_line(2, 9.0, -3.0)))
