"""Checkpoints of one voice as datasets of their own, in a folder of their own: they are searched, and then judge one
another's winners. What training_seeds, cold_searches and earlier_weights share.
"""

import argparse
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from schedsearch.cli import main as schedsearch
from schedsearch.voice.config import Voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError

TABLE = """speaker = "{speaker}"

[rates.{rate}]
checkpoint = "{checkpoint}"
config = "{config}"
search_clips = "{search}"
held_out_clips = "{held_out}"
"""


def write_dataset(folder: Path, name: str, voice: Voice, checkpoint: Path, more: str = "") -> None:
    """The experiments file of a checkpoint on the voice's recordings; `more` are further tables of it."""
    if voice.config is None:
        raise InputError(f"{voice.dataset} at {voice.sample_rate} Hz has no configuration file; name another voice")
    if not isinstance(voice.search_clips, Path) or not isinstance(voice.held_out_clips, Path):
        raise InputError(f"{voice.dataset} lists its clips one by one; name a voice whose clips are folders")
    folder.mkdir(parents=True, exist_ok=True)
    places = {"checkpoint": checkpoint, "config": voice.config}
    places |= {"search": voice.search_clips, "held_out": voice.held_out_clips}
    paths = {key: seen_from(folder, path) for key, path in places.items()}
    text = TABLE.format(speaker=voice.speaker, rate=voice.sample_rate, **paths)
    atomic_write(folder / f"{name}.toml", (text + more).encode())


def write_voice(folder: Path, voice: Voice) -> str:
    """A dataset of one rate, and its name: two rates of one dataset must not begin from one another either."""
    name = f"{voice.dataset}-{voice.sample_rate}"
    write_dataset(folder, name, voice, voice.checkpoint)
    return name


def seen_from(folder: Path, path: Path) -> str:
    """A path of an experiments file in this folder."""
    return Path(os.path.relpath(path, folder)).as_posix()


def search(folder: Path, names: Sequence[str], iterations: str, budget: str = "") -> int:
    """Each in results of its own, so that none begins from another's winner; the first status that is not 0."""
    words = ["--iters", iterations, *(["--budget", budget] if budget else [])]
    for name in names:
        alone = folder / "searches" / name
        # The check calls a network undertrained that has yet to learn the cleanest levels; here that is the matter.
        if (status := call(folder, "search-all", "--dataset", name, "--results", str(alone), *words, "--force")) != 0:
            return status
        bring_winners(alone, folder)
    return 0


def bring_winners(results: Path, folder: Path, voice: str = "*/*hz") -> None:
    """What searches shipped below `results`, to where `transfer` finds it."""
    for winner in sorted(results.glob(f"{voice}/*iters/schedule.json")):
        ship(winner, folder / "results" / "shipped" / winner.relative_to(results))


def add_hearing(parser: argparse.ArgumentParser) -> None:
    """How `transfer` listens, unless told as README's tables do at few steps."""
    parser.add_argument("--seconds", default="0.8", help="of each clip that judges (default: 0.8)")
    parser.add_argument("--draws", default="2", help="of noise for each of them (default: 2)")


def transfer(names: Sequence[str], options: argparse.Namespace, shipped: Path) -> int:
    """All together, as `options` say (folder, iters, seconds, draws); its tables and pictures go to `shipped`. What is
    universal to them is of no use to others."""
    folder, results = options.folder, options.folder / "results"
    words = ["--voices", " ".join(names), "--iters", options.iters, "--results", str(results)]
    words += ["--seconds", options.seconds, "--draws", options.draws]
    if (status := call(folder, "transfer", *words)) != 0:
        return status
    for path in sorted((results / "transfer").iterdir()):
        if path.suffix in (".csv", ".md", ".png") and path.is_file():
            ship(path, shipped / path.name)
    return 0


def ship(source: Path, target: Path) -> None:
    """To be committed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def call(folder: Path, *words: str) -> int:
    """A command on the datasets of this folder."""
    return schedsearch([*words, "--experiments", str(folder)])
