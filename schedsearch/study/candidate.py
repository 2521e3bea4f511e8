"""A scored schedule, and its form in the store."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import NoiseSchedule


@dataclass(frozen=True)
class Candidate:
    """What is known of one schedule. With failures it has no score and can not win; nor can it when it was stopped."""

    name: str
    kind: str  # "baseline", or the strategy's name
    schedule: NoiseSchedule
    scores: Mapping[str, Score]  # of the objectives by name, the first one decides
    seconds: float
    network_evaluations: int
    index: int = -1  # its place among the proposals; -1 for a baseline
    estimate: float | None = None  # of the first objective, where a race stopped it before all pairs were scored

    @property
    def score(self) -> Score:
        """Of the first objective."""
        return next(iter(self.scores.values()))

    @property
    def failures(self) -> tuple[str, ...]:
        """Of any objective."""
        return tuple(reason for score in self.scores.values() for reason in score.failures)

    @property
    def whole(self) -> bool:
        """Scored on every pair, without a failure: only such candidates can win."""
        return not self.failures and self.estimate is None

    def losses(self, signs: Mapping[str, int]) -> tuple[float, ...]:
        """What strategies are told, one an objective: lower is better, NaN where it failed."""
        if self.failures:
            return (np.nan,) * len(signs)
        means = {name: score.mean for name, score in self.scores.items()}
        if self.estimate is not None:
            means[next(iter(means))] = self.estimate
        return tuple(sign * means[name] for name, sign in signs.items())


def plain(evaluation: Evaluation, objectives: Mapping[str, Any]) -> dict[str, Any]:
    """JSON values of what an evaluation found; NaN as null, since JSON has none."""
    return {
        "scores": {name: plain_score(evaluation.scores[name]) for name in objectives},
        "estimate": evaluation.estimate,
        "seconds": evaluation.seconds,
        "network_evaluations": evaluation.network_evaluations,
    }


def candidate_from(name: str, attributes: Mapping[str, Any]) -> Candidate:
    """Of stored attributes: kind, betas, index and what `plain` made of its evaluation."""
    result = attributes["result"]
    return Candidate(
        name,
        attributes.get("kind", "baseline"),
        NoiseSchedule(np.array(attributes["betas"])),
        {metric: score_from(score) for metric, score in result["scores"].items()},
        float(result["seconds"]),
        int(result["network_evaluations"]),
        int(attributes.get("index", -1)),
        result["estimate"],
    )


def plain_score(score: Score) -> dict[str, Any]:
    """JSON values."""
    values = [[None if np.isnan(v) else float(v) for v in row] for row in score.values]
    return {"values": values, "failures": list(score.failures)}


def score_from(stored: Mapping[str, Any]) -> Score:
    """Of what `plain_score` made."""
    values = np.array([[np.nan if v is None else v for v in row] for row in stored["values"]])
    return Score(values, tuple(stored["failures"]))
