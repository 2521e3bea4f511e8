"""Measures how honest a search is: what it says is left to gain, and how often noise alone looks like a winner."""

import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.running import made_by
from experiments.verdict_bench.judging import NOISE, old_voice
from experiments.verdict_bench.searches import TABLES
from schedsearch.evaluation.draws import held_out_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.paired import compare
from schedsearch.evaluation.scores import Score
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.asked_budget import AskedBudget, begin
from schedsearch.search.leaders import finalists, score_leaders
from schedsearch.search.loop import search
from schedsearch.search.opening import open_run
from schedsearch.search.run import GAIN, Run
from schedsearch.search.settings import Settings

STEPS, SEEDS, NEAREST = 6, 20, 4
REGRET_VOICE = ("demo", 8000)  # costs half of what 16 kHz does
KINDS = ("winner", "centroid")
DRAWS = {"choosing": range(100, 108), "measuring": range(108, 116)}  # of the search clips
FALSE_DRAWS = range(24)  # of the held-out clips
SIMULATED = 200
REGRET, FALSE_WINNERS = TABLES / "regret.csv", TABLES / "false_winners.csv"


def measure_regret() -> None:
    """Searches with each seed to its own end; stores its claim, and its winner and centroid, judged anew."""
    table = RowCache(REGRET, ".6g")
    for seed in tqdm(range(SEEDS), desc="stop rule"):
        if not table.has(seed=seed):
            with tempfile.TemporaryDirectory() as folder:
                run = open_run(old_voice(*REGRET_VOICE), Settings(STEPS, seed=seed, results=Path(folder)))
                _search(run)
                table.add([{"seed": seed, **_claim_and_scores(run), "precision": run.vocoder.precision, **made_by()}])


def regrets(table: pd.DataFrame) -> pd.Series:
    """Returns how much worse each seed's winner is than the best of all winners and centroids.

    Some draws choose the best one, and others say how far it is ahead. In one and the same draws, the luckiest one
    would look better than it is.
    """
    seed, column = table[[f"{kind}_choosing" for kind in KINDS]].stack().idxmin()
    best = table.loc[seed, column.replace("choosing", "measuring")]
    return table["winner_measuring"] - best


def _claim_and_scores(run: Run) -> dict[str, float]:
    gain, candidates = run.store.recall(GAIN) or {}, run.store.candidates()
    winner = next(c for c in finalists(run.store, run.rounds) if c.kind != "baseline")
    best = sorted((c for c in candidates if not c.failures), key=lambda c: c.expected)[:NEAREST]
    centroid = NoiseSchedule.from_log_snr(np.mean([c.schedule.log_snr for c in best], axis=0))
    clips = sorted(run.clips.excerpts, key=lambda clip: clip.name)  # in an order that no seed changes
    judge = Evaluator(run.vocoder, clips, run.objectives, NOISE)
    row = {"candidates": len(candidates), "claim": gain.get("bound", np.nan), "expected_gain": gain.get("mean", np.nan)}
    for purpose, draws in DRAWS.items():
        for kind, scored in zip(KINDS, judge.evaluate([winner.schedule, centroid], draws), strict=True):
            row[f"{kind}_{purpose}"] = scored.scores[run.store.objective].mean
    return row


def _search(run: Run) -> None:
    budget = begin(run.store, AskedBudget(STEPS, None))
    for _ in search(run.store, run.race, run.space, run.strategy(budget), budget):
        pass
    run.remember_gain(budget)
    evaluators = (run.evaluator(clips) for clips in (run.clips.excerpts, run.leader_clips))
    for _ in score_leaders(run.store, run.rounds, *evaluators):
        pass


def measure_false_winners() -> None:
    """Lets a baseline meet itself in other draws of noise, as winner and baseline of a verdict do, SIMULATED times."""
    if FALSE_WINNERS.exists():
        return
    with tempfile.TemporaryDirectory() as folder:
        run = open_run(old_voice("demo", 16000), Settings(STEPS, results=Path(folder)))
        metric = run.objectives[0]
        evaluator = Evaluator(run.vocoder, run.clips.held_out, [metric], NOISE)
        schedule = baselines(STEPS)["diffwave-6"]
        values = evaluator.evaluate([schedule], FALSE_DRAWS)[0].scores[metric.name].values
    rng, draws, rows = np.random.default_rng(0), len(held_out_draws(STEPS)), []
    for simulated in range(SIMULATED):
        order = rng.permuted(np.tile(np.arange(values.shape[1]), (len(values), 1)), axis=1)
        parts = np.take_along_axis(values, order, axis=1)
        first, second = (parts[:, low:high] for low, high in pairwise((0, draws, 2 * draws)))
        outcome = compare(metric, Score(first), Score(second), simulated).outcome
        rows.append({"simulated": simulated, "outcome": outcome.value})
    RowCache(FALSE_WINNERS).add(rows)
