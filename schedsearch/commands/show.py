"""`schedsearch show`: a schedule file as a table."""

import argparse
import json
from pathlib import Path

import numpy as np

from schedsearch.formatting import counted
from schedsearch.schedules.facts import columns
from schedsearch.schedules.files import open_schedule, read_provenance
from vocoder.errors import printable

BAR = (-6.0, 14.0)  # log-SNR: the box that searches stay in; one mark a unit


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("file", type=Path, metavar="FILE", help="a schedule file, or a name such as universal-6")


def run(options: argparse.Namespace) -> int:
    """Prints one row a step, the cleanest first, and what a .json file says of its origin."""
    found = open_schedule(options.file)
    provenance = read_provenance(found.path) if found.path.suffix.lower() == ".json" else {}
    judgement = f"{counted(len(found.betas), 'step')}, {_judgement(found.fault)}"
    print(f"{printable(str(found.path))}: {found.content}, {judgement}")
    table = columns(found.betas)
    print(f"{'step':>5} {'beta':>13} {'noise level':>12} {'log-SNR':>9} {'sigma':>11}")
    for step, row in enumerate(zip(table.beta, table.noise_level, table.log_snr, table.sigma, strict=True)):
        beta, level, log_snr, sigma = row
        line = f"{step:>5} {beta:>13.6g} {_cell(level, 12, '.8f')} {_cell(log_snr, 9, '.3f')} {_cell(sigma, 11, '.5g')}"
        print(f"{line}  {_bar(log_snr)}".rstrip())
    if provenance:
        print(f"provenance: {json.dumps(provenance, indent=1)}")
    return 0


def _judgement(fault: str | None) -> str:
    return "legal" if fault is None else f"illegal: {fault}"


def _cell(value: float, width: int, form: str) -> str:
    return " " * (width - 1) + "-" if np.isnan(value) else f"{value:>{width}{form}}"


def _bar(log_snr: float) -> str:
    return "" if np.isnan(log_snr) else "#" * round(min(max(log_snr, BAR[0]), BAR[1]) - BAR[0])
