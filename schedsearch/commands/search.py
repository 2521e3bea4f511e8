"""`schedsearch search`: from a dataset's name to a schedule and its evidence."""

import argparse
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tqdm import tqdm

from schedsearch.budget import Budget, parse_budget
from schedsearch.choice import GRIDS, STRATEGIES
from schedsearch.commands.arguments import optional_rate, whole_number
from schedsearch.commands.pages import write_run_page
from schedsearch.config import load_voice
from schedsearch.confirmation import Verdict
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.origin import origin
from schedsearch.report.pictures.writing import write_pictures
from schedsearch.report.plan import plan
from schedsearch.report.summary import sentence, table
from schedsearch.report.tables import (
    provenance,
    write_front,
    write_leaderboard,
    write_run,
    write_schedules,
    write_trials,
)
from schedsearch.run import LONGEST_SEARCH, STUDY, Run, Settings, open_run, results_folder
from schedsearch.search import Progress
from schedsearch.study import Store
from vocoder.atomic import sweep
from vocoder.checkpoint import describe
from vocoder.errors import InputError

DEFAULT_BUDGET = "40candidates"
BUDGET, _MORE, FINISHED = "budget", "more", "finished budget"  # what the store remembers them under
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
    parser.add_argument("--budget", help=f"such as 10min, 300candidates, 50000calls (default: {DEFAULT_BUDGET})")
    parser.add_argument("--more", help="adds so much to a finished search's budget, in the same unit")
    parser.add_argument("--seed", default="0", help="of the noise and the strategy (default: 0)")
    parser.add_argument("--storage", help="an Optuna storage URL (default: study.db in the results folder)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results go (default: results)")
    parser.add_argument(
        "--require-improvement", action="store_true", help="exit status 3 when a baseline ships instead"
    )


def run(options: argparse.Namespace) -> int:
    """Searches, or goes on searching, and prints the verdict; 0, or 3 where an improvement was required."""
    settings, asked = _settings(options), _asked(options)
    voice = load_voice(options.dataset, optional_rate(options.rate), experiments=options.experiments)
    if asked.budget or not (settings.storage or (results_folder(voice, settings) / STUDY).exists()):
        asked.total(None)  # a refusal now leaves nothing behind
    opened = open_run(voice, settings)
    with opened.store.using():
        return _searched(opened, asked, required=options.require_improvement)


def _searched(opened: Run, asked: "_Asked", *, required: bool) -> int:
    print(describe(opened.vocoder))
    if opened.store.changed:
        print(f"changed since the last search: {', '.join(opened.store.changed)}; a new study begins")
    budget = _remembered(opened.store, asked)
    print(plan(opened, budget))
    _show(opened, budget)
    verdict = conclude(opened, budget)
    _tell(opened, verdict)
    print(f"page:   {write_run_page(opened, verdict)}")
    return 3 if required and not verdict.improves else 0


def begin(store: Store, budget: str) -> Budget:
    """The budget in words, kept for the next time that this search is asked to go on."""
    return _remembered(store, _Asked(parse_budget(budget), None))


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
    """BUDGET and MORE, where given."""

    budget: Budget | None
    more: Budget | None

    def total(self, kept: str | None) -> Budget:
        """What to work to: the budget `kept` from before unless another is given, plus MORE."""
        begun = self.budget or parse_budget(kept or DEFAULT_BUDGET)
        if self.more is None:
            return begun
        if self.more.unit != begun.unit:
            raise InputError(f"MORE must be in the budget's unit ({begun}), and is {self.more}; give it in that")
        return Budget(begun.amount + self.more.amount, begun.unit)


def _asked(options: argparse.Namespace) -> _Asked:
    return _Asked(
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
    for stage, steps in groupby(opened.steps(budget), key=lambda progress: progress.stage):
        with tqdm(total=100, desc=f"{stage:>14}", bar_format=_BAR) as bar:
            for progress in steps:
                bar.n = round(100 * progress.done)
                bar.set_postfix_str(_best(progress, opened.store.objective))


def _best(progress: Progress, metric: str) -> str:
    if progress.best is None:
        return ""
    return f"best {metric} {progress.best.score.mean:.4f}, {progress.best.name}"


def _write(opened: Run, verdict: Verdict) -> None:
    facts = origin(opened) | provenance(opened.store, verdict)
    sweep(opened.folder)
    write_trials(opened.store, opened.folder / "trials.csv")
    if len(opened.store.objectives) > 1:
        write_front(opened.store, opened.folder / "pareto.csv")
    write_leaderboard(opened.store, verdict, opened.folder / "leaderboard.csv")
    write_schedules(verdict, facts, opened.folder)
    write_run(facts, opened.folder / "run.json")
    write_pictures(opened.store, verdict, opened.folder / "pictures")


def _tell(opened: Run, verdict: Verdict) -> None:
    print(f"\n{sentence(verdict)}\n\n{table(verdict)}\n")
    print(f"files:  {opened.folder}/schedule.pt, schedule.json, schedule.lmnt.npy, schedule.coqui.npy,")
    print(f"        {opened.folder}/trials.csv, leaderboard.csv")
    print(f"next:   make search ITERS={opened.settings.iterations} DATASET={opened.voice.dataset} MORE=40candidates")
