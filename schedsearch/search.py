"""The loop: baselines, then a strategy's proposals until the budget is spent, then the finalists once more."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from schedsearch.budget import Budget
from schedsearch.evaluator import Evaluator
from schedsearch.families import baselines
from schedsearch.space import ScheduleSpace
from schedsearch.strategies.bayesian import SAMPLERS
from schedsearch.study import Candidate, Store

SEARCH_DRAW = (0,)  # one noise draw a clip while searching: more clips first, more draws for finalists
FINALIST_DRAWS = (1, 2)
SEARCHED_FINALISTS, BASELINE_FINALISTS = 4, 2


@dataclass(frozen=True)
class Plan:
    """What a run sets out to do."""

    strategy: str
    budget: Budget
    seed: int
    batch: int = 4


@dataclass(frozen=True)
class Progress:
    """After each batch: how far the stage is (0 to 1) and the best candidate so far, baselines included."""

    stage: str
    done: float
    best: Candidate | None


def search(store: Store, evaluator: Evaluator, space: ScheduleSpace, plan: Plan) -> Iterator[Progress]:
    """Scores baselines and then proposals, yielding after each batch; stop iterating to stop, start again to go on."""
    yield from _score_baselines(store, evaluator, space.steps)
    store.teach(space, store.baselines())
    while (used := spent(store, plan.budget)) < 1:
        index = len(store.candidates())
        seeds = [_seed(plan.seed, index + i) for i in range(_batch_size(store, plan, index, used))]
        proposals = store.ask(space, seeds, SAMPLERS[plan.strategy], plan.strategy)
        try:
            store.tell(proposals, evaluator.evaluate([p.schedule for p in proposals], SEARCH_DRAW))
        except BaseException:  # Ctrl-C above all: whoever goes on, be it in this process, finds them queued
            store.give_back(proposals)
            raise
        yield Progress(plan.strategy, min(1.0, max(used, spent(store, plan.budget))), best(store))


def spent(store: Store, budget: Budget) -> float:
    """The part of the budget that the stored candidates have used; baselines are counted apart."""
    found = store.candidates()
    return budget.used(
        seconds=sum(c.seconds for c in found),
        candidates=len(found),
        calls=sum(c.network_evaluations for c in found),
    )


def best(store: Store) -> Candidate | None:
    """The best of everything scored so far."""
    ranked = ranking(store, [*store.candidates(), *store.baselines()])
    return ranked[0] if ranked else None


def ranking(store: Store, candidates: list[Candidate]) -> list[Candidate]:
    """Best first by the search clips' mean; whatever failed is out."""
    sound = [c for c in candidates if not c.failures]
    return sorted(sound, key=lambda c: c.score.mean, reverse=store.maximises)


def rescore_finalists(store: Store, evaluator: Evaluator) -> Iterator[Progress]:
    """The few best of both kinds on further noise draws: the best of many noisy scores looks better than it is."""
    missing = [c for c in _shortlist(store) if store.recall(_finalist(c)) is None]
    for i, candidate in enumerate(missing):
        found = evaluator.evaluate([candidate.schedule], FINALIST_DRAWS)[0].scores[store.objective]
        values = np.hstack([candidate.score.values, found.values])
        store.remember(_finalist(candidate), [*values.tolist()] if not found.failures else [])
        yield Progress("finalists", (i + 1) / len(missing), candidate)


def finalists(store: Store) -> list[Candidate]:
    """The rescored shortlist, best first, over all draws."""
    rescored = [
        replace(candidate, values=tuple(map(tuple, values)))
        for candidate in _shortlist(store)
        if (values := store.recall(_finalist(candidate)))
    ]
    return ranking(store, rescored)


def _shortlist(store: Store) -> list[Candidate]:
    found = ranking(store, store.candidates())[:SEARCHED_FINALISTS]
    return found + ranking(store, store.baselines())[:BASELINE_FINALISTS]


def _finalist(candidate: Candidate) -> str:
    return f"finalist {candidate.name}"


def _score_baselines(store: Store, evaluator: Evaluator, steps: int) -> Iterator[Progress]:
    given = baselines(steps)
    missing = [name for name in given if name not in {c.name for c in store.baselines()}]
    for i, name in enumerate(missing):
        store.add_baseline(name, given[name], evaluator.evaluate([given[name]], SEARCH_DRAW)[0])
        yield Progress("baselines", (i + 1) / len(missing), best(store))


def _batch_size(store: Store, plan: Plan, index: int, used: float) -> int:
    """To the end of the index's batch: batches begin at the same indices however a run was interrupted.

    Cut where a budget of candidates or calls ends; of calls, the last candidate may overshoot.
    """
    size = plan.batch - index % plan.batch
    cost = {"minutes": 0, "candidates": 1, "calls": store.baselines()[0].network_evaluations}[plan.budget.unit]
    left = (1 - used) * plan.budget.amount
    return min(size, max(1, math.ceil(round(left / cost, 6)))) if cost else size


def _seed(seed: int, index: int) -> int:
    """Of the index-th proposal, so that a resumed run proposes what an uninterrupted one does."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {index}".encode(), digest_size=4).digest())
