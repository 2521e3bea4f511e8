"""Finds numbers in running text that look measured and name no table."""

import re
from collections.abc import Iterator

from experiments.documentation.links import without_code

FILLED = re.compile(r"<!-- (value|output): .*?<!-- end -->", re.DOTALL)
ASIDE = re.compile(r"<!--.*?-->|`[^`]*`|\]\([^)]*\)", re.DOTALL)
# What is chosen or defined: the level of intervals, sample rates, versions and licences.
GIVEN = re.compile(r"\b95 %|\b[\d.]+ kHz|Python \d\.\d+|torchaudio \d\.\d+|CC[\w-]*-\d\.\d|Apache-2\.0")
MEASURED = re.compile(r"\d+(?:\.\d+)? %|\d+\.\d+")


def loose_numbers(text: str) -> Iterator[tuple[int, str]]:
    """Yields the line of each decimal or percentage that stands outside code, links and filled markers."""
    plain = without_code(text)
    for pattern in (FILLED, ASIDE, GIVEN):
        plain = pattern.sub(lambda part: "\n" * part[0].count("\n"), plain)
    for number in MEASURED.finditer(plain):
        line = plain.count("\n", 0, number.start()) + 1
        yield line, f"{number[0]} is typed: put a marker with its table around it, or leave it out"
