"""Asks whether the best schedule changes with mels of a TTS: `python -m experiments.tts_mels [--budget 40candidates]`.

A TTS predicts the mean of what its text leaves open, and so a blurred mel. Here the recordings' own mels are blurred by
Gaussian weights over frames and channels. For each blur it searches the demo voice in `--iters` steps, without warm
starts. Then it scores each winner on the held-out clips with each kind of mel, in noise that no search heard. It writes
schedules.csv into results/shipped/demo/16000hz/tts_mels/: the score of each winner, and its difference to the winner
that was searched with the mels it is judged with (paired over clips, 95 % interval). Stopped, the same command goes on.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.ndimage import gaussian_filter

from experiments.datasets import write_dataset
from experiments.running import command
from schedsearch.cli import main as schedsearch
from schedsearch.evaluation.draws import held_out_draws
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.paired import compare
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric, metrics_for
from schedsearch.schedules.files import read_schedule
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.voice.config import Voice, load_voice
from schedsearch.voice.opened import held_out_clips, held_out_noise, open_vocoder
from vocoder.atomic import atomic_write
from vocoder.audio.listed_clips import read_clips
from vocoder.audio.reading import cut_to_hops
from vocoder.vocoder import in_precision

DATASET, RATE = "demo", 16000
BLURS = {"none": (0.0, 0.0), "mild": (1.0, 1.0), "strong": (2.0, 1.5)}  # deviations in frames and channels
FOLDER = Path("results/bench/tts_mels")
TABLE = Path(f"results/shipped/{DATASET}/{RATE}hz/tts_mels/schedules.csv")
METRICS = ("spectral_pesq", "pesq", "log_mel_l1", "stoi")


@dataclass(frozen=True)
class Kind:
    """Mels of one blur: their dataset, and the schedule that was searched with them."""

    blur: str
    voice: Voice
    winner: NoiseSchedule


@command("tts_mels")
def main(arguments: Sequence[str] | None = None) -> int:
    """Searches with each kind of mel, then makes the table."""
    options = _options(arguments)
    kinds = [_searched(blur, options) for blur in options.blurs]
    rows = [row for judge in kinds for row in _judged(judge, kinds, options.seconds, options.seed)]
    TABLE.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(TABLE, pd.DataFrame(rows).to_csv(index=False, float_format="%.4g").encode())
    print(f"written: {TABLE}")
    return 0


def _searched(blur: str, options: argparse.Namespace) -> Kind:
    """Returns the kind with its search finished. Each has its own results: none begins from another's winner."""
    name, root = f"{DATASET}-{blur}", FOLDER / blur
    _write_dataset(name, root, *BLURS[blur])
    words = ["--dataset", name, "--experiments", str(root), "--results", str(root / "results")]
    search = ["--iters", str(options.iters), "--budget", options.budget, "--seed", str(options.seed)]
    if (status := schedsearch(["search", *words, *search])) != 0:
        sys.exit(status)
    voice = load_voice(name, experiments=root)
    folder = root / "results" / voice.label / f"{options.iters}iters"
    return Kind(blur, voice, read_schedule(folder / "schedule.json"))


def _write_dataset(name: str, root: Path, frames: float, channels: float) -> None:
    """Writes blurred mels of all clips, and the dataset's file that names them."""
    source = load_voice(DATASET, RATE)
    vocoder = open_vocoder(source)
    mels = root / "mels"
    mels.mkdir(parents=True, exist_ok=True)
    for folder in (source.search_clips, source.held_out_clips):
        for clip in read_clips(folder, sample_rate=RATE):
            with torch.inference_mode():
                mel = vocoder.front_end(cut_to_hops(clip.audio, vocoder.hop_length)[None])[0].numpy()
            blurred = gaussian_filter(mel, (channels, frames), mode="nearest")
            np.save(mels / f"{clip.name}.npy", blurred.astype(np.float32))
    write_dataset(root, name, source, checkpoint=source.checkpoint, config=source.config, recipe=None, mels=mels)


def _judged(judge: Kind, kinds: list[Kind], seconds: float, seed: int) -> list[dict[str, object]]:
    """Returns a row for each winner and metric, on held-out clips with the judge's mels."""
    vocoder = in_precision(open_vocoder(judge.voice), None)
    clips = held_out_clips(judge.voice, vocoder, seconds)
    metrics = metrics_for(vocoder.front_end, vocoder.sample_rate, jobs=2, names=METRICS)
    evaluator = Evaluator(vocoder, clips, list(metrics.values()), held_out_noise(seed + 1))  # a verdict has `seed`
    draws = held_out_draws(len(judge.winner))
    scores = [each.scores for each in evaluator.evaluate([kind.winner for kind in kinds], draws)]
    own = scores[kinds.index(judge)]
    return [
        _row(judge, kind, metric, of_kind, own, len(draws))
        for kind, of_kind in zip(kinds, scores, strict=True)
        for metric in metrics.values()
    ]


def _row(
    judge: Kind, kind: Kind, metric: Metric, scores: Mapping[str, Score], own: Mapping[str, Score], draws: int
) -> dict[str, object]:
    score = scores[metric.name]
    compared = compare(metric, score, own[metric.name], seed=0)
    difference = compared.difference if kind is not judge else None
    return {
        "mels": judge.blur,
        "searched with": kind.blur,
        "metric": metric.name,
        "mean": score.mean,
        "se": score.standard_error,
        "difference": difference and difference.mean,
        "low": difference and difference.low,
        "high": difference and difference.high,
        "verdict": compared.outcome.label if kind is not judge else "its own",
        "clips": len(score.values),
        "draws": draws,
        "betas": " ".join(f"{beta:.6g}" for beta in kind.winner.betas),
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blurs", nargs="+", choices=BLURS, default=list(BLURS), help="all, or those named")
    parser.add_argument("--iters", type=int, default=6)
    parser.add_argument("--budget", default="40candidates")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each held-out clip (default: 10)")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
