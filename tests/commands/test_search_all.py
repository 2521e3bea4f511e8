"""Several lengths after one another, the plan that is printed first, and the front of two objectives."""

import csv
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import files_below, interrupt_at, noise_clip, stand_in
from optuna.exceptions import StorageInternalError
from tqdm import std

from schedsearch.cli import main
from schedsearch.commands import search
from schedsearch.report import progress as progress_module
from schedsearch.report.plan import plan
from schedsearch.report.progress import show_stages
from schedsearch.schedules.formulas import resample
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import LogSnrSpace
from schedsearch.search.loop import Progress
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import Settings
from schedsearch.study.budget import Budget, default_budget, parse_budget
from schedsearch.voice.config import load_voice
from vocoder.audio.reading import write_wav


@pytest.fixture(autouse=True)
def _in_memory(memory):
    """Nothing here is about SQLite."""


def search_all(toy, *options):
    places = ["--experiments", str(toy.root), "--results", str(toy.root / "results")]
    return main(["search-all", "--dataset", "toy", "--objective", "spectral", *places, *options])


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_each_length_begins_from_the_winners_before_it(toy, capsys):
    assert search_all(toy, "--iters", "3 5", "--budget", "4candidates") == 0
    voice = toy.root / "results" / "toy" / "16000hz"
    before = NoiseSchedule(np.array(json.loads((voice / "3iters" / "schedule.json").read_text())["betas"]))
    [first] = [row for row in rows(voice / "5iters" / "trials.csv") if row["kind"] == "warm start"]
    expected = LogSnrSpace(5).clip(resample(before, 5)).schedule
    np.testing.assert_allclose(np.array(first["betas"].split(), dtype=float), expected.betas, rtol=1e-6)
    assert not [row for row in rows(voice / "3iters" / "trials.csv") if row["kind"] == "warm start"]
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told[-3:]] == ["3", "5", "page:"]
    assert (voice / "report.html").is_file()


def test_more_is_added_once_to_each_length_wherever_the_command_was_stopped(toy, monkeypatch):
    search_all(toy, "--iters", "3 5", "--budget", "2candidates")
    counts = {}
    with monkeypatch.context() as patch:
        judged = Run._judged

        def stopped(self, keep):
            if self.settings.iterations == 5:
                raise KeyboardInterrupt
            return judged(self, keep)

        patch.setattr(Run, "_judged", stopped)
        assert search_all(toy, "--iters", "3 5", "--more", "2candidates") == 130
    assert search_all(toy, "--iters", "3 5", "--more", "2candidates") == 0
    for length in (3, 5):
        path = toy.root / "results" / "toy" / "16000hz" / f"{length}iters" / "trials.csv"
        counts[length] = sum(row["kind"] != "baseline" for row in rows(path))
    assert counts == {3: 4, 5: 4}
    assert search_all(toy, "--iters", "3", "--more", "2candidates") == 0  # all had it: now it adds again
    path = toy.root / "results" / "toy" / "16000hz" / "3iters" / "trials.csv"
    assert sum(row["kind"] != "baseline" for row in rows(path)) == 6


def test_lengths_may_have_commas_and_each_is_searched_once(toy, capsys):
    assert search_all(toy, "--iters", "3,5 3", "--budget", "2candidates") == 0
    assert [line for line in capsys.readouterr().out.splitlines() if line.startswith("---")] == [
        "--- 3 iterations (1 of 2) ---",
        "--- 5 iterations (2 of 2) ---",
    ]


def test_few_clips_are_told_before_the_plan(toy, capsys):
    assert toy.search("--iters", "2", "--budget", "2candidates") == 0
    assert "few clips: 3 to search on and 2 to judge with; with less than 8 and 20" in capsys.readouterr().out


def test_started_again_it_evaluates_nothing(toy):
    search_all(toy, "--iters", "3 4", "--budget", "3candidates")
    spent, files = sum(toy.vocoder.rows), files_below(toy.root / "results")
    search_all(toy, "--iters", "3 4")
    # Only the clock of a plan, where something is left to plan, calls the network: here nothing is.
    assert sum(toy.vocoder.rows) == spent
    assert files_below(toy.root / "results") == files


def test_lengths_that_compare_become_a_picture_beside_them(toy):
    picture = toy.root / "results" / "toy" / "16000hz" / "pictures" / "iterations.png"
    search_all(toy, "--iters", "3", "--budget", "2candidates")
    assert not picture.exists()
    search_all(toy, "--iters", "3 4", "--budget", "2candidates")
    assert picture.exists()


@pytest.mark.parametrize("lengths", ["", "six", "6 0"])
def test_bad_lengths_are_one_line_and_leave_nothing(toy, capsys, lengths):
    assert search_all(toy, "--iters", lengths) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not (toy.root / "results").exists()


