"""Builds the strategy that STRATEGY= and GRID= name, for one run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from schedsearch.schedules.schedule import NoiseSchedule
from schedsearch.schedules.search_space import ScheduleSpace
from schedsearch.strategies.auto import LINE, WARM_START, Auto, lines
from schedsearch.strategies.bayesian import SAMPLERS, SEVERAL_OBJECTIVES, Bayesian
from schedsearch.strategies.evolution import Evolution
from schedsearch.strategies.grid import GridStrategy, LevelGrid
from schedsearch.strategies.named_grids import grid_named
from schedsearch.strategies.posterior import Scored
from schedsearch.strategies.strategy import Strategy
from schedsearch.strategies.surrogate import Surrogate
from schedsearch.study.candidate import schedules_from
from schedsearch.study.store import Store
from vocoder.errors import InputError

LEFT = ("beam", "dynamic_programming", "gradient", "sweep")  # of earlier versions
GRID = "grid"


@dataclass(frozen=True)
class Tools:
    """The objects that strategies are built from."""

    store: Store
    space: ScheduleSpace
    seed: int
    scored: Callable[[], Scored]  # returns all schedules with estimates of their means
    worth: Callable[[float], float] | None  # see Surrogate; None: proposals do not end by themselves
    warm_starts: Sequence[NoiseSchedule]
    grid: str


def check_strategy(name: str, grid: str, steps: int, objectives: int) -> None:
    """Raises InputError for an unknown strategy or grid, and for too many objectives."""
    if name in LEFT:
        raise InputError(
            f"STRATEGY={name} has left: it found nothing better than the default; leave STRATEGY out, and a search "
            "that it began goes on"
        )
    if name not in STRATEGIES:
        raise InputError(f"STRATEGY must be one of {', '.join(STRATEGIES)}, and is {name!r}; choose one")
    if objectives > 1 and name not in SEVERAL_OBJECTIVES:
        raise InputError(
            f"STRATEGY={name} takes one objective; choose {', '.join(SEVERAL_OBJECTIVES)} for several objectives"
        )
    grid_named(grid, steps, seed=0)


def shares_network_calls(name: str, grid: str) -> bool:
    """Says whether the strategy's candidates begin alike, so that sampling them in one tree saves network calls."""
    return name == GRID and grid.startswith("levels")


def _bayesian(name: str, tools: Tools) -> Strategy:
    store = tools.store
    return Bayesian(
        name,
        tools.space,
        tools.seed,
        objectives=len(store.objectives),
        index=store.next_index,
        pending=store.in_flight,
    )


def _cmaes(tools: Tools) -> Strategy:
    starts = tools.store.recall("cmaes", schedules_from)
    if starts is None:  # the start, or none, must stay the same: all proposals are sampled around it
        starts = tools.warm_starts[:1]
        tools.store.remember("cmaes", [start.betas.tolist() for start in starts])
    return Evolution(tools.space, tools.seed, start=next(iter(starts), None))


def _grid(tools: Tools) -> Strategy:
    grid = grid_named(tools.grid, tools.space.steps, tools.seed)
    return GridStrategy(GRID, grid.schedules(), batch=grid.batch if isinstance(grid, LevelGrid) else 4)


def _auto(tools: Tools) -> Strategy:
    """Builds `auto`: warm starts, straight lines, and a model of all scores."""
    starts, straight = GridStrategy(WARM_START, tools.warm_starts), GridStrategy(LINE, lines(tools.space))
    return Auto([starts, straight, surrogate(tools)])


def surrogate(tools: Tools) -> Surrogate:
    """Builds the model of all scores."""
    store = tools.store
    return Surrogate(
        tools.space,
        tools.seed,
        tools.scored,
        index=store.next_index,
        pending=store.in_flight,
        worth=tools.worth,
    )


ENDING = ("auto", Surrogate.name)  # strategies that end a search where little is left to gain

STRATEGIES: dict[str, Callable[[Tools], Strategy]] = {
    "auto": _auto,
    Surrogate.name: surrogate,
    **{name: partial(_bayesian, name) for name in SAMPLERS},
    "cmaes": _cmaes,
    GRID: _grid,
}
