"""Draws the rooms, their layers and who imports whom: `python -m experiments.draw_rooms [PAGE]`.

Reads the layers from setup.cfg and the imports from the code. Without PAGE it prints the picture; with it, it puts the
picture between the marks of that page.
"""

import configparser
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import grimp

from vocoder.atomic import atomic_write

BEGIN, END = "<!-- rooms: python -m experiments.draw_rooms docs/architecture.md -->\n", "<!-- end of rooms -->"
PACKAGES = {"schedsearch": "importlinter:contract:layers", "vocoder": "importlinter:contract:vocoder_layers"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the picture, or writes it into the page that is named."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words:
        print(picture(), end="")
        return 0
    page = Path(words[0])
    atomic_write(page, with_picture(page.read_text()).encode())
    return 0


def with_picture(text: str) -> str:
    """Returns the page's text with today's picture between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}```\n{picture()}```\n{END}{after}"


def picture() -> str:
    """Returns a line a layer, the highest first, and below it what each of its rooms imports."""
    return "\n".join(f"{package}\n{''.join(_lines(package))}" for package in PACKAGES)


def _lines(package: str) -> Iterator[str]:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    for layer in _layers(package):
        yield f"  {' | '.join(layer)}\n"
        for room in layer:
            if imported := _imported(graph, package, room):
                arrows = f"{room} -> {', '.join(imported)}"
                yield textwrap.fill(arrows, 110, initial_indent=" " * 6, subsequent_indent=" " * 10) + "\n"


def _layers(package: str) -> list[list[str]]:
    parser = configparser.ConfigParser()
    parser.read("setup.cfg")
    lines = parser[PACKAGES[package]]["layers"].strip().splitlines()
    return [[room.strip() for room in line.split("|")] for line in lines]


def _imported(graph: grimp.ImportGraph, package: str, room: str) -> list[str]:
    """Returns the rooms that a room imports, in alphabetical order; another package stands for all of its rooms."""
    whole = f"{package}.{room}"
    rooms = set()
    for module in {whole} | graph.find_descendants(whole):
        for target in graph.find_modules_directly_imported_by(module):
            other, _, rest = target.partition(".")
            rooms.add(rest.partition(".")[0] if other == package else other)
    return sorted(rooms - {room, ""})


if __name__ == "__main__":
    sys.exit(main())
