"""Measures what a faster precision does to scores: `python -m experiments.precision_bias [--clips N] [--seconds S]`.

The same schedules, held-out clips and noise in float32, in bfloat16, and in bfloat16 with float32 in the cleanest
steps: mean paired differences from float32 with their 95 % intervals over clips. Writes
results/shipped/precision/bias.csv and bias.md; a stopped run goes on.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from tqdm import tqdm

from experiments.row_cache import RowCache
from experiments.running import command, parser_of
from schedsearch.evaluation.bootstrap import paired_bootstrap
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import markdown_table
from schedsearch.metrics.registry import metrics_for, objective
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.named import universal_schedules
from schedsearch.voice.config import load_voice
from schedsearch.voice.opened import held_out_clips, open_vocoder
from vocoder.atomic import atomic_write
from vocoder.vocoder import FLOAT32_STEPS, Vocoder, in_precision

FOLDER = Path("results/shipped/precision")
VOICES = (("demo", 16000), ("demo", 8000), ("june-16k", 16000), ("kathleen-22k", 22050))
STEPS = (6, 12, 25, 50)
METRICS = ("spectral_pesq", "log_mel_l1", "pesq")
PLANS = (None, 0, 1, FLOAT32_STEPS)  # float32, and bfloat16 with so many cleanest steps in float32
NOISE = NoiseBank(11)


@command("precision_bias")
def main() -> None:
    """Makes the tables."""
    parser = parser_of("precision_bias", __doc__)
    parser.add_argument("--clips", type=int, default=12)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    table = RowCache(FOLDER / "bias.csv", ".5g")
    for dataset, rate in VOICES:
        voice = load_voice(dataset, rate)
        vocoder = open_vocoder(voice)
        key = {"dataset": dataset, "rate": rate, "checkpoint": vocoder.weights_hash[:12]}
        table.write(row for row in table.rows if not _of_other_weights(row, key))
        left = [n for n in STEPS if not table.has(**key, steps=n)]
        clips = held_out_clips(voice, vocoder, options.seconds)[: options.clips]
        metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=1, names=METRICS)
        judges = [objective(name, metrics) for name in METRICS]
        for n in tqdm(left, desc=f"{dataset} {rate}"):
            scores = {plan: _scores(Evaluator(_in_plan(vocoder, plan), clips, judges, NOISE), n) for plan in PLANS}
            table.add({**key, "steps": n, **row} for row in _rows(scores))
    _write(FOLDER / "bias.md", pd.read_csv(FOLDER / "bias.csv"))


def _of_other_weights(row: Mapping[str, str], key: Mapping[str, object]) -> bool:
    is_voices = all(row[name] == str(key[name]) for name in ("dataset", "rate"))
    return is_voices and row.get("checkpoint") != key["checkpoint"]


def _in_plan(vocoder: Vocoder, float32_steps: int | None) -> Vocoder:
    if float32_steps is None:
        return vocoder
    return replace(in_precision(vocoder, torch.bfloat16), float32_steps=float32_steps)


def _scores(evaluator: Evaluator, steps: int) -> Mapping[str, Score]:
    return evaluator.evaluate([universal_schedules()[f"universal-{steps}"]], (0,))[0].scores


def _rows(scores: Mapping[int | None, Mapping[str, Score]]) -> Iterator[dict[str, object]]:
    for plan in PLANS[1:]:
        for metric, full in scores[None].items():
            values = scores[plan][metric].values
            gap = paired_bootstrap(values, full.values, seed=0)
            yield {
                "float32_steps": plan,
                "metric": metric,
                "float32": full.mean,
                "difference": gap.mean,
                "low": gap.low,
                "high": gap.high,
                "sd_a_clip": float((values - full.values).std(ddof=1)),
                "clips": len(values),
            }


def _write(path: Path, table: pd.DataFrame) -> None:
    """Writes the differences of each plan, voices side by side."""
    table["metric"] = table["metric"].str.removesuffix("_wb").str.removesuffix("_nb")  # PESQ of the voice's rate
    table["voice"] = table["dataset"] + " " + table["rate"].astype(str)
    table["cell"] = [f"{r.difference:+.4f} [{r.low:+.4f}, {r.high:+.4f}]" for r in table.itertuples()]
    wide = table.pivot(index=["metric", "float32_steps", "steps"], columns="voice", values="cell").reset_index()
    head = (
        "# What bfloat16 does to scores\n\nMade by `python -m experiments.precision_bias`. Mean difference from "
        f"float32 on {table['clips'].max()} held-out clips with the same noise, and its 95 % interval over clips. The "
        "schedules are universal-6, -12, -25 and -50; PESQ is wide-band from 16 kHz on. `float32_steps` is how many of "
        "the cleanest steps run in float32.\n\n"
    )
    body = markdown_table(list(wide.columns), wide.astype(str).to_numpy().tolist())
    atomic_write(path, f"{head}{body}\n".encode())


if __name__ == "__main__":
    sys.exit(main())
