"""The few best of both kinds, scored again: the best of many noisy scores looks better than it is.

On fresh noise, in float32 (a search may run in a faster precision), and ranked by that alone. Those searched lie apart
from each other: a search ends among neighbours that nothing tells apart, and four of them would be one finalist.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.search.loop import Progress
from schedsearch.study.candidate import Candidate, plain_score, score_from
from schedsearch.study.ranking import ranking
from schedsearch.study.shared_work import share_out
from schedsearch.study.store import Store

SEARCHED_FINALISTS, BASELINE_FINALISTS = 4, 2
APART = 0.25  # log-SNR, root mean square over steps


def rescore_finalists(store: Store, evaluator: Evaluator, draws: Sequence[int]) -> Iterator[Progress]:
    """One by one and unshared, as users will run them; in draws that the search had not."""
    shortlist = {_key(candidate): candidate for candidate in _shortlist(store)}
    for key in share_out(store, list(shortlist), lambda key: store.recall(key) is not None):
        candidate = shortlist[key]
        found = evaluator.evaluate([candidate.schedule], draws)[0].scores
        store.remember(key, {name: plain_score(found[name]) for name in store.objectives})
        done = sum(store.recall(key) is not None for key in shortlist)
        yield Progress("finalists", done / len(shortlist), next(iter(finalists(store)), None))


def all_rescored(store: Store) -> bool:
    """Whether none is left to do, as candidates stand now."""
    return all(store.recall(_key(candidate)) is not None for candidate in _shortlist(store))


def finalists(store: Store) -> list[Candidate]:
    """The rescored shortlist, best first."""
    rescored = [
        replace(candidate, scores={name: score_from(score) for name, score in again.items()}, estimate=None)
        for candidate in _shortlist(store)
        if (again := store.recall(_key(candidate))) is not None
    ]
    return ranking(store, rescored)


def leaders(store: Store) -> list[Candidate]:
    """The finalists, then the baselines that are none, each best first: what is ranked on other noise is not mixed."""
    found = finalists(store)
    others = [c for c in store.baselines() if c.name not in {finalist.name for finalist in found}]
    return [*found, *ranking(store, others), *(c for c in others if not c.whole)]


def apart(ranked: Sequence[Candidate], count: int) -> list[Candidate]:
    """The first of them, and each that is not near one before it, at most so many."""
    found: list[Candidate] = []
    for candidate in ranked:
        if len(found) == count:
            break
        if all(candidate.schedule.distance(other.schedule) >= APART for other in found):
            found.append(candidate)
    return found


def _shortlist(store: Store) -> list[Candidate]:
    candidates = store.candidates()
    found = apart(ranking(store, candidates), SEARCHED_FINALISTS) or _best_stopped(store, candidates)
    return found + ranking(store, store.baselines())[:BASELINE_FINALISTS]


def _best_stopped(store: Store, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The one of the best estimate, where a race against a good baseline has left no other to report on."""
    stopped = [c for c in candidates if c.estimate is not None and not c.failures]
    return sorted(stopped, key=lambda c: c.losses(store.signs)[0])[:1]


def _key(candidate: Candidate) -> str:
    return f"finalist {candidate.name}"
