"""How far a search goes: what BUDGET= and MORE= ask for, and what the store remembers of it."""

from dataclasses import dataclass

from schedsearch.study.budget import Budget, default_budget, parse_budget
from schedsearch.study.store import Store
from vocoder.errors import InputError

_BUDGET, _MORE, _FINISHED = "budget", "more", "finished budget"  # the store's keys


@dataclass(frozen=True)
class AskedBudget:
    """BUDGET and MORE, where given, of a search of so many steps."""

    iterations: int
    budget: Budget | None
    more: Budget | None = None

    def total(self, stored: str | None) -> Budget:
        """Returns the asked budget, else the `stored` one, else the default, plus MORE."""
        begun = self.budget or (parse_budget(stored) if stored else default_budget(self.iterations))
        if self.more is None:
            return begun
        if self.more.unit != begun.unit:
            raise InputError(f"MORE must be in the budget's unit ({begun}), and is {self.more}; give it in that")
        return Budget(begun.amount + self.more.amount, begun.unit)


def begin(store: Store, asked: AskedBudget) -> Budget:
    """Returns the budget to work to, and stores it for the next time.

    The same MORE again, while the budget that it led to is unfinished, resumes a stopped search: it adds nothing.
    """
    with store.turn():
        stored, more = store.recall(_BUDGET), str(asked.more) if asked.more else None
        resumes = asked.budget is None and more == store.recall(_MORE) and stored != store.recall(_FINISHED)
        budget = parse_budget(stored) if stored and resumes else asked.total(stored)
        store.remember(_BUDGET, str(budget))
        store.remember(_MORE, more)
    return budget


def finish(store: Store, budget: Budget) -> None:
    """Stores that the search has reached the end of this budget, with its results written."""
    store.remember(_FINISHED, str(budget))


def is_finished(store: Store, budget: Budget | None = None) -> bool:
    """Whether the search has reached the end of this budget, or of the last one that it was given."""
    return bool(store.recall(_FINISHED) == (str(budget) if budget else store.recall(_BUDGET)))
