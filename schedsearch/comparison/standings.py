"""Ranks the schedules of each length, and compares each with the best baseline."""

from dataclasses import dataclass

import numpy as np

from schedsearch.comparison.contest import Contest
from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.paired import Comparison, compare, sound
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric


@dataclass(frozen=True)
class Standing:
    """An entrant and its comparisons with the best baseline of its length."""

    entrant: Entrant
    rival: Entrant
    comparisons: tuple[Comparison, ...]  # with the rival, one a metric, the objective first

    @property
    def main(self) -> Comparison:
        """The comparison by the objective."""
        return self.comparisons[0]


def standings(contest: Contest) -> dict[int, list[Standing]]:
    """Returns standings by length, shortest first: fewest failures of the objective first, then the best mean."""
    return {iterations: _of_length(contest, iterations) for iterations in contest.lengths}


def _of_length(contest: Contest, iterations: int) -> list[Standing]:
    scores = {entrant: contest.scoring.scores(entrant.schedule) for entrant in contest.of_length(iterations)}
    decides = contest.scoring.metrics[0]
    ranked = sorted(scores, key=lambda entrant: _rank(scores[entrant][decides.name], decides))
    rival = next(entrant for entrant in ranked if entrant.kind == "baseline")
    return [
        Standing(
            entrant,
            rival,
            tuple(compare(m, scores[entrant][m.name], scores[rival][m.name], 0) for m in contest.scoring.metrics),
        )
        for entrant in ranked
    ]


def _rank(score: Score, metric: Metric) -> tuple[int, float]:
    whole = sound(score)
    if not len(whole.values):
        return len(score.failures), np.inf
    return len(score.failures), whole.mean if metric.direction == "minimize" else -whole.mean
