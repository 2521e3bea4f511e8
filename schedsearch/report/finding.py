"""States what a run found in one sentence that follows from its numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedsearch.evaluation.bootstrap import Interval, sound_clips
from schedsearch.evaluation.paired import Outcome
from schedsearch.formatting import counted
from schedsearch.metrics.catalogue import catalogue
from schedsearch.search.verdict import Verdict

DIGITS, MOST_DIGITS = 4, 8  # behind the point; more only where a difference would otherwise read as zero


@dataclass(frozen=True)
class Finding:
    """What the sentence says. It comes from a verdict, or from the run.json that a verdict was written to."""

    metric: str
    baseline: str
    improves: bool
    difference: Interval | None  # searched minus baseline; None where fewer than two clips have both
    clips: int  # held out
    pairs: int  # the clips that the difference is over
    draws: int
    failures: tuple[int, int] = (0, 0)  # clips x draws without a value: searched, baseline
    worse_in: tuple[str, ...] = ()  # the other metrics whose intervals lie on the worse side
    fails_in: tuple[str, ...] = ()  # the other metrics in which the searched schedule fails more often
    better_side: str = ""  # lower or higher is better

    @property
    def outcome(self) -> Outcome:
        """The outcome for the searched schedule."""
        if self.difference is None:
            return Outcome.NO_COMPARISON
        if self.improves:
            return Outcome.BETTER
        if self.failures[0] > self.failures[1]:
            return Outcome.FAILS_MORE
        return Outcome.WORSE if self.difference.excludes_zero else Outcome.TIE


def verdict_finding(verdict: Verdict) -> Finding:
    """Returns what a verdict says of the objective that decides."""
    main = next(c for c in verdict.comparisons if c.metric == verdict.objective)
    others = [c for c in verdict.comparisons if c is not main]
    clips, draws = main.winner.values.shape
    return Finding(
        metric=main.metric,
        baseline=verdict.baseline.name,
        improves=verdict.improves,
        difference=main.difference,
        clips=clips,
        pairs=int(sound_clips([main.winner.values, main.baseline.values]).sum()),
        draws=draws,
        failures=(len(main.winner.failures), len(main.baseline.failures)),
        worse_in=tuple(c.metric for c in others if _is_worse(c.difference, c.better_side)),
        fails_in=tuple(c.metric for c in others if c.fails_more),
        better_side=main.better_side,
    )


def stored_finding(facts: Mapping[str, Any]) -> Finding:
    """Returns what a run.json says. LookupError, TypeError or ValueError where no search has written it."""
    [main] = (c for c in facts["held_out"] if c["metric"] == facts["objective"])
    winner, baseline = main["winner"], main["baseline"]
    others = [c for c in facts["held_out"] if c is not main]
    return Finding(
        metric=str(main["metric"]),
        baseline=str(facts["baseline"]),
        improves=bool(facts["improves_on_baseline"]),
        difference=_interval(main["difference"]),
        clips=int(winner["clips"]),
        pairs=int(main.get("pairs", winner["clips"])),
        draws=int(winner["draws"]),
        failures=(int(winner["failures"]), int(baseline["failures"])),
        worse_in=tuple(str(c["metric"]) for c in others if _is_worse(_interval(c["difference"]), _better_side(c))),
        fails_in=tuple(str(c["metric"]) for c in others if _fails_more(c)),
        better_side=_better_side(main),
    )


def _interval(difference: Mapping[str, Any] | None) -> Interval | None:
    if not difference:
        return None
    return Interval(float(difference["mean"]), float(difference["low"]), float(difference["high"]))


def _fails_more(comparison: Mapping[str, Any]) -> bool:
    return int(comparison["winner"]["failures"]) > int(comparison["baseline"]["failures"])


def _is_worse(difference: Interval | None, side: str) -> bool:
    """Whether the interval lies on the worse side of zero."""
    sign_of_worse = {"lower is better": 1, "higher is better": -1}.get(side, 0)
    return difference is not None and difference.excludes_zero and difference.mean * sign_of_worse > 0


def _better_side(entry: Mapping[str, Any]) -> str:
    """Reads the better side of a run.json's entry, which says it itself of a user's own metric."""
    return str(entry.get("better_side") or better_side(str(entry["metric"])))


def sentence(source: Finding | Verdict) -> str:
    """Says which schedule ships, how much better it is and how sure that is."""
    finding = verdict_finding(source) if isinstance(source, Verdict) else source
    if finding.difference is None:
        clips = counted(finding.clips, "held-out clip")
        return (
            f"No verdict: {finding.metric} has values of both schedules on {finding.pairs} of {clips}"
            f"{_failed(finding)}, and a comparison needs 2; {finding.baseline} ships."
        )
    mean, low, high = signed(finding.difference)
    side = f", {finding.better_side}" if finding.better_side else ""
    interval = f"{finding.metric} {mean} (95 % interval {low} to {high}{side})"
    numbers = f"{interval}, {_sample(finding)}{_failed(finding)}."
    if finding.improves:
        return f"The searched schedule ships: it is better than {finding.baseline}, {numbers}{_objections(finding)}"
    beside = " from it" if finding.outcome is Outcome.TIE else ""
    return f"{finding.baseline} ships: the searched schedule {finding.outcome.predicate}{beside}, {numbers}"


def better_side(metric: str) -> str:
    """Returns `lower is better` or `higher is better`; empty for a metric that ranks nothing or is not known."""
    known = {d.name: d for rate in (8_000, 16_000) for d in catalogue(rate)}.get(metric)
    if known is None or not known.ranks:
        return ""
    return "lower is better" if known.direction == "minimize" else "higher is better"


def signed(difference: Interval) -> tuple[str, str, str]:
    """Returns mean, low and high with their signs, in as many digits as `digits` says."""
    places = digits(difference)
    mean, low, high = (
        f"{round(value, places) + 0.0:+.{places}f}" for value in (difference.mean, difference.low, difference.high)
    )
    return mean, low, high


def digits(difference: Interval) -> int:
    """Returns how many digits to show behind the point.

    The end nearer to zero decides the outcome: it gets two digits that are not zero.
    """
    sizes = [abs(value) for value in (difference.low, difference.high) if value]
    return min(MOST_DIGITS, max(DIGITS, 1 - math.floor(math.log10(min(sizes, default=1.0)))))


def _sample(finding: Finding) -> str:
    part = "" if finding.pairs == finding.clips else f"{finding.pairs} of "
    return f"{part}{counted(finding.clips, 'held-out clip')} x {counted(finding.draws, 'fresh draw')}"


def _objections(finding: Finding) -> str:
    named = [("is worse", finding.worse_in), ("fails more often", finding.fails_in)]
    objections = [f"{what} in {', '.join(metrics)}" for what, metrics in named if metrics]
    return f" It {' and '.join(objections)}." if objections else ""


def _failed(finding: Finding) -> str:
    searched, baseline = finding.failures
    return f" (failures: searched {searched}, {finding.baseline} {baseline})" if any(finding.failures) else ""
