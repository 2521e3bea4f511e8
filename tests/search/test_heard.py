"""Laws of what the model of all scores takes: it knows which noise a score was in, and takes that away."""

import numpy as np
import pytest
from conftest import opened_store

from schedsearch.evaluation import estimates
from schedsearch.evaluation.draws import MIXED, share_of
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.schedules.search_space import space_for
from schedsearch.search.heard import MODELLED, Rounds, heard, remember_round, with_estimates
from schedsearch.search.leaders import finalists
from schedsearch.search.verdict import winner_and_baseline

IDENTITY = {"dataset": "toy", "sample_rate": 16000, "iterations": 6, "checkpoint": "abc", "seed": 0}
STEPS, CLIPS, COUNT = 6, 12, 32
SCHEDULES = [log_snr_line(STEPS, 12 - 0.1 * i, -2 - 0.05 * i) for i in range(COUNT + 1)]
ROUNDS = Rounds(2, 4.0, quiet_part="quiet")
RNG = np.random.default_rng(0)
TRUTHS = RNG.normal(scale=0.05, size=COUNT + 1)
LUCK = RNG.normal(scale=0.4, size=(CLIPS, MIXED))  # what each clip in each draw adds to all


def evaluation(row, draws=None, *, parts=True):
    """The score of one schedule, without noise of its own; the quiet part is a third of it."""
    known = draws or (0,) * CLIPS
    values = [TRUTHS[row] + LUCK[clip, draw] if draw >= 0 else np.nan for clip, draw in enumerate(known)]
    whole = np.array(values)[:, None]
    scores = {"both": Score(whole), **({"quiet": Score(whole / 3)} if parts else {})}
    return Evaluation(scores, 1.0, 72, None, draws)


def spread(worse):
    """A score whose clips differ."""
    return Score(np.linspace(4.0, 5.0, CLIPS)[:, None] + worse)


@pytest.fixture
def store(tmp_path, memory):
    """A baseline in the first draw, and candidates in batches of four, each on its share."""
    store = opened_store(f"sqlite:///{tmp_path}/study.db", IDENTITY, {"both": "minimize"})
    with store.using():
        store.add_baseline("line", SCHEDULES[COUNT], evaluation(COUNT))
        for first in range(0, COUNT, 4):
            batch = range(first, first + 4)
            claims = store.claim([SCHEDULES[row] for row in batch], "model", space_for(STEPS))
            found = [evaluation(row, share_of(first, CLIPS)) for row in batch]
            store.finish(claims, with_estimates(store, claims, found))
        yield store


def test_estimates_do_not_depend_on_where_in_a_batch_a_process_was_stopped(store):
    again = [log_snr_line(STEPS, 9.3 + row, -1.7) for row in range(4)]
    claims = store.claim(again, "model", space_for(STEPS))
    found = [evaluation(row, share_of(claims[0].first, CLIPS)) for row in range(4)]
    whole = with_estimates(store, claims, found)
    store.finish(claims[:1], whole[:1])
    rest = with_estimates(store, claims[1:], found[1:])
    assert [e.estimate for e in rest] == pytest.approx([e.estimate for e in whole[1:]], abs=1e-12)


@pytest.mark.slow
def test_baselines_stay_however_many_candidates_are_better(tmp_path, memory):
    """The winner has to meet the best of them; BUDGET=300candidates finds 200 that are better."""
    store = opened_store(f"sqlite:///{tmp_path}/study.db", IDENTITY, {"both": "minimize"})
    for name, worse in (("a", 3.0), ("b", 3.2)):
        store.add_baseline(name, log_snr_line(STEPS, 14.0 + worse, 4.0), Evaluation({"both": spread(worse)}, 1.0, 72))
    for i in range(MODELLED + 10):
        [claim] = store.claim([log_snr_line(STEPS, 9 + 0.01 * i, -3.0)], "random", space_for(STEPS))
        store.finish([claim], [Evaluation({"both": spread(0.001 * i)}, 1.0, 72)])
    known = heard(store, Rounds(0, 1.0))
    assert len(known.candidates) == MODELLED
    assert {c.name for c in known.candidates if c.kind == "baseline"} == {"a", "b"}
    assert max(c.index for c in known.candidates if c.kind != "baseline") < MODELLED  # the best ones
    _, baseline = winner_and_baseline(store, finalists(store, Rounds(0, 1.0)))
    assert baseline.name == "a"


