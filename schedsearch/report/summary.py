"""A run's end as text: the verdict in a sentence, the comparison, the next command."""

from schedsearch.confirmation import Comparison, Verdict
from schedsearch.report.tables import ordered
from schedsearch.scores import Score


def sentence(verdict: Verdict) -> str:
    """Which schedule ships, how much better, how sure."""
    main = next(c for c in verdict.comparisons if c.metric == verdict.objective)
    if main.difference is None:
        return f"No verdict: {main.metric} failed on the held-out clips; {verdict.baseline.name} ships."
    gap = f"{main.difference.mean:+.4f} (95 % interval {main.difference.low:+.4f} to {main.difference.high:+.4f})"
    n = f"{main.winner.values.shape[0]} held-out clips x {main.winner.values.shape[1]} fresh draws"
    if verdict.improves:
        return f"The searched schedule ships: {main.metric} {gap} against {verdict.baseline.name}, {n}."
    worse = main.difference.excludes_zero
    why = "is worse than" if worse else "can't be told from"
    return f"{verdict.baseline.name} ships: the searched schedule {why} it, {main.metric} {gap}, {n}."


def table(verdict: Verdict) -> str:
    """Winner and baseline on the held-out clips, mean +- standard error over clips."""
    head = f"{'held-out':<12} {'searched':>18} {verdict.baseline.name[:26]:>26}   difference, 95 % interval"
    return "\n".join([head, *(_row(c) for c in ordered(verdict.comparisons, verdict.objective))])


def _row(comparison: Comparison) -> str:
    difference = comparison.difference
    interval = (
        "too many failures"
        if difference is None
        else f"{difference.mean:+.4f}  [{difference.low:+.4f}, {difference.high:+.4f}]"
    )
    winner, baseline = _cell(comparison.winner), _cell(comparison.baseline)
    return f"{comparison.metric:<12} {winner:>18} {baseline:>26}   {interval}"


def _cell(score: Score) -> str:
    failed = f", {len(score.failures)} failed" if score.failures else ""
    return f"{score.mean:.4f} +- {score.standard_error:.4f}{failed}"
