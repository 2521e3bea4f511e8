"""Scores the grids of the public scripts candidate by candidate; a stopped grid goes on."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.search_bench.searching import CLIPS, COLUMN, FOLDER, demo, every_metric, on_clips, scratch
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.run import Run
from schedsearch.strategies.named_grids import grid_named
from schedsearch.voice.config import load_voice
from vocoder.audio.reading import Clip, typical_excerpt

CROP_SAMPLES, CROPS = 7200, 2  # what ivanvovk's script searches on
CHUNK = 24  # candidates between writes


def score_grid(name: str, iterations: int, count: int, path: Path) -> None:
    """Stores index, betas and SCORED's means of the grid's candidates, of a seeded sample of `count` where it has more.
    """
    stored = RowCache(path, ".8g")
    with scratch() as folder:
        run = crops(Path(folder), iterations) if name == "ivanvovk" else demo(iterations, "grid", 0, Path(folder))
        evaluator = every_metric(run, run.search_clips)
        indices = sample(grid_named(name, iterations, 0).count, count)
        left = sorted(set(indices) - {int(row["index"]) for row in stored.rows})
        schedules = chosen(name, iterations, left)
        for i in tqdm(range(0, len(left), CHUNK), desc=f"{name} {iterations}"):
            stored.add(_rows(left[i : i + CHUNK], schedules[i : i + CHUNK], evaluator))


def sample(total: int, count: int) -> list[int]:
    """Returns all indices, or `count` of them drawn with a fixed seed, in the order drawn."""
    return list(range(total)) if count >= total else np.random.default_rng(0).permutation(total)[:count].tolist()


def chosen(name: str, iterations: int, indices: Sequence[int]) -> list[NoiseSchedule]:
    """Returns the grid's schedules at these indices, in the grid's order."""
    wanted, last = set(indices), max(indices, default=-1)
    numbered = enumerate(islice(grid_named(name, iterations, 0).schedules(), last + 1))
    return [schedule for index, schedule in numbered if index in wanted]


def crops(folder: Path, iterations: int, strategy: str = "auto") -> Run:
    """Opens a run whose search clips are two typical crops of 7,200 samples."""
    voice = load_voice("demo", None)
    opened = demo(iterations, strategy, 0, folder)
    return on_clips(opened, voice, [_crop(clip, opened) for clip in islice(opened.search_clips, CROPS)])


def winner(path: Path) -> tuple[NoiseSchedule, float]:
    """Returns the best schedule of a scored grid, and its score."""
    table = pd.read_csv(path)
    best = table.loc[table[COLUMN].idxmin()]
    return NoiseSchedule(np.array(best["betas"].split(), dtype=np.float64)), float(best[COLUMN])


def grid_path(name: str, iterations: int) -> Path:
    """Returns the file of its scores."""
    return FOLDER / f"grid_{name}_{iterations}.csv"


def evaluations(name: str, iterations: int, candidates: int) -> int:
    """Counts the network evaluations of so many candidates, each sampled alone: they are grids over betas."""
    return candidates * iterations * (CROPS if name == "ivanvovk" else CLIPS)


def _crop(clip: Clip, opened: Run) -> Clip:
    return typical_excerpt(clip, CROP_SAMPLES / clip.sample_rate, opened.vocoder.hop_length)


def _rows(indices: Sequence[int], schedules: Sequence[NoiseSchedule], evaluator: Evaluator) -> list[dict[str, object]]:
    evaluations = evaluator.evaluate(schedules, (0,))
    return [
        {
            "index": index,
            **{name: evaluation.scores[name].mean for name in evaluator.metric_names},
            "betas": " ".join(f"{beta:.9g}" for beta in schedule.betas),
        }
        for index, schedule, evaluation in zip(indices, schedules, evaluations, strict=True)
    ]
