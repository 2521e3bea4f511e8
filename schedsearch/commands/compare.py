"""`schedsearch compare`: baselines, winners and the user's schedules on the held-out clips, in one table."""

import argparse
import shlex
from collections.abc import Iterator
from pathlib import Path

from tqdm import tqdm

from schedsearch.arguments import lengths, positive_number, whole_number
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.comparison.contest import Settings, open_contest
from schedsearch.comparison.standings import standings
from schedsearch.comparison.table import table, write_table
from schedsearch.comparison.text import text
from schedsearch.evaluation.draws import MOST_DRAWS
from schedsearch.formatting import counted
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.report.pages import COMPARISON
from schedsearch.report.pictures.writing import write_comparison_picture
from vocoder.errors import InputError

_BAR = "{desc} {percentage:3.0f}% |{bar:20}| {elapsed}<{remaining} {postfix}"


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument(
        "--iters", help="steps, such as '6 12' (default: the lengths of --schedules, or of all winners)"
    )
    parser.add_argument(
        "--schedules", default="", help="files of yours, quoted where a name has spaces, or names such as universal-6"
    )
    parser.add_argument(
        "--objective", default=DEFAULT_OBJECTIVE, help=f"chooses the best baseline (default: {DEFAULT_OBJECTIVE})"
    )
    parser.add_argument("--metrics", default="", help="such as 'pesq stoi mcd' (default: those of a search)")
    parser.add_argument("--seconds", default="1.6", help="of each held-out clip, a typical part (default: 1.6)")
    parser.add_argument("--draws", default="1", help="of noise for each clip (default: 1)")
    parser.add_argument("--seed", default="0", help="of the noise, the search's (default: 0)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results go (default: results)")


def run(options: argparse.Namespace) -> int:
    """Scores what is not scored yet, writes comparison.csv and prints it to be read."""
    settings = _settings(options)
    voice = chosen_voice(options)
    contest = open_contest(voice, settings)
    print(contest.scoring.vocoder.description)
    show("speed", contest.timing.steps(contest.entrants))
    evaluations, seconds = contest.left
    print(
        f"{counted(len(contest.entrants), 'schedule')}, {counted(evaluations, 'network evaluation')} to do, "
        f"about {seconds / 60:.1f} min on this machine ({contest.timing.machine})"
    )
    show("held-out clips", contest.scoring.steps(contest.entrants))
    ranked = standings(contest)
    path = contest.folder / COMPARISON
    write_table(table(contest, ranked), path)
    print(f"\n{text(contest, ranked)}\n\nfile:     {path}")
    if picture := write_comparison_picture(path, voice.services.draw):
        print(f"picture:  {picture}")
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        lengths=() if options.iters is None else lengths(options.iters),
        files=_files(options.schedules),
        objective=options.objective,
        metrics=tuple(options.metrics.replace(",", " ").split()),
        seconds=positive_number(options.seconds, "EXCERPT"),
        draws=whole_number(options.draws, "DRAWS", least=1, most=MOST_DRAWS),
        seed=whole_number(options.seed, "SEED", least=0, most=2**31 - 1),
        results=options.results,
    )


def _files(text: str) -> tuple[Path, ...]:
    try:
        return tuple(Path(name).expanduser() for name in shlex.split(text))
    except (ValueError, RuntimeError) as error:  # a quote without its other, a home that nobody has
        raise InputError(f"SCHEDULES must be file names, and is {text!r} ({error}); quote names with spaces") from error


def show(stage: str, steps: Iterator[tuple[float, str]]) -> None:
    """Runs the steps under a progress bar."""
    with tqdm(total=100, desc=f"{stage:>14}", bar_format=_BAR) as bar:
        for done, name in steps:
            bar.n = round(100 * done)
            bar.set_postfix_str(name)
        bar.n = 100
        bar.refresh()
