"""Measures what bfloat16 does to scores: `python -m experiments.bfloat16_effect [DATASET] [--rate HZ] [--clips N]`.

The same schedules, held-out clips and noise in float32 and in bfloat16: mean paired difference (bfloat16 - float32)
with its 95 % interval, and whether both precisions rank the schedules alike. Writes bfloat16.csv into
results/shipped/<dataset>/<rate>hz/.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import torch
from scipy.stats import kendalltau

from schedsearch.evaluation.bootstrap import paired_bootstrap
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.metrics.registry import metrics_for
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.formulas import log_snr_line
from schedsearch.voice.config import load_voice
from vocoder.atomic import atomic_write
from vocoder.audio.listed_clips import read_clips
from vocoder.checkpoints.loading import load_vocoder
from vocoder.vocoder import in_precision

SHIPPED = Path("results/shipped")
STEPS = 6


def main() -> int:
    """Makes the table."""
    options = _options()
    voice = load_voice(options.dataset, options.rate)
    vocoder = load_vocoder(voice.checkpoint, voice.config, precision="float32")
    clips = read_clips(voice.held_out_clips, sample_rate=voice.sample_rate, resample=voice.resample)[: options.clips]
    metrics = list(metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=2).values())
    schedules = {**baselines(STEPS), "line 10 to -4": log_snr_line(STEPS, 10.0, -4.0)}
    scores = {}
    for precision, each in (("float32", vocoder), ("bfloat16", in_precision(vocoder, torch.bfloat16))):
        evaluator = Evaluator(each, clips, metrics, NoiseBank(seed=1))
        scores[precision] = [e.scores for e in evaluator.evaluate([*schedules.values()], draws=(0,))]
    rows = []
    for metric in metrics:
        pairs = [(b[metric.name], f[metric.name]) for b, f in zip(scores["bfloat16"], scores["float32"], strict=True)]
        agreement = kendalltau([b.mean for b, _ in pairs], [f.mean for _, f in pairs]).statistic
        for name, (low, full) in zip(schedules, pairs, strict=True):
            gap = paired_bootstrap(low.values, full.values, seed=0)
            rows.append(
                {
                    "metric": metric.name,
                    "schedule": name,
                    "float32": full.mean,
                    "bfloat16": low.mean,
                    "difference": gap.mean,
                    "low": gap.low,
                    "high": gap.high,
                    "clips": len(clips),
                    "rank_agreement_tau": agreement,
                }
            )
    table = pd.DataFrame(rows)
    path = SHIPPED / voice.dataset / f"{voice.sample_rate}hz" / "bfloat16.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(path, table.to_csv(index=False, float_format="%.5g").encode())
    print(table.to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bfloat16_effect", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("dataset", nargs="?", default="demo")
    parser.add_argument("--rate", type=int)
    parser.add_argument("--clips", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
