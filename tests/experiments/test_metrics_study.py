"""Laws of the statistics by which metrics are compared: each recovers what constructed data were made with."""

import json

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from experiments.metrics_study import agreement, noise, regret
from experiments.metrics_study.across import together
from experiments.metrics_study.degradations import (
    DEGRADATIONS,
    FAULTS,
    delay,
    gain,
    low_pass,
    static_in_pauses,
    white_noise,
)
from experiments.metrics_study.losses import JUDGES, SUMS, as_losses, asked, best_part, scored_means, stacked
from experiments.metrics_study.page import markdown, page
from experiments.metrics_study.schedules import LENGTHS, jobs, schedules
from experiments.metrics_study.scoring import STRIDES, Bench, StoredScores, job_key
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.level import level
from schedsearch.metrics.perceptual import BEST
from schedsearch.metrics.registry import metrics_for
from schedsearch.metrics.stft import log_stft_magnitude, multi_resolution_stft, spectral_convergence
from vocoder.errors import InputError
from vocoder.front_ends.lmnt import LmntMel


def table(schedules=12, clips=24, *, seed=0, noise_sd=0.1, order=None):
    """Losses [schedule, clip] that rise with the schedule's place (or `order`) and differ by clip and by chance."""
    generator = np.random.default_rng(seed)
    rise = np.arange(schedules, dtype=float) if order is None else np.asarray(order, dtype=float)
    chance = generator.normal(0, noise_sd, size=(schedules, clips))
    return rise[:, None] + generator.normal(size=(1, clips)) + chance


# --- agreement --------------------------------------------------------------------------------------


@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlations_are_scipys(ties):
    first, second = np.random.default_rng(0).normal(size=(2, 20))
    if ties:
        first, second = first.round(), second.round()
    assert agreement.kendall(first, second) == pytest.approx(stats.kendalltau(first, second).statistic)
    assert agreement.spearman(first, second) == pytest.approx(stats.spearmanr(first, second).statistic)


def test_metrics_that_order_alike_agree_whatever_their_units():
    found = agreement.agreement(table(), np.exp(table(seed=1)), seed=0, resamples=100)
    for name in ("kendall", "spearman"):
        assert found[name] == found[f"{name}_low_clips"] == found[f"{name}_low_schedules"] == pytest.approx(1.0)


def test_metrics_that_order_the_other_way_round_disagree():
    assert agreement.agreement(table(), -table(seed=1), seed=0, resamples=50)["kendall"] == pytest.approx(-1.0)


def test_more_clips_narrow_the_interval_over_clips_alone():
    def widths(clips):
        mixed = np.random.default_rng(0).permutation(16) + 2 * np.arange(16)
        one, other = (table(16, clips, seed=s, noise_sd=6.0, order=o) for s, o in ((1, None), (2, mixed)))
        found = agreement.agreement(one, other, seed=0, resamples=300)
        return [found[f"kendall_high_{over}"] - found[f"kendall_low_{over}"] for over in ("clips", "schedules")]

    (few_clips, few_schedules), (many_clips, many_schedules) = widths(8), widths(800)
    assert many_clips < few_clips / 2
    assert many_schedules > few_schedules / 3  # 16 schedules stay 16 schedules


def test_interval_over_schedules_contains_the_populations_correlation_about_95_times_in_100():
    # Normal pairs with correlation r have tau = 2 / pi asin(r) (Kendall & Gibbons 1990); r = 0.7: 0.494.
    expected, hits, generator = 2 / np.pi * np.arcsin(0.7), 0, np.random.default_rng(0)
    for _ in range(100):
        first, second = generator.multivariate_normal([0, 0], [[1, 0.7], [0.7, 1]], size=40).T
        found = agreement.agreement(first[:, None], second[:, None], seed=0, resamples=100)
        hits += found["kendall_low_schedules"] <= expected <= found["kendall_high_schedules"]
    assert 88 <= hits <= 100  # binomial standard error at 100: 2.2


def test_schedules_that_failed_and_clips_never_asked_for_are_left_out_of_a_pair():
    first, second = table(6, 5), table(6, 5)
    first[2, 1] = np.nan  # failed there
    second[:, 4] = np.nan  # nobody asked
    one, other = agreement.in_common(first, second)
    assert one.shape == other.shape == (5, 4)
    assert np.isfinite(one).all() and np.isfinite(other).all()


# --- noise ------------------------------------------------------------------------------------------


