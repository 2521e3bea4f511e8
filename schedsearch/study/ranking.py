"""How much of a run's budget is spent, and who leads."""

from collections.abc import Sequence

from schedsearch.study.budget import Budget
from schedsearch.study.candidate import Candidate
from schedsearch.study.store import Store


def spent(store: Store, budget: Budget) -> float:
    """The part of the budget that the stored candidates and the strategies have used; baselines are counted apart.

    Minutes are those of work, added up over processes: two get through ten in five.
    """
    found = store.candidates()
    seconds, calls = store.work()
    return budget.used(
        seconds=seconds + sum(c.seconds for c in found),
        candidates=len(found),
        calls=calls + sum(c.network_evaluations for c in found),
    )


def best(store: Store, *, before: int | None = None) -> Candidate | None:
    """The best of everything scored so far, or of what was proposed before an index."""
    known = [c for c in store.candidates() if before is None or c.index < before]
    ranked = ranking(store, [*known, *store.baselines()])
    return ranked[0] if ranked else None


def ranking(store: Store, candidates: Sequence[Candidate]) -> list[Candidate]:
    """Best first by the search clips' mean of the first objective; whatever failed or was stopped is out."""
    sign = store.signs[store.objective]
    return sorted((c for c in candidates if c.whole), key=lambda c: sign * c.score.mean)
