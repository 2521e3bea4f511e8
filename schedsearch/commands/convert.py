"""`schedsearch convert`: a schedule file into another repository's."""

import argparse
from pathlib import Path
from typing import Any

from schedsearch.arguments import check_new
from schedsearch.formatting import counted
from schedsearch.schedules.files import Layout, layout_for, read_provenance, read_schedule, write_schedule
from vocoder.errors import InputError, printable


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("source", type=Path, metavar="IN", help="a schedule file, or a name such as universal-6")
    parser.add_argument("target", type=Path, metavar="OUT", help=".pt, .npy, .json or .csv")
    names = ", ".join(Layout)
    parser.add_argument("--layout", help=f"{names}; without it OUT's ending chooses (.npy: lmnt)")
    parser.add_argument("--force", action="store_true", help="replace OUT where it exists")


def run(options: argparse.Namespace) -> int:
    """Writes OUT, whole or not at all."""
    source, target = options.source, options.target
    layout = layout_for(target, _layout(options.layout))
    schedule = read_schedule(source)
    check_new(target, "OUT", options.force)
    write_schedule(schedule, target, layout=layout, provenance=_provenance(source) if layout is Layout.JSON else None)
    print(f"{printable(str(target))}: {counted(len(schedule), 'step')}, {layout} layout")
    return 0


def _layout(name: str | None) -> Layout | None:
    if name is None:
        return None
    try:
        return Layout(name)
    except ValueError as error:
        raise InputError(f"--layout must be one of {', '.join(Layout)}, and is {name!r}; choose one") from error


def _provenance(source: Path) -> dict[str, Any]:
    """A .json file's own; of another, which has no room for any, its name."""
    own = read_provenance(source) if source.suffix.lower() == ".json" else {}
    return own or {"converted_from": source.name}
