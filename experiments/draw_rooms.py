"""Draws the rooms, their layers and who imports whom: `python -m experiments.draw_rooms`.

Reads the layers from setup.cfg and the imports from the code. `make docs` puts the picture into docs/architecture.md.
"""

import configparser
import sys
import textwrap
from collections.abc import Iterator, Sequence

import grimp

PACKAGES = {"schedsearch": "importlinter:contract:layers", "vocoder": "importlinter:contract:vocoder_layers"}


def main(_: Sequence[str] = ()) -> int:
    """Prints the picture as a block of code. It takes no arguments."""
    print(f"```\n{picture()}```")
    return 0


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
