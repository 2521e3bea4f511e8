"""Leaders: which excerpts their rounds are on, and who has a further round."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import noise_clip

from schedsearch.evaluation.draws import MIXED, further_rounds
from schedsearch.evaluation.estimates import Estimates
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.search.heard import Heard, Rounds
from schedsearch.search.leaders import CHANCE, finalists, leaders
from schedsearch.search.opening import open_run
from schedsearch.search.settings import Settings
from schedsearch.strategies.posterior import Scored, posterior_of
from schedsearch.study.candidate import Candidate
from schedsearch.voice.config import load_voice
from vocoder.audio.reading import write_wav

ITERS = 6


@pytest.fixture
def run(toy):
    """A search on clips that last longer than any excerpt."""
    for i in range(3):
        write_wav(toy.root / "search" / f"search{i}.wav", noise_clip("", 64000 + 640 * i, seed=i).audio, 16000)
    voice = load_voice("toy", 16000, experiments=toy.root)
    return open_run(voice, Settings(ITERS, objective="spectral", results=toy.root / "results"))


def test_further_rounds_are_on_longer_excerpts_of_the_same_clips(run):
    assert [clip.name for clip in run.leader_clips] == [clip.name for clip in run.clips.excerpts]
    assert {len(clip.audio) for clip in run.leader_clips} == {51200}
    assert run.rounds.weight == pytest.approx(51200 / len(run.clips.excerpts[0].audio))
    assert run.rounds.weights[run.rounds.is_first].tolist() == [1.0] * MIXED
    assert run.rounds.weights[~run.rounds.is_first].tolist() == [run.rounds.weight] * further_rounds(ITERS)


def test_in_a_study_of_an_earlier_version_they_stay_on_the_candidates_excerpts(run):
    name, schedule = next(iter(baselines(ITERS).items()))
    several_draws = Evaluation({"spectral": Score(np.ones((3, 4)))}, 1.0, 72)
    with run.store.using():
        run.store.add_baseline(name, schedule, several_draws)
        assert run.leader_clips == run.clips.excerpts
        assert run.rounds.weight == 1.0


def test_of_baselines_far_above_the_best_the_least_bad_leads():
    schedules = [log_snr_line(ITERS, 12 - 0.1 * i, -2 - 0.1 * i) for i in range(12)]
    means = np.array([*np.linspace(4.0, 4.1, 8), 9.0, 6.0, 5.5, 7.0])
    scored = Scored(schedules, Estimates(means, np.full(12, 1e-3), 0.04))
    kinds = ["searched"] * 8 + ["baseline"] * 4
    scores = {"spectral": Score(np.ones((3, 1)))}
    candidates = [Candidate(str(i), kinds[i], schedules[i], scores, 0.0, 0) for i in range(12)]
    _, baselines_found = leaders(Heard(candidates, scored, 1), CHANCE)
    assert [baseline.name for baseline in baselines_found] == ["10"]
    assert baselines_found[0].expected == 5.5


def test_a_leader_keeps_the_deviation_of_what_is_expected_of_it():
    """Not that of its own first scores. Above what the posterior knows it is that of the estimate."""
    schedules = [log_snr_line(ITERS, 12 - 0.1 * i, -2 - 0.1 * i) for i in range(9)]
    variances = np.array([*np.full(8, 1e-3), 4e-4])
    scored = Scored(schedules, Estimates(np.array([*np.linspace(4.0, 4.1, 8), 9.0]), variances, 0.04))
    scores = {"spectral": Score(np.ones((3, 1)))}
    candidates = [Candidate(str(i), "searched", s, scores, 0.0, 0) for i, s in enumerate(schedules)]
    candidates[8] = replace(candidates[8], kind="baseline")
    [first, *_], [above] = leaders(Heard(candidates, scored, 1), 0.0)
    joint = posterior_of(scored).joint(schedules)
    assert first.deviation == pytest.approx(np.sqrt(joint.covariance[int(first.name), int(first.name)]))
    assert first.deviation is not None and 0 < first.deviation < np.sqrt(1e-3)  # neighbours tell, too
    assert above.deviation == pytest.approx(0.02)


def test_those_expected_to_be_the_best_of_a_search_have_a_further_round(toy):
    assert toy.search("--strategy", "random", "--budget", "6candidates") == 0
    ranked = finalists(toy.store(), Rounds(further_rounds(ITERS), 1.0))
    assert min(leader.rounds for leader in ranked if leader.kind != "baseline") >= 2
