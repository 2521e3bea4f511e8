"""Where a training run writes: what it would replace, and what it was begun with."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from schedsearch.voice.config import Voice
from vocoder.atomic import atomic_write, make_folder, sweep
from vocoder.checkpoints.configuration import read_config
from vocoder.checkpoints.saving import CHECKPOINT, CONFIGURATION
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError
from vocoder.safe_loading.safe_pickle import read_bounded


def state_path(voice: Voice) -> Path:
    """Returns the file in which a run keeps its whole state."""
    return voice.checkpoint.parent / "training" / "state.pt"


def check_places(voice: Voice, configuration: Mapping[str, Any], *, force: bool) -> None:
    """Raises InputError where training would write a file that the dataset does not name, or replace a foreign one."""
    if voice.checkpoint.name != CHECKPOINT:
        raise InputError(
            f"training writes {CHECKPOINT}, and the dataset's file names {voice.checkpoint.name}; in its line "
            f"checkpoint = change that name to {CHECKPOINT}"
        )
    if state_path(voice).is_file() or force:
        return
    beside = voice.checkpoint.with_name(CONFIGURATION)
    foreign = beside.is_file() and read_config(beside) != configuration
    if voice.checkpoint.is_file() or foreign:
        path = voice.checkpoint if voice.checkpoint.is_file() else beside
        raise InputError(
            f"{path} is there, and no training run to go on with ({state_path(voice)}); FORCE=1 trains all the same "
            "and replaces it"
        )


def check_configuration(voice: Voice, configuration: Mapping[str, Any], dialect: Dialect) -> None:
    """Raises InputError where the run was begun with another configuration: its mels would change half-way."""
    path = state_path(voice).with_name(CONFIGURATION)
    if not path.is_file():
        return
    begun = read_config(path)
    kept = [section for section in _sections(dialect) if section in begun]  # an earlier version kept fewer
    changed = [section for section in kept if begun[section] != configuration.get(section)]
    if changed:
        raise InputError(
            f"{state_path(voice)} is of a run with another configuration ({', '.join(changed)} changed); go on with "
            f"that of {path}, or move the state away to start anew"
        )


def check_statistics(voice: Voice, statistics: Path | None) -> None:
    """Raises InputError where other mel statistics than the configuration's stand beside the checkpoint."""
    beside = statistics and voice.checkpoint.with_name(statistics.name)
    if statistics and beside and beside.is_file() and read_bounded(beside) != read_bounded(statistics):
        raise InputError(
            f"{beside} must be the statistics that the configuration names, and differs from {statistics}; go on "
            "with those of the run, or move it away and begin anew"
        )


def keep_configuration(
    voice: Voice, configuration: Mapping[str, Any], dialect: Dialect, statistics: Path | None
) -> None:
    """Makes the run's folder, removes what killed runs left half-written, and remembers what it is begun with.

    The checkpoint's configuration names its mel statistics, so they are copied beside it.
    """
    path = state_path(voice).with_name(CONFIGURATION)
    make_folder(path.parent)
    sweep(path.parent)
    sweep(voice.checkpoint.parent)
    sections = {section: configuration.get(section) for section in _sections(dialect)}
    atomic_write(path, json.dumps(sections).encode())
    if statistics and not (beside := voice.checkpoint.with_name(statistics.name)).is_file():
        atomic_write(beside, read_bounded(statistics))


def _sections(dialect: Dialect) -> list[str]:
    """Returns the sections of a configuration that a run depends on: lmnt's network stands in one of its own."""
    return list(dict.fromkeys((*dialect.sections, *dialect.demanded)))
