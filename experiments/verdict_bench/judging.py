"""Judges what both engines ship on all held-out clips, in draws that no search heard, and resamples the differences."""

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.verdict_bench.searches import SEARCHES, TABLES, earlier_tree
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE, columns_with, metrics_for, objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.voice.config import Voice, load_voice
from schedsearch.voice.opened import held_out_clips, open_vocoder

HELD_OUT = TABLES / "held_out.csv"
NOISE = NoiseBank(7_000_003)
DRAWS = range(4)
RESAMPLES = 10_000


def old_voice(dataset: str, rate: int) -> Voice:
    """Returns a voice with the weights of the earlier commit."""
    return load_voice(dataset, rate, experiments=earlier_tree() / "experiments")


def judge_searches() -> None:
    """Adds the held-out scores of all searches in the table, in float32, a row for each clip."""
    if not SEARCHES.exists():
        return
    searches, judged = pd.read_csv(SEARCHES), RowCache(HELD_OUT, ".6g")
    for (dataset, rate), group in searches.groupby(["dataset", "rate"], sort=False):
        voice = old_voice(str(dataset), int(rate))
        vocoder = open_vocoder(voice)
        metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=2, names=columns_with(DEFAULT_OBJECTIVE))
        judge = objective(DEFAULT_OBJECTIVE, metrics)
        evaluator = Evaluator(vocoder, held_out_clips(voice, vocoder), [judge], NOISE)
        for row in tqdm(list(group.itertuples()), desc=f"{dataset} {rate}"):
            key = {name: getattr(row, name) for name in ("engine", "dataset", "rate", "iterations", "seed")}
            if judged.has(**key):
                continue
            schedule = NoiseSchedule(np.array(row.betas.split(), dtype=np.float64))
            values = evaluator.evaluate([schedule], DRAWS)[0].scores[judge.name].values.mean(axis=1)
            judged.add(
                {**key, "clip": clip, "objective": float(value)}
                for clip, value in zip(evaluator.clip_names, values, strict=True)
            )


def differences() -> pd.DataFrame:
    """Returns new minus old for each clip, of the searches that both engines have done."""
    table = pd.read_csv(HELD_OUT)
    keys = ["dataset", "rate", "iterations", "seed", "clip"]
    both = table.pivot(index=keys, columns="engine", values="objective").dropna()
    return (both["new"] - both["old"]).rename("difference").reset_index()


def interval(rows: pd.DataFrame) -> tuple[float, float, float]:
    """Returns mean, low and high of differences: clips of each voice are resampled with all their seeds and lengths."""
    by_clip = rows.groupby(["dataset", "rate", "clip"])["difference"].agg(["sum", "count"])
    rng, sums, counts = np.random.default_rng(0), 0.0, 0.0
    for _, voice in by_clip.groupby(level=[0, 1]):
        chosen = rng.integers(len(voice), size=(RESAMPLES, len(voice)))
        sums = sums + voice["sum"].to_numpy()[chosen].sum(axis=1)
        counts = counts + voice["count"].to_numpy()[chosen].sum(axis=1)
    low, high = np.quantile(sums / counts, [0.025, 0.975])
    return float(rows["difference"].mean()), float(low), float(high)
