"""A run's end as text: winner and baseline side by side, and how they stand in other objectives."""

import math
from collections.abc import Iterable

from schedsearch.evaluation.paired import Comparison
from schedsearch.evaluation.scores import Score
from schedsearch.report.finding import better_side, signed
from schedsearch.report.tables import ordered
from schedsearch.search.verdict import Verdict

TOO_FEW = "fewer than 2 clips to compare"


def table(verdict: Verdict) -> str:
    """Winner and baseline on the held-out clips, mean +- standard error over clips, and what the interval settles."""
    rows = ordered(verdict.comparisons, verdict.objective)
    width = max(len(name) for name in ("held-out", *(c.metric for c in rows)))
    baseline, gap = verdict.baseline.name[:26], "difference, 95 %"
    head = f"{'held-out':<{width}} {'searched':>18} {baseline:>26}   {gap:<28} searched is"
    return "\n".join([head, *(_row(c, width) for c in rows)])


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
    if comparison.fails_more:
        return "failing more often"
    return "worse" if comparison.difference.excludes_zero else "not told apart"


def _row(comparison: Comparison, width: int) -> str:
    difference = comparison.difference
    interval = TOO_FEW if difference is None else "{}  [{}, {}]".format(*signed(difference))
    winner, baseline = _cell(comparison.winner), _cell(comparison.baseline)
    settled = _outcome(comparison) if difference and better_side(comparison.metric) else ""
    return f"{comparison.metric:<{width}} {winner:>18} {baseline:>26}   {interval:<28} {settled}".rstrip()


def _cell(score: Score) -> str:
    if score.failures:
        return f"{len(score.failures)} of {score.values.size} failed"
    error = "" if math.isnan(score.standard_error) else f" +- {score.standard_error:.4f}"
    return f"{score.mean:.4f}{error}"
