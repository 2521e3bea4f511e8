"""Reads held-out scores of several lengths from the run.json of each."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedsearch.metrics.catalogue import catalogue
from schedsearch.report.pictures.quality import Rated, rated
from schedsearch.report.pictures.quantity import Quantity
from schedsearch.search.settings import OWN_SOURCES

# What a held-out score depends on beside the schedule, and the objective of the search.
ALIKE = (
    "dataset", "sample_rate", "checkpoint", "front end", "sampler", "precision", "held-out clips",
    "metric definitions", "objective",
)  # fmt: skip
_FOLDER = re.compile(r"([1-9][0-9]*)iters")
SIDES = {"searched": "winner", "best baseline": "baseline"}  # name in a picture -> key in run.json


@dataclass(frozen=True)
class _Length:
    """The content of one run.json."""

    objective: Quantity
    ratings: Mapping[str, Rated]  # by SIDES, without those that failed
    alike: tuple[Any, ...]  # equal in runs that can be compared


def rated_lengths(newest: Path) -> tuple[Quantity, dict[str, list[Rated]]] | None:
    """Returns the objective, and winners and best baselines of all lengths that can be compared with one run.

    `newest` is that run's results/<dataset>/<rate>hz/<iters>iters. Lengths with other clips, weights or objectives are
    left out, and so are scores with failures. None if fewer than two lengths remain.
    """
    this = _read(newest / "run.json")
    if this is None:
        return None
    lengths = [_read(path / "run.json") for path in length_folders(newest.parent).values()]
    alike = [length for length in lengths if length is not None and length.alike == this.alike]
    if len(alike) < 2:
        return None
    return this.objective, {
        name: [length.ratings[name] for length in alike if name in length.ratings] for name in SIDES
    }


def length_folders(voice: Path) -> dict[int, Path]:
    """Returns the folders of a voice's lengths, shortest first; no copy under another name."""
    found = {int(match[1]): path for path in voice.glob("*iters") if (match := _FOLDER.fullmatch(path.name))}
    return dict(sorted(found.items()))


def most_lengths(voice: Path) -> tuple[Quantity, dict[str, list[Rated]]] | None:
    """Returns objective and scores of the largest group of lengths that can be compared.

    `voice` is results/<dataset>/<rate>hz. None if no two of its lengths can be compared.
    """
    groups = [group for path in length_folders(voice).values() if (group := rated_lengths(path)) is not None]
    return max(groups, key=lambda group: sum(map(len, group[1].values())), default=None)


def _read(path: Path) -> _Length | None:
    """Reads a run.json; None if another program or version wrote it."""
    try:
        facts = json.loads(path.read_text())
        identity = facts["identity"]
        scores = next(c for c in facts["held_out"] if c["metric"] == facts["objective"])
        ratings = {name: _rated(identity["iterations"], scores[side]) for name, side in SIDES.items()}
        return _Length(
            _quantity(scores, identity["sample_rate"]),
            {name: rating for name, rating in ratings.items() if rating is not None},
            (*(identity[key] for key in ALIKE), identity.get(OWN_SOURCES)),
        )
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, StopIteration,
            RecursionError):  # fmt: skip
        return None


def _quantity(scores: Mapping[str, Any], sample_rate: int) -> Quantity:
    """Returns the objective. Of a user's own metric run.json says the unit and the better side."""
    known = {definition.name: definition for definition in catalogue(sample_rate)}.get(scores["metric"])
    if known is not None:
        return Quantity(known.name, known.unit, known.direction)
    more_is_better = scores.get("better_side") == "higher is better"
    return Quantity(scores["metric"], str(scores.get("unit", "")), "maximize" if more_is_better else "minimize")


def _rated(iterations: int, score: Mapping[str, Any]) -> Rated | None:
    if score["mean"] is None or score["se"] is None:
        return None
    return rated(iterations, score["mean"], score["se"], score["clips"])
