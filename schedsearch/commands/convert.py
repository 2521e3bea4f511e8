"""`schedsearch convert`: writes a schedule in another repository's file format."""

import argparse
from functools import partial
from pathlib import Path
from typing import Any

from schedsearch.arguments import check_new, given_path, one_of
from schedsearch.formatting import counted
from schedsearch.schedules.files import (
    Layout,
    layout_for,
    open_schedule,
    read_provenance,
    read_schedule,
    write_schedule,
)
from schedsearch.schedules.readings import Reading
from vocoder.errors import printable


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("source", type=given_path, metavar="IN", help="a schedule file, or a name such as universal-6")
    parser.add_argument("target", type=given_path, metavar="OUT", help=".pt, .npy, .json or .csv")
    parser.add_argument(
        "--layout",
        type=partial(one_of, values=Layout, option="--layout"),
        help=f"{', '.join(Layout)} (default: by the ending of OUT, lmnt for .npy)",
    )
    parser.add_argument(
        "--from",
        dest="reading",
        type=partial(one_of, values=Reading, option="--from"),
        help="what IN holds instead of betas from the cleanest step on: alphas_cumprod, noise_levels (their square "
        "roots), alphas (1 - betas), or reversed (betas from the noisiest step on)",
    )
    parser.add_argument("--force", action="store_true", help="replace OUT if it exists")


def run(options: argparse.Namespace) -> int:
    """Writes OUT, whole or not at all."""
    source, target = options.source, options.target
    layout = layout_for(target, options.layout)
    schedule = open_schedule(source).schedule(options.reading) if options.reading else read_schedule(source)
    check_new(target, "OUT", options.force)
    provenance = _provenance(source, options.reading) if layout is Layout.JSON else None
    write_schedule(schedule, target, layout=layout, provenance=provenance)
    print(f"{printable(str(target))}: {counted(len(schedule), 'step')}, {layout} layout")
    return 0


def _provenance(source: Path, reading: Reading | None) -> dict[str, Any]:
    """Returns the provenance in a .json file; for other files, which hold none, the file's name."""
    own = read_provenance(source) if source.suffix.lower() == ".json" else {}
    return (own or {"converted_from": source.name}) | ({"read_as": reading} if reading else {})
