"""Finds and completes a checkpoint's configuration: given, carried inside, or beside it."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

from torch import Tensor

from vocoder.dialects.coqui import STATISTICS
from vocoder.dialects.dialect import Dialect
from vocoder.errors import InputError, reason_of
from vocoder.front_ends.coqui_settings import uses_statistics
from vocoder.front_ends.coqui_statistics import read_coqui_statistics
from vocoder.network import NetworkConfig
from vocoder.safe_loading.safe_pickle import read_bounded

Config = dict[str, Any]
ADVICE = "give the configuration it was trained with: CONFIG=FILE, or config.json beside it"
CARRIED = "inside the checkpoint"
# Matches comments, and in groups what must stay: strings, and a comment that never ends. Each match takes all that it
# looked at, or else reading would take the square of a file's length.
_COMMENT = re.compile(r'("(?:\\.|[^"\\])*+(?:"|\\?\Z))|//[^\n]*|/\*.*?(?:\*/|(\Z))', re.DOTALL)


def complete_config(
    dialect: Dialect, state: Mapping[str, Tensor], checkpoint: Path, carried: Config, given: Path | None
) -> Config:
    """Returns every setting for `state`'s network and front end; InputError says what is missing and how to give it.

    Sections of the `given` file win over those `carried` inside the checkpoint, and these over those beside it
    (<name>.json or config.json in its folder). Channels and mel count come from the tensors' shapes.
    """
    sources = _sources(dialect, checkpoint, carried, given)
    config = _merged(sources)
    shapes = dialect.inferred(state)
    check_tables(dialect, config)
    if missing := _missing(dialect, config):
        shown = ", ".join(f"{key} {value}" for sizes in shapes.values() for key, value in sizes.items()) or "nothing"
        raise InputError(
            f"{checkpoint.name} ({dialect.reason}) shows in its tensors {shown}, "
            f"but not {' or '.join(missing)}; {ADVICE}"
        )
    config |= {section: {**shown, **config.get(section, {})} for section, shown in shapes.items()}
    folder = given.parent if given and "audio" in sources[_as_given(given)] else checkpoint.parent
    return with_statistics(dialect, config, folder)


def config_found(dialect: Dialect, checkpoint: Path, carried: Config, given: Path | None) -> Config:
    """Returns all settings as they stand, also those that no network needs; nothing is completed or checked."""
    return _merged(_sources(dialect, checkpoint, carried, given))


def config_origins(dialect: Dialect, checkpoint: Path, carried: Config, given: Path | None) -> dict[str, str]:
    """Returns each section that we read -> where `complete_config` has it from, in words for the user."""
    sources = _sources(dialect, checkpoint, carried, given)
    return {section: _origin(dialect, section, sources) for section in dialect.sections}


def _origin(dialect: Dialect, section: str, sources: Mapping[str, Config]) -> str:
    defaults = f"the defaults of {dialect.name}'s own code"
    origin = next((origin for origin, config in sources.items() if section in config), None)
    if origin is None:
        return f"in no configuration: {defaults}"
    absent = [key for key in dialect.demanded.get(section, ()) if key not in sources[origin][section]]
    return f"{origin}, but for {', '.join(absent)}: {defaults}" if absent else origin


def read_config(path: Path) -> Config:
    """Reads a JSON file's table without // and /* */ comments, which coqui's older files have."""
    try:
        config = _parsed(read_bounded(path).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:  # ValueError: also an integer of 5,000 digits
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path} must be a JSON configuration, and is not ({reason_of(error)}); correct it") from error
    if not isinstance(config, dict):
        raise InputError(f"{path} must be a JSON table, and is a {type(config).__name__}; {ADVICE}")
    return config


def check_tables(dialect: Dialect, config: Config) -> None:
    """Raises InputError for a section of network or mel that is no table."""
    for name in dialect.demanded:
        if not isinstance(section := config.get(name, {}), Mapping):
            shown = repr(section)[:60]
            raise InputError(f"{name} must be a table of settings, and is {shown}; correct the configuration")


def with_statistics(dialect: Dialect, config: Config, folder: Path) -> Config:
    """Adds the arrays of the file that audio.stats_path names, if the front end uses any."""
    file = statistics_file(dialect, config, folder)
    return config if file is None else config | {STATISTICS: read_coqui_statistics(file)}


def statistics_file(dialect: Dialect, config: Config, folder: Path) -> Path | None:
    """Returns the file of mel statistics, if the front end uses one; relative paths start at `folder`.

    It is where it was on the machine that trained, or else beside the configuration. InputError where it is in neither.
    """
    audio = config.get("audio", {})
    if "audio" not in dialect.sections or not uses_statistics(audio):
        return None
    named = str(audio["stats_path"])
    beside = folder / PureWindowsPath(named).name  # takes off folders of either kind of path
    path = next((path for path in (folder / named, beside) if os.path.isfile(path)), None)
    if path is None:
        raise InputError(
            f"audio.stats_path names {named[:120]!r}, and neither that nor {beside.name!r} is there; "
            f"put the statistics file into {folder}"
        )
    return path


def check_sizes(config: NetworkConfig, way_out: str = "correct the configuration", name: str = "") -> None:
    """Raises InputError unless the lists of a network's configuration belong together; `name` is that of its file."""
    blocks = len(config.factors)
    rules = {
        f"{blocks} upsampling channels": len(config.up_channels) == blocks,
        f"{blocks} rows of upsampling dilations": len(config.up_dilations) == blocks,
        "4 dilations in each of these rows": all(len(row) == 4 for row in config.up_dilations),
        f"{blocks - 1} downsampling channels": len(config.down_channels) == blocks - 1,
        f"{blocks - 1} rows of downsampling dilations": len(config.down_dilations) >= blocks - 1,
    }
    broken = [rule for rule, holds in rules.items() if not holds]
    if broken:
        factors = list(config.factors)
        raise InputError(f"{name}factors {factors} need {', '.join(broken)}; {way_out}")
    encoded = [config.signal_channels, *config.down_channels]
    if any(channels % 2 for channels in encoded):
        raise InputError(
            f"{name}downsampling channels must be even, for sines and cosines tell them the noise level, and are "
            f"{encoded}; {way_out}"
        )


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return json.loads(_COMMENT.sub(lambda match: match[0] if match.lastindex else "", text))


