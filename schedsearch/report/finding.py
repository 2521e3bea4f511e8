"""States what a run found in plain words that follow from its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedsearch.evaluation.bootstrap import Interval
from schedsearch.evaluation.paired import Outcome
from schedsearch.formatting import alike, counted
from schedsearch.metrics.words import words_and_name
from schedsearch.report.comparison_facts import SIGN_OF_WORSE, better_side, comparison_facts
from schedsearch.report.titles import searched
from schedsearch.search.verdict import Verdict


@dataclass(frozen=True)
class Finding:
    """What a run.json says of the objective that decides, and of the other metrics beside it."""

    metric: str
    searched: str  # the name of the searched schedule
    baseline: str
    improves: bool
    means: tuple[float | None, float | None]  # searched, baseline; None where a clip failed
    difference: Interval | None  # searched minus baseline; None where fewer than two clips have both
    clips: int  # held out
    pairs: int  # the clips that the difference is over
    draws: int
    failures: tuple[int, int]  # clips x draws without a value: searched, baseline
    better_clips: int | None  # of the pairs; None where a run.json of before does not say
    same_in: tuple[str, ...]  # the other metrics whose intervals hold zero
    worse_in: tuple[str, ...]  # the other metrics whose intervals lie on the worse side
    fails_in: tuple[str, ...]  # the other metrics in which the searched schedule fails more often
    better_side: str  # lower or higher is better; empty where neither is

    @property
    def outcome(self) -> Outcome:
        """The outcome for the searched schedule."""
        if self.improves:
            return Outcome.BETTER
        if self.failures[0] > self.failures[1]:
            return Outcome.FAILS_MORE
        if self.difference is None:
            return Outcome.NO_COMPARISON
        return Outcome.WORSE if self.difference.excludes_zero else Outcome.TIE

    @property
    def part(self) -> float | None:
        """The difference as a part of the baseline's mean; None where that is no number above zero.

        And for a user's own metric: its zero may mean nothing, as that of decibels.
        """
        _, baseline = self.means
        if self.difference is None or baseline is None or not baseline > 0 or not better_side(self.metric):
            return None
        return self.difference.mean / baseline


def verdict_finding(verdict: Verdict) -> Finding:
    """Returns what a verdict's run.json will say."""
    return stored_finding(
        {
            "objective": verdict.objective,
            "identity": {"iterations": len(verdict.winner.schedule)},
            "baseline": verdict.baseline.name,
            "improves_on_baseline": verdict.improves,
            "held_out": [comparison_facts(comparison) for comparison in verdict.comparisons],
        }
    )


def stored_finding(facts: Mapping[str, Any]) -> Finding:
    """Returns what a run.json says. LookupError, TypeError or ValueError where no search has written it."""
    [main] = (c for c in facts["held_out"] if c["metric"] == facts["objective"])
    winner, baseline = main["winner"], main["baseline"]
    others = [c for c in facts["held_out"] if c is not main]
    rated = [(str(c["metric"]), _interval(c["difference"]), SIGN_OF_WORSE.get(_better_side(c))) for c in others]
    # Where neither side is better, or nothing could be compared, a metric is neither the same nor worse.
    compared = [(metric, interval, sign) for metric, interval, sign in rated if interval and sign]
    return Finding(
        metric=str(main["metric"]),
        searched=searched(int(facts["identity"]["iterations"])),
        baseline=str(facts["baseline"]),
        improves=bool(facts["improves_on_baseline"]),
        means=(_mean(winner), _mean(baseline)),
        difference=_interval(main["difference"]),
        clips=int(winner["clips"]),
        pairs=int(main.get("pairs", winner["clips"])),
        draws=int(winner["draws"]),
        failures=(int(winner["failures"]), int(baseline["failures"])),
        worse_in=tuple(m for m, interval, sign in compared if interval.excludes_zero and interval.mean * sign > 0),
        fails_in=tuple(str(c["metric"]) for c in others if _fails_more(c)),
        better_side=_better_side(main),
        better_clips=main.get("better_clips"),
        same_in=tuple(m for m, interval, _ in compared if not interval.excludes_zero),
    )


def _interval(difference: Mapping[str, Any] | None) -> Interval | None:
    if not difference:
        return None
    return Interval(float(difference["mean"]), float(difference["low"]), float(difference["high"]))


