"""Measures what a score's error is made of: more draws of noise, or longer clips, against held-out clips."""

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.search_bench.held_out import CANDIDATES
from experiments.search_bench.searching import (
    COLUMN,
    FOLDER,
    FRESH,
    OBJECTIVE,
    demo,
    search_to_the_end,
    stored_rows,
)
from schedsearch.evaluation.draws import finalist_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.finalists import apart
from schedsearch.search.run import Run
from schedsearch.study.ranking import ranking
from schedsearch.voice.opened import search_clips
from vocoder.audio.reading import typical_excerpt

PATH = FOLDER / "noise.csv"
ITERATIONS, SCHEDULES = 6, 16
HELD_OUT, HELD_OUT_SECONDS, HELD_OUT_DRAWS = "held-out", 1.6, 4
SEARCHED = {0.8: 4, 1.6: 2, 3.2: 1}  # seconds of each search clip: draws; all as much audio


def measure_noise(results: Path) -> None:
    """Adds a row a schedule, clips, length and draw: the mean over clips, in draws that the search did not hear."""
    stored = stored_rows(PATH)
    if len({row["schedule"] for row in stored.rows}) == SCHEDULES:
        return
    run = demo(ITERATIONS, "auto", 0, results, clips=None)
    search_to_the_end(run, CANDIDATES[ITERATIONS])
    evaluators = _evaluators(run)
    for candidate in tqdm(apart(ranking(run.store, run.store.candidates()), SCHEDULES), desc="noise"):
        key = " ".join(f"{beta:.6g}" for beta in candidate.schedule.betas)
        if not stored.has(schedule=key):
            stored.add(
                {"schedule": key, "clips": clips, "seconds": seconds, "draw": draw, "mean": mean}
                for (clips, seconds), (evaluator, draws) in evaluators.items()
                for draw, mean in zip(draws, _means(evaluator, candidate.schedule, draws), strict=True)
            )


def noise_table() -> pd.DataFrame | None:
    """Returns how far means of search clips lie from the held-out ones, apart from what all schedules share."""
    if not PATH.exists():
        return None
    table = pd.read_csv(PATH)
    truth = table[table["clips"] == HELD_OUT].groupby("schedule")["mean"].mean()
    rows = []
    for seconds, most in SEARCHED.items():
        searched = table[(table["clips"] != HELD_OUT) & (table["seconds"] == seconds)]
        by_draw = searched.pivot(index="schedule", columns="draw", values="mean").loc[truth.index]
        for count in (n for n in (1, 2, 4) if n <= most):
            means = [by_draw[list(draws)].mean(axis=1) for draws in combinations(by_draw.columns, count)]
            rows.append(
                {
                    "seconds of a clip": seconds,
                    "draws": count,
                    "audio a clip": seconds * count,
                    "error": np.mean([(mean - truth).std(ddof=1) for mean in means]),
                    "rank correlation": np.mean([mean.corr(truth, method="spearman") for mean in means]),
                    "schedules": len(truth),
                    "held-out sd": truth.std(ddof=1),
                }
            )
    return pd.DataFrame(rows)


def _evaluators(run: Run) -> dict[tuple[str, float], tuple[Evaluator, range]]:
    first = finalist_draws(ITERATIONS)[0]
    metrics = [objective(OBJECTIVE, run.metrics)]
    evaluators = {}
    for seconds, draws in SEARCHED.items():
        clips = search_clips(run.voice, run.vocoder, seconds)
        evaluator = Evaluator(run.vocoder, clips, metrics, NoiseBank(run.settings.seed))
        evaluators["search", seconds] = evaluator, range(first, first + draws)
    held = [typical_excerpt(clip, HELD_OUT_SECONDS, run.vocoder.hop_length) for clip in run.held_out_clips]
    evaluators[HELD_OUT, HELD_OUT_SECONDS] = Evaluator(run.exact.vocoder, held, metrics, FRESH), range(HELD_OUT_DRAWS)
    return evaluators


def _means(evaluator: Evaluator, schedule: NoiseSchedule, draws: range) -> list[float]:
    values = evaluator.evaluate([schedule], draws)[0].scores[COLUMN].values
    return [float(mean) for mean in values.mean(axis=0)]
