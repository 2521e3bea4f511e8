"""`schedsearch show`: prints a schedule file as a table."""

import argparse
import json
import math
from dataclasses import asdict
from typing import Any

import numpy as np

from schedsearch.arguments import given_path
from schedsearch.formatting import counted
from schedsearch.schedules.facts import Columns, columns
from schedsearch.schedules.files import ScheduleFile, open_schedule, read_provenance
from schedsearch.schedules.readings import doubt
from vocoder.errors import printable

BAR = (-6.0, 14.0)  # log-SNR: the box of a search; one mark a unit


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    parser.add_argument("file", type=given_path, metavar="FILE", help="a schedule file, or a name such as universal-6")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(options: argparse.Namespace) -> int:
    """Prints one row a step, the cleanest first, and the provenance in a .json file."""
    file = open_schedule(options.file)
    provenance = read_provenance(file.path) if file.path.suffix.lower() == ".json" else {}
    table = columns(file.betas)
    if options.json:
        print(json.dumps(_plain(file, table, provenance), indent=1, allow_nan=False))
        return 0
    judgement = "legal" if file.fault is None else f"illegal: {file.fault}"
    print(f"{printable(str(file.path))}: {file.content}, {counted(len(file.betas), 'step')}, {judgement}")
    if doubtful := doubt(file.betas):
        print(f"doubt: {doubtful}")
    print(f"{'step':>5} {'beta':>13} {'noise level':>12} {'log-SNR':>9} {'sigma':>11}")
    for step, row in enumerate(zip(table.beta, table.noise_level, table.log_snr, table.sigma, strict=True)):
        beta, level, log_snr, sigma = row
        line = f"{step:>5} {beta:>13.6g} {_cell(level, 12, '.8f')} {_cell(log_snr, 9, '.3f')} {_cell(sigma, 11, '.5g')}"
        print(f"{line}  {_bar(log_snr)}".rstrip())
    if provenance:
        print(f"provenance: {json.dumps(provenance, indent=1)}")
    return 0


def _plain(file: ScheduleFile, table: Columns, provenance: dict[str, Any]) -> dict[str, Any]:
    """Returns JSON values: null for a number that is not finite."""
    numbers = {
        name: [value if math.isfinite(value) else None for value in column.tolist()]
        for name, column in asdict(table).items()
    }
    head = {"file": printable(str(file.path)), "content": file.content, "legal": file.fault is None}
    head |= {"fault": file.fault, "doubt": doubt(file.betas), "steps": len(file.betas)}
    return head | numbers | {"provenance": provenance}


def _cell(value: float, width: int, form: str) -> str:
    return " " * (width - 1) + "-" if np.isnan(value) else f"{value:>{width}{form}}"


def _bar(log_snr: float) -> str:
    return "" if np.isnan(log_snr) else "#" * round(min(max(log_snr, BAR[0]), BAR[1]) - BAR[0])
