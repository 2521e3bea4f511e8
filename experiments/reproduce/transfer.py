"""The transfer of the shipped winners, which several stages read."""

import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from experiments.reproduce.renewal import settled
from schedsearch.comparison.contest import Settings
from schedsearch.metrics import mos
from schedsearch.report.progress import show
from schedsearch.transfer.tournament import Tournament, open_tournament
from schedsearch.voice.config import EXPERIMENTS, Voice
from schedsearch.voice.opened import LONGEST_HELD_OUT
from schedsearch.voice.precision import AUTO
from vocoder.errors import InputError

SHIPPED, WORK = Path("results/shipped"), Path("results/bench/reproduce")  # WORK is git-ignored
RESULTS = WORK / "results"  # the user's own winners below results/ have no part


def tournaments(voices: Iterable[Voice], judged: Mapping[int, int]) -> Iterator[Tournament]:
    """Yields the transfer of each length once all its schedules have their scores on whole held-out clips.

    `judged` has the draws of noise by iterations. Scores stay in WORK: a second call samples nothing. An earlier
    universal schedule stands under its name unless the one that is chosen now is better.
    """
    if not mos.installed():
        print("Distill-MOS is not installed: the stage judge will have to sample again what is sampled now; "
              "install it first with make mos")  # fmt: skip
    names = tuple(f"{voice.dataset}@{voice.sample_rate}" for voice in _with_winners(voices))
    open_tournament(Settings(tuple(judged), results=RESULTS), names, EXPERIMENTS)  # refuses before hours of work
    for steps, draws in judged.items():
        settings = Settings((steps,), draws=draws, seconds=LONGEST_HELD_OUT, precision=AUTO, results=RESULTS)
        tournament = open_tournament(settings, names, EXPERIMENTS)
        if lacking := [voice.label for voice in tournament.participants if steps not in voice.winners]:
            raise InputError(f"a table of {steps} steps must have every voice, and {lacking[0]} has no winner of its "
                             "weights; run the stage searches")  # fmt: skip
        print(f"{steps} steps: at most {tournament.evaluations():,} network evaluations to do, and of universal ones")
        show("search clips", tournament.choosing())
        show("held-out clips", tournament.judging())
        yield settled(tournament)


def copy(source: Path, target: Path) -> None:
    """Copies a file into a folder that need not be there yet."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def copy_winners(voice: Voice, results: Path) -> None:
    """Copies a voice's shipped winners to where commands with this results folder find them."""
    for path in (SHIPPED / voice.label).glob("*iters/schedule.json"):
        copy(path, results / "shipped" / path.relative_to(SHIPPED))


def _with_winners(voices: Iterable[Voice]) -> Iterator[Voice]:
    """Copies each voice's shipped winners to where the transfer finds them."""
    for voice in voices:
        copy_winners(voice, RESULTS)
        yield voice
