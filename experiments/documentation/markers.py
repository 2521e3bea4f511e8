"""Replaces what stands between markers by what they name: a value of a table, or the output of a command.

    <!-- value: FILE; ROWS; COLUMN; FORMAT -->3.95<!-- end -->
    <!-- output: python -m experiments.shipped_searches -->
    the table
    <!-- end -->
"""

import re
import shlex
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO

from experiments.documentation.values import value
from schedsearch.cli import main as schedsearch
from vocoder.errors import InputError

VALUE = re.compile(r"(<!-- value: ((?:(?!-->).)*) -->).*?(<!-- end -->)", re.DOTALL)
OUTPUT = re.compile(r"(<!-- output: ([^\n]*) -->\n).*?(^<!-- end -->)", re.DOTALL | re.MULTILINE)


def filled(text: str) -> str:
    """Returns a page's text with today's values and outputs between its markers."""
    _check_pairs(text)
    text = VALUE.sub(lambda marker: f"{marker[1]}{value(marker[2])}{marker[3]}", text)
    return OUTPUT.sub(lambda marker: f"{marker[1]}{output(marker[2])}{marker[3]}", text)


def output(command: str) -> str:
    """Returns what a command prints: `python -m MODULE ...` or `schedsearch ...`, run within this process."""
    words = shlex.split(command)
    printed = StringIO()
    with redirect_stdout(printed):
        status = _run(words)
    if status:
        raise InputError(f"a command between markers must succeed, and this ends with status {status}: {command}")
    return printed.getvalue().strip("\n") + "\n"


def _run(words: list[str]) -> int:
    if words[0] == "schedsearch":
        return schedsearch(words[1:])
    if words[:2] != ["python", "-m"]:
        raise InputError(f"a marker runs `python -m MODULE` or `schedsearch`: {' '.join(words)}")
    try:
        return int(import_module(words[2]).main(words[3:]))
    except SystemExit as end:  # argparse has said why
        return int(end.code or 0)


def _check_pairs(text: str) -> None:
    """InputError where a marker is not closed: what follows it would be taken for its content."""
    level = 0
    for mark in re.findall(r"<!-- (value:|output:|end -->)", text):
        level += -1 if mark == "end -->" else 1
        if level not in (0, 1):
            raise InputError("each `<!-- value: -->` and `<!-- output: -->` needs one `<!-- end -->` behind it")
    if level:
        raise InputError("the last marker needs an `<!-- end -->` behind it")
