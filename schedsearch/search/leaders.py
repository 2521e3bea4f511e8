"""Finds the best schedules of both kinds: all that may be the best of their kind have further rounds.

The best of many noisy scores looks better than it is, and few seconds of speech are not all speech. So the expected
best are scored on all excerpts, if a race had stopped them, then on longer ones of the same clips in other noise. From
then on the posterior of all scores says how likely each is to be the best of its kind (searched, or baseline). Those
with a chance have further rounds, until one is left or the rounds are over. The posterior also chooses in the end.
Leaders lie apart from each other: a search ends among neighbours that no score tells apart, and four of them would be
one. In the first rounds they lie far apart. A region that looks best may have been lucky as a whole, and only rounds
that several regions hear can tell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.schedules.schedule import Array
from schedsearch.search.heard import Heard, Rounds, heard, is_scored, remember_round, round_key
from schedsearch.search.loop import Progress
from schedsearch.strategies.posterior import Scored, posterior_of
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store

SEARCHED, BASELINES = 4, 2  # leaders of each kind, at most
CHANCE = 0.1  # of being the best of its kind, at least
OPEN = 2  # rounds that need no chance: the posterior knows the candidates' excerpts alone
APART = 0.25  # log-SNR, root mean square over steps
FAR = 0.6  # as far apart in the open rounds: candidates of one region are lucky together
DRAWS = 2000  # from the posterior


def score_leaders(store: Store, rounds: Rounds, first: Evaluator, further: Evaluator) -> Iterator[Progress]:
    """Scores the schedules that may be the best of their kind, in one round after the other.

    `first` scores the first round and `further` the others, both on the same clips in the same order.
    """
    for number in rounds.numbers:
        evaluator = further if number else first
        for done in _round(store, evaluator, _undecided(store, rounds, number), number):
            yield Progress("leaders", (number + done) / len(rounds.numbers), None)


def _round(store: Store, evaluator: Evaluator, undecided: Sequence[Candidate], number: int) -> Iterator[float]:
    by_key = {round_key(candidate, number): candidate for candidate in undecided}
    for key in store.share_out(list(by_key), lambda key: is_scored(store, by_key[key], number)):
        scores = evaluator.evaluate([by_key[key].schedule], (number,))[0].scores
        remember_round(store, by_key[key], number, scores)
        yield sum(is_scored(store, candidate, number) for candidate in undecided) / len(undecided)


def are_decided(store: Store, rounds: Rounds) -> bool:
    """Says whether no round is left."""
    return all(
        is_scored(store, candidate, number)
        for number in rounds.numbers
        for candidate in _undecided(store, rounds, number)
    )


def finalists(store: Store, rounds: Rounds) -> list[Candidate]:
    """Returns the leaders of both kinds with all their scores, the expected best first."""
    known = heard(store, rounds)
    searched, baselines = leaders(known, CHANCE, tried=True)
    return sorted([*searched, *baselines], key=lambda leader: known.sign * leader.expected)


def expected_best(known: Heard) -> Candidate:
    """Returns the expected best of all schedules; there are two or more."""
    return min((kind[0] for kind in leaders(known, 1.0) if kind), key=lambda leader: known.sign * leader.expected)


def leaders(
    known: Heard, chance: float, *, tried: bool = False, apart: float = APART
) -> tuple[list[Candidate], list[Candidate]]:
    """Returns the searched schedules with this chance to be the best of them, and the baselines with CHANCE of it.

    Best first; the first of each kind is the expected best, whatever its chance. With `tried` they are chosen among
    those that had further rounds, if any of their kind had: a model of few clips does not ship a schedule alone.
    """
    if not known.candidates:
        return [], []
    means, deviations, truths = _expected(known.scored)
    candidates = [
        replace(candidate, expectation=known.sign * float(mean), deviation=float(deviation))
        for candidate, mean, deviation in zip(known.candidates, means, deviations, strict=True)
    ]
    kinds = []
    for is_baseline, most, least in ((False, SEARCHED, chance), (True, BASELINES, CHANCE)):
        rows = [i for i, c in enumerate(candidates) if (c.kind == "baseline") is is_baseline]
        if tried:
            rows = [i for i in rows if candidates[i].rounds > 1] or rows
        order = _with_a_chance(means[rows], truths[:, rows], least) if rows else []
        kinds.append(_apart([candidates[rows[i]] for i in order], most, apart))
    return kinds[0], kinds[1]


def _expected(scored: Scored) -> tuple[Array, Array, Array]:
    """Returns the schedules' expected means [S], the deviations of these [S], and draws of the means [draw, S].

    They are the posterior's, and the estimates' own where these lie above what the posterior knows. Baselines may all
    lie there, and the posterior tells none of them from another.
    """
    posterior, own, rng = posterior_of(scored), scored.estimates, np.random.default_rng(0)
    joint = posterior.joint(scored.schedules)
    above = own.means > posterior.ceiling
    truths = joint.draws(DRAWS, rng)
    means = np.where(above, own.means, joint.means)
    deviations = np.sqrt(np.where(above, own.variances, np.maximum(joint.covariance.diagonal(), 0.0)))
    truths[:, above] = means[above] + deviations[above] * rng.standard_normal((DRAWS, above.sum()))
    return means, deviations, truths


def _undecided(store: Store, rounds: Rounds, number: int) -> list[Candidate]:
    """Returns who needs this round: the leaders of each kind that has several, and those that a race had stopped."""
    known = heard(store, rounds, number)
    kinds = leaders(known, CHANCE) if number >= OPEN else leaders(known, 0.0, apart=FAR)
    return [leader for kind in kinds for leader in kind if len(kind) > 1 or leader.estimate is not None]


def _with_a_chance(means: Array, truths: Array, chance: float) -> list[int]:
    """Takes means [S], truths [draw, S]; returns the expected best, then who is best in such a part of the draws."""
    chances = np.bincount(truths.argmin(axis=1), minlength=len(means)) / len(truths)
    first = int(means.argmin())
    order = np.lexsort((means, -chances))
    return [first, *(int(i) for i in order if i != first and chances[i] >= chance)]


def _apart(ranked: Sequence[Candidate], count: int, apart: float) -> list[Candidate]:
    """Returns the first `count` candidates, without those that are near one before them."""
    chosen: list[Candidate] = []
    for candidate in ranked:
        if all(candidate.schedule.distance(other.schedule) >= apart for other in chosen):
            chosen.append(candidate)
    return chosen[:count]
