"""Builds the strategy that STRATEGY= and GRID= name, for one run."""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar

import numpy as np

from schedsearch.evaluation.draws import SHORT
from schedsearch.evaluation.evaluator import Group
from schedsearch.metrics.measuring import Distance
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.sampling.noise import NoiseBank
from schedsearch.schedules.formulas import TERMINAL_LOG_SNR
from schedsearch.schedules.schedule import Array, NoiseSchedule
from schedsearch.schedules.search_space import FIRST_LOG_SNR, ScheduleSpace
from schedsearch.strategies import sweep
from schedsearch.strategies.auto import Auto, Stage, lines
from schedsearch.strategies.bayesian import SAMPLERS, SEVERAL_OBJECTIVES, Bayesian
from schedsearch.strategies.beam import BeamSearch
from schedsearch.strategies.dynamic_programming import COSTS, DynamicProgramming
from schedsearch.strategies.evolution import Evolution
from schedsearch.strategies.gradient import Gradient
from schedsearch.strategies.grid import GridStrategy, LevelGrid
from schedsearch.strategies.level_errors import LevelErrors, measure
from schedsearch.strategies.named_grids import grid_named
from schedsearch.strategies.polish import Polish
from schedsearch.strategies.posterior import Scored
from schedsearch.strategies.slope import SamplerSlope, Slope
from schedsearch.strategies.strategy import Strategy
from schedsearch.strategies.surrogate import SETTLED, Surrogate
from schedsearch.study.candidate import schedules_from
from schedsearch.study.store import Store
from vocoder.errors import InputError
from vocoder.vocoder import Vocoder, in_precision

STRATEGIES = ("auto", "model", *SAMPLERS, "cmaes", "grid", "beam", "dynamic_programming", "gradient", sweep.NAME)
TREE_BATCH = 256  # candidates of a grid over levels at once: neighbours share most of their network calls
BEAM_WIDTH, BEAM_LEVELS = 8, 24
COST = "trajectory"
SETTLED_LONG = 16  # candidates before which a long schedule's search does not end by itself; each costs more
T = TypeVar("T")

Stages: TypeAlias = Sequence[tuple[str, float]]  # of `auto`: name, and the part of the budget at which it ends
AUTO: Stages = (("warm start", 1.0), ("line", 1.0), ("model", 1.0))


@dataclass(frozen=True)
class Tools:
    """The objects that strategies are built from."""

    store: Store
    vocoder: Vocoder
    space: ScheduleSpace
    seed: int
    noise: NoiseBank
    groups: Sequence[Group]  # search clips, for strategies that run the network themselves
    distance: Distance | None  # the objective if it is differentiable
    spent: Callable[[], float]  # returns the part of the budget that is used
    scored: Callable[[], Scored]  # returns all schedules with estimates of their means
    worth: Callable[[float], float] | None = None  # see Surrogate; None: proposals do not end by themselves
    warm_starts: Sequence[NoiseSchedule] = ()
    grid: str = "levels:3"


def check_strategy(name: str, grid: str, steps: int, objectives: int) -> None:
    """Raises InputError for an unknown strategy or grid, and for too many objectives."""
    if name not in STRATEGIES:
        raise InputError(f"STRATEGY must be one of {', '.join(STRATEGIES)}, and is {name!r}; choose one")
    if objectives > 1 and name not in SEVERAL_OBJECTIVES:
        raise InputError(
            f"STRATEGY={name} takes one objective; choose {', '.join(SEVERAL_OBJECTIVES)} for several objectives"
        )
    grid_named(grid, steps, seed=0)


def strategy_for(name: str, tools: Tools) -> Strategy:
    """Builds a strategy. InputError if it needs a spectral objective and the objective is not spectral."""
    return _bayesian(name, tools) if name in SAMPLERS else _MAKERS[name](tools)


def shares_network_calls(name: str, grid: str) -> bool:
    """Says whether the strategy's candidates begin alike, so that sampling them in one tree saves network calls."""
    return name == "grid" and grid.startswith("levels")


def _bayesian(name: str, tools: Tools) -> Strategy:
    objectives = len(tools.store.objectives)
    store = tools.store
    return Bayesian(
        name, tools.space, tools.seed, objectives=objectives, index=store.next_index, pending=store.in_flight
    )


def _cmaes(tools: Tools) -> Strategy:
    starts = tools.store.recall("cmaes", schedules_from)
    if starts is None:  # the start, or none, must stay the same: all proposals are sampled around it
        starts = tools.warm_starts[:1]
        tools.store.remember("cmaes", [start.betas.tolist() for start in starts])
    return Evolution(tools.space, tools.seed, start=next(iter(starts), None))


def _grid(tools: Tools) -> Strategy:
    grid = grid_named(tools.grid, tools.space.steps, tools.seed)
    batch = TREE_BATCH if isinstance(grid, LevelGrid) else 4
    return GridStrategy("grid", grid.schedules, grid.count, batch=batch)


