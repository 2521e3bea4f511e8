"""Is it the dataset, or the checkpoint? `python -m experiments.training_seeds [--steps N] [--beside "june-16k"]`

Trains one voice several times, equally long and on the same recordings: three seeds, and the first seed once more with
WaveGrad's own noise draw. Then searches each checkpoint, and lets each judge all winners (`schedsearch transfer`, where
they are "another checkpoint of the same speaker"). The default is demo at 8 kHz, whose steps cost least. With
`--warm-start FILE` all begin from these weights, as three of the shipped voices began from the fourth's. Voices of
`--beside "kathleen-22k demo@16000"` take part too; they are searched again without warm starts, as the checkpoints are.

The weights stay in results/bench/training_seeds/ (git-ignored). Tables go into results/shipped/transfer/checkpoints/.
A stopped part goes on where it was; `--only` names one.
"""

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from experiments.datasets import write_dataset
from experiments.running import command, parser_of
from schedsearch.cli import main as schedsearch
from schedsearch.transfer.participants import named_voices
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


@command("training_seeds")
def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all parts, or those named, in the order of PARTS: each needs what those before it leave.

    Returns the first status that is not 0.
    """
    options = _options(arguments)
    beside = list(named_voices(options.beside.split(), options.experiments))
    voice = load_voice(options.dataset, options.rate, experiments=options.experiments)
    _beginning(options)
    _write_runs(voice, options)
    names = [*RUNS, *(_write_beside(voice, options.folder) for voice in beside)]
    wanted = [run for part, run in PARTS.items() if part in options.only]
    return next((status for run in wanted if (status := run(names, options)) != 0), 0)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = parser_of("training_seeds", __doc__)
    parser.add_argument("--dataset", default=DATASET)
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--steps", type=int, default=STEPS, help=f"of each run (default: {STEPS})")
    parser.add_argument("--warm-start", type=Path, help="a checkpoint that all begin from (default: seeded weights)")
    parser.add_argument("--beside", default="", help="voices to take part, such as 'kathleen-22k' (default: none)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--iters", default=LENGTHS)
    parser.add_argument("--budget", default="", help="of each search (default: a search's own)")
    parser.add_argument("--seconds", default="0.8", help="of each clip that judges (default: 0.8)")
    parser.add_argument("--draws", default="2", help="of noise for each of them (default: 2)")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    return parser.parse_args(arguments)


def _write_runs(voice: Voice, options: argparse.Namespace) -> None:
    """Writes a dataset's file for each run, all on the recordings of the voice."""
    for name, (seed, draw) in RUNS.items():
        checkpoint = options.folder / name / "checkpoint.pt"
        recipe = {"steps": options.steps, "seed": seed, "draw": draw}
        write_dataset(options.folder, name, voice, checkpoint=checkpoint, config=voice.config, recipe=recipe)


def _write_beside(voice: Voice, folder: Path) -> str:
    """Writes a dataset of one rate, and returns its name: its searches must not begin from its winners at others."""
    name = f"{voice.dataset}-{voice.sample_rate}"
    write_dataset(folder, name, voice, checkpoint=voice.checkpoint, config=voice.config, recipe=None)
    return name


def _train(_: Sequence[str], options: argparse.Namespace) -> int:
    """Trains each to its last step; `train` goes on with what was stopped, and does nothing with what is done."""
    atomic_write(options.folder / BEGUN, json.dumps(_beginning(options)).encode())
    warm_start = ["--warm-start", str(options.warm_start)] if options.warm_start else []
    for name in RUNS:
        print(f"--- {name} ---", flush=True)
        if (status := _call(options.folder, "train", "--dataset", name, *warm_start)) != 0:
            return status
        _ship(options.folder / name / LEARNING, options.shipped / f"{name}.{LEARNING}")
    return 0


def _beginning(options: argparse.Namespace) -> dict[str, object]:
    """Returns what the runs of this folder begin from and how long they are.

    InputError where that was different before: training, told to go on, would not notice.
    """
    warm = hashlib.sha256(read_bounded(options.warm_start, limit=LARGEST)).hexdigest() if options.warm_start else None
    voice, path = f"{options.dataset} at {options.rate} Hz", options.folder / BEGUN
    asked = {"steps": options.steps, "warm start": warm, "voice": voice}
    if path.is_file() and (stored := json.loads(path.read_text(encoding="utf-8"))) != asked:
        changed = next(name for name in asked if stored.get(name) != asked[name])
        raise InputError(f"the runs in {options.folder} have another {changed}; name another folder with --folder")
    return asked


def _search(names: Sequence[str], options: argparse.Namespace) -> int:
    """Searches each in a results folder of its own, so that none begins from another's winner."""
    words = ["--iters", options.iters, *(["--budget", options.budget] if options.budget else [])]
    for name in names:
        alone = options.folder / "searches" / name
        # Forced: the check calls a network undertrained that has not learned the cleanest levels yet.
        words_of_one = ["search-all", "--dataset", name, "--results", str(alone), *words, "--force"]
        if (status := _call(options.folder, *words_of_one)) != 0:
            return status
        for winner in sorted(alone.glob("*/*hz/*iters/schedule.json")):
            _ship(winner, options.folder / "results" / "shipped" / winner.relative_to(alone))
    return 0


def _transfer(names: Sequence[str], options: argparse.Namespace) -> int:
    """Lets all judge one another, and ships tables and pictures. Universal schedules of one voice help no other."""
    results = options.folder / "results"
    words = ["--voices", " ".join(names), "--iters", options.iters, "--results", str(results)]
    words += ["--seconds", options.seconds, "--draws", options.draws]
    if (status := _call(options.folder, "transfer", *words)) != 0:
        return status
    for path in sorted((results / "transfer").iterdir()):
        if path.suffix in (".csv", ".md", ".png") and path.is_file():
            _ship(path, options.shipped / path.name)
    return 0


def _ship(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _call(folder: Path, *words: str) -> int:
    """Runs a command on the datasets of this folder."""
    return schedsearch([*words, "--experiments", str(folder)])


PARTS: Mapping[str, Callable[[Sequence[str], argparse.Namespace], int]] = {
    "train": _train,
    "search": _search,
    "transfer": _transfer,
}

if __name__ == "__main__":
    sys.exit(main())
