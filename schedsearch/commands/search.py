"""`schedsearch search`: from a dataset's name to a schedule and its evidence."""

import argparse
from collections.abc import Callable
from functools import partial
from math import isfinite
from typing import Any

from schedsearch.arguments import add_precision, add_results, add_seed, add_switch, given, iterations
from schedsearch.commands import voice_options
from schedsearch.commands.next_command import next_command
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.commands.wording import as_called
from schedsearch.evaluation.estimates import QUANTILE, margin
from schedsearch.formatting import alike
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.finding import lines
from schedsearch.report.limit_text import limit_of_run
from schedsearch.report.plan import plan
from schedsearch.report.progress import show_stages
from schedsearch.report.rendering import Kept, keeping
from schedsearch.schedules.search_space import USUAL_LENGTH
from schedsearch.search.asked_budget import AskedBudget, begin, end
from schedsearch.search.heard import FIRST_ROUND, heard
from schedsearch.search.loop import Progress
from schedsearch.search.opening import open_checked
from schedsearch.search.run import Run
from schedsearch.search.settings import STUDY, Settings, results_folder
from schedsearch.search.strategy_factory import GRID, STRATEGIES
from schedsearch.search.verdict import Verdict
from schedsearch.strategies.named_grids import DEFAULT_GRID, GRIDS
from schedsearch.study.budget import MOST, Budget, parse_budget
from schedsearch.study.store import Store
from schedsearch.voice.config import Voice
from schedsearch.voice.opened import description
from vocoder.errors import InputError

