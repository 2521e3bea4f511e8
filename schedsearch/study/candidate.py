"""A scored schedule, and its form in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import NoiseSchedule


@dataclass(frozen=True)
class Candidate:
    """A schedule with its scores. It can win unless it failed or a race stopped it."""

    name: str
    kind: str  # "baseline", or the strategy's name
    schedule: NoiseSchedule
    scores: Mapping[str, Score]  # by metric: the objectives, of which the first decides, then a part of it
    seconds: float
    network_evaluations: int
    index: int = -1  # its place among the proposals; -1 for a baseline
    estimate: float | None = None  # of the first objective's mean over all clips, for one that heard less
    draws: tuple[int, ...] | None = None  # of each clip, where these differ, see `Evaluation`
    expectation: float | None = None  # of the first objective's mean, given the scores of all schedules; for leaders
    deviation: float | None = None  # of that expectation, for leaders too
    rounds: int = 1  # of scoring; leaders have further ones, on longer excerpts

    @property
    def score(self) -> Score:
        """Returns the score of the first objective."""
        return next(iter(self.scores.values()))

    @property
    def mean(self) -> float:
        """Returns the first objective's mean, or the estimate of it for one that heard less than all clips."""
        return self.score.mean if self.estimate is None else self.estimate

    @property
    def expected(self) -> float:
        """Returns the expected mean of the first objective, by the scores of all schedules or else by its own alone."""
        return self.mean if self.expectation is None else self.expectation

    @property
    def failures(self) -> tuple[str, ...]:
        """Returns the reasons of all failures, in any objective."""
        return tuple(dict.fromkeys(reason for score in self.scores.values() for reason in score.failures))

    @property
    def whole(self) -> bool:
        """Says whether every clip was scored in every draw without a failure."""
        return not self.failures and self.estimate is None and self.draws is None

    @property
    def stopped(self) -> bool:
        """Says whether a race stopped it before all clips were scored."""
        return self.estimate is not None and self.draws is None

    def losses(self, signs: Mapping[str, int]) -> tuple[float, ...]:
        """Returns what strategies are told, one value an objective: lower is better, NaN for a failure."""
        if self.failures:
            return (np.nan,) * len(signs)
        means = {name: score.mean for name, score in self.scores.items()} | {next(iter(self.scores)): self.mean}
        return tuple(sign * means[name] for name, sign in signs.items())


def plain(evaluation: Evaluation) -> dict[str, Any]:
    """Returns an evaluation as JSON values."""
    return {
        "scores": plain_scores(evaluation.scores),
        "estimate": evaluation.estimate,
        **({} if evaluation.draws is None else {"draws": evaluation.draws}),
        "seconds": evaluation.seconds,
        "network_evaluations": evaluation.network_evaluations,
    }


def candidate_from(name: str, attributes: Mapping[str, Any], objectives: Sequence[str] = ()) -> Candidate:
    """Reads a candidate from stored attributes: kind, betas, index and the result that `plain` made.

    Raises one of many errors for damaged attributes, KeyError for a missing objective.
    """
    result = attributes["result"]
    return Candidate(
        name,
        attributes.get("kind", "baseline"),
        NoiseSchedule(np.array(attributes["betas"])),
        scores_from(result["scores"], objectives),
        float(result["seconds"]),
        int(result["network_evaluations"]),
        int(attributes.get("index", -1)),
        None if result["estimate"] is None else float(result["estimate"]),
        draws=tuple(map(int, result["draws"])) if "draws" in result else None,
    )


def plain_scores(scores: Mapping[str, Score]) -> dict[str, Any]:
    """Returns scores as JSON values; NaN as null, since JSON has none."""
    return {name: _plain_score(score) for name, score in scores.items()}


def scores_from(stored: Mapping[str, Any], names: Sequence[str] = ()) -> dict[str, Score]:
    """Reads what `plain_scores` made; raises KeyError unless it has all `names`."""
    scores = {name: _score_from(score) for name, score in stored.items()}
    if missing := {*names} - {*scores}:
        raise KeyError(*missing)
    return scores


def schedules_from(stored: Sequence[Sequence[float]]) -> list[NoiseSchedule]:
    """Reads schedules from lists of betas."""
    return [NoiseSchedule(np.array(betas)) for betas in stored]


def _plain_score(score: Score) -> dict[str, Any]:
    values = [[None if np.isnan(v) else float(v) for v in row] for row in score.values]
    return {"values": values, "failures": list(score.failures)}


def _score_from(stored: Mapping[str, Any]) -> Score:
    values = np.array([[np.nan if v is None else v for v in row] for row in stored["values"]], dtype=np.float64)
    return Score(values, tuple(map(str, stored["failures"])))
