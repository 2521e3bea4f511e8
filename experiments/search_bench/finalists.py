"""Measures on held-out clips what searches of 6 steps end with, and what scoring finalists again is worth."""

from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from experiments.search_bench.held_out import DRAWS, SECONDS
from experiments.search_bench.searching import (
    FOLDER,
    FRESH,
    best_finalists,
    demo,
    every_metric,
    scratch,
    search_to_the_end,
    stored_rows,
)
from schedsearch.search.run import Run
from schedsearch.study.ranking import ranking
from vocoder.audio.reading import typical_excerpt

PATH = FOLDER / "finalists.csv"
ITERATIONS, SEEDS, CANDIDATES = 6, 5, 80


def measure_finalists() -> None:
    """Adds a row a seed and metric; stored runs are not made again."""
    stored = stored_rows(PATH)
    for seed in tqdm(range(SEEDS), desc="finalists"):
        if not stored.has(seed=seed):
            with scratch() as folder:
                stored.add(_rows(seed, demo(ITERATIONS, "auto", seed, Path(folder), clips=None)))


def _rows(seed: int, run: Run) -> Iterator[dict[str, object]]:
    search_to_the_end(run, CANDIDATES)
    winner, baseline = best_finalists(run)
    schedules = {
        "baseline": baseline.schedule,
        "unconfirmed": ranking(run.store, run.store.candidates())[0].schedule,
        "confirmed": winner.schedule,
    }
    clips = [typical_excerpt(clip, SECONDS[ITERATIONS], run.vocoder.hop_length) for clip in run.held_out_clips]
    evaluator = every_metric(run.exact, clips, FRESH)
    evaluations = evaluator.evaluate(list(schedules.values()), range(DRAWS[ITERATIONS]))
    scores = {name: evaluation.scores for name, evaluation in zip(schedules, evaluations, strict=True)}
    for metric in scores["confirmed"]:
        yield {"seed": seed, "metric": metric, **{name: scores[name][metric].mean for name in schedules}}
