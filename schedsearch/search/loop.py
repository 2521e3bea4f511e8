"""The loop: baselines, then a strategy's proposals until the budget is spent."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from schedsearch.schedules.baselines import baselines
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.search.race import Race
from schedsearch.strategies import sweep
from schedsearch.strategies.strategy import Strategy
from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.claims import Claim
from schedsearch.study.ranking import best, spent
from schedsearch.study.shared_work import POLL, share_out
from schedsearch.study.store import Store


@dataclass(frozen=True)
class Progress:
    """After each batch: how far the stage is (0 to 1) and the best candidate so far, baselines included."""

    stage: str
    done: float
    best: Candidate | None


def search(
    store: Store, race: Race, space: ScheduleSpace, strategy: Strategy, budget: Budget
) -> Iterator[Progress]:
    """Scores baselines and then proposals, yielding after each batch; stop iterating to stop, start again to go on.

    As many processes as like to may do so on one store: they share the baselines, the budget and what each finds. It
    ends when the budget is spent and nobody is at work any more; who has nothing left to do waits for the others.
    """
    yield from _score_baselines(store, race, space.steps)
    try:
        yield from _searched(store, race, space, strategy, budget)
    finally:
        store.release_all()


def _searched(
    store: Store, race: Race, space: ScheduleSpace, strategy: Strategy, budget: Budget
) -> Iterator[Progress]:
    told: set[str] = set()
    _tell(strategy, store, store.baselines(), told)
    asked = False
    while True:
        with store.turn():
            used = spent(store, budget)
            _tell(strategy, store, store.candidates(), told)
            claims = store.adopt(parts=asked)
            if not claims and used < 1:
                claims, asked = _claimed(store, space, strategy, budget, used), True
            others = bool(claims or store.in_flight())
        if not others:
            break
        if not claims:
            yield Progress("waiting", min(1.0, used), best(store))
            time.sleep(POLL)
            continue
        try:
            incumbent = best(store, before=claims[0].first)
            alike = claims[0].kind == sweep.NAME  # only a sweep's proposals begin alike
            store.finish(claims, race.evaluate([claim.schedule for claim in claims], incumbent, shared=alike))
        finally:  # Ctrl-C above all: whoever goes on finds them
            store.release(claims)
        yield Progress(claims[0].kind, min(1.0, max(used, spent(store, budget))), best(store))


def _tell(strategy: Strategy, store: Store, known: Sequence[Candidate], told: set[str]) -> None:
    """What it was not told yet, in order: its own proposals, other strategies' and other processes'."""
    fresh = [c for c in known if c.name not in told]
    told.update(c.name for c in fresh)
    losses = np.array([c.losses(store.signs) for c in fresh]).reshape(len(fresh), len(store.objectives))
    strategy.tell([c.schedule for c in fresh], losses[:, 0] if len(store.objectives) == 1 else losses)


def _claimed(
    store: Store, space: ScheduleSpace, strategy: Strategy, budget: Budget, used: float
) -> list[Claim]:
    """The next batch: of a budget of candidates as many as are left, of calls up to the first that overshoots.

    What others are at counts as spent, of calls as if no race stopped it. Minutes can't be told beforehand: each
    process overshoots them by its last batch at most.
    """
    in_flight = store.in_flight()
    cost = {"minutes": 0, "candidates": 1, "calls": store.baselines()[0].network_evaluations}[budget.unit]
    left = max(1, ceil(round((1 - used) * budget.amount / cost, 6))) - len(in_flight) if cost else strategy.batch
    while left > 0 and (proposed := strategy.ask(min(strategy.batch, left))):
        fresh = [schedule for schedule in proposed if schedule not in in_flight]
        if fresh:
            return store.claim(fresh, strategy.name, space)
    return []


def _score_baselines(store: Store, race: Race, steps: int) -> Iterator[Progress]:
    given = baselines(steps, own=store.names)
    alone = replace(race, shared=False)
    for name in share_out(store, list(given), lambda name: name in {c.name for c in store.baselines()}):
        store.add_baseline(name, given[name], alone.evaluate([given[name]])[0])
        yield Progress("baselines", len(store.baselines()) / len(given), best(store))
