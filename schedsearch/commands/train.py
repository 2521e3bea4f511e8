"""`schedsearch train`: trains a WaveGrad from recordings, in the dialect of its configuration; goes on where it was."""

import argparse
import contextlib
import csv
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from schedsearch.arguments import add_precision, add_switch, given_path, positive_number, whole_number
from schedsearch.commands import voice_options
from schedsearch.commands.training_folder import (
    check_configuration,
    check_places,
    check_statistics,
    keep_configuration,
    state_path,
)
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.evaluation.validation import validate
from schedsearch.formatting import counted
from schedsearch.voice.config import Training, Voice
from schedsearch.voice.opened import recordings, without
from schedsearch.voice.precision import AUTO, check_precision
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip
from vocoder.checkpoints.configuration import check_sizes, check_tables, read_config, statistics_file, with_statistics
from vocoder.checkpoints.loading import load_vocoder
from vocoder.checkpoints.saving import save_checkpoint
from vocoder.dialects.detection import dialect_of_configuration
from vocoder.dialects.dialect import Dialect, FrontEnd
from vocoder.errors import InputError
from vocoder.network import WaveGradNetwork
from vocoder.training.data import TrainingSet, training_set
from vocoder.training.loop import (
    Recipe,
    TrainingState,
    choose_precision,
    fitting,
    recipe_from,
    resume,
    save,
    start,
    train,
)
from vocoder.vocoder import Vocoder, best_device
from vocoder.weights import weights_hash

SAVE_SECONDS = 120.0
VALIDATION_CLIPS = 6


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    voice_options.add(parser)
    steps, hours = partial(whole_number, least=1, most=100_000_000), partial(positive_number, name="HOURS")
    recipe = "how many steps in all (default: the dataset's recipe)"
    when = parser.add_argument_group("how long")
    when.add_argument("--steps", type=partial(steps, name="STEPS"), help=recipe)
    when.add_argument("--hours", type=hours, help="stop after so many hours; the same command goes on")
    how = parser.add_argument_group("how to train")
    how.add_argument("--warm-start", type=given_path, help="a checkpoint of the same network to begin from")
    how.add_argument("--draw", help="noise levels: stratified (default) or wavegrad")
    add_precision(how)
    how.add_argument("--dialect", default="", help="ivanvovk, lmnt or coqui (default: whose configuration it is)")
    add_switch(how, "--force", "replace a checkpoint that no run of this made")
    every = "steps between validations (default: 2000)"
    how.add_argument("--validate-every", type=partial(steps, name="--validate-every"), default=2000, help=every)


def run(options: argparse.Namespace) -> int:
    """Trains until the recipe's last step or the hours are over; writes the checkpoint at every validation."""
    check_precision(options.precision)
    voice = chosen_voice(options)
    training, path = _training_of(voice)
    configuration = read_config(path)
    dialect = dialect_of_configuration(configuration, options.dialect)
    check_tables(dialect, configuration)
    check_places(voice, configuration, force=options.force)
    recipe = _recipe(training, options)
    mel = _front_end(configuration, dialect, voice, path)
    statistics = statistics_file(dialect, configuration, path.parent)
    check_statistics(voice, statistics)
    held_out = recordings(voice.held_out_clips, voice)
    crop_frames = round(recipe.crop_seconds * mel.sample_rate / mel.hop_length)
    data = training_set(_to_train_on(voice, training, held_out), mel, crop_frames=crop_frames)
    state = _state(voice, recipe, configuration, dialect, options.warm_start)
    _settle_precision(state, options.precision, data, voice)
    print(f"{dialect.name}'s network, {state.precision}")
    keep_configuration(voice, configuration, dialect, statistics)
    if not state_path(voice).is_file():
        _begin_table(voice)
    validated = state.step if any(int(row["step"]) == state.step for row in _rows(voice)) else -1
    keeper = _Keeper(voice, configuration, dialect, mel, held_out[:VALIDATION_CLIPS], validated)
    _train(state, data, keeper, hours=options.hours or math.inf, validate_every=options.validate_every)
    return 0


