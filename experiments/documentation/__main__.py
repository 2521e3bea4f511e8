"""Fills the numbers and tables of README and docs in again, from the tables that their markers name.

    python -m experiments.documentation [--check] [PAGE ...]

With --check nothing is written. What differs from its table, leads nowhere or is typed by hand is printed, and the
status is 1. Runs in the repository's root; markers.py shows the markers.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.documentation.links import dead_links
from experiments.documentation.loose_numbers import loose_numbers
from experiments.documentation.markers import filled, outdated_pictures, output
from experiments.documentation.pages import PATTERNS, pages
from experiments.running import command, parser_of
from vocoder.atomic import atomic_write
from vocoder.errors import InputError


@command("documentation")
def main(arguments: Sequence[str] | None = None) -> int:
    """Fills or checks the pages; returns 1 where something is wrong with one."""
    parser = parser_of("documentation", __doc__)
    parser.add_argument("pages", nargs="*", type=Path, metavar="PAGE", help=f"default: {', '.join(PATTERNS)}")
    parser.add_argument("--check", action="store_true", help="only say what is wrong")
    options = parser.parse_args(arguments)
    today = {page: _filled(page) for page in options.pages or pages()}  # all, before any is written
    faults = [fault for page, text in today.items() for fault in _faults(page, text, write=not options.check)]
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _filled(page: Path) -> str:
    try:
        return filled(page.read_text())
    except InputError as error:
        raise InputError(f"{page}: {error}") from None


def _faults(page: Path, today: str, *, write: bool) -> list[str]:
    """Writes a page and returns what is still wrong with it; where it may not write, also what would change."""
    text = page.read_text()
    faults = [f"{page}:{line}: {fault}" for line, fault in sorted([*dead_links(page, today), *loose_numbers(today)])]
    if today == text:
        return faults
    if write:
        for words in outdated_pictures(text):
            output(words)
        atomic_write(page, today.encode())
        return faults
    return [f"{page}: numbers or pictures differ from their tables; `make docs` makes them again", *faults]


if __name__ == "__main__":
    sys.exit(main())
