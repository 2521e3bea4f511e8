"""Is it the dataset, or the checkpoint? `python -m experiments.training_seeds [--steps N] [--only PART ...]`

Trains one voice several times from nothing, all as long, on the same recordings: three seeds, and the first of them
once more with WaveGrad's own noise draw. Searches each, and lets each judge all winners (`schedsearch transfer`, where
they are "another checkpoint of the same speaker"). demo at 8 kHz, since its steps cost least.

The weights stay in results/bench/training_seeds/ (git-ignored); tables go into results/shipped/transfer/checkpoints/.
Each part goes on where it was stopped.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from schedsearch.cli import main as schedsearch
from schedsearch.config import EXPERIMENTS, Voice, load_voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

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
LEARNING = "learning.csv"
TABLE = """speaker = "{speaker}"

[rates.{rate}]
checkpoint = "{name}/checkpoint.pt"
config = "{config}"
search_clips = "{search}"
held_out_clips = "{held_out}"

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
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--iters", default=LENGTHS)
    parser.add_argument("--budget", default="", help="of each search (default: a search's own)")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--shipped", type=Path, default=SHIPPED)
    parser.add_argument("--experiments", type=Path, default=EXPERIMENTS)
    options = parser.parse_args(arguments)
    try:
        _write_tables(load_voice(options.dataset, options.rate, experiments=options.experiments), options)
        return next((status for part in options.only if (status := PARTS[part](options)) != 0), 0)
    except InputError as error:
        print(f"training_seeds: {error}", file=sys.stderr)
        return 2


def _write_tables(voice: Voice, options: argparse.Namespace) -> None:
    """An experiments file a run, all on the recordings of the voice."""
    if voice.training is None or voice.config is None:
        raise InputError(f"{voice.dataset} at {voice.sample_rate} Hz has no training table; name another voice")
    if not isinstance(voice.search_clips, Path) or not isinstance(voice.held_out_clips, Path):
        raise InputError(f"{voice.dataset} lists its clips one by one; name a voice whose clips are folders")
    options.folder.mkdir(parents=True, exist_ok=True)
    places = {"config": voice.config, "search": voice.search_clips, "held_out": voice.held_out_clips}
    paths = {key: _seen_from(options.folder, path) for key, path in (places | {"audio": voice.training.audio}).items()}
    for name, (seed, draw) in RUNS.items():
        told = {"name": name, "seed": seed, "draw": draw, "steps": options.steps, "rate": voice.sample_rate}
        text = TABLE.format(speaker=voice.speaker, **told, **paths)
        atomic_write(options.folder / f"{name}.toml", text.encode())


def _seen_from(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _train(options: argparse.Namespace) -> int:
    """Each to its last step; `train` goes on with what was stopped, and does nothing with what is done."""
    for name in RUNS:
        print(f"--- {name} ---", flush=True)
        if (status := _call(options, "train", "--dataset", name)) != 0:
            return status
        _ship(options, options.folder / name / LEARNING, f"{name}.{LEARNING}")
    return 0


def _search(options: argparse.Namespace) -> int:
    budget = ["--budget", options.budget] if options.budget else []
    for name in RUNS:
        words = ["--dataset", name, "--iters", options.iters, "--results", str(options.folder / "results")]
        # WaveGrad's own draw learns the cleanest levels late: the check would call such a network undertrained.
        if (status := _call(options, "search-all", *words, "--force", *budget)) != 0:
            return status
    return 0


def _transfer(options: argparse.Namespace) -> int:
    results = options.folder / "results"
    words = ["--voices", " ".join(RUNS), "--iters", options.iters, "--results", str(results)]
    if (status := _call(options, "transfer", *words)) != 0:
        return status
    for path in sorted((results / "transfer").iterdir()):
        if path.suffix in (".csv", ".md", ".png") and path.is_file():
            _ship(options, path, path.name)
    return 0


def _ship(options: argparse.Namespace, source: Path, name: str) -> None:
    options.shipped.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, options.shipped / name)


def _call(options: argparse.Namespace, *words: str) -> int:
    return schedsearch([*words, "--experiments", str(options.folder)])


PARTS: Mapping[str, Callable[[argparse.Namespace], int]] = {
    "train": _train,
    "search": _search,
    "transfer": _transfer,
}

if __name__ == "__main__":
    sys.exit(main())