def _training_of(voice: Voice) -> tuple[Training, Path]:
    """Returns what the dataset's file says of training, and where the configuration of the network to train is."""
    if voice.training is None or voice.config is None:
        raise InputError(
            f"dataset {voice.dataset} at {voice.sample_rate} Hz has no [rates.{voice.sample_rate}.training] table "
            "or no config; add them to its file to train"
        )
    return voice.training, voice.config


def _to_train_on(voice: Voice, training: Training, held_out: Sequence[Clip]) -> list[Clip]:
    """Reads the recordings to train on, without those on which schedules will be searched and judged."""
    every = recordings(training.audio, voice)
    clips = without(every, [*recordings(voice.search_clips, voice), *held_out])
    if not clips:
        raise InputError(f"{training.audio}: must hold more than the search and held-out clips; give other recordings")
    if left_out := len(every) - len(clips):
        print(f"kept out of training: {counted(left_out, 'recording')}, as search or held-out clips")
    return clips


def _settle_precision(state: TrainingState, wanted: str, data: TrainingSet, voice: Voice) -> None:
    """Sets the precision that is wanted, or the faster one on this machine. A run goes on in the one it began in."""
    if state.precision and wanted not in (AUTO, state.precision):
        raise InputError(
            f"{state_path(voice)} is a run in {state.precision}, and PRECISION is {wanted}; "
            "go on without PRECISION, or move that file away to start anew"
        )
    if not state.precision:
        choose_precision(state, data) if wanted == AUTO else state.use(wanted)


def _front_end(configuration: dict[str, Any], dialect: Dialect, voice: Voice, path: Path) -> FrontEnd:
    """Returns the front end. InputError for a configuration that contradicts itself or the voice.

    Such a one would fail in the first steps, or train on wrong mels.
    """
    network = dialect.network_config(configuration)
    check_sizes(network)
    mel = dialect.front_end(with_statistics(dialect, configuration, path.parent))
    if (mel.sample_rate, mel.hop_length) != (voice.sample_rate, network.hop_length):
        raise InputError(
            f"{path}: sample_rate must be the dataset's {voice.sample_rate} and hop_length the factors' "
            f"product {network.hop_length}, and they are {mel.sample_rate} and {mel.hop_length}; correct them"
        )
    if mel.n_mels != network.n_mels:
        raise InputError(
            f"{path}: the front end must make the {network.n_mels} mels that the network takes, and makes "
            f"{mel.n_mels}; correct one of them"
        )
    return mel


def _recipe(training: Training, options: argparse.Namespace) -> Recipe:
    recipe = recipe_from(training.recipe)
    if options.steps:
        recipe = replace(recipe, steps=options.steps)
    return replace(recipe, draw=options.draw) if options.draw else recipe


def _state(
    voice: Voice, recipe: Recipe, configuration: dict[str, Any], dialect: Dialect, warm_start: Path | None
) -> TrainingState:
    network = None if warm_start is None else _source(warm_start, voice)
    sizes = dialect.network_config(configuration)
    state = start(recipe, dialect, sizes, warm_start=network, device=best_device())
    path = state_path(voice)
    if path.is_file():
        check_configuration(voice, configuration, dialect)
        resume(state, path)
        print(f"going on from step {state.step} ({path})" + ("; WARM_START was for its beginning" if network else ""))
        if state.step >= recipe.steps:
            print(f"all {recipe.steps} steps are done; STEPS= makes more")
    elif network is not None:
        print(_said_to_fit(network, state.network))
    return state


def _source(path: Path, voice: Voice) -> WaveGradNetwork:
    """Returns the network to begin from. A checkpoint without a configuration of its own may take the voice's."""
    try:
        return load_vocoder(path).network
    except InputError:
        with contextlib.suppress(InputError):  # report the error of the checkpoint's own configuration
            return load_vocoder(path, voice.config).network
        raise


