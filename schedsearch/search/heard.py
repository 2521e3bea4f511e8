"""Gathers everything that was scored, in whatever rounds and noise, as one model of all scores takes it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

import numpy as np
import numpy.typing as npt

from schedsearch.evaluation.draws import MIXED
from schedsearch.evaluation.estimates import Estimates, estimate
from schedsearch.evaluation.scores import Evaluation, Score
from schedsearch.schedules.schedule import Array
from schedsearch.strategies.posterior import Scored
from schedsearch.study.candidate import Candidate, plain_scores, scores_from
from schedsearch.study.claims import Claim
from schedsearch.study.store import LEADER, Store

MODELLED = 200  # schedules that the posterior is fitted to, the best


@dataclass(frozen=True)
class Rounds:
    """The rounds of scoring. The first is that of every candidate; a further round's number is its noise draw."""

    further: int  # how many after the first
    weight: float  # of a pair of a further round: how many pairs of the first one tell as much
    quiet_part: str = ""  # a metric that the objective adds to something noisier, and that is scored as well

    @property
    def numbers(self) -> range:
        """Returns the numbers of all rounds: 0 is the first."""
        return range(1 + self.further)

    @property
    def weights(self) -> Array:
        """Returns one weight a column of `_values`: 1 for those of the first round."""
        return np.array([1.0] + [self.weight] * self.further + [1.0] * (MIXED - 1))

    @property
    def is_first(self) -> npt.NDArray[np.bool_]:
        """Says of each column of `_values` whether it is of the first round."""
        return np.asarray(np.isin(np.arange(self.further + MIXED), self.numbers[1:], invert=True))


FIRST_ROUND = Rounds(0, 1.0)


@dataclass(frozen=True)
class Heard:
    """Everything that is scored, with the further rounds of leaders."""

    candidates: Sequence[Candidate]  # baselines first
    scored: Scored  # of the same length and order, lower is better
    sign: int  # of the objective: 1 where less is better


@dataclass(frozen=True)
class _Part:
    """Scores of one schedule, from one round on: an earlier version scored candidates in several at once."""

    scores: Mapping[str, Score]
    number: int = 0
    draws: Sequence[int] | None = None  # of each clip in the first round, see `Evaluation`


def heard(store: Store, rounds: Rounds, before: int | None = None) -> Heard:
    """Returns all schedules with a score, each once, with what the store has of them in the rounds before this one."""
    baselines, searched = ([c for c in kind if not c.failures] for kind in (store.baselines(), store.candidates()))
    most = MODELLED - len(baselines)  # every baseline stays: the winner has to meet the best of them
    if len(searched) > most:
        searched = sorted(searched, key=lambda c: c.losses(store.signs)[0])[:most]
    every = [_with_rounds(store, candidate, rounds, before) for candidate in (*baselines, *searched)]
    once = {candidate.schedule: (candidate, parts) for candidate, parts in reversed(every) if not candidate.failures}
    sign = store.signs[store.objective]
    if not once:
        return Heard([], Scored([], Estimates(np.empty(0), np.empty(0), 0.0)), sign)
    candidates, known = zip(*reversed(once.values()), strict=True)
    values = sign * _values(known, store.objective, rounds)
    addends = [values]
    if all(rounds.quiet_part in part.scores for part in chain(*known)):  # an earlier version stored no parts
        quiet = sign * _values(known, rounds.quiet_part, rounds)
        addends = [values, quiet, values - quiet]
    estimates, *parts = [estimate(addend, rounds.weights, rounds.is_first) for addend in addends]
    return Heard(candidates, Scored([c.schedule for c in candidates], estimates, parts), sign)


