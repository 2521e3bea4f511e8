"""Finds the best schedules of both kinds: all that may be the best of their kind have further rounds.

The best of many noisy scores looks better than it is, and few seconds of speech are not all speech. So the expected
best are scored on all excerpts, if a race had stopped them, then on longer ones of the same clips in other noise. From
then on the posterior of all scores says how likely each is to be the best of its kind (searched, or baseline). Those
with a chance have further rounds, until one is left or the rounds are over. The posterior also chooses in the end.
Leaders lie apart from each other: a search ends among neighbours that no score tells apart, and four of them would be
one.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from schedsearch.evaluation.estimates import Estimates, estimate
from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.evaluation.scores import Score
from schedsearch.schedules.schedule import Array
from schedsearch.search.loop import Progress
from schedsearch.strategies.posterior import Scored, posterior_of
from schedsearch.study.candidate import Candidate, plain_scores, scores_from
from schedsearch.study.store import Store

SEARCHED, BASELINES = 4, 2  # leaders of each kind, at most
CHANCE = 0.1  # of being the best of its kind, at least
OPEN = 2  # rounds that need no chance: the posterior knows the candidates' excerpts alone
APART = 0.25  # log-SNR, root mean square over steps
MODELLED = 200  # schedules that the posterior is fitted to, the best
DRAWS = 2000  # from the posterior


@dataclass(frozen=True)
class Rounds:
    """The rounds of scoring. The first is that of every candidate; a round's number is its noise draw."""

    further: int  # how many after the first
    weight: float  # of a pair of a further round: how many pairs of the first one tell as much

    @property
    def numbers(self) -> range:
        """Returns the numbers of all rounds: 0 is the first."""
        return range(1 + self.further)

    @property
    def weights(self) -> Array:
        """Returns one weight a round, 1 for the first."""
        return np.array([1.0] + [self.weight] * self.further)


FIRST_ROUND = Rounds(0, 1.0)


@dataclass(frozen=True)
class Heard:
    """Everything that is scored, with the further rounds of leaders."""

    candidates: Sequence[Candidate]  # baselines first
    scored: Scored  # of the same length and order, lower is better
    sign: int  # of the objective: 1 where less is better


def heard(store: Store, rounds: Rounds, before: int | None = None) -> Heard:
    """Returns all schedules with a score, each once, with what the store has of them in the rounds before this one."""
    numbers = rounds.numbers[:before]
    sound = [c for c in [*store.baselines(), *store.candidates()] if not c.failures]
    if len(sound) > MODELLED:
        sound = sorted(sound, key=lambda c: c.losses(store.signs)[0])[:MODELLED]
    every = [_with_rounds(store, candidate, numbers, len(rounds.numbers)) for candidate in sound]
    once = {candidate.schedule: (candidate, values) for candidate, values in reversed(every) if not candidate.failures}
    sign = store.signs[store.objective]
    if not once:
        return Heard([], Scored([], Estimates(np.empty(0), np.empty(0), 0.0)), sign)
    candidates, values = zip(*reversed(once.values()), strict=True)
    estimates = estimate(sign * np.array(values), rounds.weights)
    return Heard(candidates, Scored([c.schedule for c in candidates], estimates), sign)


def score_leaders(store: Store, rounds: Rounds, first: Evaluator, further: Evaluator) -> Iterator[Progress]:
    """Scores the schedules that may be the best of their kind, in one round after the other.

    `first` scores the first round and `further` the others, both on the same clips in the same order.
    """
    for number in rounds.numbers:
        evaluator = further if number else first
        for done, candidate in _round(store, evaluator, _undecided(store, rounds, number), number):
            yield Progress("leaders", (number + done) / len(rounds.numbers), candidate)


def _round(
    store: Store, evaluator: Evaluator, undecided: Sequence[Candidate], number: int
) -> Iterator[tuple[float, Candidate]]:
    by_key = {_key(candidate, number): candidate for candidate in undecided}
    for key in store.share_out(list(by_key), lambda key: _is_scored(store, by_key[key], number)):
        scores = evaluator.evaluate([by_key[key].schedule], (number,))[0].scores
        store.remember(key, plain_scores(scores, store.objectives))
        yield sum(_is_scored(store, candidate, number) for candidate in undecided) / len(undecided), undecided[0]


def are_decided(store: Store, rounds: Rounds) -> bool:
    """Says whether no round is left."""
    return all(
        _is_scored(store, candidate, number)
        for number in rounds.numbers
        for candidate in _undecided(store, rounds, number)
    )


