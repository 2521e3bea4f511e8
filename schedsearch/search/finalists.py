"""Scores the few best schedules of both kinds again: the best of many noisy scores looks better than it is.

Finalists are scored on fresh noise and in float32 (a search may run in a faster precision), and ranked by those scores
alone. Searched finalists lie apart from each other. A search ends among neighbours that no score tells apart, and four
of them would be one finalist.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.search.loop import Progress
from schedsearch.study.candidate import Candidate, plain_scores, scores_from
from schedsearch.study.ranking import ranking
from schedsearch.study.shared_work import share_out
from schedsearch.study.store import Store

SEARCHED_FINALISTS, BASELINE_FINALISTS = 4, 2
APART = 0.25  # log-SNR, root mean square over steps


def shortlisted(store: Store) -> list[Candidate]:
    """Returns the schedules to score again: the best searched ones that lie apart, then the best baselines."""
    candidates = store.candidates()
    searched = apart(ranking(store, candidates), SEARCHED_FINALISTS) or _best_stopped(store, candidates)
    return searched + ranking(store, store.baselines())[:BASELINE_FINALISTS]


def rescore_finalists(
    store: Store, shortlist: Sequence[Candidate], evaluator: Evaluator, draws: Sequence[int]
) -> Iterator[Progress]:
    """Scores a shortlist one by one, without shared network calls, in draws that the search did not hear."""
    by_key = {_key(candidate): candidate for candidate in shortlist}
    for key in share_out(store, list(by_key), lambda key: store.recall(key) is not None):
        scores = evaluator.evaluate([by_key[key].schedule], draws)[0].scores
        store.remember(key, plain_scores(scores, store.objectives))
        done = sum(store.recall(key) is not None for key in by_key)
        yield Progress("finalists", done / len(by_key), next(iter(finalists(store, shortlist)), None))


def all_rescored(store: Store, shortlist: Sequence[Candidate]) -> bool:
    """Whether every schedule of the shortlist has been scored again."""
    return all(store.recall(_key(candidate)) is not None for candidate in shortlist)


def finalists(store: Store, shortlist: Sequence[Candidate]) -> list[Candidate]:
    """Returns the shortlist with its new scores, best first, without those that failed."""
    rescored = [
        replace(candidate, scores=scores, estimate=None)
        for candidate in shortlist
        if (scores := store.recall(_key(candidate), partial(scores_from, names=tuple(store.objectives)))) is not None
    ]
    return ranking(store, rescored)


def apart(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """Returns the first `count` candidates, skipping each one that is near a candidate before it."""
    chosen: list[Candidate] = []
    for candidate in ranked:
        if len(chosen) == count:
            break
        if all(candidate.schedule.distance(other.schedule) >= APART for other in chosen):
            chosen.append(candidate)
    return chosen


def _best_stopped(store: Store, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Returns the stopped candidate of the best estimate, for a race that a good baseline won against all of them."""
    stopped = [c for c in candidates if c.estimate is not None and not c.failures]
    return sorted(stopped, key=lambda c: c.losses(store.signs)[0])[:1]


def _key(candidate: Candidate) -> str:
    return f"finalist {candidate.name}"
