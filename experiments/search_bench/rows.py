"""CSV files that grow by a run at a time, so that a stopped bench goes on."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from experiments.search_bench.searching import Searched
from vocoder.atomic import atomic_write

Key = Mapping[str, str | int]


def stands(path: Path, key: Key) -> bool:
    """Whether the run with this key is in the file."""
    if not path.exists():
        return False
    table = pd.read_csv(path)
    return bool((table[list(key)] == pd.Series(key)).all(axis=1).any())


def append(path: Path, key: Key, found: Searched, **more: float) -> None:
    """A row a batch: how far the run was after it, and `more` in each."""
    rows = [
        {**key, "network_evaluations": p.network_evaluations, "best": p.best, "best_baseline": p.baseline, **more}
        for p in found.points
    ]
    fresh = pd.DataFrame(rows)
    table = pd.concat([pd.read_csv(path), fresh], ignore_index=True) if path.exists() else fresh
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table.to_csv(index=False, float_format="%.6g").encode())
