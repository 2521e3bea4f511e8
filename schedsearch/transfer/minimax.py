"""Decides which schedule costs least on the voice where it costs most, and scores no more than that takes.

A candidate's largest loss so far can only grow with the voices that are still to judge it. So the candidate whose
largest loss is least is scored next, on one more voice: a best-first search. Once it has been scored on all voices, no
other can be better. The choice is the one that scoring every candidate on every voice would make.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf, isfinite
from statistics import fmean, median
from typing import NamedTuple, TypeAlias

from schedsearch.comparison.entrants import Entrant
from schedsearch.comparison.scoring import Scoring
from schedsearch.metrics.registry import Metric
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.transfer.participants import Participant
from schedsearch.transfer.universal_candidates import UniversalCandidate

Hearing: TypeAlias = tuple[Participant, Entrant]  # whose search clips score which schedule next


@dataclass(frozen=True)
class Choice:
    """The universal schedule of a length, and its losses on the voices that it was chosen on."""

    candidate: UniversalCandidate
    losses: Mapping[str, float]  # by the voices' labels, on their search clips

    @property
    def worst(self) -> tuple[str, float]:
        """The voice that loses most, and its loss."""
        return max(self.losses.items(), key=lambda pair: pair[1])


class Decision(NamedTuple):
    """Asks which of these candidates has the least worst loss over these voices, of equals the least mean.

    A failure on any clip is an infinite loss. Voices without a sound winner of their own have no say.
    """

    candidates: Sequence[UniversalCandidate]
    voices: Sequence[Participant]


@dataclass(frozen=True)
class Jury:
    """One length's losses on the search clips of each voice, as far as they are known."""

    iterations: int
    scorings: Mapping[str, Scoring]  # by the voices' labels; the first metric decides
    _known: dict[tuple[NoiseSchedule, str], float] = field(default_factory=dict)

    def hearings(self, decisions: Iterable[Decision]) -> Iterator[Hearing]:
        """Yields what has to be scored before all decisions are safe. Score each before you ask for the next."""
        for decision in decisions:
            for voice in decision.voices:
                winner = voice.winners.get(self.iterations)
                if winner is not None and not self.scorings[voice.label].knows(winner.schedule):
                    yield voice, winner
            judges = self._judges(decision)
            while judges and (candidate := self._next(decision, judges)) is not None:
                voice = max(self._missing(candidate, judges), key=lambda judge: self._severity(decision, judge))
                yield voice, Entrant(candidate.name, "given", "candidate", candidate.schedule)

    def choice(self, decision: Decision) -> Choice | None:
        """Returns the answer, after `hearings`; None where no voice has a say, or each candidate fails on some."""
        judges = self._judges(decision)
        heard = [c for c in decision.candidates if not self._missing(c, judges)] if judges else []
        if not heard:
            return None
        best = min(heard, key=lambda candidate: self._rank(candidate, judges))
        if not isfinite(self._rank(best, judges)[0]):
            return None
        return Choice(best, {judge.label: loss for judge in judges if (loss := self._loss(best, judge)) is not None})

    def _next(self, decision: Decision, judges: Sequence[Participant]) -> UniversalCandidate | None:
        """Returns a candidate that may still be the best one, and that some judge has not heard."""
        bounds = {candidate: self._rank(candidate, judges)[0] for candidate in decision.candidates}
        least = min(bounds.values(), default=inf)
        leaders = (candidate for candidate, bound in bounds.items() if bound == least)
        return next((candidate for candidate in leaders if self._missing(candidate, judges)), None)

    def _rank(self, candidate: UniversalCandidate, judges: Sequence[Participant]) -> tuple[float, float]:
        """Returns the largest loss so far and the mean one: the less, the better."""
        losses = [loss for judge in judges if (loss := self._loss(candidate, judge)) is not None]
        return (max(losses), fmean(losses)) if losses else (-inf, -inf)

    def _missing(self, candidate: UniversalCandidate, judges: Sequence[Participant]) -> list[Participant]:
        return [judge for judge in judges if self._loss(candidate, judge) is None]

    def _severity(self, decision: Decision, judge: Participant) -> float:
        """Returns what candidates lose on this voice, their median: who judges hardest soonest rules one out."""
        losses = [loss for c in decision.candidates if (loss := self._loss(c, judge))]  # but for its own winner's 0
        return median(losses) if losses else inf

    def _judges(self, decision: Decision) -> list[Participant]:
        """Returns the voices whose own winner is sound: losses are parts of its mean."""
        return [voice for voice in decision.voices if isfinite(native := self._native(voice)) and native]

    def _native(self, voice: Participant) -> float:
        """Returns the mean of the voice's own winner; NaN with any failure, and where there is none."""
        winner = voice.winners.get(self.iterations)
        return self._mean(winner.schedule, voice) if winner else float("nan")

    def _loss(self, candidate: UniversalCandidate, judge: Participant) -> float | None:
        """Returns the candidate's loss beside the judge's own winner; None where it has not been scored."""
        place = (candidate.schedule, judge.label)
        if place not in self._known and self.scorings[judge.label].knows(candidate.schedule):
            [metric] = self.scorings[judge.label].metrics
            loss = relative_loss(metric, self._mean(candidate.schedule, judge), self._native(judge))
            self._known[place] = loss if isfinite(loss) else inf
        return self._known.get(place)

    def _mean(self, schedule: NoiseSchedule, judge: Participant) -> float:
        scoring = self.scorings[judge.label]
        return scoring.scores(schedule)[scoring.metrics[0].name].mean


def relative_loss(metric: Metric, score: float, native: float) -> float:
    """Returns how much worse a score is than the native winner's, as a part of it: 0.05 is 5 % worse, whatever the
    direction."""
    sign = 1.0 if metric.direction == "minimize" else -1.0
    return sign * (score - native) / abs(native) if native else float("nan")