def test_variance_components_recover_planted_ones():
    generator = np.random.default_rng(0)
    of_clips = generator.normal(0, 2.0, size=(40, 60, 1))
    found = noise.components(0.3 + of_clips + generator.normal(0, 1.5, size=(40, 60, 3)))
    # 40 x 60 clips: relative standard error of the variances below 4 %.
    assert found.between == pytest.approx(4.0, rel=0.1)
    assert found.within == pytest.approx(2.25, rel=0.1)
    assert found.deviation(3) == pytest.approx(np.sqrt(found.between + found.within / 3))


def test_clips_that_do_not_differ_have_no_variance_of_their_own():
    found = noise.components(np.random.default_rng(1).normal(size=(200, 30, 2)))
    assert found.between == pytest.approx(0, abs=0.05)
    assert found.within == pytest.approx(1, rel=0.05)


def test_a_single_draw_holds_both_parts():
    drawn = np.random.default_rng(2).normal(0, 2.0, size=(100, 50, 1))
    assert noise.components(drawn).deviation(1) == pytest.approx(2.0, rel=0.05)


def test_what_all_schedules_share_cancels_in_differences():
    own = np.random.default_rng(3).normal(size=(4, 6, 2))
    shared = np.random.default_rng(4).normal(0, 100, size=(1, 6, 2))
    np.testing.assert_allclose(noise.differences(own + shared), noise.differences(own), atol=1e-10)


@pytest.mark.parametrize(("difference", "deviation"), [(0.5, 1.0), (1.0, 1.0), (0.05, 0.06)])
def test_clips_needed_have_the_power_that_simulation_finds(difference, deviation):
    clips = noise.clips_needed(difference, deviation)
    drawn = np.random.default_rng(0).normal(difference, deviation, size=(4000, int(clips)))
    found = (stats.ttest_1samp(drawn, 0, axis=1).pvalue < noise.SIGNIFICANCE).mean()
    # Binomial standard error at 4000: 0.005; the least whole number of clips has somewhat more than 0.9.
    assert noise.POWER - 0.015 <= found <= 0.96
    assert noise.power(int(clips) - 1, difference / deviation) < noise.POWER


def test_clips_needed_are_those_of_a_published_table():
    # Cohen 1988 / G*Power 3.1, paired t test, d = 0.5, two-sided 5 %, power 0.9: 44 pairs.
    assert noise.clips_needed(0.5, 1.0) == 44


def test_half_the_difference_takes_four_times_the_clips():
    assert noise.clips_needed(0.05, 1.0) / noise.clips_needed(0.1, 1.0) == pytest.approx(4, rel=0.01)


def test_differences_that_no_set_of_clips_settles_are_infinite():
    assert noise.clips_needed(1e-4, 1.0) == float("inf")


def test_reliability_is_the_planted_part_of_true_differences():
    generator = np.random.default_rng(6)
    true, noisy = generator.normal(0, 0.5, size=(400, 1, 1)), generator.normal(0, 3.0, size=(400, 24, 1))
    found = noise.components(noise.differences((true + noisy)[:80]))
    spread = float((true + noisy).mean(axis=(1, 2)).std(ddof=1))
    # 0.25 of true variance beside 9 / 24 of noise
    assert noise.reliability(found.deviation(1), spread, 24) == pytest.approx(0.25 / (0.25 + 9 / 24), abs=0.06)


def test_noise_looks_only_at_draws_that_all_were_asked_for():
    values = np.random.default_rng(5).normal(size=(5, 4, 2))
    values[3, :, 1] = np.nan  # never scored on the second draw
    assert noise.whole(values).shape == (4, 4, 2)
    values[:, :, 1] = np.nan
    assert noise.whole(values).shape == (5, 4, 1)


@pytest.fixture
def one_second_draw():
    """Values [schedule, clip, draw] of a study that was stopped when a single schedule had its second draw."""
    values = np.random.default_rng(5).normal(size=(5, 4, 2))
    values[1:, :, 1] = np.nan
    return values


def test_a_draw_of_a_single_schedule_is_left_out(one_second_draw):
    np.testing.assert_array_equal(noise.whole(one_second_draw), one_second_draw[:, :, :1])
    [row] = noise.noise_table({"lsd": one_second_draw}, {"lsd": 1.0}).to_dict("records")
    assert (row["schedules"], row["clips"], row["draws"]) == (5, 4, 1)
    assert np.isfinite(row["sd_of_one_clip"]) and np.isnan(row["between_draws_sd"])
    needed = noise.clips_table({"lsd": one_second_draw}, {"lsd": 1.0})
    assert needed["clips_1_draws"].notna().all() and needed["clips_2_draws"].isna().all()


