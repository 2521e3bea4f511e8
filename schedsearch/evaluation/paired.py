"""Compares two schedules on the same clips and noise, and names the outcome."""

from dataclasses import dataclass
from enum import StrEnum

from schedsearch.evaluation.bootstrap import Array, Interval, paired_bootstrap, sound_clips
from schedsearch.evaluation.scores import Score
from schedsearch.metrics.registry import Metric


class Outcome(StrEnum):
    """What a comparison says of its winner. The values are the words of the CSV files."""

    BETTER = "better"
    WORSE = "worse"
    TIE = "tie"
    FAILS_MORE = "fails more often"
    HIGHER = "higher"  # HIGHER and LOWER: of a metric of which no side is better
    LOWER = "lower"
    NO_COMPARISON = ""

    @property
    def label(self) -> str:
        """Returns the words for people, under a heading such as "searched is"."""
        return {Outcome.TIE: "not told apart", Outcome.NO_COMPARISON: "not comparable"}.get(self, self.value)

    @property
    def predicate(self) -> str:
        """Returns the end of a sentence that begins with "the searched schedule"."""
        return self.label if self is Outcome.FAILS_MORE else f"is {self.label}"


@dataclass(frozen=True)
class Comparison:
    """One metric of both on the held-out clips; the difference is winner minus baseline."""

    metric: str
    winner: Score
    baseline: Score
    difference: Interval | None  # None when fewer than two clips are sound in both
    outcome: Outcome
    unit: str = ""
    better_side: str = ""  # lower or higher is better; empty where neither is

    @property
    def better(self) -> bool:
        """Says whether the interval lies on the winner's side of zero and the winner fails no more often."""
        return self.outcome is Outcome.BETTER

    @property
    def fails_more(self) -> bool:
        """Whether the winner has more pairs of clip and draw without a value. The difference leaves such clips out."""
        return len(self.winner.failures) > len(self.baseline.failures)

    @property
    def differences(self) -> Array:
        """The differences [clip], draws averaged, over the clips that are sound in both."""
        sound = sound_clips([self.winner.values, self.baseline.values])
        differences: Array = (self.winner.values - self.baseline.values)[sound].mean(axis=1)
        return differences


def compare(metric: Metric, winner: Score, baseline: Score, seed: int) -> Comparison:
    """Compares two schedules over the clips that are sound in both."""
    sound = sound_clips([winner.values, baseline.values])
    enough = sound.sum() > 1
    difference = paired_bootstrap(winner.values[sound], baseline.values[sound], seed=seed) if enough else None
    fails_more = metric.ranks and len(winner.failures) > len(baseline.failures)
    outcome = Outcome.FAILS_MORE if fails_more else _outcome(difference, metric)
    return Comparison(metric.name, winner, baseline, difference, outcome, metric.unit, metric.better_side)


def _outcome(difference: Interval | None, metric: Metric) -> Outcome:
    """Names the side of zero on which the interval lies."""
    if difference is None:
        return Outcome.NO_COMPARISON
    if not difference.excludes_zero:
        return Outcome.TIE
    if not metric.ranks:
        return Outcome.HIGHER if difference.low > 0 else Outcome.LOWER
    return Outcome.BETTER if (difference.high < 0) == (metric.direction == "minimize") else Outcome.WORSE


def sound(score: Score) -> Score:
    """Returns the score of the clips without a failure."""
    return Score(score.values[sound_clips([score.values])])
