"""The grids of the public scripts, scored candidate by candidate: stopped at any moment, they go on where they were."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from experiments.search_bench.searching import CLIPS, COLUMN, FOLDER, demo, every_metric, on_clips, scratch
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.search.run import Run
from schedsearch.strategies.named_grids import grid_named
from schedsearch.voice.config import load_voice
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip, typical_excerpt

CROP_SAMPLES, CROPS = 7200, 2  # what ivanvovk's script searches on
CHUNK = 24  # candidates between writes


def score_grid(name: str, iterations: int, count: int, path: Path) -> None:
    """Scores of the grid's candidates, a seeded sample of `count` where it has more: index, betas, SCORED's means."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with scratch() as folder:
        run = crops(Path(folder), iterations) if name == "ivanvovk" else demo(iterations, "grid", 0, Path(folder))
        evaluator = every_metric(run, run.search_clips)
        indices = sample(grid_named(name, iterations, 0).count, count)
        done = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=["index"])
        left = sorted(set(indices) - set(done["index"]))
        schedules = chosen(name, iterations, left)
        for i in tqdm(range(0, len(left), CHUNK), desc=f"{name} {iterations}"):
            part = schedules[i : i + CHUNK]
            rows = _rows(left[i : i + CHUNK], part, evaluator)
            done = pd.concat([done, rows], ignore_index=True) if len(done) else rows
            atomic_write(path, done.to_csv(index=False, float_format="%.8g").encode())


def sample(total: int, count: int) -> list[int]:
    """All indices, or `count` of them drawn with a fixed seed, in the order drawn."""
    return list(range(total)) if count >= total else np.random.default_rng(0).permutation(total)[:count].tolist()


def chosen(name: str, iterations: int, indices: Sequence[int]) -> list[NoiseSchedule]:
    """The grid's schedules at rising indices."""
    found, wanted = [], iter(indices)
    following = next(wanted, None)
    for index, schedule in enumerate(grid_named(name, iterations, 0).schedules()):
        if index == following:
            found.append(schedule)
            following = next(wanted, None)
        if following is None:
            break
    return found


def crops(folder: Path, iterations: int, strategy: str = "auto") -> Run:
    """A run whose search clips are two typical crops of 7,200 samples."""
    voice = load_voice("demo", None)
    opened = demo(iterations, strategy, 0, folder)
    return on_clips(opened, voice, [_crop(clip, opened) for clip in islice(opened.search_clips, CROPS)])


def winner(path: Path) -> tuple[NoiseSchedule, float]:
    """Of a scored grid."""
    table = pd.read_csv(path)
    best = table.loc[table[COLUMN].idxmin()]
    return NoiseSchedule(np.array(best["betas"].split(), dtype=np.float64)), float(best[COLUMN])


def grid_path(name: str, iterations: int) -> Path:
    """Where its scores stand."""
    return FOLDER / f"grid_{name}_{iterations}.csv"


def evaluations(name: str, iterations: int, candidates: int) -> int:
    """Network evaluations of so many candidates, each sampled alone: they are grids over betas."""
    return candidates * iterations * (CROPS if name == "ivanvovk" else CLIPS)


def _crop(clip: Clip, opened: Run) -> Clip:
    return typical_excerpt(clip, CROP_SAMPLES / clip.sample_rate, opened.vocoder.hop_length)


def _rows(indices: Sequence[int], schedules: Sequence[NoiseSchedule], evaluator: Evaluator) -> pd.DataFrame:
    found = evaluator.evaluate(schedules, (0,))
    return pd.DataFrame(
        {
            "index": list(indices),
            **{name: [evaluation.scores[name].mean for evaluation in found] for name in evaluator.metric_names},
            "betas": [" ".join(f"{beta:.9g}" for beta in schedule.betas) for schedule in schedules],
        }
    )