def test_of_a_single_sound_schedule_no_noise_is_known(one_second_draw):
    one_second_draw[1:, 0, 0] = np.nan  # the others fail on a clip
    [row] = noise.noise_table({"lsd": one_second_draw}, {"lsd": 1.0}).to_dict("records")
    assert row["schedules"] == 1 and np.isnan(row["sd_of_one_clip"])
    assert noise.clips_table({"lsd": one_second_draw}, {"lsd": 1.0})["clips_1_draws"].isna().all()


# --- regret -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("k", [1, 3])
def test_a_metric_never_regrets_its_own_choice(k):
    means = np.random.default_rng(0).normal(size=(50, 12))
    np.testing.assert_allclose(regret.regret(means, means, k), 0, atol=1e-12)


def test_regret_is_what_the_choice_is_worse_by():
    judge = np.array([0.0, 1.0, 5.0])
    assert regret.regret(np.array([3.0, 1.0, 2.0]), judge, 1) == 1.0
    assert regret.regret(np.array([3.0, 2.0, 1.0]), judge, 2) == 2.5  # (1 + 5) / 2 - (0 + 1) / 2


def test_no_choice_beats_the_judges_own():
    chooser, judge = np.random.default_rng(1).normal(size=(2, 500, 9))
    assert (regret.regret(chooser, judge, 3) >= -1e-12).all()


def test_worst_regret_puts_the_metric_that_agrees_first_and_tells_it_from_the_contrary_one():
    losses = {"right": table(seed=0), "wrong": -table(seed=1)}
    judging = {"right": table(seed=2), "other": table(seed=3)}
    found = regret.worst_table(losses, judging, {"right": 1.0, "other": 1.0}, ("right", "other"), 1)
    assert found["chosen_by"].tolist() == ["right", "wrong"]
    assert found["expected"][0] == pytest.approx(0, abs=0.01)
    assert found["expected"][1] == pytest.approx(11, abs=0.5)  # the last of 12 that rise by 1
    assert found["more_than_least_low"][1] > 0 and found["more_than_least_high"][0] == 0


@pytest.mark.filterwarnings("ignore:All-NaN slice")  # a choice that fails has no interval
def test_a_metric_that_chooses_a_schedule_on_which_the_judge_fails_stands_last():
    judging = {"judge": table(6)}
    judging["judge"][3] = np.nan
    # Each metric likes one schedule best: the sixth, the one that fails, the first, the third.
    choosing = {f"likes {best}": table(6, order=np.abs(np.arange(6) - best), seed=best) for best in (5, 3, 0, 2)}
    found = regret.worst_table(choosing, judging, {"judge": 1.0}, ("judge",), 1)
    assert found["chosen_by"].tolist() == ["likes 0", "likes 2", "likes 5", "likes 3"]
    assert found["expected"].isna().tolist() == [False, False, False, True]
    assert found["more_than_least_low"][:3].notna().all()


# --- losses and schedules -----------------------------------------------------------------------------


def scores(clips=4, *, worse=0.0):
    """Of every metric that is scored, worse as `worse` rises."""
    asked = [d for d in catalogue(16000) if d.name not in (*SUMS, "distill_mos")]
    signed = {d.name: -worse if d.direction == "maximize" else worse for d in asked}
    found = {name: [value + 0.1 * clip for clip in range(clips)] for name, value in signed.items()}
    return {**found, "level": [-worse] * clips}


def test_every_loss_rises_as_audio_gets_worse():
    better, worse = as_losses(scores(worse=1.0)), as_losses(scores(worse=2.0))
    for name in set(better) - {"level"}:
        assert (worse[name] > better[name]).all(), name


def test_sum_is_the_catalogues_metric():
    reference, estimate = torch.randn(2, 3, 8000, generator=torch.Generator().manual_seed(0)) * 0.1
    parts = {"stft_convergence": spectral_convergence, "stft_log_magnitude": log_stft_magnitude}
    measured = {name: part(reference, estimate).tolist() for name, part in parts.items()}
    found = as_losses({**scores(3), **measured})["mr_stft"]
    np.testing.assert_allclose(found, multi_resolution_stft(reference, estimate).numpy(), rtol=1e-6)


def test_best_part_follows_the_judges():
    pool = schedules(6)[:8]
    stack = stacked(pool, [[scores(worse=float(place)), None] for place in range(8)])
    assert best_part(stack, np.arange(4), 0.5).tolist() == [True] * 4 + [False] * 4
    assert set(JUDGES) <= set(stack.metrics)
    assert stack.only(best_part(stack, np.arange(4), 0.5)).schedules == tuple(pool[:4])