def _sources(dialect: Dialect, checkpoint: Path, carried: Config, given: Path | None) -> dict[str, Config]:
    """Returns where configurations stand -> what they hold; an earlier one's sections win.

    Files beside the checkpoint are read only where a section is missing elsewhere: they may be anything.
    """
    sources = {CARRIED: carried}
    if given is not None:
        config = read_config(given)
        if not any(name in config for name in dialect.sections):
            raise InputError(
                f"{given} has none of {', '.join(dialect.sections)}, which the checkpoint needs ({dialect.reason}); "
                "give the configuration it was trained with"
            )
        sources = {_as_given(given): config, **sources}
    whole = all(name in _merged(sources) for name in dialect.sections)
    return sources if whole else sources | _beside(dialect, checkpoint, needed=given is None)


def _beside(dialect: Dialect, checkpoint: Path, *, needed: bool) -> dict[str, Config]:
    """Returns the first file that has one of our sections, or else the first file; no later one is read.

    A trainer's own record may be called <name>.json as well. So a broken file is an InputError only where none has a
    section and one is `needed`.
    """
    first: dict[str, Config] = {}
    faults: list[InputError] = []
    for path in filter(os.path.isfile, (checkpoint.with_suffix(".json"), checkpoint.parent / "config.json")):
        try:
            config = read_config(path)
        except InputError as error:
            faults.append(error)
            continue
        source = {f"{path.name} beside the checkpoint": config}
        if any(section in config for section in dialect.sections):
            return source
        first = first or source
    if faults and needed:
        raise faults[0]
    return first


def _merged(sources: dict[str, Config]) -> Config:
    return {key: value for config in reversed(sources.values()) for key, value in config.items()}


def _as_given(path: Path) -> str:
    return f"{path.name}, as given"


def _missing(dialect: Dialect, config: Config) -> list[str]:
    if dialect.has_defaults and any(section in config for section in dialect.demanded):
        return []
    missing = []
    for section, keys in dialect.demanded.items():
        absent = [key for key in keys if key not in config.get(section, {})]
        missing += [f"{section}: {', '.join(absent)}"] if absent else []
    return missing
