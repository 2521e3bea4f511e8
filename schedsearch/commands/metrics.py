"""`schedsearch metrics`: lists every metric in a line."""

import argparse
import json

from schedsearch.arguments import words
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.own import is_own
from schedsearch.metrics.registry import own_definitions
from vocoder.errors import InputError

_FIELDS = ("name", "unit", "better", "summary")  # better: lower, higher, or - for a value that ranks nothing
# The columns of `make compare` beside the metrics that it is asked for; none of them needs a reference.
_COMPARED = (
    ("real_time_factor", "s / s", "lower", "seconds of synthesis a second of audio, on this machine"),
    ("network_evaluations_per_audio_second", "1 / s", "lower", "steps x clips / their seconds"),
    ("failure_rate", "1", "lower", "part of the pairs of clip and draw that gave no value"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--metrics", type=words, default=(), help="metrics of your own, package.module:function, to be listed too"
    )


def run(options: argparse.Namespace) -> int:
    """Prints name, unit, direction and summary of each metric, then of the other columns of a comparison."""
    sides = {"minimize": "lower", "maximize": "higher"}
    listed = [*catalogue(16_000), *own_definitions(options.metrics)]
    if builtin := [name for name in options.metrics if not is_own(name)]:
        rule = "METRICS must be functions of your own, package.module:function"
        raise InputError(f"{rule}, and has {builtin[0]!r}; leave it out")
    metrics = [(m.name, m.unit, sides[m.direction] if m.ranks else "-", m.summary) for m in listed]
    if options.json:
        columns = {"metrics": metrics, "compare_columns": _COMPARED}
        entries = {kind: [dict(zip(_FIELDS, row, strict=True)) for row in rows] for kind, rows in columns.items()}
        print(json.dumps(entries, indent=1))
        return 0
    for name, unit, better, summary in metrics:
        print(f"{name:<20} {unit:<14} {better:<8} {summary}")
    print(
        '\n"pesq" stands for pesq_wb, and at 8 kHz for pesq_nb: narrow band.\n\nColumns of make compare, no objectives:'
    )
    for name, unit, better, summary in _COMPARED:
        print(f"{name:<37} {unit:<6} {better:<6} {summary}")
    return 0
