"""Writes the dataset's file of another checkpoint on a voice's recordings."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from schedsearch.voice.adding.dataset_file import quoted
from schedsearch.voice.config import Voice
from vocoder.atomic import atomic_write
from vocoder.errors import InputError


def write_dataset(
    folder: Path,
    name: str,
    voice: Voice,
    *,
    checkpoint: Path,
    config: Path | None,
    recipe: Mapping[str, object] | None,
    mels: Path | None = None,
) -> None:
    """Writes `folder`/`name`.toml, with a training table where there is a recipe, and with a TTS's mels if given.

    InputError for a voice without configuration, without folders of clips, or without recordings to train on.
    """
    where = f"{voice.dataset} at {voice.sample_rate} Hz"
    if config is None:
        raise InputError(f"{where} has no configuration file; name another voice")
    if not isinstance(voice.search_clips, Path) or not isinstance(voice.held_out_clips, Path):
        raise InputError(f"{voice.dataset} lists its clips one by one; name a voice whose clips are folders")
    paths = {"checkpoint": checkpoint, "config": config}
    paths |= {"search_clips": voice.search_clips, "held_out_clips": voice.held_out_clips}
    paths |= {"mels": mels} if mels else {}
    lines = [f"speaker = {quoted(voice.speaker)}", "", f"[rates.{voice.sample_rate}]"]
    lines += [f"{key} = {_seen_from(folder, path)}" for key, path in paths.items()]
    if recipe is not None:
        if voice.training is None:
            raise InputError(f"{where} has no training table; name another voice")
        fields = ", ".join(f"{key} = {json.dumps(value)}" for key, value in recipe.items())
        lines += ["", f"[rates.{voice.sample_rate}.training]", f"audio = {_seen_from(folder, voice.training.audio)}"]
        lines += [f"obtain = {quoted(voice.training.obtain)}", f"recipe = {{ {fields} }}"]
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / f"{name}.toml", "\n".join([*lines, ""]).encode())


def _seen_from(folder: Path, path: Path) -> str:
    return quoted(Path(os.path.relpath(path, folder)).as_posix())
