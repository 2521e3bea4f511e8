"""Scored candidates with what a search asks of them after every batch, each answered without going through all."""

from bisect import bisect_left, insort
from dataclasses import dataclass

from schedsearch.study.candidate import Candidate


@dataclass(frozen=True)
class Standing:
    """The candidates below an index: the best one, and what all have cost."""

    best: Candidate | None = None
    candidates: int = 0
    seconds: float = 0.0
    network_evaluations: int = 0


class Results:
    """Candidates by index. A candidate that comes last by its index, as nearly all do, costs the same at any number."""

    def __init__(self, sign: int) -> None:
        """Takes `sign`: 1 where a lower mean is better, -1 where a higher one is."""
        self._sign = sign
        self._trials: dict[int, int] = {}  # by index: the trial's number
        self._candidates: dict[int, Candidate] = {}
        self._indices: list[int] = []  # sorted
        self._arrived: list[int] = []  # indices in the order of `add`
        self._standings = [Standing()]  # [n] of the first n indices; shorter where not asked for yet

    def add(self, candidate: Candidate, trial: int) -> None:
        """Adds a trial's candidate; of two trials with one index the one with the lower number counts."""
        index = candidate.index
        if self._trials.get(index, trial) < trial:
            return
        if index not in self._trials:
            insort(self._indices, index)
            self._arrived.append(index)
        self._trials[index], self._candidates[index] = trial, candidate
        del self._standings[bisect_left(self._indices, index) + 1 :]

    def all(self) -> list[Candidate]:
        """Returns the candidates by index."""
        return [self._candidates[index] for index in self._indices]

    def arrived_after(self, count: int) -> list[Candidate]:
        """Returns the candidates that were added after the first `count`, by index."""
        return [self._candidates[index] for index in sorted(self._arrived[count:])]

    def next_index(self) -> int:
        """Returns one more than the highest index."""
        return self._indices[-1] + 1 if self._indices else 0

    def standing(self, before: int | None = None) -> Standing:
        """Returns the standing of all candidates, or of those below an index."""
        count = len(self._indices) if before is None else bisect_left(self._indices, before)
        for index in self._indices[len(self._standings) - 1 : count]:
            self._standings.append(self._with(self._standings[-1], self._candidates[index]))
        return self._standings[count]

    def _with(self, standing: Standing, candidate: Candidate) -> Standing:
        best = standing.best
        if candidate.whole and (best is None or self._sign * candidate.score.mean < self._sign * best.score.mean):
            best = candidate
        return Standing(
            best,
            standing.candidates + 1,
            standing.seconds + candidate.seconds,
            standing.network_evaluations + candidate.network_evaluations,
        )
