"""Reads experiments/<dataset>.toml: where a voice's checkpoint and clips are."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from schedsearch.voice.services import Services, current
from vocoder.audio.listed_clips import ListedClips
from vocoder.errors import InputError, reason_of
from vocoder.safe_loading.safe_pickle import read_bounded

EXPERIMENTS = Path("experiments")
# Folders of results/ that belong to no dataset: shipped results, and what `transfer` and the benches write.
RESERVED = ("shipped", "transfer", "bench")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_RATE = re.compile(r"[1-9][0-9]{3,5}")  # Hz, from 1000; one spelling each, or the same rate could stand there twice
_TOP_KEYS = ("default_rate", "description", "licence", "speaker")
_VOICE_KEYS = {
    "checkpoint", "config", "search_clips", "held_out_clips", "resample", "mels", "check_mels", "training"
}  # fmt: skip
_TRAINING_KEYS = {"audio", "obtain", "recipe"}
_CLIPS_KEYS = {"folder", "sha256"}
Clips = Path | ListedClips  # all audio of a folder, or some of its files by name and hash


@dataclass(frozen=True)
class Training:
    """Holds what `schedsearch train` needs beside the voice."""

    audio: Path  # folder of recordings
    obtain: str  # how to get them, in words or as a command
    recipe: Mapping[str, Any]  # fields of vocoder.training.loop.Recipe


@dataclass(frozen=True)
class Voice:
    """Describes one dataset at one sample rate: a checkpoint and its clips."""

    dataset: str
    sample_rate: int  # Hz
    speaker: str  # the same in all datasets of one speaker; the dataset's name by default
    checkpoint: Path
    config: Path | None
    search_clips: Clips
    held_out_clips: Clips
    resample: bool = False
    mels: Path | None = None  # folder of a TTS's mels of the clips; None: the clips' own mels
    check_mels: bool = True  # whether their scaling and beginning must be those of the clips' own
    training: Training | None = None
    services: Services = field(default_factory=current, repr=False, compare=False)

    @property
    def names(self) -> frozenset[str]:
        """Returns the dataset's name and its speaker's: a schedule chosen on either was chosen on this voice."""
        return frozenset({self.dataset, self.speaker})

    @property
    def label(self) -> str:
        """Returns its folder below results: <dataset>/<rate>hz, with -tts behind it for mels of a TTS."""
        return f"{self.dataset}/{self.sample_rate}hz{'-tts' if self.mels else ''}"


def known_datasets(experiments: Path = EXPERIMENTS) -> list[str]:
    """Returns the names of the datasets that have a file; files of names that no dataset can have are none."""
    names = (path.stem for path in experiments.glob("*.toml") if os.path.isfile(path))
    return sorted(name for name in names if _NAME.fullmatch(name))


def check_new_name(dataset: str) -> None:
    """Raises InputError for a name that no new dataset can have: results/<name> must be a folder of its own."""
    if dataset.endswith(".toml"):
        raise InputError(f"DATASET must be a name and no file, and is {dataset!r}; leave .toml out")
    if not _NAME.fullmatch(dataset) or dataset.lower() in RESERVED:  # file systems may ignore case
        raise InputError(
            "DATASET must begin with a letter or digit and have at most 64 letters, digits, _, . and -, "
            f"other than {', '.join(RESERVED)}, and is {dataset!r}; choose such a name"
        )


def load_voice(dataset: str, rate: int | None = None, *, experiments: Path = EXPERIMENTS) -> Voice:
    """Returns the voice of a dataset at `rate`, or at its default or only rate; InputError says what is wrong."""
    path = _path(dataset, experiments)
    settings = _parse(path)
    rates = _rates(settings, path)
    chosen = _chosen_rate(dataset, rates, _default_rate(settings, rates, path) if rate is None else rate)
    speaker = _text(settings, "speaker", str(path)) if "speaker" in settings else dataset
    return _voice(dataset, chosen, speaker, rates[chosen], path)


def known_rates(dataset: str, experiments: Path = EXPERIMENTS) -> list[int]:
    """Returns a dataset's rates in Hz, the lowest first; InputError as for `load_voice`."""
    path = _path(dataset, experiments)
    return sorted(_rates(_parse(path), path))


def _path(dataset: str, experiments: Path) -> Path:
    path = experiments / f"{dataset}.toml"
    if not _NAME.fullmatch(dataset) or not os.path.isfile(path):
        raise InputError(_unknown(dataset, experiments))
    if dataset.lower() in RESERVED:
        raise InputError(f"{path}: results/{dataset.lower()} is a folder of the program's own; rename that file")
    return path


def _unknown(dataset: str, experiments: Path) -> str:
    known = known_datasets(experiments)
    if not known:
        return none_in(experiments)
    return f"dataset {dataset!r} is unknown; known: {', '.join(known)}; make voice writes a new one"


def none_in(experiments: Path) -> str:
    """Says what to do where a folder has no datasets."""
    return f"no datasets in {experiments}/; run from the repository's root, or name the folder with --experiments"


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(read_bounded(path).decode("utf-8-sig"))  # some editors put a mark before the text
    except InputError:
        raise
    except (ValueError, RecursionError) as error:  # ValueError: TOML's own, no UTF-8, a number of 5,000 digits
        raise InputError(f"{path}: not TOML: {reason_of(error)}; correct that line") from error


