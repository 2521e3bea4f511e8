"""Held-out scores of several lengths, read from the run.json that each length's search wrote."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schedsearch.report.pictures.quality import Rated, rated
from schedsearch.report.pictures.quantity import Quantity, quantity

# What a held-out score depends on beside the schedule, and the objective, which says what was searched for.
ALIKE = (
    "dataset", "sample_rate", "checkpoint", "front end", "sampler", "precision", "held-out clips",
    "metric definitions", "objective",
)  # fmt: skip
SIDES = {"searched": "winner", "best baseline": "baseline"}  # by what a picture calls them: their keys in run.json


@dataclass(frozen=True)
class _Length:
    """What one run.json says."""

    objective: Quantity
    ratings: Mapping[str, Rated]  # by SIDES, those without failures
    alike: tuple[Any, ...]  # runs that can be compared have the same


def rated_lengths(newest: Path) -> tuple[Quantity, dict[str, list[Rated]]] | None:
    """The objective, and winners and best baselines of all lengths that can be compared with one run's.

    `newest` is that run's results/<dataset>/<rate>hz/<iters>iters. Lengths with other clips, weights or objectives are
    left out, and so are scores with failures. None where fewer than two lengths remain.
    """
    this = _read(newest / "run.json")
    found = [length for path in sorted(newest.parent.glob("*iters/run.json")) if (length := _read(path)) is not None]
    fitting = [length for length in found if this is not None and length.alike == this.alike]
    if this is None or len(fitting) < 2:
        return None
    return this.objective, {
        name: [length.ratings[name] for length in fitting if name in length.ratings] for name in SIDES
    }


def most_lengths(voice: Path) -> tuple[Quantity, dict[str, list[Rated]]] | None:
    """The same of the largest group of lengths below results/<dataset>/<rate>hz that compare with one another."""
    groups = [found for path in sorted(voice.glob("*iters")) if (found := rated_lengths(path)) is not None]
    return max(groups, key=lambda group: sum(map(len, group[1].values())), default=None)


def _read(path: Path) -> _Length | None:
    """None for what another program, or another version, left there."""
    try:
        told = json.loads(path.read_text())
        identity = told["identity"]
        scores = next(c for c in told["held_out"] if c["metric"] == told["objective"])
        ratings = {name: _rated(identity["iterations"], scores[side]) for name, side in SIDES.items()}
        return _Length(
            quantity(told["objective"], identity["sample_rate"]),
            {name: rating for name, rating in ratings.items() if rating is not None},
            tuple(identity[key] for key in ALIKE),
        )
    except (OSError, ValueError, LookupError, ArithmeticError, TypeError, AttributeError, StopIteration,
            RecursionError):  # fmt: skip
        return None


def _rated(iterations: int, score: Mapping[str, Any]) -> Rated | None:
    if score["mean"] is None or score["se"] is None:
        return None
    return rated(iterations, score["mean"], score["se"], score["clips"])
