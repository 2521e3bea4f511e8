"""The check of a voice before it is searched; kept beside its results, so that it is paid for once."""

import json
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.config import Voice
from schedsearch.run import clips_hash, voice_folder
from vocoder.atomic import atomic_write
from vocoder.audio import Clip
from vocoder.front_end_check.diagnosis import VERSION, Diagnosis, diagnose
from vocoder.vocoder import Vocoder

KEPT = "front_end.json"  # in results/<dataset>/<rate>hz/, for searches of all lengths


def kept_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis | None:
    """That of the same weights, front end and clips, if it was made before."""
    try:
        stored = json.loads(_place(voice, results).read_text())
        same = stored["identity"] == _identity(vocoder, clips)
        return Diagnosis.from_plain(stored["diagnosis"]) if same else None
    except (OSError, ValueError, KeyError, TypeError):  # none, or one that another version or a crash has left
        return None


def new_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis:
    """Made now, and kept; `clips` are a search's excerpts, in any order."""
    chosen = sorted(clips, key=lambda clip: sha256(clip.name.encode()).digest())  # the same ones for every seed
    found = diagnose(vocoder, chosen)
    place = _place(voice, results)
    place.parent.mkdir(parents=True, exist_ok=True)
    content = {"identity": _identity(vocoder, clips), "diagnosis": found.plain()}
    atomic_write(place, json.dumps(content, indent=1).encode())
    return found


def _place(voice: Voice, results: Path) -> Path:
    return voice_folder(voice, results) / KEPT


def _identity(vocoder: Vocoder, clips: Sequence[Clip]) -> dict[str, Any]:
    return {
        "version": VERSION,
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "dialect": vocoder.dialect.name,
        "precision": str(vocoder.autocast or "float32"),
        "search clips": clips_hash(tuple(clips)),
    }
