"""`schedsearch metrics`: every metric in a line."""

import argparse

from schedsearch.metrics.catalogue import catalogue

# What `make compare` has of every schedule, whatever metrics it is asked for; none of it needs a reference.
_COMPARED = (
    ("real_time_factor", "s / s", "lower", "seconds of synthesis a second of audio, on this machine"),
    ("network_evaluations_per_audio_second", "1 / s", "lower", "steps x clips / their seconds"),
    ("failure_rate", "1", "lower", "pairs of clip and draw that gave no value, of all"),
)


def run(options: argparse.Namespace) -> int:
    """Prints name, unit, which way is better, and what it is; then what a comparison measures beside them."""
    for metric in catalogue(16_000):
        better = {"minimize": "lower", "maximize": "higher"}[metric.direction] if metric.ranks else "-"
        print(f"{metric.name:<20} {metric.unit:<14} {better:<8} {metric.summary}")
    print(
        '\n"pesq" stands for pesq_wb, and at 8 kHz for pesq_nb: narrow band.\n\nColumns of make compare, no objectives:'
    )
    for name, unit, better, summary in _COMPARED:
        print(f"{name:<37} {unit:<6} {better:<6} {summary}")
    return 0
