"""The end of a run as text: winner and baseline side by side, and how they compare in other objectives."""

import math
from collections.abc import Iterable

from schedsearch.evaluation.paired import Comparison
from schedsearch.evaluation.scores import Score
from schedsearch.report.finding import signed
from schedsearch.report.tables import ordered
from schedsearch.search.verdict import Verdict

TOO_FEW = "fewer than 2 clips to compare"


def table(verdict: Verdict) -> str:
    """Winner and baseline on the held-out clips: mean +- standard error over clips, difference and outcome."""
    rows = ordered(verdict.comparisons, verdict.objective)
    width = max(len(name) for name in ("held-out", *(c.metric for c in rows)))
    baseline, difference = verdict.baseline.name[:26], "difference, 95 %"
    head = f"{'held-out':<{width}} {'searched':>18} {baseline:>26}   {difference:<28} searched is"
    return "\n".join([head, *(_row(c, width) for c in rows)])


def other_objectives(verdict: Verdict, objectives: Iterable[str]) -> str:
    """A sentence on the objectives that do not decide. Empty when there is only one objective."""
    others = [c for c in verdict.comparisons if c.metric in set(objectives) - {verdict.objective}]
    if not others:
        return ""
    outcomes = ", ".join(f"{c.outcome.predicate} in {c.metric}" for c in others)
    return f"{verdict.objective} alone decides; the searched schedule {outcomes}."


def _row(comparison: Comparison, width: int) -> str:
    difference = comparison.difference
    interval = TOO_FEW if difference is None else "{}  [{}, {}]".format(*signed(difference))
    winner, baseline = _cell(comparison.winner), _cell(comparison.baseline)
    outcome = comparison.outcome.label if difference and comparison.better_side else ""
    return f"{comparison.metric:<{width}} {winner:>18} {baseline:>26}   {interval:<28} {outcome}".rstrip()


def _cell(score: Score) -> str:
    if score.failures:
        return f"{len(score.failures)} of {score.values.size} failed"
    error = "" if math.isnan(score.standard_error) else f" +- {score.standard_error:.4f}"
    return f"{score.mean:.4f}{error}"
