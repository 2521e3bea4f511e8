"""The text of experiments/<name>.toml: small, and with everything that was inferred stated."""

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
    """All that its file says."""

    dataset: str
    inspection: Inspection
    recordings: Path  # the folder
    survey: Survey
    split: Split
    seed: int

    @property
    def resample(self) -> bool:
        """Whether a chosen clip has another rate, which the survey lets through only where the user said so."""
        chosen = (*self.split.search, *self.split.held_out)
        return any(recording.sample_rate != self.inspection.sample_rate for recording in chosen)


def dataset_text(voice: NewVoice, experiments: Path) -> str:
    """TOML that `load_voice` reads; files in the same tree as `experiments` are named relative to it."""
    found, survey = voice.inspection, voice.survey
    table = f"rates.{found.sample_rate}"
    recordings = f"{len(survey.usable)} recordings, {survey.minutes:.1f} minutes"
    lines = [
        "# Written by `schedsearch voice`. Correct what is wrong: a search believes this file.",
        f"description = {quoted(f'{voice.dataset}: {recordings}')}",
        "",
        *_comment(f"{found.sample_rate} Hz from {found.rate_origin}"),
        f"[{table}]",
        *_comment(found.network, f"mel: {found.mel}", *found.origin_lines),
        f"checkpoint = {quoted(_path(found.checkpoint, experiments))}",
        *([f"config = {quoted(_path(found.config, experiments))}"] if found.config else []),
        *(["resample = true  # RESAMPLE=1"] if voice.resample else []),
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
    """A TOML string: JSON's, but for DEL, which only JSON may have bare."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InputError(f"a path must be text, and {ascii(text)} has bytes that are none; rename it") from error
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _comment(*lines: str) -> list[str]:
    """Quoted where a sign could end the comment."""
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
    """Relative within the tree that `experiments` stands in, so that the tree can move; absolute elsewhere."""
    tree = os.path.abspath(experiments.parent)
    place = os.path.abspath(path)
    inside = os.path.commonpath([tree, place]) == tree
    return Path(os.path.relpath(place, os.path.abspath(experiments)) if inside else place).as_posix()
