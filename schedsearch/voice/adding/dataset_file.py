"""Writes the text of experiments/<name>.toml. It is small and states everything that was inferred."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from schedsearch.voice.adding.inspection import Inspection
from schedsearch.voice.adding.recording import Recording
from schedsearch.voice.adding.split import Split
from schedsearch.voice.adding.survey import Survey
from vocoder.audio.listed_clips import KEPT_DIGITS
from vocoder.errors import InputError


@dataclass(frozen=True)
class NewVoice:
    """The content of the dataset's file."""

    dataset: str
    inspection: Inspection
    recordings: Path  # the folder
    survey: Survey
    split: Split
    seed: int
    mels: Path | None = None  # folder of a TTS's

    @property
    def resample(self) -> bool:
        """Says whether a chosen clip has another rate. The survey accepts these only where the user allowed it."""
        chosen = (*self.split.search, *self.split.held_out)
        return any(recording.sample_rate != self.inspection.sample_rate for recording in chosen)


def dataset_text(voice: NewVoice, experiments: Path) -> str:
    """Returns TOML that `load_voice` reads. Files in the same tree as `experiments` are named relative to it."""
    inspection, survey = voice.inspection, voice.survey
    table = f"rates.{inspection.sample_rate}"
    recordings = f"{len(survey.usable)} recordings, {survey.minutes:.1f} minutes"
    lines = [
        "# Written by `schedsearch voice`. Correct what is wrong: a search believes this file.",
        f"description = {quoted(f'{voice.dataset}: {recordings}')}",
        "",
        *_comment(f"{inspection.sample_rate} Hz from {inspection.rate_origin}"),
        f"[{table}]",
        *_comment(inspection.network, f"mel: {inspection.mel}", *inspection.origin_lines),
        f"checkpoint = {quoted(_path(inspection.checkpoint, experiments))}",
        *([f"config = {quoted(_path(inspection.config, experiments))}"] if inspection.config else []),
        *(["resample = true  # RESAMPLE=1"] if voice.resample else []),
        *([f"mels = {quoted(_path(voice.mels, experiments))}  # of a TTS, MELS="] if voice.mels else []),
        "",
        *_comment(
            f"Clips of {recordings} ({len(survey.left_out)} others were left out), chosen to cover level, pitch,",
            f"spectrum, length and pace (seed {voice.seed}). The first digits of their SHA-256 tell a changed file.",
            "A search looks at search_clips; held_out_clips judge its winner.",
        ),
        *_clips(f"{table}.search_clips", voice.split.search, voice.recordings, experiments),
        "",
        *_clips(f"{table}.held_out_clips", voice.split.held_out, voice.recordings, experiments),
    ]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """Returns a TOML string: as in JSON, but with DEL escaped."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a path must be text, and {ascii(text)} has bytes that are not; rename it") from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(*lines: str) -> list[str]:
    """Returns comment lines, quoted where a character could end the comment."""
    return [f"# {line if line.isprintable() else ascii(line)}" for line in lines]


def _clips(table: str, recordings: Sequence[Recording], folder: Path, experiments: Path) -> list[str]:
    ordered = sorted(recordings, key=lambda recording: recording.name)
    return [
        f"[{table}]  # {len(ordered)} of them",
        f"folder = {quoted(_path(folder, experiments))}",
        f"[{table}.sha256]",
        *(f"{quoted(recording.name)} = {quoted(recording.sha256[:KEPT_DIGITS])}" for recording in ordered),
    ]


def _path(path: Path, experiments: Path) -> str:
    """Returns a relative path within the tree of `experiments`, so that the tree can move; else an absolute one."""
    place, folder = os.path.abspath(path), os.path.abspath(experiments)
    inside = os.path.commonpath([os.path.dirname(folder), place]) == os.path.dirname(folder)
    is_relative = inside and not os.path.islink(folder)  # behind a link `..` leads elsewhere
    return Path(os.path.relpath(place, folder) if is_relative else place).as_posix()
