"""How much of a search's budget is spent, and which candidate leads."""

from collections.abc import Sequence

from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store


def spent(store: Store, budget: Budget) -> float:
    """Returns the part of the budget that scoring candidates has used; baselines are free.

    Minutes of several processes add up: two use ten minutes in five. What a strategy thinks is not counted.
    """
    standing = store.results().standing()
    seconds, calls = store.work()
    return budget.used(
        seconds=seconds + standing.seconds,
        candidates=standing.candidates,
        calls=calls + standing.network_evaluations,
    )


def best(store: Store, *, before: int | None = None) -> Candidate | None:
    """Returns the best candidate or baseline so far; `before`: among candidates below this index."""
    leader = store.results().standing(before).best
    ranked = ranking(store, [*([leader] if leader else []), *store.baselines()])
    return ranked[0] if ranked else None


def ranking(store: Store, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Returns the whole candidates, best first by the search clips' mean of the first objective."""
    sign = store.signs[store.objective]
    return sorted((c for c in candidates if c.whole), key=lambda c: sign * c.score.mean)
