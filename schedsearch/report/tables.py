"""Writes trials.csv, leaderboard.csv and pareto.csv, and collects the facts of run.json.

Every column is explained in docs/reports.md.
"""

import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from schedsearch.evaluation.bootstrap import Array, Interval
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import defused
from schedsearch.report.comparison_facts import SCORE_FACTS, comparison_facts, score_facts
from schedsearch.report.titles import title
from schedsearch.search.verdict import Verdict
from schedsearch.search.warm_starts import BEGAN_FROM, origin_key
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store
from vocoder.atomic import atomic_write

VERSIONS = ("schedsearch", "torch", "numpy", "optuna", "librosa", "pesq", "pystoi")


def write_trials(store: Store, path: Path) -> None:
    """Writes one row a candidate, baselines first."""
    rows = [_trial(c) for c in [*store.baselines(), *store.candidates()]]
    _write_csv(pd.DataFrame(rows), path)


def write_front(store: Store, path: Path) -> None:
    """Writes the Pareto front of several objectives, baselines included, the best in the first objective first."""
    sound = [c for c in [*store.baselines(), *store.candidates()] if c.whole]
    losses = {c.name: np.array(c.losses(store.signs)) for c in sound}
    front = [c for c in sound if not any(_dominates(losses[other.name], losses[c.name]) for other in sound)]
    front.sort(key=lambda c: losses[c.name][0])
    _write_csv(pd.DataFrame([_trial(c) for c in front]), path)


def write_leaderboard(verdict: Verdict, path: Path) -> None:
    """Writes finalists, then other baselines: the search score, and the held-out scores of winner and baseline."""
    rows = [_leader(c, True, verdict) for c in verdict.finalists]
    rows += [_leader(c, False, verdict) for c in verdict.other_baselines]
    _write_csv(pd.DataFrame(rows), path)


def provenance(store: Store, verdict: Verdict) -> dict[str, Any]:
    """Says where the shipped schedule comes from and how it scored."""
    began_from = store.recall(origin_key(verdict.shipped.schedule)) if verdict.shipped.kind == "warm start" else None
    return {
        "name": verdict.shipped.name,
        "title": title(verdict.shipped, verdict),
        "kind": verdict.shipped.kind,
        **({BEGAN_FROM: began_from} if began_from else {}),
        "improves_on_baseline": verdict.improves,
        "baseline": verdict.baseline.name,
        "objective": verdict.objective,
        "identity": store.study.user_attrs["identity"],
        "candidates": len(store.candidates()),
        "search_network_evaluations": store.work()[1] + sum(c.network_evaluations for c in store.candidates()),
        "held_out": [comparison_facts(c) for c in verdict.comparisons],
        "versions": {name: version(name) for name in VERSIONS},
        "python": platform.python_version(),
    }


def _dominates(one: Array, other: Array) -> bool:
    """Says whether losses [objective] are nowhere larger than other ones, and smaller somewhere."""
    return bool((one <= other).all() and (one < other).any())


def _trial(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "iterations": len(candidate.schedule),
        **{key: value for name, score in candidate.scores.items() for key, value in _columns(name, score).items()},
        "stopped": candidate.stopped,
        "estimate": candidate.estimate,
        "failures": len(candidate.failures),
        "failure_reason": defused(candidate.failures[0]) if candidate.failures else "",
        "seconds": round(candidate.seconds, 4),
        "network_evaluations": candidate.network_evaluations,
        "betas": " ".join(f"{beta:.9g}" for beta in candidate.schedule.betas),
    }


def _leader(candidate: Candidate, finalist: bool, verdict: Verdict) -> dict[str, Any]:
    wins, loses = candidate.name == verdict.winner.name, candidate.name == verdict.baseline.name
    shipped = candidate.name == verdict.shipped.name
    row = {"name": candidate.name, "kind": candidate.kind, "shipped": shipped, "finalist": finalist}
    row[f"expected_{verdict.objective}"] = candidate.expected
    search = f"search_{verdict.objective}"
    row |= {"rounds": candidate.rounds, **_columns(search, candidate.score)}
    for c in verdict.comparisons:
        row |= _columns(f"held_out_{c.metric}", c.winner if wins else c.baseline if loses else None)
        row |= _gap(f"held_out_{c.metric}_difference", c.difference if wins else None)
    return row


def _gap(prefix: str, difference: Interval | None) -> dict[str, float | None]:
    names = (prefix, f"{prefix}_low", f"{prefix}_high")
    ends = (difference.mean, difference.low, difference.high) if difference else (None, None, None)
    return dict(zip(names, ends, strict=True))


def _columns(prefix: str, score: Score | None) -> dict[str, Any]:
    """Returns the columns of a score: mean to failures, all empty without a score."""
    values = score_facts(score) if score else dict.fromkeys(SCORE_FACTS)
    return {f"{prefix}_{name}": value for name, value in values.items()}


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    atomic_write(path, table.to_csv(index=False, float_format="%.6g").encode())
