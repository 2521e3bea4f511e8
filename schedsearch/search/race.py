"""Scores candidates a few clips at a time and stops those that are surely worse than the best so far.

Under common noise the difference to the best, clip by clip, is far quieter than the scores (racing: Maron & Moore 1994,
F-Race: Birattari et al. 2002). The test is a one-sided paired t: ranks need more pairs before they can say anything
(4 pairs give Wilcoxon's test p = 0.06 at the least), and clips are few. A mean over the clips scored before the stop is
no score, since some clips are harder: a stopped candidate is told to strategies as the best's mean plus the mean paired
difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import accumulate
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from scipy import stats

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.study.candidate import Candidate

Array: TypeAlias = npt.NDArray[np.float64]
Round: TypeAlias = tuple[int, Sequence[int]]  # place of a draw, and places of the heats that hear it

LEVEL = 0.01  # of each test; measured in experiments/search_bench: how often it stops the best
OUTLIER = 3.0
LEAST_PAIRS = 3  # two differences that agree by chance would stop anything


@dataclass(frozen=True)
class Race:
    """Heats of clips in the first noise draw, then all clips in each further draw, for those that are still in.

    Without a best so far every candidate is scored on every pair, unless it fails: then it is heard no further.
    """

    heats: Sequence[Evaluator]  # disjoint sets of clips
    objective: str
    sign: int  # 1 where less is better
    draws: tuple[int, ...] = (0,)
    stops: bool = True  # what is surely worse; otherwise only failures end a candidate
    shared: bool = False  # network calls between schedules that begin alike
    level: float = LEVEL

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], best: Candidate | None = None, *, shared: bool = False
    ) -> list[Evaluation]:
        """In order; `best` must have been scored by the same heats and draws. `shared` as above, for these alone."""
        best = best if self.stops else None
        found = [_Raced((sum(self._sizes), len(self.draws))) for _ in schedules]
        running = list(range(len(schedules)))
        ends = [0, *accumulate(self._sizes)]
        for column, places in rounds(len(self.heats), len(self.draws)):
            for place in places:
                evaluations = self.heats[place].evaluate(
                    [schedules[i] for i in running], (self.draws[column],), shared=shared or self.shared
                )
                for i, evaluation in zip(running, evaluations, strict=True):
                    found[i].add(evaluation, slice(ends[place], ends[place + 1]), column)
            running = [i for i in running if not self._over(found[i], best)]
            if not running:
                break
        return [each.evaluation(self._estimate(each, best)) for each in found]

    @property
    def _sizes(self) -> list[int]:
        return [len(heat.clip_names) for heat in self.heats]

    def _over(self, raced: "_Raced", best: Candidate | None) -> bool:
        """Whether further rounds are for nothing."""
        if raced.failed:
            return True
        return best is not None and surely_worse(self._differences(raced, best), self.level)

    def _differences(self, raced: "_Raced", best: Candidate) -> Array:
        """[clip], above zero where it is worse than the best."""
        return clip_means(self.sign * (raced.values[self.objective] - best.score.values))

    def _estimate(self, raced: "_Raced", best: Candidate | None) -> float | None:
        """None where it was scored on every pair, and where it failed."""
        if best is None or raced.failed or raced.whole:
            return None
        return best.score.mean + self.sign * float(self._differences(raced, best).mean())


@dataclass
class _Raced:
    """What is known of a candidate: NaN for the pairs of clip and draw that it did not run."""

    shape: tuple[int, int]
    values: dict[str, Array] = field(default_factory=dict)  # metric -> [clip, draw]
    failures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    network_evaluations: int = 0

    def add(self, evaluation: Evaluation, clips: slice, draw: int) -> None:
        for name, score in evaluation.scores.items():
            self.values.setdefault(name, np.full(self.shape, np.nan))[clips, draw] = score.values[:, 0]
            self.failures[name] = self.failures.get(name, ()) + score.failures
        self.seconds += evaluation.seconds
        self.network_evaluations += evaluation.network_evaluations

    @property
    def failed(self) -> bool:
        return any(self.failures.values())

    @property
    def whole(self) -> bool:
        return not any(np.isnan(values).any() for values in self.values.values())

    def evaluation(self, estimate: float | None) -> Evaluation:
        scores = {name: Score(values, self.failures[name]) for name, values in self.values.items()}
        return Evaluation(scores, self.seconds, self.network_evaluations, estimate)


def rounds(heats: int, draws: int) -> list[Round]:
    """After each of which a candidate may be stopped: heat by heat in the first draw, all of them in each other."""
    return [*((0, [place]) for place in range(heats)), *((column, range(heats)) for column in range(1, draws))]


def clip_means(values: Array) -> Array:
    """[clip, draw] with NaN where nothing was run -> [clip], of those that were: draws are nested in clips."""
    run = values[~np.isnan(values).all(axis=1)]
    return np.asarray(np.nanmean(run, axis=1))


def surely_worse(difference: Array, level: float) -> bool:
    """Whether paired differences [clip] lie above zero, by a one-sided t test at this level; never of fewer than
    LEAST_PAIRS.

    Differences beyond OUTLIER times the median size are cut to it: where one clip suffers ten times as much as the
    others, its own spread would hide that all of them suffer.
    """
    if len(difference) < LEAST_PAIRS:
        return False
    size = OUTLIER * float(np.median(np.abs(difference)))
    cut = np.clip(difference, -size, size)
    spread = float(cut.std(ddof=1))
    if spread == 0:
        return bool(cut[0] > 0)
    t = float(cut.mean()) / (spread / np.sqrt(len(cut)))
    return bool(t > _critical(level, len(cut) - 1))


@cache
def _critical(level: float, degrees: int) -> float:
    return float(stats.t.ppf(1 - level, degrees))
