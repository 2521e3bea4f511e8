"""A whole search on the analytic vocoder: budget, resumption, legality, and its ends, good and bad."""

import csv
import json
import re
from dataclasses import replace
from itertools import combinations, islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from conftest import BrokenVocoder, files_below, interrupt_at, noise_clip, use_vocoder
from fakes import FakeEvaluator

from schedsearch.commands.search import _best
from schedsearch.evaluation.draws import further_rounds
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR, log_snr_line
from schedsearch.schedules.search_space import FIRST_LOG_SNR, TOLERANCE, LogSnrSpace
from schedsearch.search import run
from schedsearch.search import verdict as confirmation
from schedsearch.search.heard import Rounds
from schedsearch.search.leaders import APART, finalists
from schedsearch.search.loop import Progress, _claim_next, search
from schedsearch.search.race import Race
from schedsearch.search.verdict import judge, verdict, winner_and_baseline
from schedsearch.strategies.bayesian import Bayesian
from schedsearch.strategies.surrogate import Gain, settled
from schedsearch.study.budget import Budget, default_budget
from schedsearch.study.candidate import Candidate
from schedsearch.voice.check import KEPT
from vocoder.audio.reading import write_wav

ITERS, SEARCH_CLIPS, HELD_OUT_CLIPS = 6, 3, 2
HELD_OUT_DRAWS = 2  # of 6 steps
COST = ITERS * SEARCH_CLIPS  # network evaluations of one candidate in the search
TIMED = 4  # of one clip each, for the plan


@pytest.fixture(autouse=True)
def _in_memory(memory):
    """tests/test_cli.py and tests/test_study.py write to SQLite; these need not wait for it."""


def calls(toy):
    return sum(toy.vocoder.rows)


def finalists_and_verdict(toy):
    """Network evaluations after the search itself, of a first run; the page plays what the verdict has scored."""
    leaders = sum(key.startswith("memory leader ") for key in toy.store().study.user_attrs)
    return ITERS * (leaders * SEARCH_CLIPS + 2 * HELD_OUT_CLIPS * HELD_OUT_DRAWS)


def test_the_same_audio_cannot_be_searched_on_and_judge(toy, capsys):
    (toy.root / "held_out" / "other.wav").write_bytes((toy.root / "search" / "search1.wav").read_bytes())
    assert toy.search("--budget", "2candidates") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert "clip search1 of search_clips is the same audio as other of held_out_clips" in line
    assert not (toy.root / "results").exists()


def test_of_long_recordings_too_none_can_be_searched_on_and_judge(toy, capsys):
    # The typical part of what a held-out recording is cut to need not be that of the whole.
    loudness = torch.rand(160, generator=torch.Generator().manual_seed(0)).repeat_interleave(1600)
    for place in ("search/long.wav", "held_out/same.wav"):
        write_wav(toy.root / place, loudness * noise_clip("long", 16 * 16000, seed=9).audio, 16000)
    assert toy.search("--budget", "2candidates") == 2
    assert "clip long of search_clips is the same audio as same of held_out_clips" in capsys.readouterr().err


def test_a_search_that_another_process_adds_to_before_it_ends_is_judged_by_its_new_end(toy, monkeypatch):
    # Between the held-out clips and the verdict: the schedule that ends it then was not heard yet.
    added = log_snr_line(ITERS, 11.0, -2.0)

    def judge_and_add(store, pair, evaluator, draws, keep):
        yield from judge(store, pair, evaluator, draws, keep)
        if added not in [candidate.schedule for candidate in store.candidates()]:
            [claim] = store.claim([added], "tpe", LogSnrSpace(ITERS))
            best = {"spectral": Score(np.full((SEARCH_CLIPS, 1), 1e-6))}
            store.finish([claim], [Evaluation(best, 0.0, 0)])

    monkeypatch.setattr(run, "judge", judge_and_add)
    assert toy.search("--budget", "4candidates") == 0
    assert added in [candidate.schedule for candidate in ranked_finalists(toy.store())]


