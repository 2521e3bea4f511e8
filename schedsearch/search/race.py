"""Scores candidates a few clips at a time and stops those that a test calls worse than the best so far.

Under common noise the difference to the best, clip by clip, is far quieter than the scores (racing: Maron & Moore 1994,
F-Race: Birattari et al. 2002). The test is a one-sided paired t test. Rank tests need more pairs than there are clips
(with 4 pairs Wilcoxon's p is 0.06 at the least). A mean over the clips scored before the stop is no score, since some
clips are harder. So strategies are told an estimate for a stopped candidate: the best's mean plus the mean paired
difference.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import accumulate, pairwise, starmap
from math import inf

import numpy as np
from scipy import stats

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.study.candidate import Candidate
from vocoder.audio.reading import Clip

HEATS = 3  # at the most
LEVEL = 0.03  # of each test; a stopped candidate may still lead later, and is then scored on the other clips
LEVELS = ((6, LEVEL), (12, 0.1), (inf, 0.3))  # most steps, and the level: where clips cost more, fewer must do
OUTLIER = 3.0
OTHER_NOISE = 1000  # further rounds of leaders have the draws from 1 on
LEAST_PAIRS = 3  # two differences that agree by chance would stop anything


@dataclass(frozen=True)
class Race:
    """Scores heat by heat, in the first noise draw.

    `evaluate` scores a candidate that is stopped or that fails no further. Without a best so far nothing is stopped.
    """

    heats: Sequence[Evaluator]  # disjoint sets of clips
    objective: str
    sign: int  # 1 where less is better
    stops: bool = True  # False: only failures end a candidate
    shared: bool = False  # whether schedules that begin alike share network calls
    level: float = LEVEL

    @property
    def clips(self) -> int:
        """Returns the number of clips of all heats."""
        return sum(len(heat.clip_names) for heat in self.heats)

    def evaluate(self, schedules: Sequence[NoiseSchedule], best: Candidate | None = None) -> list[Evaluation]:
        """Returns evaluations in order. `best` must have been scored by the same heats."""
        best = best if self.stops else None
        ends = [0, *accumulate(len(heat.clip_names) for heat in self.heats)]
        raced = [_Raced(ends[-1]) for _ in schedules]
        running = list(range(len(schedules)))
        for heat, clips in zip(self.heats, starmap(slice, pairwise(ends)), strict=True):
            evaluations = heat.evaluate([schedules[i] for i in running], (0,), shared=self.shared)
            for i, evaluation in zip(running, evaluations, strict=True):
                raced[i].add(evaluation, clips)
            running = [i for i in running if not self._over(raced[i], best)]
            if not running:
                break
        return [each.evaluation(self._estimate(each, best)) for each in raced]

    def evaluate_share(self, schedules: Sequence[NoiseSchedule], draws: Sequence[int]) -> list[Evaluation]:
        """Returns evaluations in order, of the clips whose draw is not negative. Nothing ends a candidate.

        The first draw is that of `evaluate`; the others are of noise that nothing else hears.
        """
        names = [name for heat in self.heats for name in heat.clip_names]
        chosen = {name: OTHER_NOISE + draw if draw else 0 for name, draw in zip(names, draws, strict=True) if draw >= 0}
        part = self.heats[0].together(self.heats[1:]).of_clips(chosen)
        raced = [_Raced(len(names)) for _ in schedules]
        for each, evaluation in zip(raced, part.evaluate(schedules, (0,)), strict=True):
            each.add(evaluation, [names.index(name) for name in part.clip_names])
        return [replace(each.evaluation(None), draws=tuple(draws)) for each in raced]

    def _over(self, raced: "_Raced", best: Candidate | None) -> bool:
        """Says whether the candidate needs no further heat."""
        if raced.failed:
            return True
        return best is not None and is_worse(self._differences(raced, best), self.level)

    def _differences(self, raced: "_Raced", best: Candidate) -> Array:
        """Returns differences [clip] over the clips that were run, above zero where the candidate is worse."""
        differences = self.sign * (raced.values[self.objective] - _first_draw(best))
        return np.asarray(differences[~np.isnan(differences)])

    def _estimate(self, raced: "_Raced", best: Candidate | None) -> float | None:
        """Returns its estimate, None for a candidate that was scored on every clip or failed."""
        if best is None or raced.failed or raced.whole:
            return None
        return float(_first_draw(best).mean()) + self.sign * float(self._differences(raced, best).mean())


@dataclass
class _Raced:
    """What is known of a candidate: NaN for the clips that were not run."""

    clips: int
    values: dict[str, Array] = field(default_factory=dict)  # metric -> [clip, 1]
    failures: dict[str, tuple[str, ...]] = field(default_factory=dict)
    seconds: float = 0.0
    network_evaluations: int = 0

    def add(self, evaluation: Evaluation, clips: slice | list[int]) -> None:
        for name, score in evaluation.scores.items():
            self.values.setdefault(name, np.full((self.clips, 1), np.nan))[clips] = score.values
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


def level_of(steps: int) -> float:
    """Returns the level for schedules of this length."""
    return next(level for most, level in LEVELS if steps <= most)


def split_into_heats(clips: Sequence[Clip], stops: bool) -> list[Sequence[Clip]]:
    """Returns consecutive parts of the clips, none of fewer clips than a test needs; one part if nothing is stopped."""
    count = max(1, min(HEATS, len(clips) // LEAST_PAIRS)) if stops else 1
    ends = [round(len(clips) * (i + 1) / count) for i in range(count)]
    return [clips[begin:end] for begin, end in zip([0, *ends], ends, strict=False)]


def _first_draw(best: Candidate) -> Array:
    """Returns the best's values in the race's draw, [clip, 1]."""
    return best.score.values[:, :1]


def is_worse(difference: Array, level: float) -> bool:
    """Says whether paired differences [clip] lie above zero, by a one-sided t test at this level.

    False for fewer than LEAST_PAIRS. Differences beyond OUTLIER times the median size are cut to that. Otherwise one
    clip that suffers ten times as much as the others would hide, by its spread, that all of them suffer.
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
