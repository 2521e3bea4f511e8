"""Says what a run is going to do and how long that takes here, from a timed network call."""

import math
import time

import numpy as np
import torch

from schedsearch.formatting import counted
from schedsearch.schedules.baselines import baselines
from schedsearch.search.asked_budget import is_finished
from schedsearch.search.leaders import BASELINES, SEARCHED
from schedsearch.search.network_limit import STAGE
from schedsearch.search.run import Run
from schedsearch.search.strategy_factory import GRID
from schedsearch.strategies.named_grids import grid_named
from schedsearch.study.budget import Budget
from schedsearch.study.ranking import spent
from schedsearch.voice.adding.split import LEAST_HELD_OUT, LEAST_SEARCH
from vocoder.audio.reading import mean_samples
from vocoder.vocoder import Vocoder


def plan(run: Run, budget: Budget) -> str:
    """Lists the stages still to do, with network evaluations and minutes; one line if nothing is left."""
    left = 1 - spent(run.store, budget)
    todays = baselines(run.settings.iterations, own=run.voice.names)
    fresh = sum(not run.store.has_baseline(name, schedule) for name, schedule in todays.items())
    if not fresh and (left <= 0 or run.has_ended(budget)) and is_finished(run.store, budget) and run.is_judged():
        done = f"nothing left of {budget}" if left <= 0 and not budget.is_open else "the search has ended"
        adds = "another GRID= or STRATEGY= adds to it" if run.is_exhausted() else "MORE= adds to it"
        return f"plan: {done}, spent by {', '.join(run.strategies)}; {adds}"
    clips, held_out, steps = len(run.clips.excerpts), len(run.clips.held_out), run.settings.iterations
    judged = held_out * len(run.held_out_draws)
    leading = (SEARCHED + BASELINES) * run.rounds.further
    seconds = _seconds_an_evaluation(run, run.vocoder)
    exact = _seconds_an_evaluation(run, run.exact.vocoder) if run.vocoder.autocast else seconds
    longer = mean_samples(run.clips.held_out) / mean_samples(run.clips.excerpts)
    rows = [
        ("baselines", fresh * steps * clips, 1.0),
        (_searching(run, budget), _search_evaluations(run, budget, max(0.0, left), seconds), 1.0),
        ("leaders", leading * steps * clips, run.rounds.weight),
        (counted(held_out, "held-out clip"), 2 * steps * judged, longer * exact / seconds),
    ]
    lines = [f"  {name:<28} {n:>9,.0f} network evaluations {_minutes(n * seconds * part)}" for name, n, part in rows]
    limit = run.voice.services.limit_seconds
    lines.append(f"  {STAGE:<28} {'':>29} {_minutes(limit)}")
    total = sum(calls * seconds * part for _, calls, part in rows) + limit
    head = [*filter(None, [few_clips(run)]), "plan, at most (races stop early):"]
    return "\n".join([*head, *lines, f"  {'together':<28} {'':>29} {_minutes(total)}"])


def _searching(run: Run, budget: Budget) -> str:
    amount = f"{budget.amount:.0f} {budget.unit}" if budget.is_open else str(budget)
    if budget.unit == "candidates" and _points(run) < budget.amount:
        amount = counted(int(_points(run)), "point")
    return f"{run.settings.strategy}, {amount}"


def _points(run: Run) -> float:
    """Returns the number of points that a grid has left at most; infinity for other strategies."""
    settings = run.settings
    if settings.strategy != GRID:
        return math.inf
    return 0 if run.is_exhausted() else grid_named(settings.grid, settings.iterations, settings.seed).count


def few_clips(run: Run) -> str:
    """Warns of few clips: an interval over them is too narrow, and does not show it. Empty where there are enough."""
    clips, held_out = len(run.clips.excerpts), len(run.clips.held_out)
    if clips >= LEAST_SEARCH and held_out >= LEAST_HELD_OUT:
        return ""
    counts = f"{clips} to search on and {held_out} to judge with"
    return f"few clips: {counts}; with less than {LEAST_SEARCH} and {LEAST_HELD_OUT} intervals mislead"


def _search_evaluations(run: Run, budget: Budget, left: float, seconds: float) -> float:
    """Counts what the rest of the budget takes, without stops by a race."""
    each = run.settings.iterations * len(run.clips.excerpts)
    in_one = {"calls": 1, "minutes": 60 / seconds, "candidates": each}[budget.unit]
    return min(left * budget.amount * in_one, _points(run) * each)


def _seconds_an_evaluation(run: Run, vocoder: Vocoder) -> float:
    """Times one search clip through the network once: the median of three calls after a warm one."""
    group = max((group for heat in run.race.heats for group in heat.groups), key=lambda g: len(g.names))
    level = torch.full((len(group.names),), 0.5, device=group.mel.device)
    times = []
    with torch.inference_mode():
        for _ in range(4):
            began = time.perf_counter()
            vocoder.predict_noise(group.reference, group.mel, level).sum().item()  # waits for a GPU
            times.append(time.perf_counter() - began)
    return float(np.median(times[1:])) / len(group.names)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:8.1f} min"