def _beam(tools: Tools) -> Strategy:
    def completed() -> tuple[list[list[float]], int]:
        group = max(tools.groups, key=lambda group: len(group.names))
        ladder = np.linspace(FIRST_LOG_SNR[1], TERMINAL_LOG_SNR[0], BEAM_LEVELS + tools.space.steps)
        grid = LevelGrid.on_ladder(tools.space.steps, ladder)
        noise = tools.noise.for_clips(group.names, 0, group.reference.shape[1])
        distance = _spectral(tools, "beam")
        beam = BeamSearch(tools.vocoder, group.mel, group.reference, noise, distance, grid, width=BEAM_WIDTH)
        return [schedule.betas.tolist() for schedule in beam.ask(BEAM_WIDTH)], beam.network_evaluations

    _spectral(tools, "beam")
    schedules = lambda: iter(_done_once(tools.store, "beam", completed, schedules_from))  # noqa: E731
    return GridStrategy("beam", schedules, BEAM_WIDTH)


def _dynamic_programming(tools: Tools) -> Strategy:
    def measured() -> tuple[dict[str, Any], int]:
        errors = measure(tools.vocoder, tools.groups, tools.noise)
        return errors.plain(), errors.network_evaluations

    errors = lambda: _done_once(tools.store, "level errors", measured, LevelErrors.from_plain)  # noqa: E731
    return DynamicProgramming(tools.space.steps, errors, cost=COSTS[COST])


def _gradient(tools: Tools) -> Strategy:
    exact = in_precision(tools.vocoder, None)  # reduced precisions round gradients away
    slope = SamplerSlope(exact, tools.groups, _spectral(tools, "gradient"), tools.noise, draws=(0,))

    def stored_slope(log_snr: Array) -> Slope:
        key = f"slope {sha256(log_snr.tobytes()).hexdigest()[:16]}"
        return _done_once(tools.store, key, lambda: _plain(slope(log_snr)), _slope)

    return Polish(lambda start: Gradient(start, stored_slope), partial(_descent_start, tools.store))


def _sweep(tools: Tools) -> Strategy:
    return sweep.Sweep(partial(_start, tools.store, "sweep"))


def auto(tools: Tools, stages: Stages = AUTO) -> Strategy:
    """Makes `auto`: warm starts, straight lines, and a model of all scores, unless other stages are named."""
    named = {name: _stage(name, tools) for name, _ in stages}
    return Auto([Stage(named[name], until) for name, until in stages], tools.spent)


def _stage(name: str, tools: Tools) -> Strategy:
    if name == "warm start":
        return GridStrategy(name, lambda: iter(tools.warm_starts), len(tools.warm_starts))
    if name == "line":
        schedules = lines(tools.space)
        return GridStrategy(name, lambda: iter(schedules), len(schedules))
    return strategy_for(name, tools)


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
        settled=SETTLED if tools.space.steps <= SHORT else SETTLED_LONG,
    )


_MAKERS: dict[str, Callable[[Tools], Strategy]] = {
    "auto": auto,
    Surrogate.name: surrogate,
    "cmaes": _cmaes,
    "grid": _grid,
    "beam": _beam,
    sweep.NAME: _sweep,
    "dynamic_programming": _dynamic_programming,
    "gradient": _gradient,
}


def _done_once(store: Store, key: str, work: Callable[[], tuple[Any, int]], parse: Callable[[Any], T]) -> T:
    """Parses the JSON values of a piece of work, which is done once a study and returns them with its cost."""
    result: T | None = store.recall_work(key, parse)
    if result is None:
        began = time.perf_counter()
        values, calls = work()
        store.remember_work(key, values, seconds=time.perf_counter() - began, network_evaluations=calls)
        result = parse(values)
    return result


def _slope(stored: dict[str, Any]) -> Slope:
    return Slope(float(stored["loss"]), tuple(map(float, stored["gradient"])), int(stored["network_evaluations"]))


def _plain(slope: Slope) -> tuple[dict[str, Any], int]:
    return asdict(slope), slope.network_evaluations


def _descent_start(store: Store, number: int, now: NoiseSchedule | None) -> NoiseSchedule | None:
    return _start(store, f"descent {number}", now)


def _start(store: Store, key: str, now: NoiseSchedule | None) -> NoiseSchedule | None:
    """Returns the start that the store has under the key, else the best schedule now, which becomes the start."""
    start: NoiseSchedule | None = store.recall(key, NoiseSchedule)
    if start is None and now is not None:
        store.remember(key, now.betas.tolist())
    return now if start is None else start


def _spectral(tools: Tools, name: str) -> Distance:
    if tools.distance is None:
        raise InputError(
            f"STRATEGY={name} needs a spectral objective, which {tools.store.objective} is not; choose another of "
            f"either, such as OBJECTIVE={DEFAULT_OBJECTIVE}"
        )
    return tools.distance
