"""`schedsearch metrics`: lists every metric in a line."""

import argparse
import json
from dataclasses import asdict, dataclass

from schedsearch.arguments import words
from schedsearch.metrics.catalogue import catalogue
from schedsearch.metrics.registry import own_definitions


@dataclass(frozen=True)
class _Entry:
    name: str
    unit: str
    better: str  # lower, higher, or - for a value that ranks nothing
    summary: str


# The columns of `make compare` beside the metrics that it is asked for; none of them needs a reference.
_COMPARED = (
    _Entry("real_time_factor", "s / s", "lower", "seconds of synthesis a second of audio, on this machine"),
    _Entry("network_evaluations_per_audio_second", "1 / s", "lower", "steps x clips / their seconds"),
    _Entry("failure_rate", "1", "lower", "part of the pairs of clip and draw that gave no value"),
)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--metrics", type=words, default=(), help="metrics of your own, package.module:function, to be listed too"
    )


def run(options: argparse.Namespace) -> int:
    """Prints name, unit, direction and summary of each metric, then of the other columns of a comparison."""
    better = {"minimize": "lower", "maximize": "higher"}
    listed = [*catalogue(16_000), *own_definitions(options.metrics)]
    metrics = [
        _Entry(metric.name, metric.unit, better[metric.direction] if metric.ranks else "-", metric.summary)
        for metric in listed
    ]
    if options.json:
        columns = {"metrics": metrics, "compare_columns": _COMPARED}
        print(json.dumps({kind: [asdict(entry) for entry in entries] for kind, entries in columns.items()}, indent=1))
        return 0
    for entry in metrics:
        print(f"{entry.name:<20} {entry.unit:<14} {entry.better:<8} {entry.summary}")
    print(
        '\n"pesq" stands for pesq_wb, and at 8 kHz for pesq_nb: narrow band.\n\nColumns of make compare, no objectives:'
    )
    for entry in _COMPARED:
        print(f"{entry.name:<37} {entry.unit:<6} {entry.better:<6} {entry.summary}")
    return 0
