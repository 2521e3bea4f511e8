"""`schedsearch search`: from a dataset's name to a schedule and its evidence."""

import argparse
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from schedsearch.arguments import whole_number, yes_or_no
from schedsearch.commands.next_command import next_command
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.finding import sentence
from schedsearch.report.pages import write_run_page
from schedsearch.report.plan import plan
from schedsearch.report.results_folder import FRONT, write_results
from schedsearch.report.summary import other_objectives, table
from schedsearch.schedules.search_space import LONGEST_SEARCH
from schedsearch.search.asked_budget import AskedBudget, begin, end
from schedsearch.search.loop import Progress
from schedsearch.search.opening import open_checked
from schedsearch.search.run import Run
from schedsearch.search.settings import STUDY, Settings, results_folder
from schedsearch.search.strategy_factory import STRATEGIES
from schedsearch.search.verdict import Verdict
from schedsearch.strategies.named_grids import GRIDS
from schedsearch.study.budget import Budget, parse_budget
from schedsearch.voice.config import EXPERIMENTS

_BAR = "{desc} {percentage:3.0f}% |{bar:20}| {elapsed}<{remaining} {postfix}"


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--iters", default="6", help="steps of the schedule (default: 6)")
    parser.add_argument("--strategy", default="auto", help=f"{', '.join(STRATEGIES)} (default: auto)")
    parser.add_argument("--grid", default="levels:3", help=f"of STRATEGY=grid: {', '.join(GRIDS)} (default: levels:3)")
    parser.add_argument("--no-race", action="store_true", help="score every candidate on every search clip")
    parser.add_argument(
        "--objective",
        default=DEFAULT_OBJECTIVE,
        help=f"spectral, log_mel_l1, pesq, ..., or several with commas between them (default: {DEFAULT_OBJECTIVE})",
    )
    parser.add_argument(
        "--budget", help="such as 10min, 300candidates, 50000calls (default: 80candidates, 40 beyond 12 steps)"
    )
    parser.add_argument("--more", help="adds so much to a finished search's budget, in the same unit")
    parser.add_argument("--seed", default="0", help="of the noise and the strategy (default: 0)")
    parser.add_argument("--storage", help="an Optuna storage URL (default: study.db in the results folder)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results go (default: results)")
    parser.add_argument(
        "--force", nargs="?", const="1", default="0", help="1: search though check-voice refuses, or without it"
    )
    parser.add_argument(
        "--require-improvement", action="store_true", help="exit status 3 when a baseline ships instead"
    )


def run(options: argparse.Namespace) -> int:
    """Searches, or goes on searching, and prints the verdict; 0, or 3 where an improvement was required."""
    settings = _settings(options)
    asked = _asked(options, settings.iterations)
    voice = chosen_voice(options)
    if asked.budget or not (settings.storage or (results_folder(voice, settings) / STUDY).exists()):
        asked.total(None)  # a refusal now leaves nothing behind
    opened = open_checked(voice, settings, force=yes_or_no(options.force, "FORCE"), tell=print)
    with opened.store.using():
        return _searched(opened, asked, options)


def _searched(opened: Run, asked: AskedBudget, options: argparse.Namespace) -> int:
    print(opened.vocoder.description)
    if opened.store.changed:
        print(f"changed since the last search: {', '.join(opened.store.changed)}; a new study begins")
    budget = begin(opened.store, asked)
    print(plan(opened, budget))
    _show(opened, budget)
    verdict = opened.verdict()
    write_results(opened, verdict, budget)
    _tell(opened, verdict)
    print(f"page:   {write_run_page(opened, verdict)}")
    print(f"next:   {next_command(options, _defaults(), budget)}")
    end(opened.store, budget)
    return 3 if options.require_improvement and not verdict.improves else 0


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        iterations=whole_number(options.iters, "ITERS", least=1, most=LONGEST_SEARCH),
        strategy=options.strategy,
        objective=options.objective,
        grid=options.grid,
        race=not options.no_race,
        seed=whole_number(options.seed, "SEED", least=0, most=2**31 - 1),
        results=options.results,
        storage=options.storage,
    )


def _asked(options: argparse.Namespace, iterations: int) -> AskedBudget:
    return AskedBudget(
        iterations,
        parse_budget(options.budget) if options.budget else None,
        parse_budget(options.more, name="MORE") if options.more else None,
    )


def _show(opened: Run, budget: Budget) -> None:
    """Runs to the end of the budget under a progress bar for each stage."""
    last = time.time()
    for stage, steps in groupby(opened.steps(budget), key=lambda progress: progress.stage):
        with tqdm(total=100, desc=f"{stage:>14}", bar_format=_BAR) as bar:
            bar.start_t = last  # a stage is known by its first progress, which may have taken minutes
            for progress in steps:
                bar.n, last = round(100 * progress.done), time.time()
                bar.set_postfix_str(_best(progress, opened.store.objective))
            waited = time.time() - last  # and its end by that of the next
            bar.start_t, bar.last_print_t = bar.start_t + waited, bar.last_print_t + waited


def _best(progress: Progress, metric: str) -> str:
    if progress.best is None:
        return ""
    return f"best {metric} {progress.best.score.mean:.4f}, {progress.best.name}"


def _tell(opened: Run, verdict: Verdict) -> None:
    beside = other_objectives(verdict, opened.store.objectives)
    front = f", {FRONT}" if beside else ""
    print("\n" + "\n".join([sentence(verdict), *([beside] if beside else [])]) + f"\n\n{table(verdict)}\n")
    print(f"files:  {opened.folder}/schedule.pt, schedule.json, schedule.lmnt.npy, schedule.coqui.npy,")
    print(f"        {opened.folder}/trials.csv, leaderboard.csv{front}")


def _defaults() -> dict[str, Any]:
    parser = argparse.ArgumentParser()
    add(parser)
    return vars(parser.parse_args([])) | {"rate": None, "experiments": EXPERIMENTS}
