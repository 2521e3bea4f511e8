"""Winners meet on the held-out clips, in noise that no search drew from."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.search_bench.grids import grid_path, winner
from experiments.search_bench.searching import FOLDER, FRESH, demo, every_metric
from schedsearch.evaluation.bootstrap import paired_bootstrap
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.catalogue import catalogue
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.finalists import finalists, shortlisted
from schedsearch.search.loop import search
from schedsearch.search.run import Run
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import plain_score, score_from
from vocoder.atomic import atomic_write
from vocoder.audio.reading import typical_excerpt

PATH = FOLDER / "held_out.csv"
# Of each held-out clip, a typical part: whole ones would take most of the bench's time.
SECONDS = {6: 1.6, 12: 1.6, 25: 1.6, 50: 0.8, 100: 0.8}
# Of noise for each clip: PESQ's interval must be narrower than the 0.05 that is asked about.
DRAWS = {6: 4, 12: 2, 25: 1, 50: 1, 100: 1}
# Candidates of the default search: fewer where each costs more, so that a bench ends the same evening.
CANDIDATES = {6: 80, 12: 80, 25: 40, 50: 32, 100: 20}


def measure_length(iterations: int, results: Path, *, path: Path = PATH) -> None:
    """The default search's winner against the best baseline and the grids' winners of this length that stand scored."""
    if path.exists() and (pd.read_csv(path)["iterations"] == iterations).any():
        return
    run = demo(iterations, "auto", 0, results, clips=None if iterations <= 12 else 4)
    for _ in search(run.store, run.race, run.space, run.strategy(budget := _budget(iterations)), budget):
        pass
    shortlist = shortlisted(run.store)
    for _ in run.rescored(shortlist):
        pass
    ranked = finalists(run.store, shortlist)
    ours = next(c for c in ranked if c.kind != "baseline")
    baseline = next(c for c in ranked if c.kind == "baseline")
    rivals = {baseline.name: baseline.schedule, **_grids(iterations)}
    calls = run.store.work()[1] + sum(c.network_evaluations for c in run.store.candidates())
    scored = _scores(run, {"searched": ours.schedule, **rivals})
    rows = [
        _row(iterations, name, metric, scored["searched"][metric], scored[name][metric], calls)
        for name in rivals
        for metric in scored[name]
    ]
    table = pd.concat([*([pd.read_csv(path)] if path.exists() else []), pd.DataFrame(rows)], ignore_index=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table.to_csv(index=False, float_format="%.6g").encode())


def _budget(iterations: int) -> Budget:
    return Budget(CANDIDATES[iterations], "candidates")


def _grids(iterations: int) -> Mapping[str, NoiseSchedule]:
    return {
        f"best of {name}'s grid": winner(grid_path(name, iterations))[0]
        for name in ("lmnt", "ivanvovk")
        if grid_path(name, iterations).exists()
    }


def _scores(run: Run, schedules: Mapping[str, NoiseSchedule]) -> dict[str, dict[str, Score]]:
    """Kept in the run's store one by one: the longest part of the bench."""
    seconds = SECONDS[run.settings.iterations]
    clips = [typical_excerpt(clip, seconds, run.vocoder.hop_length) for clip in run.held_out_clips]
    evaluator = every_metric(run.exact, clips, FRESH)
    found: dict[str, dict[str, Score]] = {}
    for name, schedule in schedules.items():
        key = f"bench {name} {schedule.betas.tolist()}"
        if run.store.recall(key) is None:
            scores = evaluator.evaluate([schedule], range(DRAWS[run.settings.iterations]))[0].scores
            run.store.remember(key, {metric: plain_score(score) for metric, score in scores.items()})
        found[name] = {metric: score_from(score) for metric, score in run.store.recall(key).items()}
    return found


def _row(iterations: int, rival: str, metric: str, ours: Score, theirs: Score, calls: int) -> dict[str, Any]:
    gap = paired_bootstrap(ours.values, theirs.values, seed=0)
    return {
        "iterations": iterations,
        "rival": rival,
        "metric": metric,
        "searched": ours.mean,
        "searched_se": ours.standard_error,
        "rival_mean": theirs.mean,
        "rival_se": theirs.standard_error,
        "difference": gap.mean,
        "low": gap.low,
        "high": gap.high,
        "verdict": "tie" if not gap.excludes_zero else ("better" if _better(metric, gap.mean) else "worse"),
        "clips": ours.values.shape[0],
        "draws": ours.values.shape[1],
        "search_network_evaluations": calls,
    }


def _better(metric: str, difference: float) -> bool:
    direction = next(d.direction for d in catalogue(16_000) if d.name == metric)
    return difference < 0 if direction == "minimize" else difference > 0
