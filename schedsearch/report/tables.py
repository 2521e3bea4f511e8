"""Writes trials.csv, leaderboard.csv, pareto.csv, the schedule in every layout, and run.json.

Every column is explained in docs/reports.md.
"""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from schedsearch.evaluation.bootstrap import Interval, sound_clips
from schedsearch.evaluation.paired import Comparison
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import defused
from schedsearch.report.finding import better_clips, better_side
from schedsearch.report.titles import title
from schedsearch.schedules.files import Layout, write_schedule
from schedsearch.search.verdict import Verdict
from schedsearch.search.warm_starts import BEGAN_FROM, origin_key
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store
from vocoder.atomic import atomic_write

Losses: TypeAlias = np.ndarray[Any, np.dtype[np.float64]]  # [objective]

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


def write_schedules(verdict: Verdict, provenance: Mapping[str, Any], folder: Path) -> list[Path]:
    """Writes schedule.pt (ivanvovk), .lmnt.npy, .coqui.npy and .json with its provenance; returns the paths."""
    schedule = verdict.shipped.schedule
    files = {
        "schedule.pt": Layout.IVANVOVK,
        "schedule.lmnt.npy": Layout.LMNT,
        "schedule.coqui.npy": Layout.COQUI,
    }
    for name, layout in files.items():
        write_schedule(schedule, folder / name, layout=layout)
    write_schedule(schedule, folder / "schedule.json", layout=Layout.JSON, provenance=provenance)
    return [folder / name for name in (*files, "schedule.json")]


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
        "held_out": [_comparison(c) for c in verdict.comparisons],
        "versions": {name: version(name) for name in VERSIONS},
        "python": platform.python_version(),
    }


def write_run(provenance: Mapping[str, Any], path: Path) -> None:
    """Writes the provenance as run.json, for other programs."""
    atomic_write(path, (json.dumps(provenance, indent=1) + "\n").encode())


def _dominates(one: Losses, other: Losses) -> bool:
    return bool((one <= other).all() and (one < other).any())


def _trial(candidate: Candidate) -> dict[str, Any]:
    return {
        "name": candidate.name,
        "kind": candidate.kind,
        "iterations": len(candidate.schedule),
        **{key: value for name, score in candidate.scores.items() for key, value in _columns(name, score).items()},
        "stopped": candidate.estimate is not None,
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
    row |= {"rounds": candidate.rounds, **_columns(f"search_{verdict.objective}", candidate.score)}
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
    names = (f"{prefix}_mean", f"{prefix}_se", f"{prefix}_clips", f"{prefix}_draws", f"{prefix}_failures")
    if score is None:
        return dict.fromkeys(names)
    run = np.isfinite(score.values)
    clips, draws = score.values.shape if score.failures else (int(run.any(axis=axis).sum()) for axis in (1, 0))
    values = (score.mean, score.standard_error, clips, draws, len(score.failures))
    return dict(zip(names, values, strict=True))


def _comparison(comparison: Comparison) -> dict[str, Any]:
    winner, baseline = _columns("", comparison.winner), _columns("", comparison.baseline)
    return {
        "metric": comparison.metric,
        "winner": _named(winner),
        "baseline": _named(baseline),
        "difference": None if comparison.difference is None else asdict(comparison.difference),
        "pairs": int(sound_clips([comparison.winner.values, comparison.baseline.values]).sum()),
        "better": comparison.better,
        **({} if better_side(comparison.metric) == comparison.better_side else _of_own_metric(comparison)),
        "better_clips": better_clips(comparison),
    }


def _of_own_metric(comparison: Comparison) -> dict[str, str]:
    """Returns what readers of run.json cannot know of a user's own metric."""
    return {"unit": comparison.unit, "better_side": comparison.better_side}


def _named(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Drops the empty prefix and turns NaN into null: JSON has no NaN."""
    return {
        name.removeprefix("_"): None if isinstance(value, float) and np.isnan(value) else value
        for name, value in columns.items()
    }


def _write_csv(table: pd.DataFrame, path: Path) -> None:
    atomic_write(path, table.to_csv(index=False, float_format="%.6g").encode())


def ordered(comparisons: Sequence[Comparison], objective: str) -> list[Comparison]:
    """Returns the comparisons with the objective first."""
    return sorted(comparisons, key=lambda c: c.metric != objective)
