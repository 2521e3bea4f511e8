"""The parts of a session that use the demo voice: `python -m experiments.gpu_session.voice_parts PART RESULTS SCRATCH`.

| PART | what it does |
|---|---|
| search | times a search of 6 steps |
| throughput | times training steps of several batch sizes |
| training | trains the demo voice on in large batches for --hours, from next.pt or else from its checkpoint |
"""

import argparse
import json
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from experiments.datasets import write_dataset
from schedsearch.cli import main as schedsearch
from schedsearch.report.result import read_result
from schedsearch.voice.config import Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.audio.listed_clips import read_clips
from vocoder.checkpoints.configuration import read_config
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.ivanvovk import IVANVOVK
from vocoder.network import WaveGradNetwork
from vocoder.precision import processor_name
from vocoder.training.data import TrainingSet, training_set
from vocoder.training.loop import Recipe, start, train
from vocoder.vocoder import best_device

DATASET = "gpu"
NEXT = "next.pt"  # beside the checkpoint: averaged weights of a training that is still going on
WARM_UP, TIMED_STEPS = 3, 10
# A constant rate: what goes on from these weights lowers it at its own end. Twice the batch may take a rate sqrt(2) as
# high (Malladi et al. 2022); Muon's updates have a fixed size, and less noise in them is gain enough.
RECIPE = {"steps": 1_000_000, "batch": 64, "decay": 0.0, "matrix_rate": 0.003, "rate": 6e-4, "ema": 0.999}
TINY = {"steps": 3, "batch": 2, "crop_seconds": 0.1}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one part; returns its exit status."""
    parser = argparse.ArgumentParser(prog="voice_parts")
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("results", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--hours")
    parser.add_argument("--tiny", action="store_true")
    options = parser.parse_args(arguments)
    return PARTS[options.part](options)


def search(options: argparse.Namespace) -> int:
    """Writes search.json: seconds, device, verdict and budget of a search."""
    steps, budget = ("2", "1candidates") if options.tiny else ("6", "80candidates")
    began = time.perf_counter()
    words = ["search", "--iters", steps, "--budget", budget, "--results", str(options.scratch / "results")]
    status = schedsearch([*words, *(_untrained(options.scratch / "voice") if options.tiny else [])])
    if status == 0:
        [run] = options.scratch.rglob("run.json")
        device = processor_name(best_device())
        facts = {"device": device, "steps": int(steps), "budget": budget, "seconds": time.perf_counter() - began}
        facts["verdict"] = read_result(run.parent).verdict
        (options.results / "search.json").write_text(json.dumps(facts, indent=1))
    return status


def throughput(options: argparse.Namespace) -> int:
    """Writes throughput.csv: one row a batch size and precision."""
    config, voice, path = configuration(options.tiny), load_voice("demo"), options.results / "throughput.csv"
    clips = read_clips(voice.search_clips, sample_rate=voice.sample_rate)  # what is heard does not matter here
    data = training_set(clips, IVANVOVK.front_end(config), crop_frames=28)
    rows = []
    for batch in (2, 4) if options.tiny else (8, 16, 32, 64, 128, 256, 512):
        for precision in ("float32", "bfloat16"):
            rows.append(_timed(config, data, batch, precision))
            pd.DataFrame(rows).to_csv(path, index=False, float_format="%.4g")
    print(path.read_text())
    return 0


def training(options: argparse.Namespace) -> int:
    """Trains; leaves the averaged weights and the learning curve in the results."""
    folder = options.scratch / "training"
    voice = write_voice(folder, configuration(options.tiny), TINY if options.tiny else RECIPE)
    words = ["train", "--dataset", DATASET, "--experiments", str(folder), "--hours", options.hours]
    if not options.tiny:
        checkpoint = load_voice("demo").checkpoint
        newest = checkpoint.with_name(NEXT)
        words += ["--warm-start", str(newest if newest.is_file() else checkpoint)]
    status = schedsearch(words)
    for name in ("checkpoint.pt", "learning.csv"):
        if (voice.checkpoint.parent / name).is_file():
            shutil.copyfile(voice.checkpoint.parent / name, options.results / name)
    return status


PARTS = {"search": search, "throughput": throughput, "training": training}


def configuration(tiny: bool) -> dict[str, Any]:
    """Returns the demo's configuration, or one of a tenth of its channels."""
    config = read_config(Path("experiments/demo/16000hz/config.json"))
    if tiny:
        model = config["model_config"]
        model |= {"upsampling_preconv_out_channels": 16, "upsampling_out_channels": [16, 16, 16, 16]}
        model |= {"downsampling_out_channels": [16, 16, 16]}
    return config


def write_voice(folder: Path, config: dict[str, Any], recipe: dict[str, Any]) -> Voice:
    """Writes the demo's recordings as a dataset of another name, whose weights lie in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    own = folder / "config.json"
    atomic_write(own, json.dumps(config).encode())
    demo, checkpoint = load_voice("demo"), folder / "gpu" / "checkpoint.pt"
    write_dataset(folder, DATASET, demo, checkpoint=checkpoint, config=own, recipe=recipe)
    return load_voice(DATASET, experiments=folder)


def _untrained(folder: Path) -> list[str]:
    """Writes a tiny untrained network; returns the options that search its schedules all the same."""
    config = configuration(tiny=True)
    weights = write_voice(folder, config, {}).checkpoint.parent
    weights.mkdir(parents=True, exist_ok=True)
    save_checkpoint(WaveGradNetwork(IVANVOVK.network_config(config), IVANVOVK.quirks), IVANVOVK, config, weights)
    return ["--dataset", DATASET, "--experiments", str(folder), "--objective", "spectral", "--force"]


def _timed(config: dict[str, object], data: TrainingSet, batch: int, precision: str) -> dict[str, object]:
    """Returns a row of throughput.csv: the median of TIMED_STEPS steps after WARM_UP others."""
    device, recipe = best_device(), Recipe(steps=WARM_UP + TIMED_STEPS, batch=batch)
    state = start(recipe, IVANVOVK, IVANVOVK.network_config(config), device=device)
    state.use(precision)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
    seconds, before = [], time.perf_counter()
    for _ in train(state, data):  # each step ends with the loss's value, which waits for the device
        now = time.perf_counter()
        seconds.append(now - before)
        before = now
    median = statistics.median(seconds[WARM_UP:])
    memory = torch.cuda.max_memory_allocated() / 2**20 if device.type == "cuda" else float("nan")
    rates = {"seconds a step": median, "crops a second": batch / median, "peak MiB": memory}
    return {"batch": batch, "precision": precision, "steps": TIMED_STEPS, **rates}


if __name__ == "__main__":
    sys.exit(main())