def _fails_more(comparison: Mapping[str, Any]) -> bool:
    return int(comparison["winner"]["failures"]) > int(comparison["baseline"]["failures"])


def _better_side(entry: Mapping[str, Any]) -> str:
    """Reads the better side of a run.json's entry, which says it itself of a user's own metric."""
    return str(entry.get("better_side") or better_side(str(entry["metric"])))


def _mean(score: Mapping[str, Any]) -> float | None:
    return None if score["mean"] is None else float(score["mean"])


def sentence(source: Finding | Verdict) -> str:
    """Says which schedule ships, how much better it is, what it costs elsewhere, and how sure that is."""
    return " ".join(lines(source))


def lines(source: Finding | Verdict) -> tuple[str, ...]:
    """Says in up to three lines which schedule ships, what changes in other metrics, and the interval."""
    finding = verdict_finding(source) if isinstance(source, Verdict) else source
    if finding.difference is None:
        clips = counted(finding.clips, "held-out clip")
        return (
            f"No verdict: {words_and_name(finding.metric)} has values of both schedules on {finding.pairs} of {clips}"
            f"{_failed(finding)}, and a comparison needs 2; {finding.baseline} ships.",
        )
    elsewhere = _elsewhere(finding) if finding.improves else ""
    said = (_headline(finding, finding.difference), elsewhere, _interval_line(finding, finding.difference))
    return tuple(filter(None, said))


def _headline(finding: Finding, difference: Interval) -> str:
    metric, searched, baseline = words_and_name(finding.metric), finding.searched, finding.baseline
    if finding.outcome is Outcome.FAILS_MORE:
        return f"{baseline} ships: {searched} fails more often in {metric}."
    if finding.improves:
        ships = f"{searched} is better than {baseline} and ships."
    else:
        beside = " from it" if finding.outcome is Outcome.TIE else ""
        ships = f"{baseline} ships: {searched} {finding.outcome.predicate}{beside}."
    better = "" if finding.better_clips is None else f", better on {finding.better_clips} of {finding.pairs}"
    return (
        f"{ships} On {counted(finding.pairs, 'clip')} that the search never heard, {searched} is "
        f"{_size(finding, difference)} {_side(finding, difference)} on average in {metric}{better}."
    )


def _size(finding: Finding, difference: Interval) -> str:
    """Writes the mean difference in percent of the baseline's mean, or else in the metric's own unit."""
    return signed(difference)[0].lstrip("+-") if finding.part is None else _percent(finding.part)


def _side(finding: Finding, difference: Interval) -> str:
    sign = SIGN_OF_WORSE.get(finding.better_side)
    if sign is None or not difference.mean:
        return "apart"
    return "worse" if sign * difference.mean > 0 else "better"


def _percent(part: float) -> str:
    size = abs(100 * part)
    return f"{size:.1f} %" if size >= 0.1 or size < 1e-6 else f"{size:.2g} %"


def _elsewhere(finding: Finding) -> str:
    named = [
        ("No clear change", [metric for metric in finding.same_in if metric not in finding.fails_in]),
        ("Worse", finding.worse_in),
        ("Fails more often", finding.fails_in),
    ]
    return " ".join(f"{what}: {', '.join(map(words_and_name, metrics))}." for what, metrics in named if metrics)


def _interval_line(finding: Finding, difference: Interval) -> str:
    mean, low, high = signed(difference)
    side = f" ({finding.better_side})" if finding.better_side else ""
    return f"Difference {mean}, 95 % interval {low} to {high}{side}, {_sample(finding)}{_failed(finding)}."


def signed(difference: Interval) -> tuple[str, str, str]:
    """Returns mean, low and high with their signs. The end nearer to zero decides, and is seen not to be zero."""
    nearer = min((abs(value) for value in (difference.low, difference.high) if value), default=1.0)
    mean, low, high = alike((difference.mean, difference.low, difference.high), sign="+", decides=nearer)
    return mean, low, high


def _sample(finding: Finding) -> str:
    part = "" if finding.pairs == finding.clips else f"{finding.pairs} of "
    return f"{part}{counted(finding.clips, 'held-out clip')} x {counted(finding.draws, 'fresh draw')}"


def _failed(finding: Finding) -> str:
    searched, baseline = finding.failures
    return f" (failures: searched {searched}, {finding.baseline} {baseline})" if any(finding.failures) else ""