def test_a_search_ends_well_and_writes_every_file_whole(toy, capsys):
    assert toy.search("--budget", "6candidates") == 0
    names = {"schedule.pt", "schedule.json", "schedule.lmnt.npy", "schedule.coqui.npy", "trials.csv",
             "leaderboard.csv", "run.json", "schedules.png", "convergence.png", "held_out.png", "report.html",
             "searched.flac", "baseline.flac"}  # fmt: skip
    assert {path.name for path in files_below(toy.folder)} == names
    betas = torch.load(toy.folder / "schedule.pt", weights_only=True)
    assert (betas.dtype, betas.shape) == (torch.float32, (ITERS,))
    told = json.loads((toy.folder / "schedule.json").read_text())
    np.testing.assert_allclose(betas, np.load(toy.folder / "schedule.lmnt.npy"), rtol=1e-6)
    np.testing.assert_allclose(betas, told["betas"], rtol=1e-6)
    assert json.loads((toy.folder / "run.json").read_text())["candidates"] == 6
    assert "ships" in capsys.readouterr().out


def test_trials_csv_has_a_row_for_every_baseline_and_candidate(toy):
    toy.search("--budget", "5candidates")
    with (toy.folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    store = toy.store()
    assert [row["name"] for row in rows] == [c.name for c in [*store.baselines(), *store.candidates()]]
    assert {row["name"] for row in rows if row["kind"] == "baseline"} == set(baselines(ITERS))
    for row in rows:
        assert len(row["betas"].split()) == ITERS
        assert int(row["network_evaluations"]) == COST
        assert row["spectral_clips"] == str(SEARCH_CLIPS)


def test_the_leaderboard_is_sorted_and_marks_what_ships(toy):
    toy.search("--budget", "6candidates")
    with (toy.folder / "leaderboard.csv").open() as file:
        rows = list(csv.DictReader(file))
    # Finalists, by what is expected of them, and the others, by their means, are each best first, and never mixed.
    found = [row["finalist"] for row in rows]
    assert found == sorted(found, reverse=True)
    assert set(found) == {"False", "True"}
    for kind, column in (("True", "expected_spectral"), ("False", "search_spectral_mean")):
        means = [float(row[column]) for row in rows if row["finalist"] == kind]
        assert means == sorted(means)
    shipped = [row["name"] for row in rows if row["shipped"] == "True"]
    assert shipped == [json.loads((toy.folder / "run.json").read_text())["name"]]


def test_what_another_dataset_of_the_speaker_chose_is_no_baseline(toy):
    table = toy.root / "toy.toml"
    table.write_text('speaker = "demo"\n' + table.read_text())
    toy.search("--budget", "1candidates")
    assert {c.name for c in toy.store().baselines()} == set(baselines(ITERS)) - {"universal-6"}


@pytest.mark.parametrize("count", [1, 6, 9])
def test_a_budget_of_candidates_is_kept_exactly(toy, count):
    toy.search("--budget", f"{count}candidates", "--strategy", "tpe", "--no-race")  # whole scores alone cost the same
    assert len(toy.store().candidates()) == count
    assert calls(toy) == TIMED + COST * (len(baselines(ITERS)) + count) + finalists_and_verdict(toy)


@pytest.mark.parametrize("budget", [1, COST, COST + 1, 6 * COST - 1])
def test_a_budget_of_calls_is_overshot_by_less_than_one_candidate(toy, budget):
    toy.search("--budget", f"{budget}calls", "--strategy", "tpe")
    spent = sum(c.network_evaluations for c in toy.store().candidates())
    assert budget <= spent < budget + COST


def test_a_first_baseline_that_a_race_stopped_does_not_make_candidates_look_cheap():
    asked: list[int] = []

    def ask(count: int) -> list[Any]:
        asked.append(count)
        return []

    strategy: Any = SimpleNamespace(batch=4, name="tpe", ask=ask)
    scored = [SimpleNamespace(network_evaluations=count) for count in (24, 36)]
    store: Any = SimpleNamespace(in_flight=list, baselines=lambda: scored)
    _claim_next(store, LogSnrSpace(3), strategy, Budget(49, "calls"), 0.0)
    assert asked == [2]


def test_a_budget_of_minutes_ends_with_the_batch_that_spends_it(toy):
    toy.search("--budget", "0.000001min", "--strategy", "tpe")
    assert len(toy.store().candidates()) == 4


def test_a_finished_search_evaluates_nothing_and_writes_the_same(toy, capsys):
    toy.search("--budget", "5candidates")
    before, spent, said = files_below(toy.folder), calls(toy), capsys.readouterr().out
    assert toy.search("--budget", "5candidates") == 0
    assert calls(toy) == spent
    assert verdict_in(capsys.readouterr().out) == verdict_in(said)
    assert files_below(toy.folder) == before


def verdict_in(said):
    """Without the plan, which names times and what is left."""
    assert "ships" in said
    return said.partition("\n\n")[2]


def test_a_search_without_a_budget_ends_by_itself_and_says_so(toy, capsys):
    assert toy.search() == 0
    spent, said = calls(toy), capsys.readouterr().out
    count = len(toy.store().candidates())
    assert settled(ITERS) <= count < default_budget(ITERS).amount
    assert f"The search stopped by itself after {count} candidates: by its model of the scores another 50" in said
    gain = json.loads((toy.folder / "run.json").read_text())["gain_left"]
    assert gain["candidates"] == count
    assert 0 <= gain["mean"] <= gain["bound"]
    assert gain["sure"] == 0.95
    assert "(95 % of the model's draws)" in said
    assert toy.search() == 0  # and stays ended
    assert calls(toy) == spent
    assert toy.search("--more", "4candidates") == 0
    assert len(toy.store().candidates()) == count + 4
    assert "stopped by itself" not in capsys.readouterr().out.rpartition("plan")[2]


@pytest.mark.parametrize("seed", ["0", "1"])
def test_a_search_that_ended_by_itself_is_not_asked_again_what_is_left(toy, monkeypatch, seed):
    assert toy.search("--seed", seed) == 0
    count, left = len(toy.store().candidates()), json.loads((toy.folder / "run.json").read_text())["gain_left"]
    # Were the model asked again, it would want more: it has heard the leaders' further rounds.
    monkeypatch.setattr("schedsearch.strategies.surrogate.gain_left", lambda *_: Gain(9.0, 9.0))
    assert toy.search("--seed", seed) == 0
    assert len(toy.store().candidates()) == count
    assert json.loads((toy.folder / "run.json").read_text())["gain_left"] == left


def test_a_grid_at_its_end_says_so_and_sends_nobody_to_more(toy, capsys):
    grid = ["--strategy", "grid", "--grid", "levels:2", "--iters", "3"]
    assert toy.search(*grid) == 0
    told = capsys.readouterr().out
    assert "grid, 8 points" in told
    assert "Every point of the grid levels:2 was scored." in told
    assert "MORE=" not in told
    assert "stopped by itself" not in told
    assert toy.search(*grid) == 0
    assert "plan: the search has ended, spent by grid; another GRID= or STRATEGY= adds to it" in capsys.readouterr().out
    assert toy.search(*grid, "--more", "9candidates") == 0
    assert re.search(r"grid, 0 points +0 network evaluations", capsys.readouterr().out)


def test_a_grid_without_a_budget_goes_on_to_its_end_after_a_stop_and_after_others(toy, monkeypatch, capsys):
    monkeypatch.setattr("schedsearch.study.budget.MOST", ((6, 5),))
    assert toy.search("--strategy", "random") == 0
    grid = ["--strategy", "grid", "--grid", "levels:2"]
    with monkeypatch.context() as patch:
        interrupt_at(patch, 1)
        assert toy.search(*grid) == 130
    assert len(toy.store().candidates()) == 5 + 16
    assert toy.search(*grid) == 0
    assert len(toy.store().candidates()) == 5 + 64
    assert "Every point of the grid levels:2 was scored." in capsys.readouterr().out


def test_a_search_that_ends_at_its_limit_says_so(toy, monkeypatch, capsys):
    monkeypatch.setattr("schedsearch.study.budget.MOST", ((6, 5),))
    assert toy.search("--strategy", "random") == 0
    assert re.search("The search ended at its limit of 5 candidates; (MORE=|--more) adds", capsys.readouterr().out)
    assert toy.search("--strategy", "random", "--more", "1candidates") == 0
    assert "at its limit" not in capsys.readouterr().out


def test_a_grid_that_ends_with_its_budget_is_at_its_end_too(toy, capsys):
    assert toy.search("--strategy", "grid", "--grid", "levels:2", "--iters", "3", "--budget", "8candidates") == 0
    assert "MORE=" not in capsys.readouterr().out


@pytest.mark.parametrize("how", [("--strategy", "grid", "--grid", "levels:1"), ()])
def test_a_baseline_that_an_update_brings_is_scored_by_a_search_that_has_ended(toy, monkeypatch, how):
    known = baselines(6)
    monkeypatch.setattr("schedsearch.search.loop.baselines", lambda n, own=(): dict(islice(known.items(), 4)))
    assert toy.search(*how) == 0
    before = len(toy.store().candidates())
    monkeypatch.setattr("schedsearch.search.loop.baselines", baselines)
    assert toy.search(*how) == 0
    assert {baseline.name for baseline in toy.store().baselines()} == set(known)
    assert len(toy.store().candidates()) == before


def test_another_grid_or_strategy_goes_on_after_a_grid_at_its_end(toy):
    budget = ["--budget", "4candidates"]
    for done, grid in enumerate(("levels:1", "mantissas:1"), start=1):
        assert toy.search("--strategy", "grid", "--grid", grid, *budget) == 0
        assert len(toy.store().candidates()) == done
    assert toy.search("--strategy", "random", *budget) == 0
    assert len(toy.store().candidates()) == 4


def test_a_clip_that_no_schedule_can_be_scored_on_is_named_before_any_candidate(toy, monkeypatch, capsys):
    real = Evaluator.evaluate

    def evaluate(self, *arguments, **options):
        found = real(self, *arguments, **options)
        values = [each.scores["spectral"].values.copy() for each in found]
        for value in values:
            value[0] = np.nan
        return [
            replace(each, scores={**each.scores, "spectral": Score(value, ("search0, draw 0: no speech",))})
            for each, value in zip(found, values, strict=True)
        ]

    monkeypatch.setattr(Evaluator, "evaluate", evaluate)
    assert toy.search() == 2
    assert "every baseline fails, the first with: search0, draw 0: no speech; leave that recording out" in (
        capsys.readouterr().err.splitlines()[-1]
    )
    assert toy.store().candidates() == []


def test_a_budget_is_remembered(toy):
    toy.search("--budget", "5candidates")
    spent = calls(toy)
    toy.search()
    assert calls(toy) == spent


def test_more_adds_to_a_finished_search(toy):
    toy.search("--budget", "3candidates")
    toy.search("--more", "2candidates")
    assert len(toy.store().candidates()) == 5
    toy.search("--more", "2candidates")
    assert len(toy.store().candidates()) == 7


def test_more_again_after_a_stop_adds_nothing_further(toy, monkeypatch):
    toy.search("--budget", "3candidates")
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupted)
        assert toy.search("--more", "2candidates") == 130
    assert toy.search("--more", "2candidates") == 0
    assert len(toy.store().candidates()) == 5


