"""Is it the dataset, or the checkpoint? `python -m experiments.training_seeds [--steps N] [--beside "june-16k"]`

Trains one voice several times from nothing, all as long, on the same recordings: three seeds, and the first of them
once more with WaveGrad's own noise draw. Searches each, and lets each judge all winners (`schedsearch transfer`, where
they are "another checkpoint of the same speaker"). demo at 8 kHz, since its steps cost least. With `--warm-start FILE`
all begin from those weights instead, as three of the shipped voices began from the fourth's: what they differ by can
then be set beside what voices of different speakers with one ancestor differ by. Such voices take part with
`--beside "kathleen-22k demo@16000"`, searched again as the runs are: from nobody's winner.

The weights stay in results/bench/training_seeds/ (git-ignored); tables go into results/shipped/transfer/checkpoints/.
Each part goes on where it was stopped; `--only` names one.
"""

import argparse
import hashlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.checkpoints import (
    add_hearing,
    call,
    search,
    seen_from,
    ship,
    transfer,
    write_dataset,
    write_voice,
)
from schedsearch.transfer.judges import named_voices
from schedsearch.voice.config import EXPERIMENTS, Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import read_bounded

DATASET, RATE, STEPS = "demo", 8000, 5000
LENGTHS = "6 12"
FOLDER, SHIPPED = Path("results/bench/training_seeds"), Path("results/shipped/transfer/checkpoints")
# name: seed of weights, crops and noise, and how noise levels are drawn
RUNS: Mapping[str, tuple[int, str]] = {
    "seed-0": (0, "stratified"),
    "seed-1": (1, "stratified"),
    "seed-2": (2, "stratified"),
    "wavegrad-draw": (0, "wavegrad"),
}
LEARNING, BEGUN = "learning.csv", "begun.json"
LARGEST = 2**30  # bytes of weights to begin from
TRAINING = """
[rates.{rate}.training]
audio = "{audio}"
recipe = {{ steps = {steps}, seed = {seed}, draw = "{draw}" }}
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """All parts, or those named; the first status that is not 0, and 2 with one line for bad input."""
    parser = argparse.ArgumentParser(prog="training_seeds", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--dataset", default=DATASET)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each run (default: {STEPS})")
    parser.add_argument("--warm-start", type=Path, help="a checkpoint that all begin from (default: seeded weights)")
    parser.add_argument("--beside", default="", help="voices to take part, such as 'kathleen-22k' (default: none)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--iters", default=LENGTHS)
    parser.add_argument("--budget", default="", help="of each search (default: a search's own)")
    add_hearing(parser)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    options = parser.parse_args(arguments)
    try:
        beside = list(named_voices(options.beside.split(), options.experiments))
        _write_tables(load_voice(options.dataset, options.rate, experiments=options.experiments), options)
        names = [*RUNS, *(write_voice(options.folder, voice) for voice in beside)]
        return next((status for part in options.only if (status := PARTS[part](names, options)) != 0), 0)
    except InputError as error:
        print(f"training_seeds: {error}", file=sys.stderr)
        return 2


def _write_tables(voice: Voice, options: argparse.Namespace) -> None:
    """An experiments file a run, all on the recordings of the voice."""
    if voice.training is None:
        raise InputError(f"{voice.dataset} at {voice.sample_rate} Hz has no training table; name another voice")
    audio = seen_from(options.folder, voice.training.audio)
    for name, (seed, draw) in RUNS.items():
        told = {"seed": seed, "draw": draw, "steps": options.steps, "rate": voice.sample_rate, "audio": audio}
        write_dataset(options.folder, name, voice, options.folder / name / "checkpoint.pt", TRAINING.format(**told))


def _begin(options: argparse.Namespace) -> None:
    """Keeps what the runs of this folder begin from and how long they are; InputError where that was something else,
    which training, told to go on, would not notice."""
    warm = hashlib.sha256(read_bounded(options.warm_start, limit=LARGEST)).hexdigest() if options.warm_start else None
    asked, path = {"steps": options.steps, "warm start": warm}, options.folder / BEGUN
    if path.is_file() and (found := json.loads(path.read_text(encoding="utf-8"))) != asked:
        changed = next(name for name in asked if found.get(name) != asked[name])
        raise InputError(f"the runs in {options.folder} have another {changed}; name another folder with --folder")
    options.folder.mkdir(parents=True, exist_ok=True)
    atomic_write(path, json.dumps(asked).encode())


def _train(_: Sequence[str], options: argparse.Namespace) -> int:
    """Each to its last step; `train` goes on with what was stopped, and does nothing with what is done."""
    _begin(options)
    begun = ["--warm-start", str(options.warm_start)] if options.warm_start else []
    for name in RUNS:
        print(f"--- {name} ---", flush=True)
        if (status := call(options.folder, "train", "--dataset", name, *begun)) != 0:
            return status
        ship(options.folder / name / LEARNING, options.shipped / f"{name}.{LEARNING}")
    return 0


def _search(names: Sequence[str], options: argparse.Namespace) -> int:
    return search(options.folder, names, options.iters, options.budget)


def _transfer(names: Sequence[str], options: argparse.Namespace) -> int:
    return transfer(names, options, options.shipped)


PARTS: Mapping[str, Callable[[Sequence[str], argparse.Namespace], int]] = {
    "train": _train,
    "search": _search,
    "transfer": _transfer,
}

if __name__ == "__main__":
    sys.exit(main())
