"""`schedsearch train`: a folder of recordings -> a checkpoint in ivanvovk's layout; goes on where it was stopped."""

import argparse
import csv
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from schedsearch.commands.arguments import optional_rate, whole_number
from schedsearch.config import Training, Voice, load_voice
from schedsearch.validation import validate
from vocoder.audio import Clip, read_folder
from vocoder.checkpoint import load_vocoder, save_ivanvovk
from vocoder.dialects.ivanvovk import IVANVOVK, front_end, network_config
from vocoder.errors import InputError
from vocoder.training import Recipe, TrainingState, recipe_from, resume, save, start, train
from vocoder.training_data import TrainingSet, training_set
from vocoder.vocoder import Vocoder, fast_precision
from vocoder.weights import weights_hash

SAVE_SECONDS = 120.0
VALIDATION_CLIPS = 6


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--steps", help="how many steps in all (default: the dataset's recipe)")
    parser.add_argument("--hours", help="stop after so many hours; the same command goes on")
    parser.add_argument("--warm-start", type=Path, help="a checkpoint of the same network to begin from")
    parser.add_argument("--draw", help="noise levels: stratified (default) or wavegrad")
    parser.add_argument("--validate-every", default="2000", help="steps between validations (default: 2000)")


def run(options: argparse.Namespace) -> int:
    """Trains until the recipe's last step or the hours are over; writes the checkpoint at every validation."""
    voice = load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
    training = _training_of(voice)
    configuration = json.loads((voice.config or Path()).read_text())
    clips = _recordings(training, voice)
    recipe = _recipe(training, options)
    state = _state(voice, recipe, configuration, options.warm_start)
    mel = front_end(configuration)
    data = training_set(clips, mel, crop_frames=round(recipe.crop_seconds * mel.sample_rate / mel.hop_length))
    held_out = read_folder(voice.held_out_clips, sample_rate=voice.sample_rate, resample=voice.resample)
    _train(state, data, _Keeper(voice, configuration, held_out[:VALIDATION_CLIPS]), options)
    return 0


def _training_of(voice: Voice) -> Training:
    if voice.training is None or voice.config is None:
        raise InputError(
            f"dataset {voice.dataset} at {voice.sample_rate} Hz has no [rates.{voice.sample_rate}.training] table "
            "or no config; add them to its file to train"
        )
    return voice.training


def _recordings(training: Training, voice: Voice) -> list[Clip]:
    if not training.audio.is_dir():
        raise InputError(f"no recordings in {training.audio}; get them: {training.obtain}")
    return read_folder(training.audio, sample_rate=voice.sample_rate, resample=voice.resample)


def _recipe(training: Training, options: argparse.Namespace) -> Recipe:
    recipe = recipe_from(training.recipe)
    if options.steps:
        recipe = replace(recipe, steps=whole_number(options.steps, "STEPS", least=1, most=100_000_000))
    return replace(recipe, draw=options.draw) if options.draw else recipe


def _state(voice: Voice, recipe: Recipe, configuration: dict[str, object], warm_start: Path | None) -> TrainingState:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = None if warm_start is None else load_vocoder(warm_start, voice.config).network
    state = start(
        recipe,
        IVANVOVK,
        network_config(configuration),
        warm_start=network,
        device=device,
        autocast=fast_precision(device),
    )
    path = state_path(voice)
    if path.is_file():
        resume(state, path)
        print(f"going on from step {state.step} ({path})")
    return state


def state_path(voice: Voice) -> Path:
    """Where a run keeps its whole state."""
    return voice.checkpoint.parent / "training" / "state.pt"


class _Keeper:
    """Writes a run's state, checkpoint and validation table."""

    def __init__(self, voice: Voice, configuration: dict[str, object], held_out: Sequence[Clip]) -> None:
        self._voice, self._configuration, self._held_out = voice, configuration, held_out
        self._saved = time.monotonic()
        state_path(voice).parent.mkdir(parents=True, exist_ok=True)

    def keep(self, state: TrainingState, *, now: bool = False) -> None:
        if now or time.monotonic() - self._saved > SAVE_SECONDS:
            save(state, state_path(self._voice))
            self._saved = time.monotonic()

    def validate(self, state: TrainingState) -> dict[str, float]:
        """Scores the averaged weights, writes them as the voice's checkpoint and appends to learning.csv."""
        average = state.average
        mel = front_end(self._configuration)
        values = validate(Vocoder(average, IVANVOVK, mel, weights_hash(average), state.autocast), self._held_out)
        save_ivanvovk(average, self._configuration, self._voice.checkpoint.parent)
        row = {"step": state.step, "hours": round(state.seconds / 3600, 4), **values}
        _append(self._voice.checkpoint.parent / "learning.csv", row)
        return values


def _train(state: TrainingState, data: TrainingSet, keeper: _Keeper, options: argparse.Namespace) -> None:
    until = time.monotonic() + 3600 * (float(options.hours) if options.hours else float("inf"))
    every = whole_number(options.validate_every, "VALIDATE_EVERY", least=1, most=100_000_000)
    losses: list[float] = []
    try:
        with tqdm(total=state.recipe.steps, initial=state.step, desc="training", unit="step") as bar:
            for progress in train(state, data):
                losses.append(progress.loss)
                bar.update()
                bar.set_postfix_str(f"loss {np.mean(losses[-100:]):.4f}", refresh=False)
                keeper.keep(state)
                if progress.step % every == 0 or progress.step == state.recipe.steps:
                    bar.write(_spelt(progress.step, keeper.validate(state)))
                if time.monotonic() > until:
                    break
    finally:
        keeper.keep(state, now=True)


def _spelt(step: int, values: dict[str, float]) -> str:
    return f"step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _append(path: Path, row: dict[str, float]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(row))
        if new:
            writer.writeheader()
        writer.writerow({key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()})
