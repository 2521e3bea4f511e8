"""What a run found, in a sentence that follows from its numbers."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from schedsearch.evaluation.bootstrap import Interval, sound_clips
from schedsearch.formatting import counted
from schedsearch.metrics.catalogue import catalogue
from schedsearch.search.verdict import Verdict

# Why a baseline ships, by the outcome.
_WHY = {
    "worse": "is worse",
    "not told apart": "can't be told from it",
    "fails more often": "fails more often, whatever the clips say that have both",
}
DIGITS, MOST_DIGITS = 4, 8  # behind the point; more where fewer would make a difference of nothing out of one


@dataclass(frozen=True)
class Finding:
    """What the sentence says: of a verdict, or of the run.json that was written of one."""

    metric: str
    baseline: str
    improves: bool
    difference: Interval | None  # searched minus baseline; None where fewer than two clips have both
    clips: int  # held out
    pairs: int  # of them those that the difference is over
    draws: int
    failures: tuple[int, int] = (0, 0)  # clips x draws without a value: searched, baseline
    worse_in: tuple[str, ...] = ()  # the other metrics whose intervals lie on the worse side
    fails_in: tuple[str, ...] = ()  # the other metrics in which the searched schedule fails more often

    @property
    def outcome(self) -> str:
        """Of the searched schedule: better, fails more often, worse, not told apart, or no verdict."""
        if self.difference is None:
            return "no verdict"
        if self.improves:
            return "better"
        if self.failures[0] > self.failures[1]:
            return "fails more often"
        return "worse" if self.difference.excludes_zero else "not told apart"


def finding(verdict: Verdict) -> Finding:
    """In the objective that decides."""
    main = next(c for c in verdict.comparisons if c.metric == verdict.objective)
    clips, draws = main.winner.values.shape
    pairs = int(sound_clips([main.winner.values, main.baseline.values]).sum())
    failures = len(main.winner.failures), len(main.baseline.failures)
    return Finding(
        main.metric,
        verdict.baseline.name,
        verdict.improves,
        main.difference,
        clips,
        pairs,
        draws,
        failures,
        _worse_in(verdict.objective, {c.metric: c.difference for c in verdict.comparisons}),
        tuple(c.metric for c in verdict.comparisons if c is not main and c.fails_more),
    )


def stored_finding(told: Mapping[str, Any]) -> Finding:
    """Out of a run.json; LookupError, TypeError or ValueError where it is none."""
    [main] = (c for c in told["held_out"] if c["metric"] == told["objective"])
    winner, baseline = main["winner"], main["baseline"]
    gaps = {str(c["metric"]): _interval(c["difference"]) for c in told["held_out"]}
    return Finding(
        metric=str(main["metric"]),
        baseline=str(told["baseline"]),
        improves=bool(told["improves_on_baseline"]),
        difference=gaps[str(main["metric"])],
        clips=int(winner["clips"]),
        pairs=int(main.get("pairs", winner["clips"])),
        draws=int(winner["draws"]),
        failures=(int(winner["failures"]), int(baseline["failures"])),
        worse_in=_worse_in(str(told["objective"]), gaps),
        fails_in=tuple(str(c["metric"]) for c in told["held_out"] if c is not main and _fails_more(c)),
    )


def _interval(gap: Mapping[str, Any] | None) -> Interval | None:
    return Interval(float(gap["mean"]), float(gap["low"]), float(gap["high"])) if gap else None


def _fails_more(comparison: Mapping[str, Any]) -> bool:
    return int(comparison["winner"]["failures"]) > int(comparison["baseline"]["failures"])


def _worse_in(objective: str, differences: Mapping[str, Interval | None]) -> tuple[str, ...]:
    """What a listener should know of a schedule that wins by the objective alone."""
    worse = {"lower is better": 1, "higher is better": -1}
    return tuple(
        name
        for name, gap in differences.items()
        if name != objective and gap and gap.excludes_zero and gap.mean * worse.get(better_side(name), 0) > 0
    )


def sentence(found: Finding | Verdict) -> str:
    """Which schedule ships, how much better, how sure."""
    f = finding(found) if isinstance(found, Verdict) else found
    if f.difference is None:
        return (
            f"No verdict: {f.metric} has values of both schedules on {f.pairs} of {counted(f.clips, 'held-out clip')}"
            f"{_failed(f)}, and a comparison needs 2; {f.baseline} ships."
        )
    mean, low, high = signed(f.difference)
    side = f", {better_side(f.metric)}" if better_side(f.metric) else ""
    numbers = f"{f.metric} {mean} (95 % interval {low} to {high}{side}), {_sample(f)}{_failed(f)}."
    if f.improves:
        return f"The searched schedule ships: it is better than {f.baseline}, {numbers}{_objections(f)}"
    return f"{f.baseline} ships: the searched schedule {_WHY[f.outcome]}, {numbers}"


def better_side(metric: str) -> str:
    """`lower is better` or `higher is better`; empty for a metric that is not in the catalogue or ranks nothing."""
    known = {d.name: d for rate in (8_000, 16_000) for d in catalogue(rate)}.get(metric)
    if known is None or not known.ranks:
        return ""
    return "lower is better" if known.direction == "minimize" else "higher is better"


def signed(difference: Interval) -> tuple[str, str, str]:
    """Mean, low and high with their signs, in as many digits as `digits` says."""
    places = digits(difference)
    mean, low, high = (
        f"{round(value, places) + 0.0:+.{places}f}" for value in (difference.mean, difference.low, difference.high)
    )
    return mean, low, high


def digits(difference: Interval) -> int:
    """Behind the point: enough for two digits of the end that is nearer to zero: it decides."""
    sizes = [abs(value) for value in (difference.low, difference.high) if value]
    return min(MOST_DIGITS, max(DIGITS, 1 - math.floor(math.log10(min(sizes, default=1.0)))))


def _sample(f: Finding) -> str:
    of = "" if f.pairs == f.clips else f"{f.pairs} of "
    return f"{of}{counted(f.clips, 'held-out clip')} x {counted(f.draws, 'fresh draw')}"


def _objections(f: Finding) -> str:
    named = [("is worse", f.worse_in), ("fails more often", f.fails_in)]
    told = [f"{what} in {', '.join(metrics)}" for what, metrics in named if metrics]
    return f" It {' and '.join(told)}." if told else ""


def _failed(f: Finding) -> str:
    return f" (failures: searched {f.failures[0]}, {f.baseline} {f.failures[1]})" if any(f.failures) else ""
