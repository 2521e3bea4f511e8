"""`schedsearch transfer`: every voice's winners on every voice's held-out clips, and the universal schedules."""

import argparse
from pathlib import Path

from schedsearch.arguments import lengths, positive_number, whole_number
from schedsearch.commands.compare import show
from schedsearch.comparison.contest import Settings
from schedsearch.evaluation.draws import MOST_DRAWS
from schedsearch.metrics.registry import DEFAULT_OBJECTIVE
from schedsearch.transfer.tournament import Tournament, open_tournament
from schedsearch.transfer.files import stored_matrices, write_all
from schedsearch.voice import config


def add(parser: argparse.ArgumentParser) -> None:
    """Its options."""
    parser.add_argument("--iters", help="steps, such as '6 12' (default: all that two voices have a winner of)")
    parser.add_argument("--voices", default="", help="such as 'demo june-16k demo@8000' (default: all with data)")
    parser.add_argument(
        "--objective", default=DEFAULT_OBJECTIVE, help=f"decides what is universal (default: {DEFAULT_OBJECTIVE})"
    )
    parser.add_argument("--metrics", default="", help="such as 'pesq stoi mcd' (default: those of a search)")
    parser.add_argument("--seconds", default="1.6", help="of each clip, a typical part (default: 1.6)")
    parser.add_argument("--draws", default="1", help="of noise for each clip (default: 1)")
    parser.add_argument("--seed", default="0", help="of the noise (default: 0)")
    parser.add_argument("--results", type=Path, default=Path("results"), help="where results are (default: results)")
    parser.add_argument("--experiments", type=Path, default=config.EXPERIMENTS, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Scores what is not scored yet, and writes and prints what follows."""
    tournament = open_tournament(_settings(options), options.voices.replace(",", " ").split(), options.experiments)
    others = stored_matrices(tournament)
    _begin(tournament)
    show("search clips", tournament.choosing())
    show("held-out clips", tournament.judging())
    written, told = write_all(tournament, others)
    print(f"\n{told}")
    print("\n".join(f"file:  {path}" for path in written))
    return 0


def _begin(tournament: Tournament) -> None:
    labels = ", ".join(voice.label for voice in tournament.participants)
    print(f"voices: {labels}; iterations: {', '.join(map(str, tournament.lengths))}")
    for reason in tournament.left_out:
        print(f"left out: {reason}")
    for line in tournament.foreign_objectives():
        print(f"note: {line}")
    print(f"{tournament.evaluations():,} network evaluations to do, and those of what will be universal")


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(
        lengths=() if options.iters is None else lengths(options.iters),
        objective=options.objective,
        metrics=tuple(options.metrics.replace(",", " ").split()),
        seconds=positive_number(options.seconds, "EXCERPT"),
        draws=whole_number(options.draws, "DRAWS", least=1, most=MOST_DRAWS),
        seed=whole_number(options.seed, "SEED", least=0, most=2**31 - 1),
        results=options.results,
    )
