"""`schedsearch transfer`: scores every voice's winners on every voice's held-out clips, and universal schedules."""

import argparse

from schedsearch.arguments import words
from schedsearch.commands import comparison_options
from schedsearch.commands.voice_options import add_experiments
from schedsearch.report.progress import show
from schedsearch.transfer.files import stored_matrices, write_all
from schedsearch.transfer.tournament import Tournament, open_tournament


def add(parser: argparse.ArgumentParser) -> None:
    """Adds the command's options."""
    what = parser.add_argument_group("what to compare")
    what.add_argument(
        "--voices", type=words, default=(), help="such as 'demo june-16k demo@8000' (default: all with data)"
    )
    comparison_options.add(
        parser,
        what,
        usual_lengths="all of which two voices have a winner",
        objective="metric that decides which schedule is universal",
    )
    add_experiments(what)


def run(options: argparse.Namespace) -> int:
    """Scores what has no score yet, then writes and prints the results."""
    tournament = open_tournament(comparison_options.settings(options), options.voices, options.experiments)
    others = stored_matrices(tournament)
    _begin(tournament)
    show("search clips", tournament.choosing())
    show("held-out clips", tournament.judging())
    written, overview = write_all(tournament, others)
    print(f"\n{overview}")
    print("\n".join(f"file:  {path}" for path in written))
    return 0


def _begin(tournament: Tournament) -> None:
    labels = ", ".join(voice.label for voice in tournament.participants)
    print(f"voices: {labels}; iterations: {', '.join(map(str, tournament.lengths))}")
    for reason in tournament.left_out:
        print(f"left out: {reason}")
    for line in tournament.foreign_objectives():
        print(f"note: {line}")
    print(f"at most {tournament.evaluations():,} network evaluations to do, and those of what search clips will choose")