def _said_to_fit(source: WaveGradNetwork, network: WaveGradNetwork) -> str:
    fit = fitting(source, network)
    left_out = [name for name in network.state_dict() if name not in fit]
    fits = f"WARM_START: {len(fit)} tensors of it fit"
    return f"{fits}; begun from the seed: {', '.join(left_out)}" if left_out else f"{fits}, which is all"


@dataclass
class _Keeper:
    """Writes a run's state, checkpoint and validation table."""

    voice: Voice
    configuration: dict[str, Any]
    dialect: Dialect
    mel: FrontEnd
    held_out: Sequence[Clip]
    validated: int  # the step that the checkpoint is of; -1 for none
    saved: float = field(default_factory=time.monotonic)  # when the state was

    def keep(self, state: TrainingState, *, now: bool = False) -> None:
        if state.whole and (now or time.monotonic() - self.saved > SAVE_SECONDS):
            save(state, state_path(self.voice))
            self.saved = time.monotonic()

    def validate(self, state: TrainingState) -> dict[str, float]:
        """Scores the averaged weights, writes them as the voice's checkpoint and appends to learning.csv.

        The state is saved first: a kill in between could otherwise lose the checkpoint that the run began from.
        """
        self.keep(state, now=True)
        average = state.average
        vocoder = Vocoder(average, self.dialect, self.mel, weights_hash(average), state.autocast)
        values = validate(vocoder, self.held_out)
        save_checkpoint(average, self.dialect, self.configuration, self.voice.checkpoint.parent)
        row = {"step": state.step, "hours": round(state.seconds / 3600, 4), **values}
        _write_row(self.voice, row)
        self.validated = state.step
        return values


def _train(state: TrainingState, data: TrainingSet, keeper: _Keeper, *, hours: float, validate_every: int) -> None:
    until = time.monotonic() + 3600 * hours
    losses: list[float] = []
    try:
        with tqdm(total=state.recipe.steps, initial=state.step, desc="training", unit="step") as bar:
            for progress in train(state, data):
                losses.append(progress.loss)
                bar.update()
                bar.set_postfix_str(f"loss {np.mean(losses[-100:]):.4f}", refresh=False)
                keeper.keep(state)
                if progress.step % validate_every == 0:
                    bar.write(_spelt(progress.step, keeper.validate(state)))
                if time.monotonic() > until:
                    break
        if keeper.validated != state.step:  # the end, reached now or before a kill that left it unvalidated
            print(_spelt(state.step, keeper.validate(state)))
    finally:
        if state.step:  # a state without a step would only stand in the way of a corrected run
            keeper.keep(state, now=True)


def _spelt(step: int, values: dict[str, float]) -> str:
    return f"step {step}: " + ", ".join(f"{name} {value:.3f}" for name, value in values.items())


def _tables(voice: Voice) -> tuple[Path, Path]:
    """Returns the learning.csv of the run, and the one beside the checkpoint, which may be of an earlier run."""
    return state_path(voice).with_name("learning.csv"), voice.checkpoint.parent / "learning.csv"


def _begin_table(voice: Voice) -> None:
    own, _ = _tables(voice)
    own.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(own, b"")


def _rows(voice: Voice) -> list[dict[str, str]]:
    """Returns the run's rows. An earlier version kept them beside the checkpoint alone."""
    path = next((path for path in _tables(voice) if path.exists()), None)
    if path is None:
        return []
    with path.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row.get("step", "").isdecimal()]


def _write_row(voice: Voice, row: dict[str, float]) -> None:
    """Adds a row to learning.csv, without rows of later steps: a run that was killed goes back to its last state."""
    rows: list[dict[str, Any]] = [earlier for earlier in _rows(voice) if int(earlier["step"]) < row["step"]]
    rows.append({key: f"{value:.5g}" if isinstance(value, float) else value for key, value in row.items()})
    table = pd.DataFrame(rows, columns=list(row)).to_csv(index=False).encode()
    for path in _tables(voice):
        atomic_write(path, table)
