"""`schedsearch convert`: writes a schedule in another repository's file format."""

import argparse
from pathlib import Path
from typing import Any

from schedsearch.arguments import check_new
from schedsearch.formatting import counted
from schedsearch.schedules.files import Layout, layout_for, read_provenance, read_schedule, write_schedule
from vocoder.errors import InputError, printable


def add(parser: argparse.ArgumentParser) -> None:
    """Adds its options."""
    parser.add_argument("source", type=Path, metavar="IN", help="a schedule file, or a name such as universal-6")
    parser.add_argument("target", type=Path, metavar="OUT", help=".pt, .npy, .json or .csv")
    parser.add_argument(
        "--layout",
        type=_layout,
        help=f"{', '.join(Layout)} (default: by the ending of OUT, lmnt for .npy)",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Writes OUT, whole or not at all."""
    source, target = options.source, options.target
    layout = layout_for(target, options.layout)
    schedule = read_schedule(source)
    check_new(target, "OUT", options.force)
    write_schedule(schedule, target, layout=layout, provenance=_provenance(source) if layout is Layout.JSON else None)
    print(f"{printable(str(target))}: {counted(len(schedule), 'step')}, {layout} layout")
    return 0


def _layout(name: str) -> Layout:
    try:
        return Layout(name)
    except ValueError as error:
        raise InputError(f"--layout must be one of {', '.join(Layout)}, and is {name!r}; choose one") from error


def _provenance(source: Path) -> dict[str, Any]:
    """Returns the provenance in a .json file; for other files, which hold none, the file's name."""
    own = read_provenance(source) if source.suffix.lower() == ".json" else {}
    return own or {"converted_from": source.name}
