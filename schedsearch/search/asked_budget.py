"""BUDGET= and MORE=: how far a search goes, and what its store keeps of that."""

from dataclasses import dataclass

from schedsearch.study.budget import Budget, default_budget, parse_budget
from schedsearch.study.store import Store
from vocoder.errors import InputError

_BUDGET, _MORE, _FINISHED = "budget", "more", "finished budget"  # what the store keeps them under


@dataclass(frozen=True)
class AskedBudget:
    """BUDGET and MORE, where given, of a search of so many steps."""

    iterations: int
    budget: Budget | None
    more: Budget | None = None

    def total(self, kept: str | None) -> Budget:
        """What to work to: the budget `kept` from before unless another is given, plus MORE."""
        begun = self.budget or (parse_budget(kept) if kept else default_budget(self.iterations))
        if self.more is None:
            return begun
        if self.more.unit != begun.unit:
            raise InputError(f"MORE must be in the budget's unit ({begun}), and is {self.more}; give it in that")
        return Budget(begun.amount + self.more.amount, begun.unit)


def begin(store: Store, asked: AskedBudget) -> Budget:
    """The budget to work to, kept for the next time.

    The same MORE again, while what it asked for is unfinished, is a stopped search going on: it adds nothing.
    """
    with store.turn():
        kept, more = store.recall(_BUDGET), str(asked.more) if asked.more else None
        goes_on = asked.budget is None and more == store.recall(_MORE) and kept != store.recall(_FINISHED)
        budget = parse_budget(kept) if kept and goes_on else asked.total(kept)
        store.remember(_BUDGET, str(budget))
        store.remember(_MORE, more)
    return budget


def finish(store: Store, budget: Budget) -> None:
    """Keeps that the search has reached the end of this budget, with its results written."""
    store.remember(_FINISHED, str(budget))


def is_finished(store: Store, budget: Budget | None = None) -> bool:
    """Whether the search has reached the end of this budget, or of the one that it was last given."""
    return bool(store.recall(_FINISHED) == (str(budget) if budget else store.recall(_BUDGET)))