def test_means_leave_out_schedules_with_a_failure():
    assert len(scored_means(np.array([[1.0, 2.0, np.nan], [np.nan, 2.0, np.nan]]))) == 1


def test_sums_with_pesq_are_the_catalogues_but_for_its_constant():
    reference = torch.randn(2, 16000, generator=torch.Generator().manual_seed(0)) * 0.1
    estimate = reference + 0.02 * torch.randn(2, 16000, generator=torch.Generator().manual_seed(1))
    names = ("log_mel_l1", "stft_convergence", "pesq_wb", "spectral_pesq_wb")
    metrics = metrics_for(LmntMel(16000, 256), 16000, names=names)
    measured = {name: np.array(metrics[name].measure(reference, estimate[None])[0], dtype=float) for name in names}
    parts = {name: measured[name].tolist() for name in names[:3]}
    found = as_losses({**scores(2), **parts})["spectral_pesq_wb"]
    np.testing.assert_allclose(found + BEST["wb"], measured["spectral_pesq_wb"], rtol=1e-6)


def test_clips_that_no_schedule_was_heard_on_are_left_out():
    heard = np.array([[1.0, np.nan, np.nan], [2.0, np.nan, 3.0]])
    np.testing.assert_array_equal(asked(heard), heard[:, [0, 2]])


def test_together_the_metric_with_the_least_worst_regret_is_first():
    one = pd.DataFrame({"steps": [6, 6, 12, 12], "chosen_by": ["a", "b"] * 2, "expected": [1.0, 2.0, 9.0, 2.0]})
    other = pd.DataFrame({"steps": [6, 6], "chosen_by": ["b", "a"], "expected": [3.0, 0.0]})
    found = together({"one": one, "other": other})
    assert found["chosen by"].tolist() == ["b", "a"]
    assert found["worst"].tolist() == [3.0, 9.0]
    assert found.loc[1, ["one, 6", "one, 12", "other, 6"]].tolist() == [1.0, 9.0, 0.0]


def test_together_a_metric_whose_choice_fails_somewhere_stands_last():
    one = pd.DataFrame({"steps": [6, 6, 12, 12], "chosen_by": ["a", "b"] * 2, "expected": [1.0, 2.0, np.nan, 2.0]})
    found = together({"one": one})
    assert found["chosen by"].tolist() == ["b", "a"]
    assert found[["worst", "mean"]].isna().all(axis=1).tolist() == [False, True]


def test_a_narrow_band_voice_is_refused(tmp_path, monkeypatch):
    (tmp_path / "experiments" / "slow").mkdir(parents=True)
    table = '[rates.8000]\ncheckpoint = "slow"\nsearch_clips = "slow"\nheld_out_clips = "slow_held_out"\n'
    (tmp_path / "experiments" / "slow.toml").write_text(table)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="wide-band; slow has 8000 Hz"):
        Bench.open("slow")


def test_no_schedule_and_no_piece_of_work_stands_twice():
    assert set(STRIDES) == set(LENGTHS)
    for steps in LENGTHS:
        assert len({named.schedule.betas.tobytes() for named in schedules(steps)}) == len(schedules(steps))
        assert {named.steps for named in schedules(steps)} == {steps}
    keys = [*map(job_key, jobs()), *(fault.key for fault in FAULTS)]
    assert len(set(keys)) == len(keys)


# --- degradations -------------------------------------------------------------------------------------


@pytest.fixture
def speech():
    """[clip, samples]: a tone of 440 Hz and one of 6 kHz, with a pause in its middle."""
    time = torch.arange(9600) / 16000
    tone = 0.3 * (2 * torch.pi * 440 * time).sin() + 0.1 * (2 * torch.pi * 6000 * time).sin()
    tone[3200:6400] = 0
    return torch.stack([tone, 0.5 * tone])


def test_white_noise_has_the_signal_to_noise_ratio_that_it_says(speech):
    added = white_noise(speech, 20.0) - speech
    ratio = 10 * (speech.square().mean(-1) / added.square().mean(-1)).log10()
    assert ratio.tolist() == pytest.approx([20.0, 20.0], abs=0.2)


def test_static_lies_in_pauses_alone_at_its_level(speech):
    added = static_in_pauses(speech, -50.0) - speech
    assert added[:, :3200].abs().max() == 0 and added[:, 6400:].abs().max() == 0
    assert 20 * float(added[:, 3200:6400].square().mean().sqrt().log10()) == pytest.approx(-50, abs=0.2)


