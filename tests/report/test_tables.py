"""leaderboard.csv, trials.csv and pareto.csv, as somebody reads them who has only the list of their columns."""

import csv
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from schedsearch.evaluation.paired import Comparison, Outcome
from schedsearch.evaluation.scores import Score
from schedsearch.report import tables
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.search import run
from schedsearch.search.verdict import Verdict
from schedsearch.study.candidate import Candidate

ROOT = Path(__file__).parents[2]

SCORE = ["mean", "se", "clips", "draws", "failures"]
GAP = ["difference", "difference_low", "difference_high"]
TEXTS = {"name", "kind", "betas"}


@pytest.fixture(autouse=True)
def _in_memory(memory, monkeypatch):
    """Nothing here is about SQLite. Columns are those without Distill-MOS, installed or not."""
    monkeypatch.setattr("schedsearch.metrics.mos.installed", lambda: False)


@pytest.fixture
def folder(toy):
    assert toy.search("--budget", "4candidates", "--strategy", "tpe", "--objective", "lsd,log_mel_l1") == 0
    return toy.folder


def header(path):
    with path.open(newline="", encoding="utf-8") as file:
        return next(csv.reader(file))


def test_the_columns_keep_their_names_and_order(folder):
    # Programs of users read them: a change of these lists is a change of the format.
    metrics = ["lsd", "log_mel_l1", "spectral", "pesq_wb", "stoi", "level"]
    found = header(folder / "leaderboard.csv")
    scores = ("expected_lsd", "rounds", *(f"search_lsd_{part}" for part in SCORE))
    assert found[:11] == ["name", "kind", "shipped", "finalist", *scores]
    assert sorted(found[11:]) == sorted(f"held_out_{metric}_{part}" for metric in metrics for part in SCORE + GAP)
    trials = [
        *("name", "kind", "iterations"),
        *(f"{objective}_{part}" for objective in ("lsd", "log_mel_l1") for part in SCORE),
        *("stopped", "estimate", "failures", "failure_reason", "seconds", "network_evaluations", "betas"),
    ]
    assert header(folder / "trials.csv") == trials == header(folder / "pareto.csv")


def test_every_column_is_described_in_the_documentation(folder):
    described = set(re.findall(r"[\w.]+", (ROOT / "docs/reports.md").read_text(encoding="utf-8")))
    parts = {f"_{part}" for part in SCORE}
    for name in ("leaderboard.csv", "trials.csv"):
        for column in header(folder / name):
            scored = re.fullmatch(r"(search_|held_out_|)(lsd|\w+?)(_mean|_se|_clips|_draws|_failures)", column)
            gap = re.fullmatch(r"held_out_\w+?(_difference|_difference_low|_difference_high)", column)
            if column in ("expected_lsd", "rounds"):
                assert column.replace("lsd", "OBJECTIVE") in described
                continue
            if gap:
                assert {f"held_out_METRIC{gap[1]}", f"...{gap[1]}"} & described
                continue
            assert column in described or (scored and scored[3] in parts & described)


@pytest.mark.parametrize("name", ["leaderboard.csv", "trials.csv", "pareto.csv"])
def test_pandas_reads_numbers_as_numbers_and_no_index(folder, name):
    found = pd.read_csv(folder / name, encoding="utf-8")
    assert not [column for column in found if column.startswith("Unnamed")]
    numbers = {column for column in found if pd.api.types.is_numeric_dtype(found[column])}
    assert set(found) - numbers - {"failure_reason"} == TEXTS & set(found)
    assert found["name"].is_unique


def test_the_winner_s_row_has_the_intervals_that_decide(folder):
    found = pd.read_csv(folder / "leaderboard.csv")
    told = json.loads((folder / "run.json").read_text())
    [at] = found.index[found["held_out_lsd_difference"].notna()]
    assert found["kind"][at] != "baseline"
    for comparison in told["held_out"]:
        gap = comparison["difference"] or dict.fromkeys(("mean", "low", "high"), float("nan"))  # too few sound clips
        ends = [gap["mean"], gap["low"], gap["high"]]
        columns = [f"held_out_{comparison['metric']}_{part}" for part in GAP]
        assert found.loc[at, columns].tolist() == pytest.approx(ends, rel=1e-4, nan_ok=True)


def test_no_estimate_stands_for_a_mean(tmp_path):
    heard_half = {"lsd": Score(np.array([[1.0], [np.nan]]))}
    winner = Candidate("trial 0", "model", log_snr_line(6, 10.0, -2.0), heard_half, 1.0, 6, index=0, estimate=1.5)
    baseline = replace(winner, name="line", kind="baseline", estimate=None, scores={"lsd": Score(np.ones((2, 1)))})
    comparison = Comparison("lsd", baseline.score, baseline.score, None, Outcome.TIE)
    tables.write_leaderboard(Verdict((winner, baseline), "lsd", (comparison,)), tmp_path / "leaderboard.csv")
    found = pd.read_csv(tmp_path / "leaderboard.csv").set_index("name")
    assert pd.isna(found["search_lsd_mean"]["trial 0"])
    assert found["search_lsd_mean"]["line"] == 1.0
    assert found["expected_lsd"].tolist() == [1.5, 1.0]


@pytest.mark.parametrize("name", ["leaderboard.csv", "trials.csv", "pareto.csv"])
def test_every_row_has_as_many_cells_as_the_header(folder, name):
    with (folder / name).open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    assert {len(row) for row in rows} == {len(rows[0])}


def test_betas_of_a_row_are_its_schedule(folder, toy):
    found = pd.read_csv(folder / "trials.csv")
    schedules = {c.name: c.schedule.betas for store in [toy.store("lsd", "log_mel_l1")] for c in store.candidates()}
    for name, betas in schedules.items():
        [row] = found[found["name"] == name]["betas"]
        assert [float(beta) for beta in row.split()] == pytest.approx(list(betas), rel=1e-8)


def test_a_reason_that_begins_as_a_formula_is_text(folder, toy, monkeypatch):
    reason = "=1+1, draw 0: silent"
    monkeypatch.setattr(Candidate, "failures", property(lambda self: (reason,)))
    tables.write_trials(toy.store("lsd", "log_mel_l1"), folder / "trials.csv")
    assert set(pd.read_csv(folder / "trials.csv")["failure_reason"]) == {f"'{reason}"}


def test_a_warm_start_that_ships_says_whose_it_was(toy, monkeypatch):
    name = "other/16000hz/25 steps"
    monkeypatch.setattr(run, "neighbours", lambda *_: {log_snr_line(6, 10.0, -2.0): name})
    assert toy.search("--budget", "2candidates") == 0
    store = toy.store()
    first, second = store.candidates()
    better = Comparison("spectral", first.score, first.score, None, Outcome.BETTER)
    told = [
        tables.provenance(store, Verdict((winner, store.baselines()[0]), "spectral", (better,)))
        for winner in (first, second)
    ]
    assert [facts["kind"] for facts in told] == ["warm start", "line"]
    assert [facts.get("began_from") for facts in told] == [name, None]
