"""Two schedules on the same clips and noise, and the one word for what came of it."""

from dataclasses import dataclass

from schedsearch.evaluation.bootstrap import Interval, paired_bootstrap, sound_clips
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric


@dataclass(frozen=True)
class Comparison:
    """One metric of both on the held-out clips; the difference is winner minus baseline."""

    metric: str
    winner: Score
    baseline: Score
    difference: Interval | None  # None when fewer than two clips are sound in both
    better: bool  # the interval excludes zero on the winner's side, and the winner fails no more often

    @property
    def fails_more(self) -> bool:
        """Whether the winner has more pairs of clip and draw without a value: the difference knows nothing of them."""
        return len(self.winner.failures) > len(self.baseline.failures)


def compare(metric: Metric, winner: Score, baseline: Score, seed: int) -> Comparison:
    """Over the clips that are sound in both."""
    sound = sound_clips([winner.values, baseline.values])
    if sound.sum() < 2:
        return Comparison(metric.name, winner, baseline, None, False)
    difference = paired_bootstrap(winner.values[sound], baseline.values[sound], seed=seed)
    better = difference.high < 0 if metric.direction == "minimize" else difference.low > 0
    no_more_failures = len(winner.failures) <= len(baseline.failures)
    return Comparison(metric.name, winner, baseline, difference, better and metric.ranks and no_more_failures)


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