_LIMITS = "{} candidates up to {} steps, {} up to {}, else {}".format(
    *(number for steps, most in MOST for number in (most, steps))
)


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    steps = f"steps of the schedule (default: {USUAL_LENGTH})"
    parser.add_argument("--iters", type=iterations, default=USUAL_LENGTH, help=steps)
    add_shared(parser)


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Adds the options that `search-all` has too."""
    voice_options.add(parser)
    how = parser.add_argument_group("how to search")
    how.add_argument("--strategy", default="auto", help=f"{', '.join(STRATEGIES)} (default: auto)")
    how.add_argument(
        "--grid", help=f"grid of --strategy grid: {', '.join(GRIDS)} (default: {DEFAULT_GRID})"
    )
    how.add_argument("--no-race", action="store_true", help="score every candidate on every search clip")
    how.add_argument(
        "--objective",
        default=DEFAULT_OBJECTIVE,
        help=f"metric to improve: spectral, pesq, ..., or several joined by commas (default: {DEFAULT_OBJECTIVE})",
    )
    when = parser.add_argument_group("how long")
    when.add_argument(
        "--budget",
        type=parse_budget,
        help="when to stop: 10min, 300candidates or 50000calls (default: when little is left to gain, or at "
        f"{_LIMITS}; a grid at its end)",
    )
    when.add_argument(
        "--more",
        type=partial(parse_budget, name="MORE"),
        help="add this to the budget of a finished search, in the same unit",
    )
    add_precision(how)
    add_seed(how, "the noise and the strategy")
    where = parser.add_argument_group("results")
    where.add_argument("--storage", type=given, help="Optuna storage URL (default: study.db in the results folder)")
    add_results(where)
    add_switch(how, "--force", "search even if check-voice refuses the voice")
    where.add_argument(
        "--require-improvement", action="store_true", help="exit with status 3 if a baseline ships instead"
    )


def run(options: argparse.Namespace) -> int:
    """Searches, or goes on searching, and prints the verdict. Returns 0, or 3 if a required improvement is missing."""
    status, ended = searched(options)
    ended()
    return status


def searched(options: argparse.Namespace) -> tuple[int, Callable[[], None]]:
    """Does the same; returns the status, and what stores that the command has done all it had to.

    Until that is called, the same command with MORE= goes on with what it had added.
    """
    voice, settings, asked = checked(options)
    folder = results_folder(voice, settings)
    if _is_new(voice, settings) and (folder / "run.json").exists():
        print(f"{folder} has results of a search and no {STUDY}: a new search begins, and its results replace them")
    opened = open_checked(voice, settings, force=options.force, tell=lambda line: print(as_called(str(line))))
    with opened.store.using():
        return _searched(opened, asked, options)


def checked(options: argparse.Namespace) -> tuple[Voice, Settings, AskedBudget]:
    """Returns what the options ask for. InputError for what is wrong with them, before anything is written."""
    settings, voice = _settings(options), chosen_voice(options)
    asked = AskedBudget(settings.iterations, options.budget, options.more, settings.searched_grid)
    if asked.budget or _is_new(voice, settings):
        asked.total()
    return voice, settings, asked


def _is_new(voice: Voice, settings: Settings) -> bool:
    """Says whether there is no study of these results yet. A storage elsewhere is looked at later."""
    return not (settings.storage or voice.services.open_store or (results_folder(voice, settings) / STUDY).exists())


def _searched(opened: Run, asked: AskedBudget, options: argparse.Namespace) -> tuple[int, Callable[[], None]]:
    print(description(opened.voice, opened.vocoder))
    if opened.store.changed:
        print(f"changed since the last search: {', '.join(opened.store.changed)}; a new study begins")
    budget = begin(opened.store, asked)
    print(as_called(plan(opened, budget)))
    kept: Kept = {}
    show_stages(opened.steps(budget, keeping(opened, kept)), lambda progress: _best(progress, opened))
    verdict = opened.verdict()
    _write(opened, verdict, budget, kept)
    again = "another GRID= or STRATEGY= adds to this search"
    print(as_called(f"more:   {again if opened.is_exhausted() else next_command(options, defaults(), budget)}"))
    return 3 if options.require_improvement and not verdict.improves else 0, partial(_end, opened.store, budget)


def _end(store: Store, budget: Budget) -> None:
    with store.using():
        end(store, budget)


def _settings(options: argparse.Namespace) -> Settings:
    if options.grid is not None and options.strategy != GRID:
        raise InputError(
            f"GRID={options.grid} is for STRATEGY=grid alone, and STRATEGY is {options.strategy!r}; "
            "give STRATEGY=grid, or leave GRID out"
        )
    return Settings(
        iterations=options.iters,
        strategy=options.strategy,
        objective=options.objective,
        grid=DEFAULT_GRID if options.grid is None else options.grid,
        race=not options.no_race,
        seed=options.seed,
        results=options.results,
        storage=options.storage,
        precision=options.precision,
    )


def _best(progress: Progress, opened: Run) -> str:
    """Says who is best so far, and its expected score with a 95 % interval once scores tell how much noise there is."""
    best = progress.best
    if best is None:
        return ""
    if best.deviation is None:
        half = margin(best.score.values, heard(opened.store, FIRST_ROUND).scored.estimates.pair)
    else:
        half = QUANTILE * best.deviation
    interval = f" ± {half:#.2g}" if isfinite(half) else ""
    return f"best {opened.store.objective} {alike((best.expected,))[0]}{interval}, {best.name}"


def _write(opened: Run, verdict: Verdict, budget: Budget, kept: Kept) -> None:
    """Writes the results folder and prints the verdict and the files."""
    # With Matplotlib and pandas; at the head of this file they would delay the start by a second.
    from schedsearch.report.pages import write_run_page
    from schedsearch.report.results_folder import FRONT, owned, write_results
    from schedsearch.report.summary import failures, other_objectives, table, why_it_ended

    with owned(opened.folder):
        write_results(opened, verdict, budget)
        beside = other_objectives(verdict, opened.store.objectives)
        front = f", {FRONT}" if beside else ""
        ends = (why_it_ended(opened), limit_of_run(opened, verdict))
        said = filter(None, [*lines(verdict), *failures(verdict), beside, *ends])
        print("\n" + as_called("\n".join(said)) + f"\n\n{table(verdict)}\n")
        print(f"files:  {opened.folder}/schedule.pt, schedule.json, schedule.lmnt.npy, schedule.coqui.npy,")
        print(f"        {opened.folder}/trials.csv, leaderboard.csv{front}")
        print(f"page:   {write_run_page(opened, verdict, kept=kept)}")


def defaults() -> dict[str, Any]:
    """Returns the options of a search that names none."""
    parser = argparse.ArgumentParser()
    add(parser)
    return vars(parser.parse_args([]))
