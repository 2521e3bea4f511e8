"""Compares the default search with the grids of the public scripts, on the clips and noise that those are scored on."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from math import ceil
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.running import made_by
from experiments.verdict_bench.judging import DRAWS, NOISE, old_voice
from experiments.verdict_bench.searches import TABLES
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.paired import compare
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.leaders import finalists
from schedsearch.search.loop import search
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import Settings
from schedsearch.strategies.named_grids import grid_named
from schedsearch.study.budget import Budget
from schedsearch.study.store import Store, sqlite_url
from vocoder.audio.reading import typical_excerpt
from vocoder.vocoder import in_precision

STEPS = 6
SCORED = {"lmnt": 729, "ivanvovk": 2000}  # candidates of each grid: all, or a seeded sample
SHARES = {"lmnt": 40, "ivanvovk": 1000}  # the search has this part of the grid's evaluations, baselines and all
CLIPS = 4  # for lmnt's grid: search clips, in one draw
CROPS, CROP_SAMPLES = 2, 7200  # for ivanvovk's: what its script searches on
CHUNK = 24  # candidates between writes
AGAINST = TABLES / "grids.csv"


def grid_path(name: str) -> Path:
    """Returns the file of a grid's scores."""
    return TABLES / f"grid_{name}_{STEPS}.csv"


def score_grids() -> None:
    """Scores both grids, candidate by candidate; a stopped grid goes on."""
    for name, count in SCORED.items():
        table = RowCache(grid_path(name), ".8g")
        total = grid_named(name, STEPS, 0).count
        indices = range(total) if count >= total else np.random.default_rng(0).permutation(total)[:count].tolist()
        left = sorted(set(indices) - {int(row["index"]) for row in table.rows})
        with tempfile.TemporaryDirectory() as folder:
            run = opened(name, Path(folder), 0)
            evaluator = run.evaluator(run.clips.excerpts)
            for i in tqdm(range(0, len(left), CHUNK), desc=name):
                table.add(_rows(name, left[i : i + CHUNK], evaluator, run.store.objective))


def compare_with_grids() -> None:
    """Searches with a part of each grid's evaluations, and meets the grid's winner on held-out clips."""
    table = RowCache(AGAINST, ".6g")
    for name in SCORED:
        if not table.has(grid=name) and grid_path(name).exists():
            with tempfile.TemporaryDirectory() as folder:
                table.add([_against(name, opened(name, Path(folder), 0))])


def opened(name: str, folder: Path, seed: int) -> Run:
    """Opens a run on the clips that the grid is scored on."""
    run = open_run(old_voice("demo", 16000), Settings(STEPS, seed=seed, results=folder))
    clips = run.clips.excerpts[:CLIPS]
    if name == "ivanvovk":
        seconds, hop_length = CROP_SAMPLES / run.vocoder.sample_rate, run.vocoder.hop_length
        clips = tuple(typical_excerpt(clip, seconds, hop_length) for clip in run.clips.excerpts[:CROPS])
    identity = {**run.store.study.user_attrs["identity"], "search clips": [clip.name for clip in clips], "grid": name}
    store = Store(sqlite_url(run.folder / "study.db"), identity, run.store.objectives)
    return replace(run, clips=replace(run.clips, excerpts=clips, longer=clips), store=store)


def _against(name: str, run: Run) -> dict[str, object]:
    grid = pd.read_csv(grid_path(name))
    best = grid.loc[grid["score"].idxmin()]
    theirs = NoiseSchedule(np.array(best["betas"].split(), dtype=np.float64))
    total = grid_named(name, STEPS, 0).count * STEPS * len(run.clips.excerpts)
    of_baselines = len(baselines(STEPS, own=run.store.names)) * STEPS * len(run.clips.excerpts)  # at most
    budget = Budget(ceil(total / SHARES[name]) - of_baselines, "calls")
    for _ in search(run.store, run.race, run.space, run.strategy(budget), budget):
        pass
    candidates = run.store.candidates()
    searched = [*run.store.baselines(), *candidates]
    chosen = next(c for c in finalists(run.store, run.rounds) if c.kind != "baseline")
    [ours] = run.race.evaluate([chosen.schedule])  # on all excerpts and in the draw that the grid was scored in
    best_score = ours.scores[run.store.objective].mean
    judge = Evaluator(in_precision(run.vocoder, None), run.clips.held_out, run.objectives, NOISE)
    scores = [each.scores[run.store.objective] for each in judge.evaluate([chosen.schedule, theirs], DRAWS)]
    difference = compare(run.objectives[0], scores[0], scores[1], 0).difference
    assert difference is not None
    return {
        "grid": name,
        "grid_evaluations": total,
        "grid_candidates_scored": len(grid),
        "grid_best": float(best["score"]),
        "search_evaluations": sum(c.network_evaluations for c in searched) + ours.network_evaluations,
        "search_candidates": len(candidates),
        "search_best": best_score,
        "ratio": best_score / float(best["score"]),
        "held_out_difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "clips": len(scores[0].values),
        "draws": len(DRAWS),
        **made_by(),
    }


def _rows(name: str, indices: Sequence[int], evaluator: Evaluator, objective: str) -> list[dict[str, object]]:
    wanted = set(indices)
    numbered = enumerate(islice(grid_named(name, STEPS, 0).schedules(), max(indices) + 1))
    schedules = [schedule for index, schedule in numbered if index in wanted]
    return [
        {
            "index": index,
            "score": each.scores[objective].mean,
            "betas": " ".join(f"{beta:.9g}" for beta in schedule.betas),
        }
        for index, schedule, each in zip(indices, schedules, evaluator.evaluate(schedules, (0,)), strict=True)
    ]
