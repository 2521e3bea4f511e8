"""Measures what a faster precision does to scores: `python -m experiments.precision_bias [--clips N] [--seconds S]`.

The same schedules, held-out clips and noise in float32, in bfloat16, and in bfloat16 with float32 in the cleanest
steps: mean paired differences from float32 with their 95 % intervals over clips. Writes
results/shipped/precision/bias.csv and bias.md; a stopped run goes on. Rows of other weights, clips or seconds are
measured again. A clip that fails in either precision is left out of the difference.
"""

import sys
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from schedsearch.evaluation.bootstrap import paired_bootstrap, sound_clips
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import markdown_table
from schedsearch.metrics.registry import metrics_for, objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.named import universal_schedules
from schedsearch.voice.config import load_voice
from schedsearch.voice.opened import held_out_clips, open_vocoder
from vocoder.atomic import atomic_write
from vocoder.errors import InputError
from vocoder.vocoder import FLOAT32_STEPS, Vocoder, in_precision

FOLDER = Path("results/shipped/precision")
VOICES = (
    ("demo", 16000),
    ("demo", 8000),
    ("june-16k", 16000),
    ("kathleen-22k", 22050),
    ("demo-coqui", 16000),
    ("demo-lmnt", 16000),
)
STEPS = (6, 12, 25, 50)
METRICS = ("spectral_pesq", "log_mel_l1", "pesq")
PLANS = (None, 0, 1, FLOAT32_STEPS)  # float32, and bfloat16 with so many cleanest steps in float32
NOISE = NoiseBank(11)


@command("precision_bias")
def main(arguments: Sequence[str] | None = None) -> None:
    """Makes the tables."""
    parser = parser_of("precision_bias", __doc__)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args(arguments)
    if options.clips < 2:
        raise InputError(f"an interval over clips needs two or more, and --clips is {options.clips}; give 2 or more")
    table = RowCache(FOLDER / "bias.csv", ".5g")
    vocoders = {place: open_vocoder(load_voice(*place)) for place in VOICES}
    heard = {place: held_out_clips(load_voice(*place), vocoder, options.seconds) for place, vocoder in vocoders.items()}
    for (dataset, rate), vocoder in vocoders.items():  # opened before anything is written
        clips = heard[dataset, rate][: options.clips]
        key = {
            "dataset": dataset,
            "rate": rate,
            "checkpoint": vocoder.weights_hash[:12],
            "clips": len(clips),
            "seconds": f"{options.seconds:g}",
        }
        table.write(row for row in table.rows if not _is_stale(row, key))
        left = [n for n in STEPS if not table.has(**key, steps=n)]
        metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=1, names=METRICS)
        judges = [objective(name, metrics) for name in METRICS]
        for n in tqdm(left, desc=f"{dataset} {rate}"):
            scores = {plan: _scores(Evaluator(_in_plan(vocoder, plan), clips, judges, NOISE), n) for plan in PLANS}
            table.add({**key, "steps": n, **row} for row in _rows(scores))
    _write(FOLDER / "bias.md", pd.read_csv(FOLDER / "bias.csv"))


def _is_stale(row: Mapping[str, str], key: Mapping[str, object]) -> bool:
    """Says whether a row is of this voice, and of other weights, clips or seconds: a table holds one kind of each."""
    is_voices = all(row[name] == str(key[name]) for name in ("dataset", "rate"))
    return is_voices and any(row.get(name) != str(value) for name, value in key.items())


def _in_plan(vocoder: Vocoder, float32_steps: int | None) -> Vocoder:
    if float32_steps is None:
        return vocoder
    return replace(in_precision(vocoder, torch.bfloat16), float32_steps=float32_steps)


def _scores(evaluator: Evaluator, steps: int) -> Mapping[str, Score]:
    return evaluator.evaluate([universal_schedules()[f"universal-{steps}"]], (0,))[0].scores


def _rows(scores: Mapping[int | None, Mapping[str, Score]]) -> Iterator[dict[str, object]]:
    for plan in PLANS[1:]:
        for metric, full in scores[None].items():
            yield {"float32_steps": plan, "metric": metric, **_gap(scores[plan][metric], full)}


def _gap(fast: Score, full: Score) -> dict[str, object]:
    """Compares a precision with float32 on the clips that are sound in both; NaN where fewer than two are."""
    sound = sound_clips([fast.values, full.values])
    compared = int(sound.sum())
    if compared < 2:
        missing = dict.fromkeys(("float32", "difference", "low", "high", "sd_a_clip"), np.nan)
        return {**missing, "compared": compared}
    values, reference = fast.values[sound], full.values[sound]
    gap = paired_bootstrap(values, reference, seed=0)
    return {
        "float32": float(reference.mean()),
        "difference": gap.mean,
        "low": gap.low,
        "high": gap.high,
        "sd_a_clip": float((values - reference).std(ddof=1)),
        "compared": compared,
    }


def _write(path: Path, table: pd.DataFrame) -> None:
    """Writes the differences of each plan, voices side by side. A table without `compared` has no failed clip."""
    if "compared" not in table:
        table["compared"] = table["clips"]
    table["metric"] = table["metric"].str.removesuffix("_wb").str.removesuffix("_nb")  # PESQ of the voice's rate
    table["voice"] = table["dataset"] + " " + table["rate"].astype(str)
    table["cell"] = [_cell(row) for row in table.to_dict("records")]
    wide = table.pivot(index=["metric", "float32_steps", "steps"], columns="voice", values="cell").reset_index()
    head = (
        "# What bfloat16 does to scores\n\nMade by `python -m experiments.precision_bias`. Mean difference from "
        f"float32 on {table['clips'].max()} held-out clips with the same noise, and its 95 % interval over clips. The "
        "schedules are universal-6, -12, -25 and -50; PESQ is wide-band from 16 kHz on. `float32_steps` is how many of "
        "the cleanest steps run in float32.\n\n"
    )
    body = markdown_table(list(wide.columns), wide.astype(str).to_numpy().tolist())
    atomic_write(path, f"{head}{body}\n".encode())


def _cell(row: Mapping[Hashable, Any]) -> str:
    """Writes a difference with its interval, and over how many clips where some failed."""
    if row["compared"] < 2:
        return "too few clips"
    part = f" ({row['compared']} of {row['clips']} clips)" if row["compared"] < row["clips"] else ""
    return f"{row['difference']:+.4f} [{row['low']:+.4f}, {row['high']:+.4f}]{part}"


if __name__ == "__main__":
    sys.exit(main())
