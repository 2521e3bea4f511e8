"""`schedsearch search-all`: one search after the other, each beginning from the winners of those before it."""

import argparse
import copy
import json
from pathlib import Path

from schedsearch.commands import search
from schedsearch.commands.arguments import optional_rate, whole_number
from schedsearch.commands.pages import write_dataset_page
from schedsearch.config import load_voice
from schedsearch.counted import counted
from schedsearch.report.finding import signed, stored_finding
from schedsearch.report.pictures.writing import write_length_pictures
from schedsearch.run import LONGEST_SEARCH, Settings, results_folder
from vocoder.errors import InputError

LENGTHS = "6 12 25 50 100"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `search`, with several lengths."""
    search.add(parser)
    parser.set_defaults(iters=LENGTHS)


def run(options: argparse.Namespace) -> int:
    """All lengths in the order given; the highest exit status of any."""
    lengths = [whole_number(text, "ITERS", least=1, most=LONGEST_SEARCH) for text in options.iters.split()]
    if not lengths:
        raise InputError(f"ITERS must be one length or several, such as {LENGTHS!r}, and is empty; give some")
    status, rows = 0, []
    for i, length in enumerate(lengths):
        print(f"\n--- {counted(length, 'iteration')} ({i + 1} of {len(lengths)}) ---")
        one = copy.copy(options)
        one.iters = str(length)
        status = max(status, search.run(one))
        rows.append(_row(one))
    write_length_pictures(_folder(one), _folder(one).parent / "pictures")
    print("\n" + "\n".join(["iterations, what ships, searched minus best baseline on the held-out clips", *rows]))
    voice = load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
    print(f"page:  {write_dataset_page(voice, options.results)}")
    return status


def _folder(options: argparse.Namespace) -> Path:
    voice = load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
    return results_folder(voice, Settings(int(options.iters), results=options.results))


def _row(options: argparse.Namespace) -> str:
    told = json.loads((_folder(options) / "run.json").read_text())
    found = stored_finding(told)
    numbers = "{} [{}, {}] ".format(*signed(found.difference)) if found.difference else ""
    return f"{options.iters:>10}  {told['name']:<34} {found.metric} {numbers}{found.outcome}"
