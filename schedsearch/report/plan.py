"""Says what a run is going to do and how long that takes here, from a timed network call."""

import math
import time

import numpy as np
import torch

from schedsearch.evaluation.draws import share_of
from schedsearch.formatting import counted
from schedsearch.schedules.baselines import baselines
from schedsearch.search.asked_budget import is_finished, points
from schedsearch.search.leaders import BASELINES, SEARCHED
from schedsearch.search.network_limit import STAGE
from schedsearch.search.run import Run
from schedsearch.search.strategy_factory import ENDING
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
    leading, rounds = SEARCHED + BASELINES, run.rounds
    as_much = 1 + rounds.further * rounds.weight  # as so many rounds of excerpts: the first one is of those alone
    seconds = _seconds_an_evaluation(run, run.vocoder)
    exact = _seconds_an_evaluation(run, run.exact.vocoder) if run.vocoder.autocast else seconds
    longer = mean_samples(run.clips.held_out) / mean_samples(run.clips.excerpts)
    rows = [
        ("baselines", fresh * steps * clips, 1.0),
        (_searching(run, budget), _search_evaluations(run, budget, max(0.0, left), seconds), 1.0),
        ("leaders", leading * len(rounds.numbers) * steps * clips, as_much / len(rounds.numbers)),
        (counted(held_out, "held-out clip"), 2 * steps * judged, longer * exact / seconds),
    ]
    width = max(28, *(len(name) for name, *_ in rows))
    lines = [f"  {name:<{width}} {n:>9,.0f} network evaluations {_minutes(n * seconds * p)}" for name, n, p in rows]
    limit = run.voice.services.limit_seconds
    lines.append(f"  {STAGE:<{width}} {'':>29} {_minutes(limit)}")
    total = sum(calls * seconds * part for _, calls, part in rows) + limit
    head = [*filter(None, [few_clips(run)]), "plan, at most (races stop early):"]
    return "\n".join([*head, *lines, f"  {'together':<{width}} {'':>29} {_minutes(total)}"])


def _searching(run: Run, budget: Budget) -> str:
    """Names the strategy and how much it may do; of a grid how many points that is."""
    strategy, grid = run.settings.strategy, run.settings.searched_grid
    amount = f"{budget.amount:.0f} {budget.unit}" if budget.is_open else str(budget)
    if grid is None:
        return f"{strategy}, {amount}"
    if budget.unit != "candidates":
        return f"{strategy}, {amount} of {points(grid)}"
    if _points(run) > budget.amount:
        return f"{strategy}, the first {budget.amount:.0f} of {points(grid)}"
    return f"{strategy}, {counted(int(_points(run)), 'point')}"


def _points(run: Run) -> float:
    """Returns the number of points that a grid has left at most; infinity for other strategies."""
    grid = run.settings.searched_grid
    return math.inf if grid is None else 0 if run.is_exhausted() else grid.count


def few_clips(run: Run) -> str:
    """Warns of few clips: an interval over them is too narrow, and does not show it. Empty where there are enough."""
    clips, held_out = len(run.clips.excerpts), len(run.clips.held_out)
    if clips >= LEAST_SEARCH and held_out >= LEAST_HELD_OUT:
        return ""
    counts = f"{clips} to search on and {held_out} to judge with"
    return f"few clips: {counts}; with less than {LEAST_SEARCH} and {LEAST_HELD_OUT} intervals mislead"


def _search_evaluations(run: Run, budget: Budget, left: float, seconds: float) -> float:
    """Counts what the rest of the budget takes, without stops by a race."""
    clips = len(run.clips.excerpts)
    if run.race.stops and run.settings.strategy in ENDING:  # each candidate is scored on a share of the clips
        clips = sum(draw >= 0 for draw in share_of(0, clips))
    each = run.settings.iterations * clips
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
