"""One schedule for all: least loss, in the worst case, beside each voice's own winner; chosen on search clips alone."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from schedsearch.comparison.scoring import Scoring
from schedsearch.evaluation.bootstrap import Array
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric
from schedsearch.transfer.judges import Judge
from schedsearch.transfer.offers import Offer
from vocoder.atomic import atomic_write
from vocoder.errors import InputError


@dataclass(frozen=True)
class Choice:
    """The universal schedule of a length, and what it cost the voices that it was chosen on."""

    offer: Offer
    losses: Mapping[str, float]  # by the voices' labels, on their search clips

    @property
    def worst(self) -> tuple[str, float]:
        """Who loses most, and how much."""
        return max(self.losses.items(), key=lambda pair: pair[1])


def relative_loss(metric: Metric, score: float, native: float) -> float:
    """How much worse than the native winner, as a part of its score: 0.05 is 5 % worse, in either direction."""
    sign = 1.0 if metric.direction == "minimize" else -1.0
    return sign * (score - native) / abs(native) if native else float("nan")


def choose(
    offered: Sequence[Offer], judges: Sequence[Judge], scorings: Mapping[str, Scoring], iterations: int
) -> Choice | None:
    """The minimax over voices that have a winner of their own; of equals the better mean. A failure on any clip costs
    everything. None where no voice can say what an offer costs it."""
    table = {judge.label: _losses(offered, judge, scorings[judge.label], iterations) for judge in judges}
    known = {label: losses for label, losses in table.items() if losses is not None}
    if not known or not offered:
        return None
    losses = np.array(list(known.values()))  # [judge, offer]
    best = min(range(len(offered)), key=lambda place: (losses[:, place].max(), losses[:, place].mean()))
    return Choice(offered[best], dict(zip(known, losses[:, best].tolist(), strict=True)))


def without_speaker(speaker: str, offered: Iterable[Offer], judges: Iterable[Judge]) -> tuple[list[Offer], list[Judge]]:
    """What a choice may be made from, and who makes it, where this speaker's voices are to judge it as strangers."""
    return (
        [offer for offer in offered if speaker not in offer.speakers],
        [judge for judge in judges if judge.voice.speaker != speaker],
    )


def read_universal(path: Path) -> dict[str, Any]:
    """What `write_universal` left, {} where nothing stands; InputError for anything else."""
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        [len(entry["betas"]) for entry in kept.values()]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{path} is no table of universal schedules ({error}); move it away") from None
    return dict(kept)


def write_universal(choices: Mapping[int, Choice], path: Path) -> None:
    """Name -> source, betas and the voices that chose, much as published.json; lengths that stand there and were not
    chosen now stay."""
    kept = read_universal(path)
    for iterations, choice in choices.items():
        kept[f"universal-{iterations}"] = {
            "source": _source(choice),
            "voices": list(choice.losses),
            "betas": choice.offer.schedule.betas.tolist(),
        }
    ordered = dict(sorted(kept.items(), key=lambda pair: len(pair[1]["betas"])))
    atomic_write(path, (json.dumps(ordered, indent=1) + "\n").encode())


def provenance(choice: Choice) -> dict[str, Any]:
    """For a schedule file: how it came about and what it cost on the search clips."""
    return {"kind": "universal", "name": choice.offer.name, "relative_loss_on_search_clips": dict(choice.losses)}


def _source(choice: Choice) -> str:
    label, loss = choice.worst
    voices = ", ".join(choice.losses)
    return f"make transfer: {choice.offer.name}; least worst loss on search clips of {voices}: {loss:+.4f} ({label})"


def _losses(offered: Sequence[Offer], judge: Judge, scoring: Scoring, iterations: int) -> Array | None:
    """[offer]; infinite where a clip failed. None for a voice without a sound winner of its own."""
    if iterations not in judge.winners:
        return None
    [metric] = scoring.metrics
    native = _mean(scoring.scores(judge.winners[iterations].schedule)[metric.name])
    if not np.isfinite(native) or native == 0:
        return None
    means = [_mean(scoring.scores(offer.schedule)[metric.name]) for offer in offered]
    losses = [relative_loss(metric, value, native) for value in means]
    return np.array([loss if np.isfinite(loss) else np.inf for loss in losses])


def _mean(score: Score) -> float:
    """NaN with any failure."""
    return score.mean