def _rates(settings: Mapping[str, Any], path: Path) -> dict[int, dict[str, Any]]:
    unknown = sorted(set(settings) - {"rates", *_TOP_KEYS})
    if unknown:
        known = ", ".join(_TOP_KEYS)
        raise InputError(f"{path}: unknown key {unknown[0]!r}; keys are {known} and [rates.<Hz>] tables")
    tables = settings.get("rates")
    if not isinstance(tables, dict) or not tables or not all(map(_RATE.fullmatch, tables)):
        raise InputError(f"{path}: needs a table for each sample rate, such as [rates.16000]; add one")
    return {int(key): table for key, table in tables.items()}


def _default_rate(settings: Mapping[str, Any], rates: Mapping[int, Any], path: Path) -> int | None:
    """Returns the rate to take where none is named."""
    rate = settings.get("default_rate")
    if rate is None or (type(rate) is int and rate in rates):  # true is an int as well
        return rate
    listed = ", ".join(str(r) for r in sorted(rates))
    raise InputError(f"{path}: default_rate must be one of its rates ({listed}), and is {rate!r}; name one of them")


def _chosen_rate(dataset: str, rates: Mapping[int, Any], rate: int | None) -> int:
    listed = ", ".join(str(r) for r in sorted(rates))
    if rate is None and len(rates) > 1:
        raise InputError(
            f"dataset {dataset} has several sample rates: {listed}; choose one with RATE=, "
            "or set default_rate in its file"
        )
    if rate is not None and rate not in rates:
        raise InputError(f"dataset {dataset} has no voice at {rate} Hz; it has {listed}; choose one of them")
    return next(iter(rates)) if rate is None else rate


def _voice(dataset: str, rate: int, speaker: str, table: Any, path: Path) -> Voice:
    where = f"{path} [rates.{rate}]"
    if not isinstance(table, dict):
        raise InputError(f"{where}: must be a table; write its keys below the heading")
    _check_keys(table, _VOICE_KEYS, {"checkpoint", "search_clips", "held_out_clips"}, where)
    folder = path.parent
    search_clips, held_out_clips = (_clips(table, key, folder, where) for key in ("search_clips", "held_out_clips"))
    _check_apart(search_clips, held_out_clips, where)
    return Voice(
        dataset=dataset,
        sample_rate=rate,
        speaker=speaker,
        checkpoint=folder / _text(table, "checkpoint", where),
        config=folder / _text(table, "config", where) if "config" in table else None,
        search_clips=search_clips,
        held_out_clips=held_out_clips,
        resample=_flag(table, "resample", where),
        mels=folder / _text(table, "mels", where) if "mels" in table else None,
        check_mels=_flag(table, "check_mels", where, default=True),
        training=_training(table["training"], folder, where) if "training" in table else None,
    )


def _clips(table: Mapping[str, Any], key: str, folder: Path, where: str) -> Clips:
    """Reads a folder's name, or a table of a folder and the hashes of files in it."""
    value = table[key]
    if not isinstance(value, dict):
        return folder / _text(table, key, where)
    where = f"{where}.{key}"
    _check_keys(value, _CLIPS_KEYS, _CLIPS_KEYS, where)
    if not isinstance(value["sha256"], dict):
        raise InputError(f"{where}: sha256 must be a table of names and hashes; write them below [...{key}.sha256]")
    listed = folder / _text(value, "folder", where)
    try:
        return ListedClips(listed, value["sha256"])
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _check_apart(search: Clips, held_out: Clips, where: str) -> None:
    """Raises InputError for a clip in both: what was searched on cannot judge."""
    if isinstance(search, Path) and isinstance(held_out, Path) and search.resolve() == held_out.resolve():
        raise InputError(f"{where}: search_clips and held_out_clips are both {search}; name two folders")
    if not isinstance(search, ListedClips) or not isinstance(held_out, ListedClips):
        return
    shared = [name for name, digits in search.sha256.items() if _holds(held_out, digits)]
    if shared:
        raise InputError(f"{where}: {shared[0]!r} stands in search_clips and, by its hash, in held_out_clips; drop one")


def _holds(clips: ListedClips, digits: str) -> bool:
    return any(other.startswith(digits) or digits.startswith(other) for other in clips.sha256.values())


def _training(table: Any, folder: Path, where: str) -> Training:
    where = f"{where}.training"
    if not isinstance(table, dict):
        raise InputError(f"{where}: must be a table; write its keys below the heading")
    _check_keys(table, _TRAINING_KEYS, {"audio"}, where)
    obtain = _text(table, "obtain", where) if "obtain" in table else "put recordings there"
    recipe = table.get("recipe", {})
    if not isinstance(recipe, dict):
        raise InputError(f"{where}: recipe must be a table such as {{ steps = 20000 }}, and is {recipe!r}; correct it")
    return Training(folder / _text(table, "audio", where), obtain, recipe)


def _check_keys(table: Mapping[str, Any], known: set[str], needed: set[str], where: str) -> None:
    unknown, missing = sorted(set(table) - known), sorted(needed - set(table))
    if unknown:
        raise InputError(f"{where}: unknown key {unknown[0]!r}; known keys: {', '.join(sorted(known))}")
    if missing:
        raise InputError(f"{where}: needs the key {missing[0]!r}; add it")


def _text(table: Mapping[str, Any], key: str, where: str) -> str:
    if not isinstance(table[key], str) or not table[key]:
        raise InputError(f"{where}: {key} must be text in quotes, and is {table[key]!r}; correct it")
    return str(table[key])


def _flag(table: Mapping[str, Any], key: str, where: str, *, default: bool = False) -> bool:
    value = table.get(key, default)
    if not isinstance(value, bool):
        raise InputError(f"{where}: {key} must be true or false, and is {value!r}; correct it")
    return value
