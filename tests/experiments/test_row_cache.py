"""Rows that a stopped study finds again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from experiments.row_cache import RowCache


def test_rows_are_found_again_by_their_keys(tmp_path: Path):
    path = tmp_path / "made" / "rows.csv"
    RowCache(path).add([{"seed": 0, "strategy": "tpe", "best": 0.5}])
    RowCache(path).add([{"seed": 1, "strategy": "tpe, then gp", "best": np.float64(0.25)}])
    again = RowCache(path)
    assert again.has(seed=1, strategy="tpe, then gp")
    assert not again.has(seed=1, strategy="tpe")
    assert path.read_text() == 'seed,strategy,best\n0,tpe,0.5\n1,"tpe, then gp",0.25\n'


def test_rows_of_another_checkpoint_are_dropped(tmp_path: Path):
    path = tmp_path / "rows.csv"
    RowCache(path).add([{"name": "a", "checkpoint": "old"}, {"name": "b", "checkpoint": "new"}])
    cache = RowCache(path, checkpoint="new")
    assert [row["name"] for row in cache.rows] == ["b"]
    cache.add([{"name": "a", "checkpoint": "new"}])
    assert path.read_text() == "name,checkpoint\nb,new\na,new\n"


def test_numbers_are_rounded_and_nan_is_empty_as_pandas_writes_them(tmp_path: Path):
    nan = float("nan")
    rows = [{"n": 3, "mean": 1 / 3, "se": nan, "known": True}, {"n": 4, "mean": 2e-9, "se": 1e10, "known": False}]
    RowCache(tmp_path / "rows.csv", ".6g").add(rows)
    assert (tmp_path / "rows.csv").read_text() == pd.DataFrame(rows).to_csv(index=False, float_format="%.6g")


def test_a_study_that_stopped_before_its_first_row_goes_on(tmp_path: Path):
    path = tmp_path / "rows.csv"
    RowCache(path).write([])
    assert RowCache(path).rows == []
    path.write_bytes(b"\n")  # what earlier versions left
    again = RowCache(path)
    again.add([{"seed": 0}])
    assert path.read_text() == "seed\n0\n"


def test_rows_that_are_all_replaced_by_none_are_gone(tmp_path: Path):
    path = tmp_path / "rows.csv"
    RowCache(path).add([{"seed": 0}])
    RowCache(path).write([])
    assert RowCache(path).rows == []


SHIPPED = [p for p in Path("results/shipped").rglob("*.csv") if p.stem in ("mistakes", "voice") or "search" in p.parts]


@pytest.mark.parametrize("path", SHIPPED, ids=str)
def test_a_shipped_file_goes_on_without_a_change_of_what_it_has(tmp_path: Path, path: Path):
    copy = tmp_path / path.name
    copy.write_bytes(path.read_bytes())
    RowCache(copy).add([])
    assert copy.read_bytes() == path.read_bytes()


def test_there_are_shipped_files():
    assert len(SHIPPED) > 20