def with_estimates(store: Store, claims: Sequence[Claim], evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Returns the evaluations, those in noise of their own with an estimate of their mean over all clips.

    The estimate takes away what the noise and the clips add to every schedule, as far as the baselines, the candidates
    before the batch and all of the batch tell. A part of it may be stored already, where a process was stopped.
    """
    of_batch = range(claims[0].first, claims[0].first + claims[0].size)
    parts = {
        claim.index: _Part(each.scores, draws=each.draws)
        for claim, each in zip(claims, evaluations, strict=True)
        if each.draws is not None and not each.scores[store.objective].failures
    }
    fresh = set(parts)
    stored = [c for c in store.candidates() if not c.failures]
    known = [*(c for c in store.baselines() if not c.failures), *(c for c in stored if c.index < of_batch.start)]
    if not parts or not known:
        return list(evaluations)
    parts |= {c.index: _Part(c.scores, draws=c.draws) for c in stored if c.index in of_batch}
    batch = sorted(parts)
    rows = [[part] for part in [*(_Part(c.scores, draws=c.draws) for c in known), *(parts[i] for i in batch)]]
    values = store.signs[store.objective] * _values(rows, store.objective, FIRST_ROUND)
    means = estimate(values, FIRST_ROUND.weights, FIRST_ROUND.is_first).means
    whole = [(row, c) for row, c in enumerate(known) if c.whole]
    if whole:  # on the scale of those that heard every clip: an earlier version scored them in several draws
        row, candidate = whole[0]
        means = means + store.signs[store.objective] * candidate.score.mean - means[row]
    means = means[len(known) :]
    estimates = {i: store.signs[store.objective] * float(m) for i, m in zip(batch, means, strict=True) if i in fresh}
    both = zip(claims, evaluations, strict=True)
    return [replace(each, estimate=estimates.get(claim.index, each.estimate)) for claim, each in both]


def is_scored(store: Store, candidate: Candidate, number: int) -> bool:
    """Says whether the candidate was scored on all clips in this round."""
    is_own = candidate.estimate is None and number < candidate.score.values.shape[1]
    return is_own or _stored(store, candidate, number) is not None


def remember_round(store: Store, candidate: Candidate, number: int, scores: Mapping[str, Score]) -> None:
    """Stores a candidate's scores in one round."""
    store.remember(round_key(candidate, number), plain_scores(scores))


def round_key(candidate: Candidate, number: int) -> str:
    """Returns the store's key of a candidate's scores in one round."""
    return f"{LEADER.format(candidate.name)}{number}"


def _with_rounds(
    store: Store, candidate: Candidate, rounds: Rounds, before: int | None
) -> tuple[Candidate, list[_Part]]:
    """Returns the candidate, whole if it was scored on all excerpts later, and all its scores.

    Of a candidate of an earlier version each draw is a round.
    """
    stored = {number: _stored(store, candidate, number) for number in rounds.numbers[:before]}
    further = [_Part(scores, number) for number, scores in stored.items() if scores is not None]
    own = range(min(len(rounds.numbers), candidate.score.values.shape[1]))
    parts = [_Part(candidate.scores, draws=candidate.draws), *further]
    for part in further:
        if part.number == 0 or any(score.failures for score in part.scores.values()):
            candidate = replace(candidate, scores=part.scores, estimate=None, draws=None)
    return replace(candidate, rounds=len({*own, *(part.number for part in further)})), parts


def _values(known: Sequence[Sequence[_Part]], metric: str, rounds: Rounds) -> Array:
    """Returns values [S, clip, column] of one metric, NaN where nothing was scored.

    There is a column for each round, then one for each further draw of the first round.
    """
    width = len(rounds.numbers)
    values = np.full((len(known), len(known[0][0].scores[metric].values), width - 1 + MIXED), np.nan)
    for row, parts in zip(values, known, strict=True):
        for part in parts:
            own = part.scores[metric].values[:, : width - part.number]
            if part.draws is None:
                row[:, part.number : part.number + own.shape[1]] = own
                continue
            for clip, draw in enumerate(part.draws):
                row[clip, width - 1 + draw if draw else 0] = own[clip, 0]  # NaN where the clip was not scored
    return values


def _stored(store: Store, candidate: Candidate, number: int) -> dict[str, Score] | None:
    scores: dict[str, Score] | None = store.recall(
        round_key(candidate, number), partial(scores_from, names=tuple(store.objectives))
    )
    return scores
