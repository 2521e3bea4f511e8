"""Trains the demo voice on in large batches: `python -m experiments.gpu_session.training RESULTS SCRATCH --hours H`.

It begins from next.pt, or from the voice's checkpoint. Leaves the averaged weights and the learning curve in RESULTS.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.gpu_session.demo import DATASET, configuration, warm_start, write_voice
from schedsearch.cli import main as schedsearch
from schedsearch.voice.config import load_voice

# A constant rate: what goes on from these weights lowers it at its own end. Twice the batch may take a rate sqrt(2) as
# high (Malladi et al. 2022); Muon's updates have a fixed size, and less noise in them is gain enough.
RECIPE = {"steps": 1_000_000, "batch": 64, "decay": 0.0, "matrix_rate": 0.003, "rate": 6e-4, "ema": 0.999}
TINY = {"steps": 3, "batch": 2, "crop_seconds": 0.1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Trains; returns the exit status of the training."""
    parser = argparse.ArgumentParser()
    parser.add_argument("results", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--hours", required=True)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    folder = options.scratch / "training"
    voice = write_voice(folder, configuration(options.tiny), TINY if options.tiny else RECIPE)
    words = ["train", "--dataset", DATASET, "--experiments", str(folder), "--hours", options.hours]
    if not options.tiny:
        words += ["--warm-start", str(warm_start(load_voice("demo")))]
    status = schedsearch(words)
    for name in ("checkpoint.pt", "learning.csv"):
        if (voice.checkpoint.parent / name).is_file():
            shutil.copyfile(voice.checkpoint.parent / name, options.results / name)
    return status


if __name__ == "__main__":
    sys.exit(main())
