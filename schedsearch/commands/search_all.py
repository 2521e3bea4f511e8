"""`schedsearch search-all`: one search after the other, each beginning from the winners of those before it."""

import argparse
import copy
import json
from pathlib import Path

from schedsearch.arguments import lengths
from schedsearch.commands import search
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.report.finding import signed, stored_finding
from schedsearch.report.pages import write_dataset_page
from schedsearch.report.pictures.writing import write_length_pictures
from schedsearch.search.settings import Settings, results_folder

LENGTHS = "6 12 25 50 100"


def add(parser: argparse.ArgumentParser) -> None:
    """The options of `search`, with several lengths."""
    search.add(parser)
    parser.set_defaults(iters=LENGTHS)


def run(options: argparse.Namespace) -> int:
    """All lengths in the order given; the highest exit status of any."""
    asked = lengths(options.iters)
    status, rows = 0, []
    for i, length in enumerate(asked):
        print(f"\n--- {counted(length, 'iteration')} ({i + 1} of {len(asked)}) ---")
        one = copy.copy(options)
        one.iters = str(length)
        status = max(status, search.run(one))
        rows.append(_row(one))
    voice = chosen_voice(options)
    write_length_pictures(_folder(one), _folder(one).parent / "pictures", voice.services.draw)
    print("\n" + "\n".join(["iterations, what ships, searched minus best baseline on the held-out clips", *rows]))
    print(f"page:  {write_dataset_page(voice, options.results)}")
    return status


def _folder(options: argparse.Namespace) -> Path:
    voice = chosen_voice(options)
    return results_folder(voice, Settings(int(options.iters), results=options.results))


def _row(options: argparse.Namespace) -> str:
    told = json.loads((_folder(options) / "run.json").read_text())
    found = stored_finding(told)
    numbers = "{} [{}, {}] ".format(*signed(found.difference)) if found.difference else ""
    return f"{options.iters:>10}  {told['name']:<34} {found.metric} {numbers}{found.outcome}"
