"""Reads quality and speed of schedules from the comparison.csv that `compare` wrote."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.report.pictures.quality import Rated
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.search.settings import OTHER_WEIGHTS, SHIPPED

Rows: TypeAlias = list[dict[str, Any]]

_TEXTS = ("checkpoint", "schedule", "rival", "unit", "digest")
SEARCHED, BASELINE, GIVEN = "what searches ship", "best baseline", "given files"  # as a picture's legend says it


@dataclass(frozen=True)
class Compared:
    """A comparison in its objective, without schedules that failed: a mean of the rest would flatter them."""

    quantity: Quantity
    series: Mapping[str, tuple[Rated, ...]]  # by SEARCHED, BASELINE and GIVEN; none is empty
    checkpoint: str  # beginning of the hash of the weights
    machine: str  # on which the speed was measured
    winners: frozenset[str]  # digests of what searches ship

    @property
    def lengths(self) -> set[int]:
        """The iterations of all schedules that can be drawn."""
        return {point.iterations for points in self.series.values() for point in points}


def compared(table: Path) -> Compared | None:
    """Reads the table; None if it is missing or of another program or version."""
    try:
        content = pd.read_csv(table, dtype=dict.fromkeys(_TEXTS, str))  # names of digits stay text
        rows = content[content["metric"] == content["objective"]].to_dict("records")
        first = rows[0]
        return Compared(
            quantity=Quantity(str(first["metric"]), str(first["unit"]), first["direction"]),
            series={name: points for name, points in _series(rows).items() if points},
            checkpoint=str(first["checkpoint"]),
            machine=str(first["machine"]),
            winners=frozenset(str(row.get("digest")) for row in rows if row["kind"] == "searched"),
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _series(rows: Rows) -> dict[str, tuple[Rated, ...]]:
    kinds = {"searched": SEARCHED, "given": GIVEN}
    series: dict[str, list[Rated]] = {SEARCHED: [], BASELINE: [], GIVEN: []}
    for row in _without_older_winners(rows):
        is_best_baseline = row["schedule"] == row["rival"] and row["kind"] == "baseline"
        name = BASELINE if is_best_baseline else kinds.get(row["kind"])
        if name and row["failures"] == 0:
            series[name].append(_rated(row))
    return {name: tuple(points) for name, points in series.items()}


def _without_older_winners(rows: Rows) -> Rows:
    """Leaves out winners of other weights, and shipped ones of lengths that the user has searched."""
    winners = [row for row in rows if row["kind"] == "searched"]
    fitting = [row for row in winners if not str(row["schedule"]).endswith(OTHER_WEIGHTS)]
    own = {row["iterations"]: row for row in fitting if not str(row["schedule"]).startswith(SHIPPED)}
    kept = [row for row in fitting if own.get(row["iterations"], row) is row]
    return [*kept, *(row for row in rows if row["kind"] != "searched")]


def _rated(row: Mapping[str, Any]) -> Rated:
    score = Interval(float(row["mean"]), float(row["low"]), float(row["high"]))
    return Rated(int(row["iterations"]), score, float(row["real_time_factor"]))