def opened(toy, strategy="tpe", **named):
    settings = Settings(6, strategy=strategy, **{"objective": "spectral", **named}, results=toy.root / "results")
    return open_run(load_voice("toy", None, experiments=toy.root), settings)


def planned(text, stage):
    [line] = [line for line in text.splitlines() if line.strip().startswith(stage)]
    return int(line.split("network evaluations")[0].split()[-1].replace(",", ""))


def test_a_plan_without_a_race_counts_what_the_run_then_spends(toy):
    text = plan(opened(toy, race=False), Budget(6, "candidates"))
    toy.vocoder.rows.clear()
    toy.search("--strategy", "tpe", "--no-race", "--budget", "6candidates")
    timing = 4 * 1  # network calls of the plan's own clock, one clip each: the toy's clips differ in length
    stages = ("baselines", "tpe, 6candidates", "2 held-out")
    counted = sum(planned(text, stage) for stage in stages)
    leaders = sum(key.startswith("memory leader ") for key in toy.store().study.user_attrs) * 6 * 3
    assert leaders <= planned(text, "leaders")
    assert sum(toy.vocoder.rows) - timing - leaders == counted


def test_a_plan_shrinks_as_a_run_goes_on(toy):
    before = plan(opened(toy), Budget(8, "candidates"))
    toy.search("--strategy", "tpe", "--budget", "4candidates")
    after = plan(opened(toy), Budget(8, "candidates"))
    assert planned(after, "tpe") == planned(before, "tpe") / 2
    assert planned(after, "baselines") == 0


def test_a_strategy_that_found_nothing_left_to_do_is_not_named_as_what_worked(toy, capsys):
    def strategy():
        return json.loads((toy.folder / "run.json").read_text())["strategy"]

    toy.search("--strategy", "random", "--budget", "2candidates")
    toy.search("--strategy", "cmaes", "--budget", "2candidates")
    assert "nothing left of 2candidates, spent by random; MORE= adds" in capsys.readouterr().out
    assert strategy() == "random"
    toy.search("--strategy", "cmaes", "--more", "2candidates")
    assert strategy() == "random, cmaes"


def test_nothing_is_left_only_where_nothing_is_done(toy, capsys, monkeypatch):
    """A larger budget was begun and stopped since: its candidates have yet to be judged."""
    command = ("--strategy", "random", "--budget", "2candidates")
    toy.search(*command)
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        assert toy.search("--strategy", "random", "--budget", "40candidates") == 130
    assert len(toy.store().candidates()) > 2
    capsys.readouterr()
    toy.search(*command)
    assert "nothing left" not in capsys.readouterr().out
    toy.search(*command)
    assert "nothing left of 2candidates" in capsys.readouterr().out


def test_held_out_clips_that_a_new_metric_has_yet_to_hear_are_something_left(toy, capsys, monkeypatch):
    command = ("--strategy", "random", "--budget", "1candidates")
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: False)
    toy.search(*command)
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: True)
    monkeypatch.setattr("schedsearch.metrics.mos.distill_mos", lambda estimate, rate: 3.0)
    capsys.readouterr()
    toy.search(*command)
    assert "nothing left" not in capsys.readouterr().out
    assert "distill_mos" in (toy.folder / "run.json").read_text()


def test_another_strategy_goes_on_after_a_search_that_ended_by_itself(toy, capsys, monkeypatch):
    toy.search()
    ended = len(toy.store().candidates())
    facts = json.loads((toy.folder / "run.json").read_text())
    assert facts["gain_left"] is None or facts["gain_left"]["candidates"] == ended
    capsys.readouterr()
    with monkeypatch.context() as patch:
        interrupt_at(patch, 6)
        assert toy.search("--strategy", "random") == 130
    assert "nothing left" not in capsys.readouterr().out
    assert len(toy.store().candidates()) > ended
    toy.search("--more", "2candidates", "--strategy", "random")
    assert json.loads((toy.folder / "run.json").read_text())["gain_left"] is None


def test_a_database_error_in_the_last_write_is_one_line(toy, monkeypatch, capsys):
    def locked(store: object, budget: object) -> None:
        raise StorageInternalError("locked")

    monkeypatch.setattr(search, "end", locked)
    assert toy.search("--strategy", "random", "--budget", "1candidates") == 2
    assert "(locked)" in capsys.readouterr().err.splitlines()[-1]


def test_a_search_without_a_budget_is_planned_in_words(toy):
    text = plan(opened(toy, strategy="auto"), default_budget(6))
    assert planned(text, "auto, 80 candidates") == 80 * 6 * 3
    assert "auto, auto" not in text


