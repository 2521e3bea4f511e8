"""The check of a voice before it is searched; kept beside its results, so that it is paid for once."""

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.voice.config import Voice
from schedsearch.voice.opened import clips_hash, make_writable, voice_folder
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.front_end_check.advice import sentence
from vocoder.front_end_check.diagnosis import VERSION, Diagnosis, too_short
from vocoder.vocoder import Vocoder

KEPT = "front_end.json"  # in results/<dataset>/<rate>hz/, for searches of all lengths
CHECKING = "checking the voice and its front end on the search clips (once; some 1,000 network evaluations) ..."


def checked(
    voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path, force: bool, tell: Callable[[str], object]
) -> dict[str, Any]:
    """For run.json: what the check found, and whether the user went on against it or without it."""
    kept = kept_diagnosis(voice, vocoder, clips, results)
    if kept is None and force:
        return _told("skipped, for FORCE was given; make check-voice runs it", tell, forced=True)
    if kept is None and (reason := too_short(clips, vocoder.hop_length)):
        return _told(f"{reason}, so it was not checked", tell)
    if kept is None:
        tell(CHECKING)
    found = kept or new_diagnosis(voice, vocoder, clips, results)
    said = sentence(found, vocoder.dialect.name)
    if found.passes:
        return _told(said, tell if kept is None or found.kind != "matches" else None, found)
    if not force:
        raise InputError(f"{said}; FORCE=1 (--force) searches all the same")
    return _told(f"{said}; the search goes on, for FORCE was given", tell, found, forced=True)


def _told(
    said: str, tell: Callable[[str], object] | None, found: Diagnosis | None = None, *, forced: bool = False
) -> dict[str, Any]:
    if tell:
        tell(f"check of the voice: {said}")
    return {"found": found.kind if found else None, "forced": forced, "said": said}


def kept_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis | None:
    """That of the same weights, front end and clips, if it was made before."""
    try:
        stored = json.loads(_place(voice, results).read_text())
        if stored["identity"] != check_identity(vocoder, clips):
            return None
        found = Diagnosis.from_plain(stored["diagnosis"])
        sentence(found, vocoder.dialect.name)  # what can't be said was damaged
        return found
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError):
        return None  # there is none, or it is another version's, or torn


def new_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis:
    """Made now, and kept; `clips` are a search's excerpts, in any order."""
    place = _place(voice, results)
    make_writable(place.parent)  # or what is measured now is lost
    chosen = sorted(clips, key=lambda clip: sha256(clip.name.encode()).digest())  # the same ones for every seed
    found = voice.services.diagnose(vocoder, chosen)
    content = {"identity": check_identity(vocoder, clips), "diagnosis": found.plain()}
    atomic_write(place, json.dumps(content, indent=1).encode())
    return found


def _place(voice: Voice, results: Path) -> Path:
    return voice_folder(voice, results) / KEPT


def check_identity(vocoder: Vocoder, clips: Sequence[Clip]) -> dict[str, Any]:
    """What a diagnosis holds for."""
    return {
        "version": VERSION,
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "dialect": vocoder.dialect.name,
        "precision": str(vocoder.autocast or "float32"),
        "search clips": clips_hash(tuple(clips)),
    }


VOICE_CHECK = "voice check"  # what the store remembers of it
