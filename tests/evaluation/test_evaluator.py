"""Laws of scoring: equal schedules score alike, whoever shares the batch; nothing is padded; failures are values."""

import time

import numpy as np
import pytest
import torch
from conftest import AnalyticVocoder, BrokenVocoder, noise_clip

from schedsearch.evaluation import evaluator as module
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import joined
from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule

SIX = [published("ivanvovk-6"), linear(6, 1e-4, 0.5), log_snr_line(6, 10, -4)]
# Two of one length, one that is shorter, one that ends between hops of 64; not in order of length.
CLIPS = [noise_clip("a", 1280, 0.2, seed=1), noise_clip("b", 640, 0.1, seed=2), noise_clip("c", 1280, 0.05, seed=3),
         noise_clip("d", 1000, 0.1, seed=4)]  # fmt: skip


@pytest.fixture(autouse=True, params=[1, 2])
def threads(request):
    """One piece at a time, and two side by side."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


def evaluator_of(vocoder, clips=CLIPS, metrics=("log_mel_l1", "level"), seed=0):
    known = metrics_for(vocoder.front_end, vocoder.sample_rate)
    return Evaluator(vocoder, clips, [known[name] for name in metrics], NoiseBank(seed))


def values_of(evaluations, metric="log_mel_l1"):
    """[schedule, clip, draw]."""
    return np.stack([evaluation.scores[metric].values for evaluation in evaluations])


def test_equal_schedules_get_equal_scores_in_one_batch_and_the_next(analytic_vocoder):
    evaluator = evaluator_of(analytic_vocoder)
    [first, _, again] = values_of(evaluator.evaluate([SIX[0], SIX[1], SIX[0]], [0, 1]))
    [later] = values_of(evaluator.evaluate([SIX[0]], [0, 1]))
    np.testing.assert_allclose(again, first, rtol=0, atol=1e-5)
    np.testing.assert_allclose(later, first, rtol=0, atol=1e-5)


def test_different_schedules_get_different_scores(analytic_vocoder):
    found = values_of(evaluator_of(analytic_vocoder).evaluate(SIX, [0]))
    assert len(np.unique(found.mean(axis=(1, 2)).round(4))) == len(SIX)


@pytest.mark.parametrize("samples", [1, 640, 2000, 3000])
def test_scores_do_not_depend_on_how_the_work_is_cut(analytic_vocoder, monkeypatch, samples):
    whole = evaluator_of(analytic_vocoder).evaluate(SIX, [0, 3])
    analytic_vocoder.rows.clear()
    monkeypatch.setattr(module, "SAMPLES_A_PIECE", samples)
    monkeypatch.setattr(module, "SAMPLES_A_GROUP", samples)
    cut = evaluator_of(analytic_vocoder).evaluate(SIX, [0, 3])
    assert max(analytic_vocoder.rows) * 640 <= max(samples, 1280)
    for metric in ("log_mel_l1", "level"):
        np.testing.assert_allclose(values_of(cut, metric), values_of(whole, metric), rtol=0, atol=1e-5)


def test_a_clip_scores_alike_alone_and_among_others_in_any_order(analytic_vocoder):
    whole = values_of(evaluator_of(analytic_vocoder).evaluate(SIX, [0]))
    for place, clip in enumerate(CLIPS):
        alone = values_of(evaluator_of(analytic_vocoder, [clip]).evaluate(SIX, [0]))
        np.testing.assert_allclose(alone[:, 0], whole[:, place], rtol=0, atol=1e-5)
    reversed_ = values_of(evaluator_of(analytic_vocoder, CLIPS[::-1]).evaluate(SIX, [0]))
    np.testing.assert_allclose(reversed_[:, ::-1], whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_pieces_joined_score_as_the_whole_does(count):
    whole = evaluator_of(AnalyticVocoder(), metrics=("log_mel_l1", "level"))
    silent = evaluator_of(AnalyticVocoder(), [*CLIPS, noise_clip("silent", 320, 0.0)], metrics=("log_mel_l1", "level"))
    for evaluator in (whole, silent):
        pieces = evaluator.split(count)
        assert len(pieces) == min(count, len(evaluator.groups))
        assert sorted(name for piece in pieces for name in piece.clip_names) == sorted(evaluator.clip_names)
        [expected] = evaluator.evaluate(SIX[:1], [0, 5])
        found = [(piece.clip_names, piece.evaluate(SIX[:1], [0, 5])[0]) for piece in pieces]
        assert sum(evaluation.network_evaluations for _, evaluation in found) == expected.network_evaluations
        for name, score in expected.scores.items():
            again = joined(evaluator.clip_names, [(clips, evaluation.scores[name]) for clips, evaluation in found])
            np.testing.assert_array_equal(again.values, score.values)
            assert sorted(again.failures) == sorted(score.failures)


def test_a_draw_scores_alike_whatever_other_draws_are_asked_for(analytic_vocoder):
    evaluator = evaluator_of(analytic_vocoder)
    together = values_of(evaluator.evaluate(SIX, [0, 5]))
    np.testing.assert_allclose(values_of(evaluator.evaluate(SIX, [5]))[..., 0], together[..., 1], rtol=0, atol=1e-5)
    assert not np.allclose(together[..., 0], together[..., 1])


def test_another_seed_is_other_noise(analytic_vocoder):
    first, second = (values_of(evaluator_of(analytic_vocoder, seed=s).evaluate(SIX, [0])) for s in (0, 1))
    assert not np.allclose(first, second)


def test_clips_are_compared_whole_and_only_with_clips_of_their_length(analytic_vocoder):
    seen = []

    def measure(reference, audio):
        seen.append((reference, audio.shape))
        return [[0.0] * len(reference) for _ in audio]

    evaluator = Evaluator(analytic_vocoder, CLIPS, [Metric("seen", "", "minimize", measure)], NoiseBank(0))
    evaluator.evaluate(SIX, [0])
    # Cut to whole hops of 64: 1000 samples are 15 hops.
    assert sorted(tuple(shape) for _, shape in seen) == [(3, 1, 640), (3, 1, 960), (3, 2, 1280)]
    expected = {clip.audio[: len(clip.audio) // 64 * 64].numpy().tobytes() for clip in CLIPS}
    assert {row.numpy().tobytes() for reference, _ in seen for row in reference} == expected


def test_values_stand_in_the_order_of_clips_and_draws(analytic_vocoder):
    # A metric that says which clip it was handed.
    def rms(reference, audio):
        return [[float(r.square().mean()) for r in reference] for _ in audio]

    evaluator = Evaluator(analytic_vocoder, CLIPS, [Metric("rms", "", "minimize", rms)], NoiseBank(0))
    [values] = values_of(evaluator.evaluate(SIX[:1], [0, 1]), "rms")
    expected = [float(c.audio[: len(c.audio) // 64 * 64].square().mean()) for c in CLIPS]
    np.testing.assert_allclose(values, np.repeat(np.array(expected)[:, None], 2, axis=1), rtol=1e-6)


@pytest.mark.parametrize("draws", [[0], [0, 1, 2]])
@pytest.mark.parametrize("steps", [1, 6])
def test_network_evaluations_are_counted_as_they_happen(draws, steps):
    vocoder = AnalyticVocoder()
    schedules = [log_snr_line(steps, 10, end) for end in (-4.0, -3.0)] if steps > 1 else [linear(1, 0.1, 0.1)] * 2
    found = evaluator_of(vocoder).evaluate(schedules, draws)
    each = steps * len(CLIPS) * len(draws)
    assert [evaluation.network_evaluations for evaluation in found] == [each, each]
    assert sum(vocoder.rows) == 2 * each


def test_a_network_that_returns_nan_gives_failures_and_no_mean():
    [evaluation] = evaluator_of(BrokenVocoder(), metrics=("log_mel_l1", "pesq_wb")).evaluate(SIX[:1], [4, 7])
    for score in evaluation.scores.values():
        assert np.isnan(score.values).all()
        assert np.isnan(score.mean)
        named = {failure.split(":")[0] for failure in score.failures}
        assert named == {f"{clip.name}, draw {draw}" for clip in CLIPS for draw in (4, 7)}
        assert all("NaN" in failure for failure in score.failures)


def test_a_failure_names_the_draw_that_its_clip_was_heard_in():
    chosen = {CLIPS[0].name: 3, CLIPS[2].name: 1}
    [evaluation] = evaluator_of(BrokenVocoder()).of_clips(chosen).evaluate(SIX[:1], [0])
    failures = evaluation.scores["log_mel_l1"].failures
    assert {failure.split(":")[0] for failure in failures} == {f"{name}, draw {draw}" for name, draw in chosen.items()}


def test_one_failed_clip_leaves_the_others_their_values(analytic_vocoder):
    # Level is in dB beside the reference: a silent reference has none.
    silent = noise_clip("silent", 1280, 0.0)
    [evaluation] = evaluator_of(analytic_vocoder, [*CLIPS, silent], metrics=("level",)).evaluate(SIX[:1], [0])
    score = evaluation.scores["level"]
    assert np.isfinite(score.values[:-1]).all()
    assert np.isnan(score.values[-1]).all()
    assert np.isnan(score.mean)
    assert [failure.split(",")[0] for failure in score.failures] == ["silent"]


def test_audio_is_what_was_scored(analytic_vocoder):
    evaluator = evaluator_of(analytic_vocoder)
    audio = evaluator.audio(SIX[0], draw=2)
    assert {name: len(a) for name, a in audio.items()} == {"a": 1280, "b": 640, "c": 1280, "d": 960}
    [score] = values_of(evaluator.evaluate(SIX[:1], [2]))
    distance = metrics_for(analytic_vocoder.front_end, 16000)["log_mel_l1"].measure
    for place, clip in enumerate(CLIPS):
        estimate = audio[clip.name]
        [[value]] = distance(clip.audio[None, : len(estimate)], estimate[None, None])
        assert value == pytest.approx(score[place, 0], abs=1e-5)


def test_audio_of_the_analytic_vocoder_is_as_loud_as_its_clip(analytic_vocoder):
    # Many steps sample N(0, s^2) exactly; 1280 samples tell a deviation to 2 %.
    audio = evaluator_of(analytic_vocoder).audio(log_snr_line(60, 13, -5), draw=0)
    for clip in (CLIPS[0], CLIPS[2]):
        ratio = audio[clip.name].std() / clip.audio.std()
        assert ratio == pytest.approx(1.0, abs=0.1)
    assert torch.isfinite(audio["b"]).all()


# --- shared network calls -------------------------------------------------------------------------

# Of levels that fall, the noisiest is last: neighbours of a grid differ in their cleanest levels first.
GRID = [
    NoiseSchedule.from_log_snr([first, 6.0, middle, -3.0]) for middle in (1.0, 2.0) for first in (8.0, 10.0, 12.0)
]


@pytest.mark.parametrize("schedules", [GRID, SIX, [*SIX, SIX[0]]], ids=["a grid", "nothing in common", "one twice"])
def test_sharing_changes_no_score_and_not_their_order(analytic_vocoder, schedules):
    evaluator = evaluator_of(analytic_vocoder)
    alone, together = (evaluator.evaluate(schedules, [0, 3], shared=shared) for shared in (False, True))
    for metric in ("log_mel_l1", "level"):
        np.testing.assert_allclose(values_of(together, metric), values_of(alone, metric), rtol=0, atol=1e-3)


@pytest.mark.parametrize("draws", [[0], [0, 1, 2]])
def test_shared_network_evaluations_are_counted_as_they_happen(draws):
    vocoder = AnalyticVocoder()
    found = evaluator_of(vocoder).evaluate(GRID, draws, shared=True)
    prefixes = 1 + 2 + 2 + 6  # distinct beginnings: the last level, two above it, one above each, three above each
    assert sum(evaluation.network_evaluations for evaluation in found) == prefixes * len(CLIPS) * len(draws)
    assert sum(vocoder.rows) == prefixes * len(CLIPS) * len(draws)
    shares = [evaluation.network_evaluations for evaluation in found]
    assert max(shares) - min(shares) <= 1


def test_sharing_with_nothing_in_common_costs_what_it_did():
    found = evaluator_of(AnalyticVocoder()).evaluate(SIX, [0], shared=True)
    assert [evaluation.network_evaluations for evaluation in found] == [6 * len(CLIPS)] * len(SIX)


@pytest.mark.parametrize("shared", [False, True])
def test_failures_are_named_alike_when_calls_are_shared(shared):
    [first, second] = evaluator_of(BrokenVocoder()).evaluate(GRID[:2], [4], shared=shared)
    assert len(first.scores["log_mel_l1"].failures) == len(CLIPS)
    assert first.scores["log_mel_l1"].failures == second.scores["log_mel_l1"].failures


# --- measuring while the network runs -------------------------------------------------------------


@pytest.mark.parametrize("shared", [False, True])
def test_slow_metrics_get_the_audio_they_were_handed(analytic_vocoder, monkeypatch, shared):
    # A batch a schedule, so that the network is some batches on while a measurement waits.
    expected = evaluator_of(analytic_vocoder, metrics=("log_mel_l1",)).evaluate(GRID, [0, 1], shared=shared)
    measure = metrics_for(analytic_vocoder.front_end, 16000)["log_mel_l1"].measure

    def slow(reference, audio):
        time.sleep(0.002)
        return measure(reference, audio)

    monkeypatch.setattr(module, "SAMPLES_A_PIECE", 1)
    metrics = [Metric(name, "", "minimize", slow) for name in ("one", "two")]
    found = Evaluator(analytic_vocoder, CLIPS, metrics, NoiseBank(0)).evaluate(GRID, [0, 1], shared=shared)
    for name in ("one", "two"):
        np.testing.assert_allclose(values_of(found, name), values_of(expected), rtol=0, atol=1e-5)


def test_what_a_metric_raises_ends_the_evaluation(analytic_vocoder):
    def broken(reference, audio):
        raise ZeroDivisionError("in the metric")

    evaluator = Evaluator(analytic_vocoder, CLIPS, [Metric("broken", "", "minimize", broken)], NoiseBank(0))
    with pytest.raises(ZeroDivisionError, match="in the metric"):
        evaluator.evaluate(SIX, [0])


def test_groups_hold_every_clip_once_beside_those_of_its_length(analytic_vocoder):
    groups = evaluator_of(analytic_vocoder).groups
    assert sorted(name for group in groups for name in group.names) == ["a", "b", "c", "d"]
    for group in groups:
        assert group.reference.shape[0] == group.mel.shape[0] == len(group.names)
        assert group.names == tuple(CLIPS[place].name for place in group.places)
    assert sorted(group.names for group in groups) == [("a", "c"), ("b",), ("d",)]


@pytest.mark.parametrize("shared", [False, True])
def test_all_audio_that_is_scored_is_handed_on(analytic_vocoder, shared):
    evaluator = evaluator_of(analytic_vocoder)
    kept: dict[tuple[NoiseSchedule, str, int], torch.Tensor] = {}

    def keep(schedule, clip, draw, audio):
        assert kept.setdefault((schedule, clip, draw), audio) is audio  # once

    evaluator.evaluate(SIX, [0, 3], shared=shared, keep=keep)
    assert len(kept) == len(SIX) * len(CLIPS) * 2
    for (schedule, clip, draw), audio in kept.items():
        torch.testing.assert_close(audio, evaluator.audio(schedule, draw)[clip], rtol=0, atol=1e-5)