def test_a_plan_counts_the_share_of_clips_that_modelled_candidates_are_scored_on_and_every_round_of_leaders(toy):
    for i in range(5):
        write_wav(toy.root / "search" / f"more{i}.wav", noise_clip("more", 6400, 0.1, seed=20 + i).audio, 16000)
    text = plan(opened(toy, strategy="auto"), Budget(9, "candidates"))
    assert planned(text, "auto, 9candidates") == 9 * 6 * 4
    without = opened(toy, strategy="auto", race=False, storage="sqlite:///another.db")
    assert planned(plan(without, Budget(9, "candidates")), "auto, 9candidates") == 9 * 6 * 8
    assert toy.search("--budget", "9candidates") == 0
    assert sum(c.network_evaluations for c in toy.store().candidates()) == 9 * 6 * 4
    rounds = [key for key in toy.store().study.user_attrs if key.startswith("memory leader ")]
    assert any(key.endswith("round 0") for key in rounds)
    assert len(rounds) * 6 * 8 <= planned(text, "leaders") == (4 + 2) * 4 * 6 * 8


@pytest.mark.parametrize(("budget", "told"), [("80candidates", "the first 80 of 729 points"), ("5min", "5min of 729")])
def test_a_plan_says_how_much_of_a_grid_a_budget_leaves(toy, budget, told):
    text = plan(opened(toy, strategy="grid"), parse_budget(budget))
    assert f"grid, {told}" in text
    assert len({line.index(" min") for line in text.splitlines()[2:]}) == 1  # columns stay in line


def test_a_grid_too_large_for_one_of_the_lengths_is_refused_before_the_first_is_searched(toy, request, capsys):
    stand_in(request, open_store=None)  # so that a new search is told by its file
    assert search_all(toy, "--iters", "3 12", "--strategy", "grid") == 2
    assert "and in 12 steps this one has 531,441 points" in capsys.readouterr().err
    assert not (toy.root / "results").exists()


def test_a_budget_of_calls_is_planned_as_it_stands(toy):
    assert planned(plan(opened(toy), Budget(500, "calls")), "tpe") == 500


def test_the_front_of_two_objectives_holds_what_nothing_dominates(toy):
    assert toy.search("--strategy", "tpe", "--objective", "log_mel_l1,lsd", "--budget", "8candidates") == 0
    everyone = {row["name"]: row for row in rows(toy.folder / "trials.csv")}
    front = [row["name"] for row in rows(toy.folder / "pareto.csv")]
    points = {name: np.array([float(row["log_mel_l1_mean"]), float(row["lsd_mean"])]) for name, row in everyone.items()}

    def dominated(name):
        return any((points[o] <= points[name]).all() and (points[o] < points[name]).any() for o in points)

    assert sorted(front) == sorted(name for name in points if not dominated(name))
    assert [points[name][0] for name in front] == sorted(points[name][0] for name in front)


def test_one_objective_has_no_front_and_leaves_none_of_an_earlier_search(toy):
    toy.search("--strategy", "tpe", "--objective", "log_mel_l1,lsd", "--budget", "2candidates")
    assert (toy.folder / "pareto.csv").exists()
    toy.search("--budget", "2candidates")
    assert not (toy.folder / "pareto.csv").exists()


def test_a_dataset_of_several_rates_is_searched_at_its_default_rate(toy, memory):
    text = (toy.root / "toy.toml").read_text()
    other = text.replace("16000", "8000")
    (toy.root / "toy.toml").write_text(f"default_rate = 16000\n{other}{text}")
    assert toy.search("--iters", "1", "--budget", "1candidates") == 0
    assert [path.name for path in (toy.root / "results" / "toy").iterdir()] == ["16000hz"]


def test_a_stage_takes_as_long_as_its_own_work(monkeypatch, capsys):
    # Its bar begins with its first progress and ends with that of the next stage: neither is when its work did.
    clock = [1000.0]
    monkeypatch.setattr(std, "time", lambda: clock[0])
    monkeypatch.setattr(progress_module, "time", SimpleNamespace(time=lambda: clock[0]))

    def steps():
        for stage, done, seconds in (("first", 0.5, 60), ("first", 1.0, 60), ("second", 1.0, 10), ("third", 1.0, 90)):
            clock[0] += seconds
            yield Progress(stage, done, None)

    show_stages(steps(), lambda progress: "")
    told = capsys.readouterr().err
    ends = dict(re.findall(r"(\w+) +100% \|.*?\| (\d\d:\d\d)<", told))  # the last of each
    assert told.count("\n") == 3  # what comes next begins a line
    assert ends == {"first": "02:00", "second": "00:10", "third": "01:30"}