def test_more_after_a_stopped_search_adds_to_what_that_set_out_to_do(toy, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupted)
        assert toy.search("--budget", "3candidates") == 130
    assert toy.search("--more", "2candidates") == 0
    assert len(toy.store().candidates()) == 5


def test_a_large_budget_is_remembered_to_the_last_digit(toy, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", interrupted)
        assert toy.search("--budget", "1234567calls") == 130
        (toy.folder / "study.db").touch()  # what tells a begun search, in a storage that is a file
        assert toy.search("--more", "1000000calls") == 130
    assert toy.store().recall("asked")["budget"] == "2234567calls"


def test_another_seed_is_another_study_in_the_same_folder(toy, capsys):
    toy.search("--budget", "2candidates")
    capsys.readouterr()
    assert toy.search("--budget", "2candidates", "--seed", "1") == 0
    assert "changed since the last search: seed" in capsys.readouterr().out


@pytest.mark.parametrize("strategy", ["tpe", "random"])
@pytest.mark.parametrize("iters", ["1", "6", "30"])
def test_every_candidate_is_legal_and_in_the_box(toy, strategy, iters):
    assert toy.search("--budget", "6candidates", "--strategy", strategy, "--iters", iters) == 0
    folder = toy.folder.parent / f"{iters}iters"
    with (folder / "trials.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] != "baseline"]
    assert [row["kind"] for row in rows] == [strategy] * 6
    for row in rows:
        betas = np.array(row["betas"].split(), dtype=float)
        assert ((betas > 0) & (betas < 1)).all()
        a = np.cumprod(1 - betas)
        assert TERMINAL_LOG_SNR[0] - 1e-4 <= np.log(a[-1] / (1 - a[-1])) <= TERMINAL_LOG_SNR[1] + 1e-4


def test_points_at_the_corners_of_the_box_are_proposed_without_complaint(toy):
    # The sampler may return 0 and 1 themselves.
    space = LogSnrSpace(ITERS)
    for corner in (np.zeros(ITERS), np.ones(ITERS)):
        schedule = space.decode(corner)
        assert space.clip(schedule).moved <= TOLERANCE
        assert FIRST_LOG_SNR[0] - TOLERANCE <= schedule.log_snr[0] <= FIRST_LOG_SNR[1] + TOLERANCE


def test_after_the_candidates_too_progress_names_the_expected_best_baselines_included(toy, monkeypatch):
    seen: list[Progress] = []
    monkeypatch.setattr("schedsearch.commands.search.show_stages", lambda steps, *_: seen.extend(steps))
    assert toy.search("--budget", "2candidates") == 0
    after = [progress.best for progress in seen if progress.stage in ("leaders", "held-out clips")]
    formulas = {c.name for c in toy.store().baselines()}  # neither of two lines is as good as a formula
    assert len(after) > 4
    assert all(best is not None and best.name in formulas for best in after)


def test_progress_rises_to_one_and_knows_the_best(toy):
    toy.search("--budget", "1candidates")
    store = toy.store()
    heats: list[Any] = [FakeEvaluator(lambda schedule, draw: [schedule.log_snr[0]], ("a",), "spectral")]
    space, race = LogSnrSpace(ITERS), Race(heats, "spectral", 1)
    seen = list(search(store, race, space, Bayesian("random", space, 0), Budget(9, "candidates")))
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 1.0
    best = min(c.score.mean for c in [*store.candidates(), *store.baselines()])
    assert seen[-1].best is not None
    assert seen[-1].best.score.mean == best


def test_the_progress_line_says_the_best_with_its_interval_from_the_second_schedule_on(toy, capsys):
    toy.search("--budget", "4candidates")
    notes = re.findall(r"best spectral ([\d.]+)( ± [\d.]+)?, ", capsys.readouterr().err)
    assert notes[0][1] == ""
    assert all(interval for _, interval in notes[2:])


def test_the_interval_beside_an_expectation_is_that_of_the_expectation():
    scores = {"spectral": Score(np.array([[1.0], [9.0], [np.nan]]))}
    best = Candidate("trial 3", "model", log_snr_line(ITERS, 9.0, -2.0), scores, 1.0, 1, expectation=4.2, deviation=0.1)
    opened: Any = SimpleNamespace(store=SimpleNamespace(objective="spectral"))
    assert _best(Progress("model", 0.5, best), opened) == "best spectral 4.2000 ± 0.20, trial 3"


def test_a_search_in_which_everything_fails_ends_with_one_line(toy, request, capsys):
    use_vocoder(request, BrokenVocoder())
    assert toy.search("--budget", "3candidates") == 2
    captured = capsys.readouterr()
    last = captured.err.splitlines()[-1]
    assert last.startswith("schedsearch: every baseline fails, the first with: search0, draw 0: audio has NaN")
    assert "Traceback" not in captured.err + captured.out
    assert {path.name for path in files_below(toy.root / "results")} == {KEPT}
    assert toy.store().candidates() == []


def test_a_search_whose_candidates_alone_fail_ends_with_one_line(toy, monkeypatch, capsys):
    real = Evaluator.evaluate

    def baselines_only(self, schedules, draws, **options):
        found = real(self, schedules, draws, **options)
        given = baselines(ITERS).values()
        return [e if s in given else spoilt(e) for s, e in zip(schedules, found, strict=True)]

    monkeypatch.setattr(Evaluator, "evaluate", baselines_only)
    assert toy.search("--budget", "3candidates") == 2
    assert "every candidate failed: spoilt" in capsys.readouterr().err.splitlines()[-1]


def test_failed_candidates_cost_their_budget_and_never_win(toy, monkeypatch):
    real, seen = Evaluator.evaluate, list(baselines(ITERS).values())
    given = len(seen)

    def every_other(self, schedules, draws, **options):
        seen.extend(s for s in schedules if s not in seen)
        spoils = [(seen.index(s) - given) % 2 and seen.index(s) >= given for s in schedules]
        return [spoilt(e) if s else e for s, e in zip(spoils, real(self, schedules, draws, **options), strict=True)]

    monkeypatch.setattr(Evaluator, "evaluate", every_other)
    assert toy.search("--budget", "8candidates", "--strategy", "tpe") == 0
    found = toy.store().candidates()
    assert [bool(c.failures) for c in found] == [False, True] * 4
    with (toy.folder / "leaderboard.csv").open() as file:
        leaders = {row["name"] for row in csv.DictReader(file)}
    assert not leaders & {c.name for c in found if c.failures}


@pytest.fixture
def many_clips(toy):
    """Nine search clips: a race of three heats."""
    for i in range(9):
        clip = noise_clip(f"search{i}", 6400, 0.1 + 0.01 * i, seed=i)
        write_wav(toy.root / "search" / f"{clip.name}.wav", clip.audio, 16000)
    return toy


def test_a_race_saves_calls_and_what_it_stopped_leads_only_after_all_clips(many_clips):
    toy = many_clips
    assert toy.search("--budget", "16candidates", "--strategy", "tpe") == 0
    found = [*toy.store().candidates(), *toy.store().baselines()]
    stopped, whole = ([c for c in found if c.whole == kept] for kept in (False, True))
    assert stopped
    assert whole
    for candidate in stopped:
        assert candidate.network_evaluations < ITERS * 9
        assert candidate.estimate is not None
        assert np.isnan(candidate.score.mean)
    assert {candidate.network_evaluations for candidate in whole} == {ITERS * 9}
    assert all(np.isfinite(candidate.score.values).all() for candidate in ranked_finalists(toy.store()))


def test_when_a_race_stops_every_candidate_the_best_of_them_is_judged_all_the_same(many_clips):
    toy = many_clips
    assert toy.search("--budget", "4candidates", "--strategy", "random", "--objective", "log_mel_l1") == 0
    found = toy.store("log_mel_l1").candidates()
    assert not any(c.whole for c in found)
    with (toy.folder / "leaderboard.csv").open() as file:
        [leader, *_] = [row for row in csv.DictReader(file) if row["kind"] == "random"]
    assert leader["held_out_log_mel_l1_clips"] == str(HELD_OUT_CLIPS)
    [finalist, *_] = [c for c in ranked_finalists(toy.store("log_mel_l1")) if c.kind == "random"]
    assert finalist.name == leader["name"]
    assert len(finalist.score.values) == 9
    assert np.isfinite(finalist.score.values).all()


def test_what_a_race_does_not_stop_scores_as_without_one(many_clips):
    toy, grid = many_clips, ["--strategy", "grid", "--grid", "mantissas:2", "--budget", "24candidates"]
    assert toy.search(*grid) == 0
    raced = toy.store().candidates()
    assert toy.search(*grid, "--no-race", "--storage", "sqlite:///unraced") == 0
    with (toy.folder / "trials.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["kind"] == "grid"]
    assert {row["network_evaluations"] for row in rows} == {str(ITERS * 9)}
    assert 0 < sum(candidate.whole for candidate in raced) < len(raced) == len(rows)
    for row, candidate in zip(rows, raced, strict=True):
        if candidate.whole:
            assert float(row["spectral_mean"]) == pytest.approx(candidate.score.mean, abs=1e-4)


def test_a_long_schedule_meets_the_baseline_piece_by_piece_and_goes_on_where_it_was_stopped(toy, monkeypatch):
    toy.search("--budget", "1candidates")
    monkeypatch.setattr(confirmation, "STEPS_AT_ONCE", 2)
    clips = [noise_clip(f"meeting{place}", 1280 + 640 * place, 0.1, seed=place) for place in range(5)]
    metrics = list(metrics_for(toy.vocoder.front_end, toy.vocoder.sample_rate, names=("spectral", "level")).values())
    evaluator, draws = Evaluator(toy.vocoder, clips, metrics, NoiseBank(3)), (0, 1)
    best = ranked_finalists(toy.store())
    pair = winner_and_baseline(toy.store(), best)

    with monkeypatch.context() as patch:  # an earlier version, which cut them otherwise
        patch.setattr(Evaluator, "split", lambda all_, count: [all_._of(all_.groups[i::count]) for i in range(count)])
        next(judge(toy.store(), pair, evaluator, draws))
    begun = islice(judge(toy.store(), pair, evaluator, draws), 2)
    assert [progress.done for progress in begun] == pytest.approx([1 / 6, 2 / 6])  # three pieces of both
    before = calls(toy)
    resumed = judge(toy.store(), pair, evaluator, draws)
    assert [progress.done for progress in resumed] == pytest.approx([3 / 6, 4 / 6, 5 / 6, 1])
    assert 0 < calls(toy) - before < 2 * ITERS * len(clips) * len(draws)

    before = calls(toy)
    assert list(judge(toy.store(), pair, evaluator, draws)) == []
    found = verdict(toy.store(), best, metrics, draws, seed=0)
    assert calls(toy) == before
    for place, metric in enumerate(metrics):
        for candidate, score in (
            (found.winner, found.comparisons[place].winner),
            (found.baseline, found.comparisons[place].baseline),
        ):
            [expected] = evaluator.evaluate([candidate.schedule], draws)
            np.testing.assert_array_equal(score.values, expected.scores[metric.name].values)


def test_improvement_that_was_required_and_not_found_is_status_3(toy):
    # One random candidate against the best of the published ones: nothing two held-out clips could settle.
    assert toy.search("--budget", "1candidates", "--strategy", "random", "--require-improvement") == 3


def test_a_vocoder_that_changed_during_the_search_is_no_result(toy, monkeypatch):
    monkeypatch.setattr(type(toy.vocoder), "unchanged", lambda self: False)
    with pytest.raises(AssertionError, match="weights changed"):
        toy.search("--budget", "1candidates")
    assert {path.name for path in files_below(toy.root / "results")} == {KEPT}


def ranked_finalists(store):
    """The finalists, best first."""
    return finalists(store, Rounds(further_rounds(ITERS), 1.0))  # the toy's clips are as short as excerpts


def interrupted(*_, **__):
    raise KeyboardInterrupt


def spoilt(evaluation):
    score = Score(next(iter(evaluation.scores.values())).values * np.nan, ("spoilt",))
    return Evaluation(dict.fromkeys(evaluation.scores, score), evaluation.seconds, evaluation.network_evaluations)


# --- finalists


def test_finalists_lie_apart_from_each_other(toy):
    assert toy.search("--budget", "24candidates") == 0
    searched = [c for c in ranked_finalists(toy.store()) if c.kind != "baseline"]
    assert all(one.schedule.distance(other.schedule) >= APART for one, other in combinations(searched, 2))
