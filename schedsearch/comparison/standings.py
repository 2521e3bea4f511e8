"""Who is best at each length, and whether the best baseline is beaten beyond doubt."""

from dataclasses import dataclass

import numpy as np

from schedsearch.comparison.contest import Contest
from schedsearch.comparison.entrants import Entrant
from schedsearch.evaluation.paired import Comparison, compare, sound
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric


@dataclass(frozen=True)
class Standing:
    """An entrant among those of its length."""

    entrant: Entrant
    rival: Entrant
    comparisons: tuple[Comparison, ...]  # with the rival, one a metric, the objective first

    @property
    def main(self) -> Comparison:
        """Of the objective."""
        return self.comparisons[0]


def standings(contest: Contest) -> dict[int, list[Standing]]:
    """By length, shortest first; of each the fewest failures of the objective first, then the best mean."""
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
    kept = sound(score)
    if not len(kept.values):
        return len(score.failures), np.inf
    return len(score.failures), kept.mean if metric.direction == "minimize" else -kept.mean
