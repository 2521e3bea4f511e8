"""A run's end as text: winner and baseline side by side, and how they stand in other objectives."""

import math
from collections.abc import Iterable

from schedsearch.confirmation import Comparison, Verdict
from schedsearch.report.finding import signed
from schedsearch.report.tables import ordered
from schedsearch.scores import Score

TOO_FEW = "fewer than 2 clips to compare"


def table(verdict: Verdict) -> str:
    """Winner and baseline on the held-out clips, mean +- standard error over clips."""
    head = f"{'held-out':<12} {'searched':>18} {verdict.baseline.name[:26]:>26}   searched - baseline, 95 % interval"
    return "\n".join([head, *(_row(c) for c in ordered(verdict.comparisons, verdict.objective))])


def other_objectives(verdict: Verdict, objectives: Iterable[str]) -> str:
    """What a search for several at once says beside its verdict, which the first one decides; empty for one alone."""
    others = [c for c in verdict.comparisons if c.metric in set(objectives) - {verdict.objective}]
    if not others:
        return ""
    stands = ", ".join(f"{_outcome(c)} in {c.metric}" for c in others)
    return f"{verdict.objective} alone decides; the searched schedule is {stands}."


def _outcome(comparison: Comparison) -> str:
    if comparison.difference is None:
        return "not comparable"
    if comparison.better:
        return "better"
    return "worse" if comparison.difference.excludes_zero else "not told apart"


def _row(comparison: Comparison) -> str:
    difference = comparison.difference
    interval = TOO_FEW if difference is None else "{}  [{}, {}]".format(*signed(difference))
    winner, baseline = _cell(comparison.winner), _cell(comparison.baseline)
    return f"{comparison.metric:<12} {winner:>18} {baseline:>26}   {interval}"


def _cell(score: Score) -> str:
    if score.failures:
        return f"{len(score.failures)} of {score.values.size} failed"
    error = "" if math.isnan(score.standard_error) else f" +- {score.standard_error:.4f}"
    return f"{score.mean:.4f}{error}"
