"""The end of a run as text: winner and baseline side by side, and how they compare in other objectives."""

import math
from collections.abc import Iterable

from schedsearch.evaluation.paired import Comparison, Outcome
from schedsearch.evaluation.scores import Score
from schedsearch.formatting import alike, counted
from schedsearch.metrics.words import words_and_name
from schedsearch.report.finding import signed
from schedsearch.report.titles import title
from schedsearch.search.asked_budget import reached_its_limit
from schedsearch.search.run import GAIN, Run
from schedsearch.search.verdict import Verdict
from schedsearch.strategies.surrogate import MORE

EARLIER_SURE = 0.85  # of the bounds of searches that did not store how sure they are
TOO_FEW = "fewer than 2 clips to compare"


def table(verdict: Verdict) -> str:
    """Sets winner and baseline side by side on the held-out clips: mean +- standard error, difference and outcome."""
    width = max(len(name) for name in ("held-out", *(words_and_name(c.metric) for c in verdict.comparisons)))
    baseline, difference = verdict.baseline.name[:26], "difference, 95 %"
    winner = title(verdict.winner, verdict)
    head = f"{'held-out':<{width}} {winner:>18} {baseline:>26}   {difference:<28} {winner} is"
    return "\n".join([head, *(_row(c, width) for c in verdict.comparisons)])


def other_objectives(verdict: Verdict, objectives: Iterable[str]) -> str:
    """Says in a sentence how the objectives fare that do not decide. Empty when there is only one objective."""
    others = [c for c in verdict.comparisons if c.metric in set(objectives) - {verdict.objective}]
    if not others:
        return ""
    outcomes = ", ".join(f"{c.outcome.predicate} in {words_and_name(c.metric)}" for c in others)
    return f"{words_and_name(verdict.objective)} alone decides; the searched schedule {outcomes}."


def why_it_ended(run: Run) -> str:
    """Says what further candidates could gain, where the search ended by itself. Else whether it came to its limit.

    Empty for a search that a budget ended.
    """
    if grid := run.exhausted_grid():  # not by the settings: a page that is made again knows no strategy
        return f"Every point of the grid {grid} was scored."
    gain, candidates = run.store.recall(GAIN), len(run.store.candidates())
    if gain is None or gain["candidates"] != candidates:
        if not reached_its_limit(run.store, run.settings.iterations):
            return ""
        return f"The search ended at its limit of {counted(candidates, 'candidate')}; MORE= adds to it."
    return (
        f"The search stopped by itself after {counted(candidates, 'candidate')}: by its model of the scores another "
        f"{MORE} would gain about {gain['mean']:.2g} in {words_and_name(run.store.objective)}, and at most "
        f"{gain['bound']:.2g} ({100 * gain.get('sure', EARLIER_SURE):.0f} % of the model's draws)."
    )


def failures(verdict: Verdict) -> tuple[str, ...]:
    """Gives the first reason of each metric that failed on a held-out clip."""
    named = (verdict.baseline.name, title(verdict.winner, verdict))
    return tuple(
        f"{words_and_name(c.metric)} failed {len(score.failures)} of {score.values.size} times for {name}, first at "
        f"{score.failures[0]}."
        for c in verdict.comparisons
        for name, score in zip(named, (c.baseline, c.winner), strict=True)
        if score.failures
    )


def _row(comparison: Comparison, width: int) -> str:
    difference = comparison.difference
    interval = TOO_FEW if difference is None else "{}  [{}, {}]".format(*signed(difference))
    winner, baseline = _cell(comparison.winner), _cell(comparison.baseline)
    is_told = comparison.better_side and comparison.outcome is not Outcome.NO_COMPARISON
    outcome = comparison.outcome.label if is_told else ""
    name = words_and_name(comparison.metric)
    return f"{name:<{width}} {winner:>18} {baseline:>26}   {interval:<28} {outcome}".rstrip()


def _cell(score: Score) -> str:
    if score.failures:
        return f"{len(score.failures)} of {score.values.size} failed"
    mean, error = alike((score.mean, score.standard_error))
    return mean if math.isnan(score.standard_error) else f"{mean} +- {error}"
