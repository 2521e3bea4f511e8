"""Says what run.json keeps of a comparison, in plain values."""

import math
from dataclasses import asdict
from typing import Any

import numpy as np

from schedsearch.evaluation.paired import Comparison
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.catalogue import catalogue

SCORE_FACTS = ("mean", "se", "clips", "draws", "failures")
SIGN_OF_WORSE = {"lower is better": 1, "higher is better": -1}  # of a difference, searched minus baseline


def comparison_facts(comparison: Comparison) -> dict[str, Any]:
    """Returns the entry of a comparison in run.json, with None in place of NaN, which JSON lacks."""
    is_known = better_side(comparison.metric) == comparison.better_side
    # What readers of run.json cannot know of a user's own metric.
    own = {} if is_known else {"unit": comparison.unit, "better_side": comparison.better_side}
    return {
        "metric": comparison.metric,
        "winner": _without_nan(comparison.winner),
        "baseline": _without_nan(comparison.baseline),
        "difference": None if comparison.difference is None else asdict(comparison.difference),
        "pairs": len(comparison.differences),
        "better": comparison.better,
        **own,
        "better_clips": _better_clips(comparison),
    }


def score_facts(score: Score) -> dict[str, Any]:
    """Returns SCORE_FACTS of a score. Its clips and draws are those that a race let it run in."""
    run = np.isfinite(score.values)
    clips, draws = score.values.shape if score.failures else (int(run.any(axis=axis).sum()) for axis in (1, 0))
    values = (score.mean, score.standard_error, clips, draws, len(score.failures))
    return dict(zip(SCORE_FACTS, values, strict=True))


def better_side(metric: str) -> str:
    """Returns `lower is better` or `higher is better`; empty for a metric that ranks nothing or is not known."""
    known = {d.name: d for rate in (8_000, 16_000) for d in catalogue(rate)}.get(metric)
    if known is None or not known.ranks:
        return ""
    return "lower is better" if known.direction == "minimize" else "higher is better"


def _better_clips(comparison: Comparison) -> int | None:
    """Counts the clips on which the searched schedule is better, draws averaged; None where no side is better."""
    sign = SIGN_OF_WORSE.get(comparison.better_side)
    return None if sign is None else int((sign * comparison.differences < 0).sum())


def _without_nan(score: Score) -> dict[str, Any]:
    facts = {name: None if math.isnan(value) else value for name, value in score_facts(score).items()}
    return {**facts, "failure_reason": score.failures[0]} if score.failures else facts
