"""The loop: scores the baselines, then a strategy's proposals until the budget is spent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from schedsearch.evaluation.draws import share_of
from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.named import universal_schedules
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.search.heard import with_estimates
from schedsearch.search.race import Race
from schedsearch.strategies.auto import MODELLED
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.claims import Claim
from schedsearch.study.ranking import best, ranking, spent
from schedsearch.study.store import Store
from vocoder.errors import InputError


@dataclass(frozen=True)
class Progress:
    """After each batch: how far the stage is (0 to 1) and the best candidate so far, baselines included."""

    stage: str
    done: float
    best: Candidate | None


def search(
    store: Store, race: Race, space: ScheduleSpace, strategy: Strategy, budget: Budget
) -> Iterator[Progress]:
    """Scores baselines and then proposals, yielding after each batch. Stop iterating to stop, start again to go on.

    Any number of processes may search in one store: they share the baselines, the budget and all results. The search
    ends when the budget is spent and no process evaluates anything. Until then a process without work waits.
    """
    yield from score_baselines(store, race, space.steps)
    _check_baselines(store)
    try:
        yield from _score_proposals(store, race, space, strategy, budget)
    finally:
        store.release_all()


def score_baselines(store: Store, race: Race, steps: int) -> Iterator[Progress]:
    """Scores the baselines that the store does not have, yielding after each."""
    schedules = baselines(steps, own=store.names)
    # The universal one first: it is nearly always the best, and a race stops those that are clearly worse.
    order = sorted(schedules, key=lambda name: name not in universal_schedules())
    unshared = replace(race, shared=False)
    for name in store.share_out(order, lambda name: store.has_baseline(name, schedules[name])):
        leader = next(iter(ranking(store, store.baselines())), None)
        store.add_baseline(name, schedules[name], unshared.evaluate([schedules[name]], leader)[0])
        yield Progress("baselines", len(store.baselines()) / len(schedules), best(store))


def _check_baselines(store: Store) -> None:
    """Raises InputError where every baseline fails: so would every candidate, or those that miss the clip would win."""
    failures = [baseline.failures for baseline in store.baselines()]
    if failures and all(failures):
        raise InputError(
            f"every baseline fails, the first with: {failures[0][0]}; leave that recording out of the search clips if "
            "it is the only one, or else check the checkpoint and its configuration"
        )


def _score_proposals(
    store: Store, race: Race, space: ScheduleSpace, strategy: Strategy, budget: Budget
) -> Iterator[Progress]:
    _tell(strategy, store, store.baselines())
    told, has_asked = 0, False  # candidates that the strategy knows
    while True:
        with store.turn():
            used = spent(store, budget)
            fresh = store.results().arrived_after(told)  # its own, other strategies' and other processes'
            told += len(fresh)
            _tell(strategy, store, fresh)
            claims = store.adopt(parts=has_asked)
            if not claims and used < 1:
                claims, has_asked = _claim_next(store, space, strategy, budget, used), True
            if not claims and not store.in_flight():
                return
        if claims:
            _evaluate(store, race, claims)
            yield Progress(claims[0].kind, min(1.0, max(used, spent(store, budget))), best(store))
        else:
            yield Progress("waiting", min(1.0, used), best(store))
            store.wait()


def _tell(strategy: Strategy, store: Store, candidates: Sequence[Candidate]) -> None:
    losses = np.array([c.losses(store.signs) for c in candidates]).reshape(len(candidates), len(store.objectives))
    strategy.tell([c.schedule for c in candidates], losses[:, 0] if len(store.objectives) == 1 else losses)


def _claim_next(
    store: Store, space: ScheduleSpace, strategy: Strategy, budget: Budget, used: float
) -> list[Claim]:
    """Asks for the next batch: as many candidates as are left, or network calls up to the first that overshoots.

    Batches in flight count as spent in full, as if no race stopped them. Minutes cannot be foretold: each process
    overshoots them by at most its last batch.
    """
    in_flight = store.in_flight()
    calls = max(baseline.network_evaluations for baseline in store.baselines())  # of one that no race stopped
    cost = {"minutes": 0, "candidates": 1, "calls": calls}[budget.unit]
    left = max(1, ceil(round((1 - used) * budget.amount / cost, 6))) - len(in_flight) if cost else strategy.batch
    while left > 0 and (proposed := strategy.ask(min(strategy.batch, left))):
        fresh = [schedule for schedule in proposed if schedule not in in_flight]
        if fresh:
            return store.claim(fresh, strategy.name, space)
    return []


def _evaluate(store: Store, race: Race, claims: list[Claim]) -> None:
    schedules, first = [claim.schedule for claim in claims], claims[0].first
    try:
        if race.stops and claims[0].kind in MODELLED:
            evaluations = race.evaluate_share(schedules, share_of(first, race.clips))
            store.finish(claims, with_estimates(store, claims, evaluations))
        else:
            store.finish(claims, race.evaluate(schedules, best(store, before=first)))
    finally:  # above all after Ctrl-C: the next process to ask takes them over
        store.release(claims)
