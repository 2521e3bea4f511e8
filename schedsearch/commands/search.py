"""`schedsearch search`: from a dataset's name to a schedule and its evidence."""

import argparse
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from tqdm import tqdm

from schedsearch.budget import Budget, default_budget, parse_budget
from schedsearch.choice import GRIDS, STRATEGIES
from schedsearch.commands.arguments import optional_rate, whole_number, yes_or_no
from schedsearch.commands.next_command import next_command
from schedsearch.commands.pages import write_run_page
from schedsearch.config import EXPERIMENTS, load_voice
from schedsearch.confirmation import Verdict
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.finding import sentence
from schedsearch.report.origin import origin
from schedsearch.report.pictures.writing import write_pictures
from schedsearch.report.plan import plan
from schedsearch.report.summary import other_objectives, table
from schedsearch.report.tables import (
    provenance,
    write_front,
    write_leaderboard,
    write_run,
    write_schedules,
    write_trials,
)
from schedsearch.run import LONGEST_SEARCH, STUDY, Run, Settings, results_folder
from schedsearch.search import Progress
from schedsearch.study import Store
from schedsearch.voice_check import open_checked
from vocoder.atomic import sweep
from vocoder.checkpoint import describe
from vocoder.errors import InputError

BUDGET, _MORE, FINISHED = "budget", "more", "finished budget"  # what the store remembers them under
FRONT = "pareto.csv"
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
    voice = load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
    if asked.budget or not (settings.storage or (results_folder(voice, settings) / STUDY).exists()):
        asked.total(None)  # a refusal now leaves nothing behind
    opened = open_checked(voice, settings, force=yes_or_no(options.force, "FORCE"), tell=print)
    with opened.store.using():
        return _searched(opened, asked, options)


def _searched(opened: Run, asked: "_Asked", options: argparse.Namespace) -> int:
    print(describe(opened.vocoder))
    if opened.store.changed:
        print(f"changed since the last search: {', '.join(opened.store.changed)}; a new study begins")
    budget = _remembered(opened.store, asked)
    print(plan(opened, budget))
    _show(opened, budget)
    verdict = conclude(opened, budget)
    _tell(opened, verdict)
    print(f"page:   {write_run_page(opened, verdict)}")
    print(f"next:   {next_command(options, _defaults(), budget)}")
    return 3 if options.require_improvement and not verdict.improves else 0


def begin(opened: Run, budget: str | None) -> Budget:
    """The budget in words, or the default one, kept for the next time that this search is asked to go on."""
    return _remembered(opened.store, _Asked(opened.settings.iterations, parse_budget(budget) if budget else None, None))


def conclude(opened: Run, budget: Budget) -> Verdict:
    """The verdict of a search whose steps are all done, with every file of the results folder written."""
    verdict = opened.verdict()
    with opened.store.turn():  # of several processes one after the other
        _write(opened, verdict)
    opened.store.remember(FINISHED, str(budget))
    return verdict


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


@dataclass(frozen=True)
class _Asked:
    """BUDGET and MORE, where given, of a search of so many steps."""

    iterations: int
    budget: Budget | None
    more: Budget | None

    def total(self, kept: str | None) -> Budget:
        """What to work to: the budget `kept` from before unless another is given, plus MORE."""
        begun = self.budget or (parse_budget(kept) if kept else default_budget(self.iterations))
        if self.more is None:
            return begun
        if self.more.unit != begun.unit:
            raise InputError(f"MORE must be in the budget's unit ({begun}), and is {self.more}; give it in that")
        return Budget(begun.amount + self.more.amount, begun.unit)


def _asked(options: argparse.Namespace, iterations: int) -> _Asked:
    return _Asked(
        iterations,
        parse_budget(options.budget) if options.budget else None,
        parse_budget(options.more, name="MORE") if options.more else None,
    )


def _remembered(store: Store, asked: _Asked) -> Budget:
    """The budget to work to, kept for the next time.

    The same MORE again, while what it asked for is unfinished, is a stopped search going on: it adds nothing.
    """
    with store.turn():
        kept, more = store.recall(BUDGET), str(asked.more) if asked.more else None
        goes_on = asked.budget is None and more == store.recall(_MORE) and kept != store.recall(FINISHED)
        budget = parse_budget(kept) if kept and goes_on else asked.total(kept)
        store.remember(BUDGET, str(budget))
        store.remember(_MORE, more)
    return budget


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


def _write(opened: Run, verdict: Verdict) -> None:
    facts = origin(opened) | provenance(opened.store, verdict)
    sweep(opened.folder)
    write_trials(opened.store, opened.folder / "trials.csv")
    if len(opened.store.objectives) > 1:
        write_front(opened.store, opened.folder / FRONT)
    else:  # of an earlier search of several objectives
        (opened.folder / FRONT).unlink(missing_ok=True)
    write_leaderboard(opened.store, verdict, opened.folder / "leaderboard.csv")
    write_schedules(verdict, facts, opened.folder)
    write_run(facts, opened.folder / "run.json")
    write_pictures(opened.store, verdict, opened.folder / "pictures")


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
