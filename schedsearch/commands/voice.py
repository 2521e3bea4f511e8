"""`schedsearch voice`: looks at a checkpoint and a folder of recordings, and writes the dataset's file."""

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import joblib
from tqdm import tqdm

from schedsearch.arguments import whole_number, yes_or_no
from schedsearch.voice.adding.dataset_file import NewVoice, dataset_text, quoted
from schedsearch.voice.adding.inspection import Inspection, inspect
from schedsearch.voice.adding.recording import Fault, LeftOut, Recording
from schedsearch.voice.adding.split import LEAST, LEAST_HELD_OUT, LEAST_SEARCH, split
from schedsearch.voice.adding.summary import choice_lines, survey_lines
from schedsearch.voice.adding.survey import Survey, audio_names, scan, sorted_out
from schedsearch.voice.config import EXPERIMENTS, check_new_name
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

_WAYS_OUT = {
    Fault.RATE: "RESAMPLE=1 takes other rates",
    Fault.STEREO: "sox in.wav out.wav remix 1 takes the first channel",
    Fault.LONG: "cut long ones at pauses",
}


def add(parser: argparse.ArgumentParser) -> None:
    """Its options; make has each under its name in capitals."""
    parser.add_argument("--dataset", default="", help="the new dataset's name: experiments/DATASET.toml")
    parser.add_argument("--wavs", default="", help="folder of WAV, FLAC, OGG or MP3, folders in it included")
    parser.add_argument("--checkpoint", default="", help="ivanvovk's, lmnt's or coqui's")
    parser.add_argument("--config", type=Path, help="its configuration, where none is in the checkpoint or beside it")
    parser.add_argument("--resample", nargs="?", const="1", default="0", help="1: take recordings at other rates too")
    parser.add_argument("--seed", default="0", help="of the choice of clips (default: 0)")
    parser.add_argument("--force", nargs="?", const="1", default="0", help="1: replace the dataset's file")
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Everything is looked at before the one file is written."""
    target, folder = _target(options), Path(options.wavs)
    resample = yes_or_no(options.resample, "RESAMPLE")
    seed = whole_number(options.seed, "SEED", least=0, most=2**31 - 1)
    names = audio_names(folder)
    found = inspect(Path(options.checkpoint), options.config)
    print("\n".join([found.network, f"mel: {found.mel}", *found.origin_lines]))
    survey = sorted_out(_scanned(folder, names), found.sample_rate, resample=resample)
    print("\n".join(survey_lines(survey, folder, found.sample_rate)))
    _check_enough(survey, folder, found)
    chosen = split(survey.usable, seed)
    print("\n".join(choice_lines(survey, chosen)))
    voice = NewVoice(options.dataset, found, folder, survey, chosen, seed)
    atomic_write(target, dataset_text(voice, options.experiments).encode())
    print("\n".join(_next_lines(options.dataset, target)))
    return 0


def _target(options: argparse.Namespace) -> Path:
    """The file to write; InputError for what can be told before anything is read."""
    for name, what in {"dataset": "a name", "wavs": "a folder of recordings", "checkpoint": "a file"}.items():
        if not getattr(options, name):
            raise InputError(
                f"{name.upper()} must be given, {what}: make voice DATASET=myvoice WAVS=folder CHECKPOINT=file"
            )
    check_new_name(options.dataset)
    for path in (options.wavs, options.checkpoint, options.config):
        quoted(str(path))  # what the file can't name is refused before the scan
    target = Path(options.experiments / f"{options.dataset}.toml")
    if not os.path.isdir(options.experiments):
        raise InputError(f"there is no folder {options.experiments}/ to write to; run from the repository's root")
    if not os.access(options.experiments, os.W_OK | os.X_OK) or os.path.isdir(target):
        raise InputError(f"{target} must be a file that one can write, and can't be; mend the rights there")
    if not yes_or_no(options.force, "FORCE") and os.path.lexists(target):
        raise InputError(f"{target} is there already; choose another DATASET, or replace the file with FORCE=1")
    return target


def _scanned(folder: Path, names: Sequence[str]) -> Iterator[Recording | LeftOut]:
    """Under a progress bar where somebody looks."""
    found = scan(folder, names, jobs=joblib.cpu_count())
    yield from tqdm(found, total=len(names), desc="recordings", unit="file", leave=False, disable=None)


def _check_enough(survey: Survey, folder: Path, found: Inspection) -> None:
    if len(survey.usable) >= LEAST:
        return
    faults = survey.faults
    reasons = ", ".join(f"{fault} ({len(entries)})" for fault, entries in faults.items())
    ways_out = [way for fault, way in _WAYS_OUT.items() if fault in faults]
    vocoder = f"; the vocoder has {found.sample_rate} Hz ({found.rate_origin})" if Fault.RATE in faults else ""
    raise InputError(
        f"a voice needs {LEAST} recordings, {LEAST_SEARCH} to search on and {LEAST_HELD_OUT} to judge with, and "
        f"{len(survey.usable)} of {folder} can be used; left out: {reasons or 'none'}{vocoder}; "
        f"{'; '.join(ways_out) or 'record more'}"
    )


def _next_lines(dataset: str, target: Path) -> list[str]:
    return [
        f"\nwritten: {target}; it names files in place, and copies none",
        "note:    the held-out clips are fresh to the search. They are fresh to the vocoder only where it was not",
        "         trained on them",
        f"next:    make check-voice DATASET={dataset}",
        f"         make search DATASET={dataset}",
    ]
