import json
import os
import subprocess
import time
from typing import Any

import pandas as pd
import pytest
from joblib import Parallel, delayed

from experiments.verdict_bench import counted_search, honesty, searches, tables
from experiments.verdict_bench.searches import Search
from vocoder.errors import InputError

BUSY = 1.0  # seconds of processor time


def busy() -> None:
    while time.process_time() < BUSY:
        pass


@pytest.mark.slow
def test_the_costs_hold_the_processor_time_of_a_metrics_processes(tmp_path, monkeypatch):
    monkeypatch.setattr(counted_search, "main", lambda arguments: Parallel(n_jobs=2)([delayed(busy)()] * 2) and 0)
    costs = tmp_path / "costs.json"
    began = sum(os.times()[:4])  # user and system, of this process and of those that ended
    assert counted_search.run(costs, []) == 0
    assert json.loads(costs.read_text())["processor_seconds"] >= began + BUSY


def test_a_search_that_fails_has_no_costs(tmp_path, monkeypatch):
    monkeypatch.setattr(counted_search, "main", lambda arguments: 2)
    assert counted_search.run(tmp_path / "costs.json", []) == 2
    assert not (tmp_path / "costs.json").exists()


def test_a_stopped_search_begins_again_so_that_its_costs_are_those_of_all(tmp_path, monkeypatch):
    (tmp_path / "earlier/results/shipped/toy").mkdir(parents=True)
    (tmp_path / "earlier/results/shipped/toy/schedule.json").write_text("{}")
    monkeypatch.setattr(searches, "WORK", tmp_path / "work")
    monkeypatch.setattr(searches, "earlier_tree", lambda: tmp_path / "earlier")
    search = Search("new", "toy", 16000, 6, 0)
    study = search.results / "study.db"
    study.parent.mkdir(parents=True)
    study.write_text("of the search that was stopped")

    class Failed:
        returncode = 1

    def run(*_, **__) -> Failed:
        assert not study.exists()
        assert (search.folder / "results/shipped/toy/schedule.json").exists()
        return Failed()

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(InputError, match="the new engine's search ended with status 1"):
        searches.run(search)


def only_row(table: pd.DataFrame | None) -> dict[str, Any]:
    assert table is not None and len(table) == 1
    return {str(name): value for name, value in table.iloc[0].items()}


def regret_rows(*rows: tuple[float, float, float, float, float]) -> pd.DataFrame:
    """Of winner and centroid: scores that choose, scores that measure; and the claim."""
    names = ["winner_choosing", "winner_measuring", "centroid_choosing", "centroid_measuring", "claim"]
    return pd.DataFrame(list(rows), columns=names).assign(candidates=50, precision="float32")


def test_regret_is_measured_in_other_draws_than_those_that_choose_the_best():
    rows = regret_rows((4.00, 4.10, 3.90, 4.05, 0.1), (3.95, 4.20, 4.30, 4.00, 0.1))
    assert honesty.regrets(rows).tolist() == pytest.approx([4.10 - 4.05, 4.20 - 4.05])


@pytest.mark.parametrize(("claims", "beyond"), [((0.2, 0.2), 0), ((0.01, 0.2), 1), ((float("nan"), 0.01), 1)])
def test_the_table_counts_the_winners_that_are_further_from_the_best_than_the_search_said(
    tmp_path, monkeypatch, claims, beyond
):
    rows = regret_rows((4.00, 4.10, 3.90, 4.05, claims[0]), (3.95, 4.20, 4.30, 4.00, claims[1]))
    monkeypatch.setattr(honesty, "REGRET", tmp_path / "regret.csv")
    rows.to_csv(honesty.REGRET, index=False)
    row = only_row(tables._regret())
    assert row["seeds"] == 2
    assert row["regret beyond the claim"] == beyond
    assert row["regret, most"] == pytest.approx(0.15)


def test_new_is_set_beside_old_where_both_are_measured(tmp_path, monkeypatch):
    cost = {"evaluations": 100, "audio_seconds": 50.0, "processor_seconds": 20.0, "seconds": 10.0, "processor": "one"}
    key = {"dataset": "toy", "rate": 16000, "iterations": 6}
    rows = [{"engine": "old", **key, "seed": 0, **cost}, {"engine": "new", **key, "seed": 0, **cost, "evaluations": 25}]
    rows.append({"engine": "old", **key, "seed": 1, **cost})  # its partner is missing
    shipped = {"engine": "old", **key, "iterations": 50, "seed": 0}  # not searched, so without costs
    rows += [shipped, {**shipped, "engine": "new", **cost}]
    monkeypatch.setattr("experiments.verdict_bench.tables.SEARCHES", tmp_path / "searches.csv")
    pd.DataFrame(rows).to_csv(tmp_path / "searches.csv", index=False)
    row = only_row(tables._costs())
    assert row["evaluations, median of the ratios"] == 0.25
    assert row["seconds, median of the ratios"] == 1.0
    assert row["pairs"] == 1


def test_the_bench_measures_both_engines_side_by_side_and_each_search_once():
    planned = list(searches.planned())
    assert len(planned) == len(set(planned)) == 2 * len(searches.VOICES) * sum(searches.SEEDS.values())
    for old, new in zip(planned[::2], planned[1::2], strict=True):
        assert (old.engine, new.engine) == ("old", "new") and old.folder != new.folder
        assert (old.dataset, old.rate, old.iterations, old.seed) == (new.dataset, new.rate, new.iterations, new.seed)


def test_what_the_earlier_commit_ships_stands_for_its_search_in_50_and_100_steps(tmp_path, monkeypatch):
    monkeypatch.setattr(searches, "earlier_tree", lambda: tmp_path)
    monkeypatch.setattr(searches, "run", lambda search: pytest.fail("searched"))
    monkeypatch.setattr(searches, "SEARCHES", tmp_path / "searches.csv")
    monkeypatch.setattr(searches, "planned", lambda: [Search("old", "toy", 8000, 50, 0)])
    folder = tmp_path / "results/shipped/toy/8000hz/50iters"
    folder.mkdir(parents=True)
    (folder / "schedule.json").write_text(json.dumps({"betas": [0.001, 0.5]}))
    searches.run_searches()
    row = only_row(pd.read_csv(tmp_path / "searches.csv"))
    assert row == {"engine": "old", "dataset": "toy", "rate": 8000, "iterations": 50, "seed": 0, "betas": "0.001 0.5"}
    assert not searches.is_shipped(Search("new", "toy", 8000, 50, 0))
    assert not searches.is_shipped(Search("old", "toy", 8000, 25, 0))
