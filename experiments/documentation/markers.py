"""Replaces what stands between markers by what they name: a value of a table, or the output of a command.

    <!-- value: FILE; ROWS; COLUMN; FORMAT -->3.95<!-- end -->
    <!-- output: python -m experiments.shipped_searches -->
    the table
    <!-- end -->
    <!-- picture: python -m experiments.documentation.overview; FILE FILE; 0123456789ab -->

The last one stands beside a picture: the command that draws it, the tables it is drawn from, and their hash.
"""

import hashlib
import re
import shlex
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from pathlib import Path

from experiments.documentation.values import value
from schedsearch.cli import main as schedsearch
from vocoder.errors import InputError

VALUE = re.compile(r"(<!-- value: ((?:(?!-->).)*) -->).*?(<!-- end -->)", re.DOTALL)
OUTPUT = re.compile(r"(<!-- output: ([^\n]*) -->\n).*?(^<!-- end -->)", re.DOTALL | re.MULTILINE)
PICTURE = re.compile(r"(<!-- picture: ([^;]*); ([^;]*); )(\w*)( -->)")
HASHED = 12  # digits


def filled(text: str) -> str:
    """Returns a page's text with today's values and outputs between its markers."""
    _check_pairs(text)
    text = PICTURE.sub(lambda marker: f"{marker[1]}{_digest(marker[3])}{marker[5]}", text)
    text = VALUE.sub(lambda marker: f"{marker[1]}{value(marker[2])}{marker[3]}", text)
    return OUTPUT.sub(lambda marker: f"{marker[1]}{output(marker[2])}{marker[3]}", text)


def outdated_pictures(text: str) -> list[str]:
    """Returns the commands of pictures whose tables are others than when they were drawn."""
    return [marker[2] for marker in PICTURE.finditer(text) if _digest(marker[3]) != marker[4]]


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


def _digest(patterns: str) -> str:
    """Returns the hash of all files that the patterns name, in the order of their names."""
    digest = hashlib.sha256()
    for pattern in patterns.split():
        if not (files := sorted(Path().glob(pattern))):
            raise InputError(f"a picture's tables must be there, and {pattern} is not")
        for file in files:
            digest.update(file.read_bytes())
    return digest.hexdigest()[:HASHED]


def _check_pairs(text: str) -> None:
    """Raises InputError where a marker is not closed: what follows it would be taken for its content."""
    level = 0
    for mark in re.findall(r"<!-- (value:|output:|end -->)", text):
        level += -1 if mark == "end -->" else 1
        if level not in (0, 1):
            raise InputError("each `<!-- value: -->` and `<!-- output: -->` needs one `<!-- end -->` behind it")
    if level:
        raise InputError("the last marker needs an `<!-- end -->` behind it")
