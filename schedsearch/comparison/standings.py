"""Who is best at each length, and whether the best baseline is beaten beyond doubt."""

from dataclasses import dataclass

import numpy as np

from schedsearch.comparison.contest import Contest
from schedsearch.comparison.entrants import Entrant
from schedsearch.confirmation import Comparison, compare
from schedsearch.metrics.registry import Metric
from schedsearch.scores import Score
from schedsearch.verdict import sound_clips


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


def word(comparison: Comparison, metric: Metric) -> str:
    """The verdict's: what fails more often is no better, whatever the clips say that have both."""
    found = side(comparison, metric)
    return "fails more often" if found and metric.ranks and comparison.fails_more else found


def side(comparison: Comparison, metric: Metric) -> str:
    """Where the interval lies, over the clips that are sound in both."""
    difference = comparison.difference
    if difference is None:
        return ""
    if not difference.excludes_zero:
        return "tie"
    if not metric.ranks:
        return "higher" if difference.low > 0 else "lower"
    return "better" if (difference.high < 0) == (metric.direction == "minimize") else "worse"


def sound(score: Score) -> Score:
    """Of the clips without a failure."""
    return Score(score.values[sound_clips([score.values])])


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