def test_low_pass_takes_the_highs_and_neither_the_lows_nor_time(speech):
    spectrum = torch.fft.rfft(low_pass(speech, 4000.0)[0]).abs() / torch.fft.rfft(speech[0]).abs()
    low, high = 440 * 9600 // 16000, 6000 * 9600 // 16000
    assert float(spectrum[low]) == pytest.approx(1, abs=0.01) and float(spectrum[high]) < 0.01


def test_gain_and_delay_are_exact(speech):
    assert level(speech, gain(speech, -3.0)).tolist() == pytest.approx([-3.0, -3.0], abs=1e-4)
    torch.testing.assert_close(delay(speech, 16)[:, 16:], speech[:, :-16])


def test_faults_repeat_and_keep_the_shape(speech):
    for name, degrade in DEGRADATIONS.items():
        torch.testing.assert_close(degrade(speech), degrade(speech), msg=name)
        assert degrade(speech).shape == speech.shape and degrade(speech).dtype == torch.float32


# --- what is kept, and what is said -----------------------------------------------------------------


def test_scores_come_back_from_the_file_with_their_gaps(tmp_path):
    path = tmp_path / "stored.jsonl"
    StoredScores("voice", path).add("a", {"pesq_wb": [1.5, float("nan")]})
    again = StoredScores("voice", path)
    np.testing.assert_array_equal((again.get("a") or {})["pesq_wb"], [1.5, np.nan])
    assert again.get("b") is None and json.loads(path.read_text())["scores"] == {"pesq_wb": [1.5, None]}


def test_scores_of_an_earlier_file_are_read(tmp_path):
    path = tmp_path / "stored.jsonl"
    # "voice a" hashed; such lines named their work in `what`
    key = "e840c5c9a1a018f5"
    path.write_text(json.dumps({"key": key, "what": "a", "scores": {"pesq_wb": [1.5, None]}}) + "\n")
    np.testing.assert_array_equal((StoredScores("voice", path).get("a") or {})["pesq_wb"], [1.5, np.nan])


def test_scores_of_another_voice_are_not_taken_up(tmp_path):
    StoredScores("voice", tmp_path / "stored.jsonl").add("a", {"pesq_wb": [1.5]})
    other = StoredScores("another", tmp_path / "stored.jsonl")
    assert other.get("a") is None
    other.add("a", {"pesq_wb": [2.5]})
    assert StoredScores("voice", tmp_path / "stored.jsonl").get("a") == {"pesq_wb": [1.5]}


def test_the_page_has_every_table_and_leaves_out_faults_that_were_not_scored():
    grid = {name: ["a", "b"] for name in ("metric", "chosen_by")}
    scopes = ["6 steps, better half", "6 steps"]
    square = pd.DataFrame({"scope": scopes, "metric": "a", "other": "b", "kendall": [0.5, 0.25]})
    chosen = [(c, j, float(c != j)) for c in "ab" for j in "ab"]
    regrets = pd.DataFrame(chosen, columns=["chosen_by", "judge", "standard_units"]).assign(steps=6, best=1)
    plain = pd.DataFrame(grid)
    added = {"added_to": ["recording", "synthesis"], "standard_units": [1.5, 2.5]}
    faults = pd.DataFrame({**added, "fault": "hiss", "metric": "a"})
    tables = {name: plain for name in ("decision", "choices", "noise", "clips_needed")}
    tables |= {"agreement": square, "regret": regrets, "degradations": faults}
    tables["objectives"] = plain.assign(steps=[6, 12])
    told = page("demo", tables)
    assert "| metric | a | b |\n| --- | --- | --- |\n| a | 1 | 0.5 |\n| b | 0.5 | 1 |" in told
    assert "| chosen_by | a | b |\n| --- | --- | --- |\n| a | 0 | 1 |\n| b | 1 | 0 |" in told
    assert "| fault | a |\n| --- | --- |\n| hiss | 2.5 |" in told
    assert "## The same at 12 steps" in told and "## The same at 6 steps" not in told
    assert "faults" not in page("demo", {**tables, "degradations": pd.DataFrame()})


def test_jobs_draw_first_what_a_short_study_needs():
    assert [(job.named.steps, job.draw) for job in jobs()] == sorted((job.named.steps, job.draw) for job in jobs())
    assert {job.named.name for job in jobs() if job.named.steps == 6} == {named.name for named in schedules(6)}
    assert len({job.named.kind for job in jobs()[:16]}) == 4  # all kinds among the first


def test_tables_are_markdown():
    assert markdown(pd.DataFrame({"a": ["x"], "b": [1.23456]})) == "| a | b |\n| --- | --- |\n| x | 1.23 |"
