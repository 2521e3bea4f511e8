"""Scores candidates a few clips at a time and stops those that are surely worse than the best so far.

Under common noise the difference to the best, clip by clip, is far quieter than the scores (racing: Maron & Moore 1994,
F-Race: Birattari et al. 2002). The test is a one-sided paired t: ranks need more pairs before they can say anything
(4 pairs give Wilcoxon's test p = 0.06 at the least), and clips are few. A mean over the clips scored before the stop is
no score, since some clips are harder: a stopped candidate is told to strategies as the best's mean plus the mean paired
difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from schedsearch.candidate import Candidate
from schedsearch.evaluator import Evaluator
from schedsearch.schedule import NoiseSchedule
from schedsearch.scores import Evaluation, Score

Array = npt.NDArray[np.float64]

LEVEL = 0.01  # of each test; measured in experiments/bench_search: how often it stops the best
OUTLIER = 3.0
LEAST_PAIRS = 3  # two differences that agree by chance would stop anything


@dataclass(frozen=True)
class Race:
    """Heats of clips, the first run by all, each further one by those that are still in.

    With one heat, or without a best so far, every candidate is scored on every pair.
    """

    heats: Sequence[Evaluator]  # disjoint sets of clips
    objective: str
    sign: int  # 1 where less is better
    draws: tuple[int, ...] = (0,)
    shared: bool = False  # network calls between schedules that begin alike
    level: float = LEVEL

    def evaluate(
        self, schedules: Sequence[NoiseSchedule], best: Candidate | None = None, *, shared: bool = False
    ) -> list[Evaluation]:
        """In order; `best` must have been scored by the same heats and draws. `shared` as above, for these alone."""
        found: list[list[Evaluation]] = [[] for _ in schedules]
        running = list(range(len(schedules)))
        for heat in self.heats:
            evaluations = heat.evaluate([schedules[i] for i in running], self.draws, shared=shared or self.shared)
            for i, evaluation in zip(running, evaluations, strict=True):
                found[i].append(evaluation)
            running = [i for i in running if not self._over(found[i], best)]
            if not running:
                break
        return [self._joined(each, best) for each in found]

    def _over(self, heats: Sequence[Evaluation], best: Candidate | None) -> bool:
        """Whether further heats are for nothing."""
        if any(score.failures for score in heats[-1].scores.values()):
            return True
        if best is None:
            return False
        difference = self._differences(heats, best)
        return len(difference) >= LEAST_PAIRS and surely_worse(difference, self.level)

    def _differences(self, heats: Sequence[Evaluation], best: Candidate) -> Array:
        """[clip], above zero where it is worse than the best; draws averaged, since they are nested in clips."""
        mine = np.vstack([evaluation.scores[self.objective].values for evaluation in heats])
        difference: Array = self.sign * (mine - best.score.values[: len(mine)]).mean(axis=1)
        return difference

    def _joined(self, heats: Sequence[Evaluation], best: Candidate | None) -> Evaluation:
        estimate = None
        failed = any(score.failures for score in heats[-1].scores.values())
        if len(heats) < len(self.heats) and best is not None and not failed:
            estimate = best.score.mean + self.sign * float(self._differences(heats, best).mean())
        seconds = sum(evaluation.seconds for evaluation in heats)
        calls = sum(evaluation.network_evaluations for evaluation in heats)
        scores = {name: self._padded([e.scores[name] for e in heats]) for name in heats[0].scores}
        return Evaluation(scores, seconds, calls, estimate)

    def _padded(self, scores: Sequence[Score]) -> Score:
        """All clips, NaN for those that it did not run."""
        clips = sum(len(heat.clip_names) for heat in self.heats)
        values = np.full((clips, len(self.draws)), np.nan)
        run = np.vstack([score.values for score in scores])
        values[: len(run)] = run
        return Score(values, tuple(reason for score in scores for reason in score.failures))


def surely_worse(difference: Array, level: float) -> bool:
    """Whether paired differences [pair] lie above zero, by a one-sided t test at this level.

    Differences beyond OUTLIER times the median size are cut to it: where one clip suffers ten times as much as the
    others, its own spread would hide that all of them suffer.
    """
    size = OUTLIER * float(np.median(np.abs(difference)))
    cut = np.clip(difference, -size, size)
    spread = float(cut.std(ddof=1))
    if spread == 0:
        return bool(cut[0] > 0)
    t = float(cut.mean()) / (spread / np.sqrt(len(cut)))
    return bool(t > stats.t.ppf(1 - level, len(cut) - 1))
