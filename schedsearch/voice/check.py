"""Checks a voice before its first search and stores the result, so that it is measured once."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from schedsearch.voice.config import Voice
from schedsearch.voice.opened import clips_hash, make_writable
from vocoder.atomic import atomic_write
from vocoder.audio.reading import Clip
from vocoder.errors import InputError
from vocoder.front_end_check.advice import sentence
from vocoder.front_end_check.diagnosis import VERSION, Diagnosis, too_short
from vocoder.vocoder import Vocoder

KEPT = "front_end.json"  # in results/<dataset>/<rate>hz/, for searches of all lengths
VOICE_CHECK = "voice check"  # its key in the store
CHECKING = "checking the voice and its front end on the search clips (once; some 1,000 network evaluations) ..."


def checked(
    voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path, force: bool, tell: Callable[[str], object]
) -> dict[str, Any]:
    """Checks a voice, or reads its stored check, and returns the result for run.json.

    Raises InputError for a voice that does not pass, unless `force`.
    """
    stored = kept_diagnosis(voice, vocoder, clips, results)
    if stored is None and force:
        return _reported("skipped, for FORCE was given; make check-voice runs it", tell, forced=True)
    if stored is None and (reason := too_short(clips, vocoder.hop_length)):
        return _reported(f"{reason}, so it was not checked", tell)
    if stored is None:
        tell(CHECKING)
    diagnosis = stored or new_diagnosis(voice, vocoder, clips, results)
    result = sentence(diagnosis, vocoder.dialect.name)
    if diagnosis.passes:
        return _reported(result, tell if stored is None or diagnosis.kind != "matches" else None, diagnosis)
    if not force:
        raise InputError(f"{result}; FORCE=1 searches all the same")
    return _reported(f"{result}; the search goes on, for FORCE was given", tell, diagnosis, forced=True)


def _reported(
    result: str, tell: Callable[[str], object] | None, diagnosis: Diagnosis | None = None, *, forced: bool = False
) -> dict[str, Any]:
    if tell:
        tell(f"check of the voice: {result}")
    return {"found": diagnosis.kind if diagnosis else None, "forced": forced, "said": result}


def kept_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis | None:
    """Reads the diagnosis of the same weights, front end and clips; None where there is none."""
    try:
        stored = json.loads(_place(voice, results).read_text())
        if stored["identity"] != check_identity(vocoder, clips):
            return None
        diagnosis = Diagnosis.from_plain(stored["diagnosis"])
        sentence(diagnosis, vocoder.dialect.name)  # raises where the file is damaged
        return diagnosis
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, RecursionError):
        return None  # no file, another version's, or a damaged one


def new_diagnosis(voice: Voice, vocoder: Vocoder, clips: Sequence[Clip], results: Path) -> Diagnosis:
    """Measures a voice on a search's excerpts, in any order, and stores the diagnosis."""
    place = _place(voice, results)
    make_writable(place.parent)  # before measuring, or the result could be lost
    ordered = sorted(clips, key=lambda clip: sha256(clip.name.encode()).digest())  # the same order for every seed
    diagnosis: Diagnosis = voice.services.diagnose(vocoder, ordered)
    content = {"identity": check_identity(vocoder, clips), "diagnosis": asdict(diagnosis)}
    atomic_write(place, json.dumps(content, indent=1).encode())
    return diagnosis


def _place(voice: Voice, results: Path) -> Path:
    return results / voice.label / KEPT


def check_identity(vocoder: Vocoder, clips: Sequence[Clip]) -> dict[str, Any]:
    """Returns all that a diagnosis depends on."""
    return {
        "version": VERSION,
        "checkpoint": vocoder.weights_hash,
        "front end": repr(vocoder.front_end),
        "dialect": vocoder.dialect.name,
        "precision": vocoder.precision,
        "search clips": clips_hash(tuple(clips)),
    }
