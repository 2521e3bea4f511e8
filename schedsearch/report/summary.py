"""A run's end as text: the verdict in a sentence, the comparison, the next command."""

from dataclasses import dataclass

from schedsearch.confirmation import Comparison, Verdict
from schedsearch.report.tables import ordered
from schedsearch.scores import Score
from schedsearch.verdict import Interval


@dataclass(frozen=True)
class Finding:
    """What the sentence says: of a verdict, or of the run.json that was written of one."""

    metric: str
    baseline: str
    improves: bool
    difference: Interval | None  # searched minus baseline
    clips: int
    draws: int


def finding(verdict: Verdict) -> Finding:
    """In the objective that decides."""
    main = next(c for c in verdict.comparisons if c.metric == verdict.objective)
    clips, draws = main.winner.values.shape
    return Finding(main.metric, verdict.baseline.name, verdict.improves, main.difference, clips, draws)


def sentence(found: Finding | Verdict) -> str:
    """Which schedule ships, how much better, how sure."""
    f = finding(found) if isinstance(found, Verdict) else found
    if f.difference is None:
        return f"No verdict: {f.metric} failed on the held-out clips; {f.baseline} ships."
    gap = f"{f.difference.mean:+.4f} (95 % interval {f.difference.low:+.4f} to {f.difference.high:+.4f})"
    n = f"{f.clips} held-out clips x {f.draws} fresh draws"
    if f.improves:
        return f"The searched schedule ships: {f.metric} {gap} against {f.baseline}, {n}."
    why = "is worse than" if f.difference.excludes_zero else "can't be told from"
    return f"{f.baseline} ships: the searched schedule {why} it, {f.metric} {gap}, {n}."


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
