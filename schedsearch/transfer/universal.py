"""Chooses one schedule for all voices: the one with the least worst loss, on search clips alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.comparison.scoring import Scoring
from schedsearch.evaluation.bootstrap import Array
from schedsearch.metrics.registry import Metric
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.universal_candidates import Origin, UniversalCandidate, origins_of
from vocoder.atomic import atomic_write
from vocoder.errors import InputError


@dataclass(frozen=True)
class Choice:
    """The universal schedule of a length, and its losses on the voices that it was chosen on."""

    candidate: UniversalCandidate
    losses: Mapping[str, float]  # by the voices' labels, on their search clips

    @property
    def worst(self) -> tuple[str, float]:
        """The voice that loses most, and its loss."""
        return max(self.losses.items(), key=lambda pair: pair[1])


def relative_loss(metric: Metric, score: float, native: float) -> float:
    """Returns how much worse a score is than the native winner's, as a part of it: 0.05 is 5 % worse, whatever the
    direction."""
    sign = 1.0 if metric.direction == "minimize" else -1.0
    return sign * (score - native) / abs(native) if native else float("nan")


def choose(
    candidates: Sequence[UniversalCandidate],
    voices: Sequence[Participant],
    scorings: Mapping[str, Scoring],
    iterations: int,
) -> Choice | None:
    """Returns the minimax over voices that have a winner of their own, of equals the one with the better mean.

    A failure on any clip is an infinite loss. None where no voice has a sound winner.
    """
    table = {voice.label: _losses(candidates, voice, scorings[voice.label], iterations) for voice in voices}
    known = {label: losses for label, losses in table.items() if losses is not None}
    if not known or not candidates:
        return None
    losses = np.array(list(known.values()))  # [voice, candidate]
    best = min(range(len(candidates)), key=lambda place: (losses[:, place].max(), losses[:, place].mean()))
    return Choice(candidates[best], dict(zip(known, losses[:, best].tolist(), strict=True)))


def without(
    origin: Origin, candidates: Iterable[UniversalCandidate], voices: Iterable[Participant]
) -> tuple[list[UniversalCandidate], list[Participant]]:
    """Leaves out the voices of a speaker or a dialect, and all candidates that they influenced."""
    return (
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


def write_universal(choices: Mapping[int, Choice], path: Path) -> None:
    """Writes name -> source, betas and the voices that chose, much as published.json; other lengths in it stay."""
    entries = read_universal(path)
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


def _losses(
    candidates: Sequence[UniversalCandidate], voice: Participant, scoring: Scoring, iterations: int
) -> Array | None:
    """Returns losses [candidate], infinite where a clip failed; None where the voice has no sound winner."""
    if iterations not in voice.winners:
        return None
    [metric] = scoring.metrics
    native = scoring.scores(voice.winners[iterations].schedule)[metric.name].mean  # NaN with any failure
    if not np.isfinite(native) or native == 0:
        return None
    means = [scoring.scores(candidate.schedule)[metric.name].mean for candidate in candidates]
    losses = [relative_loss(metric, value, native) for value in means]
    return np.array([loss if np.isfinite(loss) else np.inf for loss in losses])