def finalists(store: Store, rounds: Rounds) -> list[Candidate]:
    """Returns the leaders of both kinds with all their scores, the expected best first."""
    known = heard(store, rounds)
    searched, baselines = leaders(known, CHANCE)
    return sorted([*searched, *baselines], key=lambda leader: known.sign * leader.expected)


def leaders(known: Heard, chance: float) -> tuple[list[Candidate], list[Candidate]]:
    """Returns the searched schedules with this chance to be the best of them, and the baselines with CHANCE of it.

    Best first; the first of each kind is the expected best, whatever its chance.
    """
    if not known.candidates:
        return [], []
    means, truths = _means_and_draws(known.scored)
    candidates = [
        replace(candidate, expectation=known.sign * float(mean))
        for candidate, mean in zip(known.candidates, means, strict=True)
    ]
    kinds = []
    for is_baseline, most, least in ((False, SEARCHED, chance), (True, BASELINES, CHANCE)):
        rows = [i for i, c in enumerate(candidates) if (c.kind == "baseline") is is_baseline]
        order = _with_a_chance(means[rows], truths[:, rows], least) if rows else []
        kinds.append(_apart([candidates[rows[i]] for i in order], most))
    return kinds[0], kinds[1]


def _means_and_draws(scored: Scored) -> tuple[Array, Array]:
    """Returns the schedules' expected means [S], and draws of their means [draw, S].

    They are the posterior's, and the estimates' own where these lie above what the posterior knows. Baselines may all
    lie there, and the posterior tells none of them from another.
    """
    posterior, own, rng = posterior_of(scored), scored.estimates, np.random.default_rng(0)
    joint = posterior.joint(scored.schedules)
    above = own.means > posterior.ceiling
    truths = joint.draws(DRAWS, rng)
    truths[:, above] = own.means[above] + np.sqrt(own.variances[above]) * rng.standard_normal((DRAWS, above.sum()))
    return np.where(above, own.means, joint.means), truths


def _with_rounds(
    store: Store, candidate: Candidate, numbers: Sequence[int], width: int
) -> tuple[Candidate, Array]:
    """Returns the candidate, whole if it was scored on all excerpts after a stop, and its values [clip, round].

    Values are NaN where nothing was scored. Of a candidate of an earlier version each draw is a round.
    """
    own = candidate.score.values
    values = np.full((len(own), width), np.nan)
    values[:, : own.shape[1]] = own[:, :width]
    further = {n: scores for n in numbers if (scores := _stored(store, candidate, n)) is not None}
    for number, scores in further.items():
        values[:, number] = scores[store.objective].values[:, 0]
        if number == 0 or any(score.failures for score in scores.values()):
            candidate = replace(candidate, scores=scores, estimate=None)
    return replace(candidate, rounds=int(np.isfinite(values).any(axis=0).sum())), values


def _undecided(store: Store, rounds: Rounds, number: int) -> list[Candidate]:
    """Returns who needs this round: the leaders of each kind that has several, and those that a race had stopped."""
    kinds = leaders(heard(store, rounds, number), CHANCE if number >= OPEN else 0.0)
    return [leader for kind in kinds for leader in kind if len(kind) > 1 or leader.estimate is not None]


def _with_a_chance(means: Array, truths: Array, chance: float) -> list[int]:
    """Takes means [S], truths [draw, S]; returns the expected best, then who is best in such a part of the draws."""
    chances = np.bincount(truths.argmin(axis=1), minlength=len(means)) / len(truths)
    first = int(means.argmin())
    order = np.lexsort((means, -chances))
    return [first, *(int(i) for i in order if i != first and chances[i] >= chance)]


def _apart(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """Returns the first `count` candidates, without those that are near one before them."""
    chosen: list[Candidate] = []
    for candidate in ranked:
        if all(candidate.schedule.distance(other.schedule) >= APART for other in chosen):
            chosen.append(candidate)
    return chosen[:count]


def _is_scored(store: Store, candidate: Candidate, number: int) -> bool:
    """Says whether the candidate was scored on all clips in this round."""
    is_own = candidate.estimate is None and number < candidate.score.values.shape[1]
    return is_own or _stored(store, candidate, number) is not None


def _stored(store: Store, candidate: Candidate, number: int) -> dict[str, Score] | None:
    scores: dict[str, Score] | None = store.recall(
        _key(candidate, number), partial(scores_from, names=tuple(store.objectives))
    )
    return scores


def _key(candidate: Candidate, number: int) -> str:
    return f"leader {candidate.name}, round {number}"
