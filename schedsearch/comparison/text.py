"""Writes a comparison for a terminal: a block a length, the best schedule first."""

from collections.abc import Mapping, Sequence
from math import isfinite

from schedsearch.comparison.contest import Contest
from schedsearch.comparison.standings import Standing
from schedsearch.evaluation.paired import Comparison, Outcome, sound
from schedsearch.formatting import alike, counted, fitting
from schedsearch.metrics.registry import Metric

WIDTH = 100  # columns
_NAME, _MEAN, _GAP = 29, 16, 26
_MARKS = {
    Outcome.BETTER: "+",
    Outcome.WORSE: "-",
    Outcome.TIE: "=",
    Outcome.HIGHER: "^",
    Outcome.LOWER: "v",
    Outcome.FAILS_MORE: "",
    Outcome.NO_COMPARISON: " ",
}
LEGEND = "beside the rival (*, best baseline): + better, - worse, = tie, ^ v higher, lower; ! failures"


def text(contest: Contest, ranked: Mapping[int, Sequence[Standing]]) -> str:
    """Writes all lengths, shortest first, with what the marks mean."""
    blocks = [_block(contest, *of_length) for of_length in ranked.items()]
    return "\n\n".join([*blocks, LEGEND])


def _block(contest: Contest, iterations: int, ranked: Sequence[Standing]) -> str:
    main, *others = contest.scoring.metrics
    room = WIDTH - (2 + _NAME + 1 + _MEAN + 1 + _GAP)
    others.sort(key=lambda metric: metric.name not in main.name)  # spectral_pesq_wb: first what it is the sum of
    shown = fitting(others, [1 + _width(metric) for metric in others], room)  # comparison.csv has all
    head = f"{'':<2}{'schedule':<{_NAME}} {main.name[:_MEAN]:>{_MEAN}} {'difference [95 %]':<{_GAP}}"
    head += "".join(f" {metric.name:>{_width(metric)}}" for metric in shown)
    return "\n".join([_title(contest, iterations), head.rstrip(), *(_line(s, shown) for s in ranked)])


def _title(contest: Contest, iterations: int) -> str:
    speed = contest.timing.speed(iterations)
    low, high = speed.quartiles
    clips = f"{counted(len(contest.scoring.clips), 'held-out clip')} x {counted(contest.scoring.draws, 'draw')}"
    return (
        f"{counted(iterations, 'iteration')}: {clips}; real-time factor {speed.real_time_factor:.3g} "
        f"({low:.3g} to {high:.3g}, n = {speed.rounds})"
    )


def _line(standing: Standing, shown: Sequence[Metric]) -> str:
    mark = "*" if standing.entrant is standing.rival else " "
    by_metric = {comparison.metric: comparison for comparison in standing.comparisons}
    cells = "".join(f" {_cell(by_metric[metric.name]):>{_width(metric)}}" for metric in shown)
    start = f"{mark} {_short(standing.entrant.name):<{_NAME}} {_mean(standing.main):>{_MEAN}}"
    return f"{start} {_gap(standing):<{_GAP}}{cells}".rstrip()


def _mean(comparison: Comparison) -> str:
    whole = sound(comparison.winner)
    if not len(whole.values):
        return "all failed"
    failed = "!" if comparison.winner.failures else ""
    mean, error = alike((whole.mean, whole.standard_error))
    return f"{failed}{mean}" + (f" ±{error}" if isfinite(whole.standard_error) else "")  # one clip has none


def _gap(standing: Standing) -> str:
    if standing.entrant is standing.rival:
        return "the rival"
    difference = standing.main.difference
    if difference is None:
        return "too few clips to say"
    mean, low, high = alike((difference.mean, difference.low, difference.high), 3, "+")
    return f"{mean} [{low}, {high}] {_MARKS[standing.main.outcome]}"


def _cell(comparison: Comparison) -> str:
    whole = sound(comparison.winner)
    if not len(whole.values):
        return "failed"
    failed = "!" if comparison.winner.failures else ""
    return f"{failed}{alike((whole.mean,), 3)[0]}{_MARKS[comparison.outcome]}"


def _width(metric: Metric) -> int:
    return max(7, len(metric.name))


def _short(name: str) -> str:
    """Cuts a long name to its end, which tells files apart, and replaces unprintable characters."""
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return shown if len(shown) <= _NAME else f"…{shown[1 - _NAME:]}"