@pytest.fixture
def free_noise(monkeypatch):
    """Lets noise move the pairs of a clip as far as the scores say: what is planted here has no residuals."""
    monkeypatch.setattr(estimates, "NOISE", 1e6)


def test_an_estimate_stands_beside_the_means_of_those_that_heard_every_clip(tmp_path, memory, free_noise):
    """All schedules are equal. The first draw costs each of them more than others: baselines heard it alone."""
    store = opened_store(f"sqlite:///{tmp_path}/study.db", IDENTITY, {"both": "minimize"})
    costs = [4.3, 4.0, 4.0, 4.0]
    store.add_baseline("line", SCHEDULES[COUNT], Evaluation({"both": Score(np.full((CLIPS, 1), costs[0]))}, 1.0, 72))
    for first in range(0, COUNT, 4):
        claims = store.claim(SCHEDULES[first : first + 4], "model", space_for(STEPS))
        draws = share_of(first, CLIPS)
        values = np.array([[costs[draw] if draw >= 0 else np.nan] for draw in draws])
        shared = [Evaluation({"both": Score(values)}, 1.0, 36, draws=draws)] * 4
        store.finish(claims, with_estimates(store, claims, shared))
    assert store.candidates()[-1].mean == pytest.approx(costs[0], abs=0.01)


def test_luck_of_clip_and_draw_is_taken_away(store, free_noise):
    known = heard(store, ROUNDS)
    truths = dict(zip(SCHEDULES, TRUTHS, strict=True))
    off = known.scored.estimates.means - [truths[schedule] for schedule in known.scored.schedules]
    assert np.ptp(off) < 0.02
    raw = [np.nanmean(candidate.score.values) for candidate in known.candidates]
    assert np.ptp(raw) > 0.2


def test_most_of_the_luck_is_taken_away_where_noise_is_held_to_its_clip(store):
    known = heard(store, ROUNDS)
    truths = dict(zip(SCHEDULES, TRUTHS, strict=True))
    off = known.scored.estimates.means - [truths[schedule] for schedule in known.scored.schedules]
    raw = [np.nanmean(candidate.score.values) for candidate in known.candidates]
    assert np.ptp(off) < np.ptp(raw) / 4


def test_a_candidate_stands_at_its_estimate_once_the_noise_is_known(store):
    late = store.candidates()[COUNT // 2 :]
    off = [candidate.expected - TRUTHS[candidate.index] for candidate in late]
    raw = [np.nanmean(candidate.score.values) - TRUTHS[candidate.index] for candidate in late]
    assert np.std(off) < np.std(raw) / 3
    assert not any(candidate.stopped or candidate.whole for candidate in late)
    assert store.study.trials[-1].values == [late[-1].estimate]


def test_parts_add_up_to_the_whole(store):
    scored = heard(store, ROUNDS).scored
    quiet, rest = scored.parts
    np.testing.assert_allclose(quiet.means + rest.means, scored.estimates.means, atol=0.02)
    np.testing.assert_allclose(quiet.means * 3, scored.estimates.means, atol=0.05)


def test_without_a_part_of_every_score_there_are_none(store):
    remember_round(store, store.candidates()[0], 1, evaluation(0, parts=False).scores)
    assert heard(store, ROUNDS).scored.parts == []
    assert heard(store, Rounds(2, 4.0)).scored.parts == []


def test_further_rounds_count_beside_the_share(store):
    before = heard(store, ROUNDS)
    for number in (0, 2):
        for row in (0, 1):
            remember_round(store, store.candidates()[row], number, evaluation(row).scores)
    after = heard(store, ROUNDS)
    places = [i for i, candidate in enumerate(after.candidates) if candidate.index in (0, 1)]
    assert [after.candidates[place].rounds for place in places] == [2, 2]
    assert all(after.candidates[place].whole for place in places)
    assert (after.scored.estimates.variances[places] < before.scored.estimates.variances[places] / 3).all() or (
        before.scored.estimates.pair < 1e-9
    )
