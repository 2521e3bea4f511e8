"""`schedsearch voice`: inspects a checkpoint and a folder of recordings, and writes the dataset's file."""

import argparse
import os
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import joblib
from tqdm import tqdm

from schedsearch.arguments import add_seed, add_switch, given_path
from schedsearch.commands.voice_options import add_experiments
from schedsearch.commands.wording import as_called
from schedsearch.voice.adding.dataset_file import NewVoice, dataset_text, quoted
from schedsearch.voice.adding.inspection import Inspection, inspect
from schedsearch.voice.adding.mels import mels_line, with_fitting_mels
from schedsearch.voice.adding.recording import Fault, LeftOut, Recording
from schedsearch.voice.adding.split import LEAST, LEAST_HELD_OUT, LEAST_SEARCH, split
from schedsearch.voice.adding.summary import choice_lines, survey_lines
from schedsearch.voice.adding.survey import Survey, audio_names, scan, sorted_out
from schedsearch.voice.config import EXPERIMENTS, check_new_name
from schedsearch.voice.mels.files import MelFiles
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

_WAYS_OUT = {
    Fault.RATE: "RESAMPLE=1 takes other rates",
    Fault.STEREO: "sox in.wav out.wav remix 1 takes the first channel",
    Fault.LONG: "cut long ones at pauses",
    Fault.NO_MEL: "name each mel after its recording",
    Fault.MEL: "make teacher-forced mels of just these recordings",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options; the make variables are the same names in capitals."""
    voice = parser.add_argument_group("the new voice")
    voice.add_argument("--dataset", default="", help="name of the new dataset: experiments/DATASET.toml")
    voice.add_argument("--wavs", default="", help="folder of WAV, FLAC, OGG or MP3, with its subfolders")
    voice.add_argument("--checkpoint", default="", help="a checkpoint of ivanvovk, lmnt or coqui")
    voice.add_argument("--config", type=given_path, help="its configuration, if none is in the checkpoint or beside it")
    voice.add_argument("--mels", default="", help="folder of a TTS's mels, one .npy or .pt for each recording")
    how = parser.add_argument_group("how to add it")
    add_switch(how, "--resample", "take recordings at other sample rates too")
    add_seed(how, "the choice of clips")
    add_switch(how, "--force", "replace the dataset's file")
    add_experiments(how)


def run(options: argparse.Namespace) -> int:
    """Inspects everything, then writes the one file."""
    target, folder = _target(options), Path(options.wavs)
    names = audio_names(folder)
    network = inspect(Path(options.checkpoint), options.config)
    print("\n".join([network.network, f"mel: {network.mel}", *network.origin_lines]))
    mels = MelFiles(Path(options.mels)) if options.mels else None
    survey = sorted_out(_scanned(folder, names), network.sample_rate, resample=options.resample)
    survey = with_fitting_mels(survey, mels, network.front_end) if mels else survey
    print("\n".join(survey_lines(survey, folder, network.sample_rate)))
    _check_enough(survey, folder, network)
    chosen = split(survey.usable, options.seed)
    print("\n".join(choice_lines(survey, chosen)))
    if mels:
        print(mels_line(mels, folder, chosen, network.front_end))
    voice = NewVoice(options.dataset, network, folder, survey, chosen, options.seed, mels.folder if mels else None)
    atomic_write(target, dataset_text(voice, options.experiments).encode())
    print("\n".join(_next_lines(options, target)))
    return 0


def _target(options: argparse.Namespace) -> Path:
    """Returns the file to write; InputError for faults of the options, before anything is read."""
    for name, what in {"dataset": "a name", "wavs": "a folder of recordings", "checkpoint": "a file"}.items():
        if not getattr(options, name):
            raise InputError(
                f"{name.upper()} must be given, {what}: make voice DATASET=myvoice WAVS=folder CHECKPOINT=file"
            )
    check_new_name(options.dataset)
    for path in (options.wavs, options.checkpoint, options.config, options.mels):
        quoted(str(path))  # refuses a name that the file can't hold, before the scan
    target = Path(options.experiments / f"{options.dataset}.toml")
    if not os.path.isdir(options.experiments):
        raise InputError(
            f"there is no folder {options.experiments}/ to write to; run from the repository's root, "
            "or name a folder with --experiments"
        )
    if not os.access(options.experiments, os.W_OK | os.X_OK) or os.path.isdir(target):
        raise InputError(f"{target} must be a file that one can write, and can't be; mend the rights there")
    if not options.force and os.path.lexists(target):
        raise InputError(f"{target} is there already; choose another DATASET, or replace the file with FORCE=1")
    return target


def _scanned(folder: Path, names: Sequence[str]) -> Iterator[Recording | LeftOut]:
    """Scans under a progress bar, which only a terminal shows."""
    recordings = scan(folder, names, jobs=joblib.cpu_count())
    yield from tqdm(recordings, total=len(names), desc="recordings", unit="file", leave=False, disable=None)


def _check_enough(survey: Survey, folder: Path, network: Inspection) -> None:
    if len(survey.usable) >= LEAST:
        return
    faults = survey.faults
    reasons = ", ".join(f"{fault} ({len(entries)})" for fault, entries in faults.items())
    ways_out = [way for fault, way in _WAYS_OUT.items() if fault in faults]
    vocoder = f"; the vocoder has {network.sample_rate} Hz ({network.rate_origin})" if Fault.RATE in faults else ""
    raise InputError(
        f"a voice needs {LEAST} recordings, {LEAST_SEARCH} to search on and {LEAST_HELD_OUT} to judge with, and "
        f"{len(survey.usable)} of {folder} can be used; left out: {reasons or 'none'}{vocoder}; "
        f"{'; '.join(ways_out) or 'record more'}"
    )


def _next_lines(options: argparse.Namespace, target: Path) -> list[str]:
    return [
        f"\nwritten: {target}; it names files in place, and copies none",
        "note:    the held-out clips are new to the search. They are new to the vocoder only if it was not trained on",
        "         them",
        f"next:    {_command('check-voice', options)}",
        f"         {_command('search', options)}",
    ]


def _command(name: str, options: argparse.Namespace) -> str:
    if options.experiments == EXPERIMENTS:
        return as_called(f"make {name} DATASET={options.dataset}")
    folder = shlex.quote(str(options.experiments))
    return f".venv/bin/schedsearch {name} --dataset {options.dataset} --experiments {folder}"
