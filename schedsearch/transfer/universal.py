"""Leaves a speaker or a dialect out of a choice, and stores universal schedules as a table."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from schedsearch.transfer.minimax import Choice, Decision
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate, origins_of
from vocoder.atomic import atomic_write
from vocoder.errors import InputError


def without(
    origin: Origin, candidates: Iterable[UniversalCandidate], voices: Iterable[Participant]
) -> Decision:
    """Leaves out the voices of a speaker or a dialect, and all candidates that they influenced."""
    return Decision(
        [candidate for candidate in candidates if origin not in candidate.origins],
        [voice for voice in voices if origin not in origins_of(voice)],
    )


def read_universal(path: Path) -> dict[str, Any]:
    """Reads a file of `write_universal`, {} where there is none; InputError for anything else."""
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        [len(entry["betas"]) for entry in stored.values()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no table of universal schedules ({error}); move it away") from None
    return dict(stored)


def write_universal(choices: Mapping[int, Choice], path: Path, lengths: Iterable[int] = ()) -> None:
    """Writes name -> source, betas and the voices that chose, much as published.json; other lengths in it stay.

    Of `lengths` those without a choice go: an entry of an earlier transfer would pass for one of this.
    """
    entries = read_universal(path)
    for iterations in lengths:
        entries.pop(f"universal-{iterations}", None)
    for iterations, choice in choices.items():
        entries[f"universal-{iterations}"] = {
            "source": _source(choice),
            "voices": list(choice.losses),
            "betas": choice.candidate.schedule.betas.tolist(),
        }
    ordered = dict(sorted(entries.items(), key=lambda pair: len(pair[1]["betas"])))
    atomic_write(path, (json.dumps(ordered, indent=1) + "\n").encode())


def provenance(choice: Choice) -> dict[str, Any]:
    """Returns a schedule file's facts: how it came about and its losses on the search clips."""
    return {"kind": "universal", "name": choice.candidate.name, "relative_loss_on_search_clips": dict(choice.losses)}


def _source(choice: Choice) -> str:
    label, loss = choice.worst
    voices = ", ".join(choice.losses)
    least = f"least worst loss on search clips of {voices}: {loss:+.4f} ({label})"
    return f"make transfer: {choice.candidate.name}; {least}"
