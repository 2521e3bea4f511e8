"""Times training steps of several batch sizes: `python -m experiments.gpu_session.throughput TABLE [--tiny]`."""

import argparse
import statistics
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import torch

from experiments.gpu_session.demo import configuration
from schedsearch.voice.config import load_voice
from vocoder.audio.listed_clips import read_clips
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.training.data import TrainingSet, training_set
from vocoder.training.loop import Recipe, start, train
from vocoder.vocoder import best_device

WARM_UP, STEPS = 3, 10


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes one row a batch size and precision."""
    parser = argparse.ArgumentParser()
    parser.add_argument("table", type=Path)
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    config = configuration(options.tiny)
    voice = load_voice("demo")
    clips = read_clips(voice.search_clips, sample_rate=voice.sample_rate)  # what is heard does not matter here
    data = training_set(clips, IVANVOVK.front_end(config), crop_frames=28)
    rows = []
    for batch in (2, 4) if options.tiny else (8, 16, 32, 64, 128, 256, 512):
        for precision in ("float32", "bfloat16"):
            rows.append(row(config, data, batch, precision))
            pd.DataFrame(rows).to_csv(options.table, index=False, float_format="%.4g")
    print(options.table.read_text())


def row(config: dict[str, object], data: TrainingSet, batch: int, precision: str) -> dict[str, object]:
    """Times the median of STEPS steps after WARM_UP others."""
    device, recipe = best_device(), Recipe(steps=WARM_UP + STEPS, batch=batch)
    state = start(recipe, IVANVOVK, IVANVOVK.network_config(config), device=device)
    state.use(precision)
    seconds, before = [], time.perf_counter()
    for _ in train(state, data):  # each step ends with the loss's value, which waits for the device
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    median = statistics.median(seconds[WARM_UP:])
    memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else float("nan")
    rates = {"seconds a step": median, "crops a second": batch / median, "peak MiB": memory}
    return {"batch": batch, "precision": precision, "steps": STEPS, **rates}


if __name__ == "__main__":
    main()
