"""`schedsearch compare`: compares baselines, winners and your schedules on the held-out clips, in one table."""

import argparse
import shlex
from pathlib import Path

from schedsearch.commands import comparison_options, voice_options
from schedsearch.commands.voice_options import chosen_voice
from schedsearch.comparison.contest import open_contest
from schedsearch.comparison.standings import standings
from schedsearch.comparison.table import table, write_table
from schedsearch.comparison.text import text
from schedsearch.formatting import counted
from schedsearch.report.pages import COMPARISON
from schedsearch.report.pictures.writing import write_comparison_picture
from schedsearch.report.progress import show
from schedsearch.schedules.search_space import USUAL_LENGTH
from schedsearch.voice.opened import description
from vocoder.errors import InputError


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    voice_options.add(parser)
    what = parser.add_argument_group("what to compare")
    what.add_argument(
        "--schedules",
        type=_files,
        default=(),
        help="schedule files, or names such as universal-6; quote a name that has spaces",
    )
    comparison_options.add(
        parser,
        what,
        usual_lengths=f"those of --schedules, or that you have searched, or {USUAL_LENGTH}",
        objective="metric that chooses the best baseline",
    )


def run(options: argparse.Namespace) -> int:
    """Scores what has no score yet, writes comparison.csv and prints it as text."""
    voice = chosen_voice(options)
    contest = open_contest(voice, comparison_options.settings(options, options.schedules))
    print(description(voice, contest.scoring.vocoder))
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


def _files(text: str) -> tuple[Path, ...]:
    try:
        return tuple(Path(name).expanduser() for name in shlex.split(text))
    except (ValueError, RuntimeError) as error:  # an open quote, or a ~user who does not exist
        raise InputError(f"SCHEDULES must be file names, and is {text!r} ({error}); quote names with spaces") from error
