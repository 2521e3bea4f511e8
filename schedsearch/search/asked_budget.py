"""BUDGET= and MORE=: how far a search goes, and what its store keeps of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from schedsearch.formatting import counted
from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.strategies.named_grids import Grid
from schedsearch.study.budget import OPEN, Budget, default_budget, parse_budget
from schedsearch.study.ranking import spent
from schedsearch.study.store import Store
from vocoder.errors import InputError

MOST_POINTS = 5000  # of a grid that is scored whole without being asked to
_ASKED, _FINISHED = "asked", "finished budget"  # the store's keys
_JUDGED = "finished candidates"  # how many candidates there were then
_OLD_BUDGET, _OLD_MORE = "budget", "more"  # keys of an earlier version, which stored the two apart


@dataclass(frozen=True)
class AskedBudget:
    """What a command asked for: BUDGET and MORE, None where not given."""

    iterations: int  # steps of the schedule, for the default
    budget: Budget | None
    more: Budget | None = None
    grid: Grid | None = None  # of STRATEGY=grid

    def total(
        self,
        stored: str | None = None,
        used: Callable[[Budget], float] = lambda budget: 0.0,
        *,
        scored: Sequence[NoiseSchedule] = (),
        ended: bool = False,
    ) -> Budget:
        """Returns the budget asked for, else the one stored before, else the default; plus MORE.

        MORE comes on top of what is used where the search ended by itself. `used` returns the used part of a budget,
        `scored` are all candidates.
        Raises InputError for MORE on a search that is to end by itself and has not: nobody knows what it would add to.
        """
        if self.more is None:
            return self.budget or self.read(stored, scored)
        one = Budget(1, self.more.unit)
        if self.budget is None and stored in (None, OPEN):
            if not ended:
                raise InputError("MORE adds to a search that has ended, and this one has not; go on without MORE first")
            return Budget(used(one) + self.more.amount, one.unit)
        begun = self.budget or self.read(stored)
        if self.more.unit != begun.unit:
            raise InputError(f"MORE must be in the budget's unit ({begun}), and is {self.more}; give it in that")
        reached = 0.0 if self.budget else used(one)  # more than the budget where a larger one was spent before
        return parse_budget(str(Budget(max(begun.amount, reached) + self.more.amount, begun.unit)))

    def read(self, stored: str | None, scored: Sequence[NoiseSchedule] = ()) -> Budget:
        """Returns the budget that was stored; where there is none the rest of the grid, or the default."""
        if stored not in (None, OPEN):
            return parse_budget(str(stored))
        return default_budget(self.iterations) if self.grid is None else self._rest_of(self.grid, scored)

    def _rest_of(self, grid: Grid, scored: Sequence[NoiseSchedule]) -> Budget:
        """Returns the budget that ends where the grid does. InputError for a grid of too many points."""
        if grid.count > MOST_POINTS:
            raise InputError(
                f"without BUDGET= a grid must have at most {counted(MOST_POINTS, 'point')}, and in "
                f"{counted(self.iterations, 'step')} this one has {points(grid)}; choose a smaller GRID=, or say with "
                "BUDGET= how much of it to score"
            )
        fresh = Counter(grid.schedules()) - Counter(scored)
        return Budget(len(scored) + fresh.total(), "candidates", is_open=True)


def begin(store: Store, asked: AskedBudget) -> Budget:
    """Returns the budget to work to, and stores it for the next time.

    A command with the same MORE again, or with none, before the first one came to its end, goes on with a stopped
    search: it adds nothing. Budget and MORE are one write, so that a stop leaves both or neither.
    """
    with store.turn():
        stored, more = _stored(store), str(asked.more) if asked.more else None
        scored = [candidate.schedule for candidate in store.candidates()]
        before, has_ended = stored["budget"], store.recall(_FINISHED) is not None
        if before and asked.budget is None and more in (None, stored["more"]) and not stored["ended"]:
            budget, more = asked.read(before, scored), stored["more"]
        else:
            budget = asked.total(before, lambda one: spent(store, one), scored=scored, ended=has_ended)
        store.remember(_ASKED, {"budget": str(budget), "more": more, "ended": False})
    return budget


def finish(store: Store, budget: Budget) -> None:
    """Stores that the search has reached the end of this budget, with its results written.

    Of two processes that end together, the one whose budget is the one last asked for has the last word.
    """
    with store.turn():
        judged = len(store.candidates())
        if not (store.recall(_FINISHED) == _stored(store)["budget"] and store.recall(_JUDGED) == judged):
            store.remember(_FINISHED, str(budget))
            store.remember(_JUDGED, judged)


def end(store: Store, budget: Budget) -> None:
    """Stores that the command has done all it had to, its page included: the same MORE now adds again."""
    with store.turn():
        stored = _stored(store)
        if stored["budget"] == str(budget):  # no other process has added meanwhile
            store.remember(_ASKED, {**stored, "ended": True})


def is_finished(store: Store, budget: Budget | None = None) -> bool:
    """Says whether the search has reached the end of this budget, by default of the one it was last given."""
    judged = store.recall(_JUDGED)  # None in a store of an earlier version
    if judged is not None and judged != len(store.candidates()):
        return False
    return bool(store.recall(_FINISHED) == (str(budget) if budget else _stored(store)["budget"]))


def reached_its_limit(store: Store, iterations: int) -> bool:
    """Says whether a search without a budget has as many candidates as such a search may have."""
    most = default_budget(iterations).amount
    return _stored(store)["budget"] == OPEN and len(store.candidates()) == most


def points(grid: Grid) -> str:
    """Writes how many points a grid has: `729 points`, or `about 10^95 points`."""
    digits = len(str(grid.count))
    return counted(grid.count, "point") if digits <= 12 else f"about 10^{digits - 1} points"


def _stored(store: Store) -> dict[str, Any]:
    old = store.recall(_OLD_BUDGET)
    before = {"budget": old, "more": store.recall(_OLD_MORE), "ended": old == store.recall(_FINISHED)}
    return dict(store.recall(_ASKED, _checked) or before)


def _checked(stored: dict[str, Any]) -> dict[str, Any]:
    if stored["budget"] != OPEN:
        parse_budget(stored["budget"])
    return {key: stored[key] for key in ("budget", "more", "ended")}
