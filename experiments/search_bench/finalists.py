"""Is scoring the finalists again worth its cost? What each way would ship, on held-out clips, over several seeds."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from experiments.search_bench.held_out import SECONDS
from experiments.search_bench.rows import stands
from experiments.search_bench.searching import FOLDER, FRESH, demo, every_metric, scratch
from schedsearch.budget import Budget
from schedsearch.finalists import finalists, rescore_finalists
from schedsearch.schedule import NoiseSchedule
from schedsearch.search import search
from schedsearch.standing import ranking
from vocoder.atomic import atomic_write
from vocoder.audio import typical_excerpt

PATH = FOLDER / "finalists.csv"
ITERATIONS, SEEDS, CANDIDATES = 6, 5, 80


def measure_finalists() -> None:
    """A row a seed and metric: runs that stand in the file are not made again."""
    for seed in tqdm(range(SEEDS), desc="finalists"):
        if not stands(PATH, {"seed": seed}):
            with scratch() as folder:
                rows = _rows(seed, Path(folder))
            table = pd.concat([*([pd.read_csv(PATH)] if PATH.exists() else []), rows], ignore_index=True)
            atomic_write(PATH, table.to_csv(index=False, float_format="%.6g").encode())


def _rows(seed: int, folder: Path) -> pd.DataFrame:
    run = demo(ITERATIONS, "auto", seed, folder, clips=None)
    for _ in search(run.store, run.race, run.space, run.strategy(budget := Budget(CANDIDATES, "candidates")), budget):
        pass
    for _ in rescore_finalists(run.store, run.exact.evaluator(run.search_clips)):
        pass
    chosen: dict[str, NoiseSchedule] = {
        "unconfirmed": ranking(run.store, run.store.candidates())[0].schedule,
        "confirmed": next(c for c in finalists(run.store) if c.kind != "baseline").schedule,
    }
    clips = [typical_excerpt(clip, SECONDS[ITERATIONS], run.vocoder.hop_length) for clip in run.held_out_clips]
    scored = every_metric(run.exact, clips, FRESH).evaluate(list(chosen.values()), (0,))
    means = {way: {m: s.mean for m, s in each.scores.items()} for way, each in zip(chosen, scored, strict=True)}
    metrics = means["confirmed"]
    return pd.DataFrame(
        [{"seed": seed, "metric": metric, **{way: means[way][metric] for way in chosen}} for metric in metrics]
    )
