"""`schedsearch report`: makes the pages again from what searches have stored; searches nothing."""

import argparse
import json
from pathlib import Path

from schedsearch.arguments import positive_number, whole_number, yes_or_no
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.report.pages import write_dataset_page, write_run_page, write_small_run_page
from schedsearch.report.rendering import LISTENING_CLIPS
from schedsearch.schedules.search_space import LONGEST_SEARCH
from schedsearch.search.asked_budget import is_finished
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import STUDY, Settings, results_folder
from schedsearch.search.verdict import Verdict
from schedsearch.voice.config import Voice
from vocoder.errors import InputError

LONG_SECONDS = "120"


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--iters", help="steps of the schedule; without it, one page of all lengths")
    parser.add_argument(
        "--long-seconds",
        default=LONG_SECONDS,
        help="how long the training schedule may take to synthesise: it is heard in as many steps as that allows, "
        f"0 leaves it out (default: {LONG_SECONDS})",
    )
    parser.add_argument(
        "--clips", default=str(LISTENING_CLIPS), help=f"how many to listen to (default: {LISTENING_CLIPS})"
    )
    parser.add_argument(
        "--small", nargs="?", const="1", default="0", help="1: report.small.html instead, no audio, below 1 MB"
    )
    parser.add_argument("--storage", help="the Optuna storage URL that the search was given, if any")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results are (default: results)")


def run(options: argparse.Namespace) -> int:
    """Writes one page and says where it is."""
    clips = whole_number(options.clips, "CLIPS", least=0, most=100)
    seconds = positive_number(options.long_seconds, "LONG_SECONDS", zero=True)
    small = yes_or_no(options.small, "SMALL")
    voice = chosen_voice(options)
    if options.iters is None:
        path = write_dataset_page(voice, options.results, small=small)
    else:
        opened, verdict = _finished(voice, options)
        path = (
            write_small_run_page(opened, verdict)
            if small
            else write_run_page(opened, verdict, clips=clips, long_seconds=seconds)
        )
    print(f"{path}  ({path.stat().st_size / 1e6:.2f} MB)")
    return 0


def _finished(voice: Voice, options: argparse.Namespace) -> tuple[Run, Verdict]:
    iterations = whole_number(options.iters, "ITERS", least=1, most=LONGEST_SEARCH)
    opened = open_run(voice, _settings(voice, options, iterations), known=True)
    if not is_finished(opened.store):
        raise InputError(
            f"a report needs a finished search, and that of {counted(iterations, 'iteration')} was stopped; run "
            f"make search ITERS={iterations} DATASET={voice.dataset} to its end"
        )
    return opened, opened.verdict()


def _settings(voice: Voice, options: argparse.Namespace, iterations: int) -> Settings:
    """Those of the search that wrote the folder's run.json: its scores belong to them alone."""
    asked = Settings(iterations, results=options.results, storage=options.storage)
    folder = results_folder(voice, asked)
    if not (folder / "run.json").is_file() or not (options.storage or (folder / STUDY).is_file()):
        raise InputError(
            f"a report needs a finished search, and {folder} has none; run make search ITERS={iterations} "
            f"DATASET={voice.dataset} first"
        )
    try:
        identity = json.loads((folder / "run.json").read_text(encoding="utf-8"))["identity"]
        objective, race, seed = str(identity["objective"]), bool(identity["race"]), int(identity["seed"])
    except (OSError, ValueError, LookupError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(
            f"{folder / 'run.json'} must be what a search wrote, and is not ({error!r}); run that search again"
        ) from error
    strategy = "auto" if "," not in objective else "tpe"  # any that serves as many objectives: none is asked
    return Settings(
        iterations, strategy, objective, race=race, seed=seed, results=options.results, storage=options.storage
    )
