"""What a search of 6 steps ends with, and what scoring its finalists again is worth: held-out clips, over seeds."""

from pathlib import Path

import pandas as pd
from tqdm import tqdm

from experiments.search_bench.held_out import DRAWS, SECONDS
from experiments.search_bench.rows import Key, stands
from experiments.search_bench.searching import FOLDER, FRESH, demo, every_metric, scratch
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.finalists import finalists, shortlisted
from schedsearch.search.loop import search
from schedsearch.search.run import Run
from schedsearch.study.budget import Budget
from schedsearch.study.ranking import ranking
from vocoder.atomic import atomic_write
from vocoder.audio.reading import typical_excerpt

PATH = FOLDER / "finalists.csv"
ITERATIONS, SEEDS, CANDIDATES = 6, 5, 80


def measure_finalists() -> None:
    """A row a seed and metric: runs that stand in the file are not made again."""
    for seed in tqdm(range(SEEDS), desc="finalists"):
        key: dict[str, str | int] = {"seed": seed}
        if not stands(PATH, key):
            with scratch() as folder:
                rows = _rows(key, demo(ITERATIONS, "auto", seed, Path(folder), clips=None))
            table = pd.concat([*([pd.read_csv(PATH)] if PATH.exists() else []), rows], ignore_index=True)
            PATH.parent.mkdir(parents=True, exist_ok=True)
            atomic_write(PATH, table.to_csv(index=False, float_format="%.6g").encode())


def _rows(key: Key, run: Run) -> pd.DataFrame:
    budget = Budget(CANDIDATES, "candidates")
    for _ in search(run.store, run.race, run.space, run.strategy(budget), budget):
        pass
    shortlist = shortlisted(run.store)
    for _ in run.rescored(shortlist):
        pass
    ranked = finalists(run.store, shortlist)
    chosen: dict[str, NoiseSchedule] = {
        "baseline": next(c for c in ranked if c.kind == "baseline").schedule,
        "unconfirmed": ranking(run.store, run.store.candidates())[0].schedule,
        "confirmed": next(c for c in ranked if c.kind != "baseline").schedule,
    }
    clips = [typical_excerpt(clip, SECONDS[ITERATIONS], run.vocoder.hop_length) for clip in run.held_out_clips]
    scored = every_metric(run.exact, clips, FRESH).evaluate(list(chosen.values()), range(DRAWS[ITERATIONS]))
    means = {way: {m: s.mean for m, s in each.scores.items()} for way, each in zip(chosen, scored, strict=True)}
    metrics = means["confirmed"]
    return pd.DataFrame(
        [{**key, "metric": metric, **{way: means[way][metric] for way in chosen}} for metric in metrics]
    )
