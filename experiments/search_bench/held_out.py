"""Compares winners on the held-out clips, in noise that no search drew from."""

from collections.abc import Mapping
from math import nan
from pathlib import Path
from typing import Any

from experiments.search_bench.grids import grid_path, winner
from experiments.search_bench.searching import (
    FOLDER,
    FRESH,
    best_finalists,
    demo,
    every_metric,
    scored_metrics,
    search_to_the_end,
    stored_rows,
)
from schedsearch.evaluation.paired import Comparison, compare
from schedsearch.evaluation.scores import Score
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.run import Run
from schedsearch.study.candidate import plain_scores, scores_from
from vocoder.audio.reading import typical_excerpt

PATH = FOLDER / "held_out.csv"
# Of each held-out clip, a typical part: whole ones would take most of the bench's time.
SECONDS = {6: 1.6, 12: 1.6, 25: 1.6, 50: 0.8, 100: 0.8}
# Of noise for each clip: PESQ's interval must be narrower than the 0.05 that is asked about.
DRAWS = {6: 4, 12: 2, 25: 1, 50: 1, 100: 1}
# Candidates of the default search: fewer where each costs more, so that a bench ends the same evening.
CANDIDATES = {6: 80, 12: 80, 25: 40, 50: 32, 100: 20}


def measure_length(iterations: int, results: Path, *, path: Path = PATH) -> None:
    """Compares the default search's winner with the best baseline and with the scored grids' winners of its length."""
    stored = stored_rows(path)
    if stored.has(iterations=iterations):
        return
    run = demo(iterations, "auto", 0, results, clips=None if iterations <= 12 else 4)
    search_to_the_end(run, CANDIDATES[iterations])
    ours, baseline = best_finalists(run)
    rivals = {baseline.name: baseline.schedule, **_grids(iterations)}
    calls = run.store.work()[1] + sum(c.network_evaluations for c in run.store.candidates())
    scores = _scores(run, {"searched": ours.schedule, **rivals})
    stored.add(
        _row(iterations, name, compare(metric, scores["searched"][metric.name], scores[name][metric.name], 0), calls)
        for name in rivals
        for metric in scored_metrics(run).values()
    )


def _grids(iterations: int) -> Mapping[str, NoiseSchedule]:
    return {
        f"best of {name}'s grid": winner(grid_path(name, iterations))[0]
        for name in ("lmnt", "ivanvovk")
        if grid_path(name, iterations).exists()
    }


def _scores(run: Run, schedules: Mapping[str, NoiseSchedule]) -> dict[str, dict[str, Score]]:
    """Scores them one by one, the longest part of the bench; the run's store remembers each."""
    seconds = SECONDS[run.settings.iterations]
    clips = [typical_excerpt(clip, seconds, run.vocoder.hop_length) for clip in run.held_out_clips]
    evaluator = every_metric(run.exact, clips, FRESH)
    scores: dict[str, dict[str, Score]] = {}
    for name, schedule in schedules.items():
        key = f"bench {name} {schedule.betas.tolist()}"
        if run.store.recall(key) is None:
            measured = evaluator.evaluate([schedule], range(DRAWS[run.settings.iterations]))[0].scores
            run.store.remember(key, plain_scores(measured, measured))
        scores[name] = run.store.recall(key, scores_from)
    return scores


def _row(iterations: int, rival: str, comparison: Comparison, calls: int) -> dict[str, Any]:
    ours, theirs, difference = comparison.winner, comparison.baseline, comparison.difference
    return {
        "iterations": iterations,
        "rival": rival,
        "metric": comparison.metric,
        "searched": ours.mean,
        "searched_se": ours.standard_error,
        "rival_mean": theirs.mean,
        "rival_se": theirs.standard_error,
        "difference": difference.mean if difference else nan,
        "low": difference.low if difference else nan,
        "high": difference.high if difference else nan,
        "verdict": comparison.outcome.value,
        "clips": ours.values.shape[0],
        "draws": ours.values.shape[1],
        "search_network_evaluations": calls,
    }
