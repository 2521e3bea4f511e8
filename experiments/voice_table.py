"""Measures how good a voice is: `python -m experiments.voice_table [DATASET] [--rate HZ] [--clips N] [--long-clips N]`.

Synthesises held-out clips in float32, in 6, 12, 25, 50, 100 and 1000 steps, in 6 steps with the published schedule and
with the one that ships, and by Griffin-Lim on the same mels. Writes means and standard errors over clips into voice.csv
and voice.md in results/shipped/<dataset>/<rate>hz/, row by row; a stopped table goes on with the same checkpoint and
number of clips, but for the schedule that ships. 1000 steps on a fifth of the clips take as long as all others
together: they run on the first --long-clips only. experiments/voices_table puts all voices side by side.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch import Tensor

from experiments.griffin_lim import ITERATIONS, griffin_lim
from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import markdown_table
from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.formulas import linear, log_snr_line
from schedsearch.schedules.named import published
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.voice.config import Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import Clip, cut_to_hops
from vocoder.checkpoints.loading import load_vocoder
from vocoder.dialects.dialect import FrontEnd
from vocoder.vocoder import Vocoder

SHIPPED = Path("results/shipped")
LONGEST = "1000 steps"
# Straight lines in log-SNR, none of them searched: every voice of ours is judged by them.
SCHEDULES: dict[str, NoiseSchedule] = {
    "6 steps": log_snr_line(6, 10.0, -4.0),
    "12 steps": log_snr_line(12, 11.0, -4.0),
    "25 steps": log_snr_line(25, 12.0, -4.0),
    "50 steps": log_snr_line(50, 12.0, -5.0),
    "100 steps": log_snr_line(100, 12.0, -5.0),
    LONGEST: linear(1000, 1e-6, 0.01),
}


GRIFFIN_LIM, PUBLISHED, SHIPS = f"Griffin-Lim {ITERATIONS}", "ivanvovk-6", "6 steps, as shipped"


@command("voice_table")
def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the table."""
    parser = parser_of("voice_table", __doc__, voice=True)
    parser.add_argument("--clips", type=int, default=24, help="held-out clips in each row (default: 24)")
    parser.add_argument("--long-clips", type=int, default=3, help="held-out clips for 1000 steps (default: 3; 0: none)")
    options = parser.parse_args(arguments)
    _make(load_voice(options.dataset, options.rate), options)


def _make(voice: Voice, options: argparse.Namespace) -> None:
    vocoder = load_vocoder(voice.checkpoint, voice.config)  # float32 on every machine
    clips = read_clips(voice.held_out_clips, sample_rate=voice.sample_rate, resample=voice.resample)
    metrics = list(metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=2).values())
    path = SHIPPED / voice.dataset / f"{voice.sample_rate}hz" / "voice.csv"
    weights = vocoder.weights_hash[:12]
    stored = RowCache(path, checkpoint=weights)
    methods: dict[str, NoiseSchedule | None] = {GRIFFIN_LIM: None, PUBLISHED: published(PUBLISHED), **SCHEDULES}
    shipped = path.parent / "6iters" / "schedule.json"
    if shipped.is_file():
        methods[SHIPS] = read_schedule(shipped)
    for method, schedule in methods.items():
        heard = clips[: max(0, options.long_clips if method == LONGEST else options.clips)]
        if heard and (method == SHIPS or not stored.has(method=method, clips=len(heard))):  # another may ship by now
            row = _row(method, weights, _scores(vocoder, heard, metrics, schedule))
            by_method = {other["method"]: other for other in stored.rows} | {method: row}
            stored.write(by_method[name] for name in methods if name in by_method)
            atomic_write(path.with_suffix(".md"), _page(stored.rows).encode())
            print(", ".join(f"{name} {value}" for name, value in row.items() if name != "checkpoint"), flush=True)


def _scores(
    vocoder: Vocoder, clips: Sequence[Clip], metrics: Sequence[Metric], schedule: NoiseSchedule | None
) -> dict[str, Score]:
    if schedule is None:
        return _griffin_lim_scores(vocoder, clips, metrics)
    return Evaluator(vocoder, clips, metrics, NoiseBank(seed=1)).evaluate([schedule], draws=(0,))[0].scores


def _griffin_lim_scores(vocoder: Vocoder, clips: Sequence[Clip], metrics: Sequence[Metric]) -> dict[str, Score]:
    pairs = list(_resynthesised(clips, vocoder.front_end))
    values = {m.name: [m.measure(reference, estimate)[0][0] for reference, estimate in pairs] for m in metrics}
    columns = {name: [[v if isinstance(v, float) else np.nan] for v in of_clips] for name, of_clips in values.items()}
    return {name: Score(np.array(column)) for name, column in columns.items()}


def _resynthesised(clips: Sequence[Clip], front_end: FrontEnd) -> Iterator[tuple[Tensor, Tensor]]:
    for clip in clips:
        reference = cut_to_hops(clip.audio, front_end.hop_length)[None]
        estimate = griffin_lim(front_end(reference)[0], front_end, reference.shape[1])
        yield reference, estimate[None, None]


def _row(method: str, weights: str, scores: dict[str, Score]) -> dict[str, object]:
    row: dict[str, object] = {"method": method, "checkpoint": weights}
    for name, score in scores.items():
        row |= {f"{name}_mean": round(score.mean, 4), f"{name}_se": round(score.standard_error, 4)}
    return row | {"clips": len(next(iter(scores.values())).values)}


def _page(rows: Sequence[Mapping[str, str]]) -> str:
    names = [column.removesuffix("_mean") for column in rows[0] if column.endswith("_mean")]
    cells = [[row["method"], *(_mean_and_error(row, name) for name in names), row["clips"]] for row in rows]
    return markdown_table(["method", *names, "clips"], cells) + "\n"


def _mean_and_error(row: Mapping[str, str], metric: str) -> str:
    mean, error = (float(row[f"{metric}_{part}"] or "nan") for part in ("mean", "se"))
    return f"{mean:.3f} ± {error:.3f}"


if __name__ == "__main__":
    sys.exit(main())
