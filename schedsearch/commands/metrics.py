"""`schedsearch metrics`: every metric in a line."""

import argparse

from schedsearch.metrics.catalogue import catalogue


def run(options: argparse.Namespace) -> int:
    """Prints name, unit, which way is better, and what it is."""
    for metric in catalogue(16_000):
        better = {"minimize": "lower", "maximize": "higher"}[metric.direction] if metric.ranks else "-"
        print(f"{metric.name:<20} {metric.unit:<14} {better:<8} {metric.summary}")
    return 0
