"""`schedsearch search-all`: searches several lengths, each beginning from the winners of those before it."""

import argparse
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schedsearch.arguments import lengths
from schedsearch.commands import search
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.report.finding import signed, stored_finding
from schedsearch.report.pages import write_dataset_page
from schedsearch.report.pictures.writing import write_length_pictures
from schedsearch.search.settings import Settings, results_folder
from vocoder.errors import InputError

LENGTHS = "6 12 25 50 100"


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `search`, with several lengths."""
    parser.add_argument("--iters", type=lengths, default=LENGTHS, help=f"numbers of steps (default: '{LENGTHS}')")
    search.add_shared(parser)


def run(options: argparse.Namespace) -> int:
    """Searches all lengths in the order given; returns the highest exit status."""
    status, rows, endings = 0, [], []
    each = [argparse.Namespace(**{**vars(options), "iters": length}) for length in options.iters]
    for one in each:
        with _named(one):
            search.checked(one)
    for i, (length, one) in enumerate(zip(options.iters, each, strict=True)):
        print(f"\n--- {counted(length, 'iteration')} ({i + 1} of {len(options.iters)}) ---")
        with _named(one):
            of_one, ended = search.searched(one)
        status = max(status, of_one)
        endings.append(ended)
        voice = chosen_voice(options)
        folder = results_folder(voice, Settings(length, results=options.results))
        rows.append(_row(length, folder))
    for ended in endings:  # together: the same command adds MORE= to none again before all have it
        ended()
    write_length_pictures(folder, folder.parent / "pictures", voice.services.draw)
    print("\n" + "\n".join(["iterations, what ships, searched minus best baseline on the held-out clips", *rows]))
    print(f"page:  {write_dataset_page(voice, options.results)}")
    return status


@contextmanager
def _named(one: argparse.Namespace) -> Iterator[None]:
    """Puts the length before what is said against it."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{counted(one.iters, 'iteration')}: {error}") from error


def _row(length: int, folder: Path) -> str:
    verdict = json.loads((folder / "run.json").read_text())
    finding = stored_finding(verdict)
    numbers = "{} [{}, {}] ".format(*signed(finding.difference)) if finding.difference else ""
    return f"{length:>10}  {verdict['title']:<34} {finding.metric} {numbers}{finding.outcome.label}"
