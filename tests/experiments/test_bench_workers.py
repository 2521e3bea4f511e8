"""The bench of several workers: what its gain is relative to."""

import argparse

import numpy as np
import pytest

from experiments import bench_workers
from experiments.bench_workers import Sleeping, measured


@pytest.fixture
def seconds(monkeypatch):
    """Every measurement takes ten seconds, whatever the number of workers."""
    monkeypatch.setattr(bench_workers, "seconds_of", lambda *_: 10.0)


def gains(workers: str) -> dict[float, float]:
    options = argparse.Namespace(workers=workers, each=2, storage=None)
    return {row["workers"]: row["times_one_worker"] for row in measured(options, Sleeping(0))}


def test_where_one_worker_was_not_measured_no_gain_is_told(seconds, capsys):
    assert np.isnan(list(gains("2 4").values())).all()
    assert "times one" not in capsys.readouterr().out


@pytest.mark.parametrize("workers", ["1 2 4", "4 2 1"])
def test_the_gain_is_over_one_worker_in_whatever_order_they_are_named(seconds, capsys, workers):
    assert gains(workers) == {1: 1.0, 2: 2.0, 4: 4.0}
    assert "4 workers: 8 candidates in 10.0 s, 0.80 a second, 4.00 times one" in capsys.readouterr().out
