"""Finds the best schedules of both kinds: whoever may be the best of its kind is scored in further draws of noise.

The best of many noisy scores looks better than it is. So the posterior of all scores says how likely each schedule is
to be the best of its kind (searched, or baseline). Those with a chance are scored on all clips in the first draw, if a
race had stopped them, then in one more draw, and so on, until one is left or the draws are spent. The posterior also
chooses in the end. Leaders lie apart from each other: a search ends among neighbours that no score tells apart, and
four of them would be one.
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
from schedsearch.study.shared_work import share_out
from schedsearch.study.store import Store

SEARCHED, BASELINES = 3, 2  # leaders of each kind, at most
CHANCE = 0.1  # of being the best of its kind, at least
APART = 0.25  # log-SNR, root mean square over steps
MODELLED = 200  # schedules that the posterior is fitted to, the best
DRAWS = 2000  # from the posterior


@dataclass(frozen=True)
class Heard:
    """Everything that is scored, with the further draws that leaders have heard."""

    candidates: Sequence[Candidate]  # baselines first
    scored: Scored  # of the same length and order, lower is better
    sign: int  # of the objective: 1 where less is better


def heard(store: Store, draws: Sequence[int]) -> Heard:
    """Returns all schedules with a score, each once, with what the store has of them in these further draws."""
    sound = [c for c in [*store.baselines(), *store.candidates()] if not c.failures]
    if len(sound) > MODELLED:
        sound = sorted(sound, key=lambda c: c.losses(store.signs)[0])[:MODELLED]
    every = [_with_draws(store, candidate, draws) for candidate in sound]
    once = {candidate.schedule: candidate for candidate in reversed(every) if not candidate.failures}
    candidates = list(once.values())[::-1]
    sign = store.signs[store.objective]
    if not candidates:
        return Heard([], Scored([], Estimates(np.empty(0), np.empty(0), 0.0)), sign)
    width = max(candidate.score.values.shape[1] for candidate in candidates)
    values = np.array([sign * _padded(candidate.score.values, width) for candidate in candidates])
    return Heard(candidates, Scored([c.schedule for c in candidates], estimate(values)), sign)


def rounds(store: Store, evaluator: Evaluator, draws: Sequence[int]) -> Iterator[Progress]:
    """Scores whoever may be the best of its kind, in one draw after the other."""
    for number, draw in enumerate(draws):
        for done, candidate in _round(store, evaluator, _undecided(store, draws[:number]), draw):
            yield Progress("leaders", (number + done) / len(draws), candidate)


def _round(
    store: Store, evaluator: Evaluator, undecided: Sequence[Candidate], draw: int
) -> Iterator[tuple[float, Candidate]]:
    by_key = {_key(candidate, draw): candidate for candidate in undecided}
    for key in share_out(store, list(by_key), lambda key: _is_scored(store, by_key[key], draw)):
        scores = evaluator.evaluate([by_key[key].schedule], (draw,))[0].scores
        store.remember(key, plain_scores(scores, store.objectives))
        yield sum(_is_scored(store, candidate, draw) for candidate in undecided) / len(undecided), undecided[0]


def are_decided(store: Store, draws: Sequence[int]) -> bool:
    """Says whether no round is left."""
    return all(
        _is_scored(store, candidate, draw)
        for number, draw in enumerate(draws)
        for candidate in _undecided(store, draws[:number])
    )


def finalists(store: Store, draws: Sequence[int]) -> list[Candidate]:
    """Returns the leaders of both kinds with all their scores, the expected best first."""
    known = heard(store, draws)
    searched, baselines = leaders(known)
    return sorted([*searched, *baselines], key=lambda leader: known.sign * leader.expected)


def leaders(known: Heard) -> tuple[list[Candidate], list[Candidate]]:
    """Returns the searched schedules and the baselines with a chance to be the best of their kind, best first."""
    if not known.candidates:
        return [], []
    joint = posterior_of(known.scored).joint(known.scored.schedules)
    truths = joint.draws(DRAWS, np.random.default_rng(0))
    candidates = [
        replace(candidate, expectation=known.sign * float(mean))
        for candidate, mean in zip(known.candidates, joint.means, strict=True)
    ]
    kinds = []
    for is_baseline, most in ((False, SEARCHED), (True, BASELINES)):
        rows = [i for i, c in enumerate(candidates) if (c.kind == "baseline") is is_baseline]
        order = _with_a_chance(joint.means[rows], truths[:, rows]) if rows else []
        kinds.append(_apart([candidates[rows[i]] for i in order], most))
    return kinds[0], kinds[1]


def _with_draws(store: Store, candidate: Candidate, draws: Sequence[int]) -> Candidate:
    """Returns the candidate with its scores in these further draws too, as far as the store has them."""
    stored = [scores for draw in draws if (scores := _stored(store, candidate, draw)) is not None]
    if not stored:
        return candidate
    own = [] if candidate.estimate is not None else [candidate.scores]  # of some clips only: scored again on all
    joined = {name: _beside([scores[name] for scores in [*own, *stored]]) for name in store.objectives}
    return replace(candidate, scores=joined, estimate=None)


def _undecided(store: Store, draws: Sequence[int]) -> list[Candidate]:
    """Returns the leaders of each kind that has several, and those that a race had stopped."""
    kinds = leaders(heard(store, draws))
    return [leader for kind in kinds for leader in kind if len(kind) > 1 or leader.estimate is not None]


def _with_a_chance(means: Array, truths: Array) -> list[int]:
    """Takes means [S], truths [draw, S]; returns the expected best, then those that are best in CHANCE of the draws."""
    chances = np.bincount(truths.argmin(axis=1), minlength=len(means)) / len(truths)
    first = int(means.argmin())
    return [first, *(int(i) for i in np.argsort(-chances, kind="stable") if i != first and chances[i] >= CHANCE)]


def _apart(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """Returns the first `count` candidates, without those that are near one before them."""
    chosen: list[Candidate] = []
    for candidate in ranked:
        if all(candidate.schedule.distance(other.schedule) >= APART for other in chosen):
            chosen.append(candidate)
    return chosen[:count]


def _is_scored(store: Store, candidate: Candidate, draw: int) -> bool:
    """Says whether the candidate was scored on all clips in this draw; earlier versions scored several at once."""
    is_own = candidate.estimate is None and draw < candidate.score.values.shape[1]
    return is_own or _stored(store, candidate, draw) is not None


def _stored(store: Store, candidate: Candidate, draw: int) -> dict[str, Score] | None:
    scores: dict[str, Score] | None = store.recall(
        _key(candidate, draw), partial(scores_from, names=tuple(store.objectives))
    )
    return scores


def _beside(scores: Sequence[Score]) -> Score:
    """Joins scores of the same clips in different draws."""
    values = np.concatenate([score.values for score in scores], axis=1)
    return Score(values, tuple(reason for score in scores for reason in score.failures))


def _padded(values: Array, draws: int) -> Array:
    return np.pad(values, ((0, 0), (0, draws - values.shape[1])), constant_values=np.nan)


def _key(candidate: Candidate, draw: int) -> str:
    return f"leader {candidate.name}, draw {draw}"
