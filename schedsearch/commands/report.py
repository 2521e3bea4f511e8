"""`schedsearch report`: makes the pages again from stored searches."""

import argparse
import json
from functools import partial
from pathlib import Path

from schedsearch.arguments import add_results, add_switch, given, iterations, positive_number, whole_number, words
from schedsearch.commands import search, voice_options
from schedsearch.commands.next_command import next_command
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.formatting import counted
from schedsearch.metrics.own import is_own
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.pages import write_dataset_page, write_run_page, write_small_run_page
from schedsearch.report.progress import show_stages
from schedsearch.report.rendering import LISTENING_CLIPS
from schedsearch.report.results_folder import owned
from schedsearch.search.asked_budget import is_finished
from schedsearch.search.opening import open_run
from schedsearch.search.run import Run
from schedsearch.search.settings import STUDY, Settings, results_folder
from schedsearch.search.strategy_factory import GRID
from schedsearch.search.verdict import Verdict
from schedsearch.voice.check import VOICE_CHECK
from schedsearch.voice.config import Voice
from vocoder.errors import InputError

LONG_SECONDS = 120.0
_OF_ONE_SEARCH = {"clips": LISTENING_CLIPS, "long_seconds": LONG_SECONDS, "objective": None, "storage": None}


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    voice_options.add(parser)
    which = parser.add_argument_group("which search")
    which.add_argument("--iters", type=iterations, help="steps of the schedule; without it, one page of all lengths")
    page = parser.add_argument_group("the page")
    page.add_argument(
        "--long-seconds",
        type=partial(positive_number, name="LONG_SECONDS", zero=True),
        default=LONG_SECONDS,
        help="seconds that the training schedule may take to synthesise, which limits its steps; 0: leave it out "
        f"(default: {LONG_SECONDS:g})",
    )
    page.add_argument(
        "--clips",
        type=partial(whole_number, name="--clips", least=0, most=100),
        default=LISTENING_CLIPS,
        help=f"number of clips to listen to (default: {LISTENING_CLIPS})",
    )
    add_switch(page, "--small", "write report.small.html, without audio and below 1 MB")
    which.add_argument("--objective", help="the objective of the search, where it is a metric of your own")
    which.add_argument("--storage", type=given, help="the Optuna storage URL of the search, if it had one")
    add_results(which)


def run(options: argparse.Namespace) -> int:
    """Writes one page and prints its path."""
    if options.iters is None and any(getattr(options, name) != usual for name, usual in _OF_ONE_SEARCH.items()):
        raise InputError("--clips, LONG_SECONDS, OBJECTIVE and STORAGE are of one search's page; give its ITERS=, too")
    voice = chosen_voice(options)
    if options.iters is None:
        path = write_dataset_page(voice, options.results, small=options.small)
    else:
        path = _run_page(voice, options)
    print(f"{path}  ({path.stat().st_size / 1e6:.2f} MB)")
    return 0


def _run_page(voice: Voice, options: argparse.Namespace) -> Path:
    settings = _settings(voice, options)
    with owned(results_folder(voice, settings)):
        run, verdict = _finished(voice, options)  # read inside: a search may just have written its own
        if options.small:
            return write_small_run_page(run, verdict)
        shipped, seconds = verdict.shipped, options.long_seconds
        show_stages(run.limit_bench.steps(shipped.name, shipped.schedule, seconds, longer=True), lambda _: "")
        return write_run_page(run, verdict, clips=options.clips, long_seconds=options.long_seconds)


def _finished(voice: Voice, options: argparse.Namespace) -> tuple[Run, Verdict]:
    opened = open_run(voice, _settings(voice, options), known=True)
    if not is_finished(opened.store):
        raise InputError(
            f"a report needs a finished search, and that of {counted(options.iters, 'iteration')} was stopped; run "
            f"{_to_its_end(opened, options)} to its end"
        )
    return opened, opened.verdict()


def _settings(voice: Voice, options: argparse.Namespace) -> Settings:
    """Returns the settings of the search that wrote the folder's run.json: its scores hold for them alone."""
    folder = results_folder(voice, Settings(options.iters, results=options.results, storage=options.storage))
    if (folder / "run.json").is_file() and not (options.storage or (folder / STUDY).is_file()):
        raise InputError(
            f"a report needs the study of its search, and {folder} has no {STUDY}; give that search's STORAGE=, or "
            f"put {STUDY} back: a new search would replace these results"
        )
    if not (folder / "run.json").is_file():
        raise InputError(
            f"a report needs a finished search, and {folder} has none; run {_command('search', options)} first"
        )
    try:
        identity = json.loads((folder / "run.json").read_text(encoding="utf-8"))["identity"]
        objective, race, seed = str(identity["objective"]), bool(identity["race"]), int(identity["seed"])
        precision = str(identity.get("precision", "float32")).partition(" ")[0].rstrip(",")
    except (OSError, ValueError, LookupError, TypeError, RecursionError, OverflowError) as error:
        raise InputError(
            f"{folder / 'run.json'} must be what a search wrote, and is not ({error!r}); run that search again"
        ) from error
    _check_named(objective, options)
    strategy = "auto" if "," not in objective else "tpe"  # must serve as many objectives; it will not be asked
    return Settings(
        options.iters, strategy, objective, race=race, seed=seed, results=options.results, storage=options.storage,
        precision=precision,
    )  # fmt: skip


def _command(verb: str, options: argparse.Namespace, **changes: object) -> str:
    """Returns the command of this name for the same search, as its user would type it."""
    usual = search.defaults()
    own = {name: value for name, value in vars(options).items() if name in usual and value is not None}
    return next_command(argparse.Namespace(**{**usual, **own, **changes}), usual, verb=verb)


def _to_its_end(run: Run, options: argparse.Namespace) -> str:
    """Returns the command that goes on with a search that was stopped."""
    settings, check, strategy = run.settings, run.store.recall(VOICE_CHECK), run.strategies[-1]
    usual = {f"{DEFAULT_OBJECTIVE}{band}" for band in ("_wb", "_nb")}
    objective = DEFAULT_OBJECTIVE if settings.objective in usual else settings.objective
    return _command(
        "search", options, objective=objective, strategy=strategy, grid=run.grid if strategy == GRID else None,
        seed=settings.seed, precision=settings.precision, no_race=not settings.race,
        force=bool((check or {}).get("forced")),
    )  # fmt: skip


def _check_named(objective: str, options: argparse.Namespace) -> None:
    """Raises InputError where run.json names a function that the user has not: nothing that is read may run code.

    And where the user names another objective than that of the search, whose page this is.
    """
    stored, named = words(objective), words(options.objective or "")
    improved = f"the search of {counted(options.iters, 'step')} improved {objective}"
    if options.objective and not all(any(s in (n, f"{n}_wb", f"{n}_nb") for s in stored) for n in named):
        raise InputError(f"{improved}, not {options.objective}; leave OBJECTIVE= out, or search by it first")
    if not set(filter(is_own, stored)) <= set(named):
        again = _command("report", options, objective=objective)
        raise InputError(f"{improved}, and a function of your own runs only where you name it; say {again}")
