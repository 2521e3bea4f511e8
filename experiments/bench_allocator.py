"""Times a network call of the demo voice with vocoder/allocator.py and without, in processes that take turns.

python -m experiments.bench_allocator [--rounds 7] [--clips 16] [--seconds 1.2]
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

CALLS = 9
WITHOUT = {"MALLOC_ARENA_TEST": "8"}  # glibc's own value: a user's setting, whatever it is, switches ours off


def main() -> None:
    """Prints seconds a call and their ratio, formed within each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--clips", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=1.2)
    parser.add_argument("--time", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.time:
        print(_call(options.clips, options.seconds))
        return
    rounds = [(_process(WITHOUT), _process({})) for _ in range(options.rounds)]
    ratios = [without / ours for without, ours in rounds]
    for name, seconds in zip(("without", "ours"), zip(*rounds, strict=True), strict=True):
        print(f"{name:<8} {statistics.median(seconds):.4f} s a call, median of {options.rounds} processes")
    print(f"ratio    {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


def _process(variables: dict[str, str]) -> float:
    said = subprocess.run(
        [sys.executable, "-m", "experiments.bench_allocator", *sys.argv[1:], "--time"],
        env=os.environ | variables, capture_output=True, check=True,
    )  # fmt: skip
    return float(said.stdout)


def _call(clips: int, seconds: float) -> float:
    import torch

    from vocoder.checkpoints.loading import load_vocoder

    vocoder = load_vocoder(Path("experiments/demo/16000hz/checkpoint.pt"))
    frames = round(seconds * vocoder.sample_rate / vocoder.hop_length)
    generator = torch.Generator().manual_seed(0)
    y = torch.randn(clips, frames * vocoder.hop_length, generator=generator)
    mel = torch.randn(clips, vocoder.front_end.n_mels, frames, generator=generator)
    taken = []
    with torch.inference_mode():
        for _ in range(CALLS):
            began = time.perf_counter()
            vocoder.predict_noise(y, mel, torch.full((clips,), 0.5))
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
