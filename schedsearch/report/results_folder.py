"""Writes a finished search into its results folder: tables, schedules, provenance and pictures."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from schedsearch.report.origin import origin
from schedsearch.report.pictures.writing import write_pictures
from schedsearch.report.tables import provenance, write_front, write_leaderboard, write_run, write_trials
from schedsearch.schedules.files import write_every_layout
from schedsearch.search.asked_budget import finish
from schedsearch.search.run import Run
from schedsearch.search.verdict import Verdict
from schedsearch.study.budget import Budget
from schedsearch.study.lock import locked_folder
from schedsearch.voice.opened import make_writable
from vocoder.atomic import sweep

FRONT, AUDIO = "pareto.csv", "audio"


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Keeps other processes from writing into a results folder, wherever its trials are stored.

    Two searches that end at the same time would mix their audio, pages and schedules. The lock is that of audio/:
    the folder's own is the trial store's, for which a search that still runs would wait.
    """
    audio = folder / AUDIO
    make_writable(audio)
    with locked_folder(audio):
        yield


def write_results(opened: Run, verdict: Verdict, budget: Budget) -> None:
    """Writes every file but the page, then stores that this budget is finished; to be called inside `owned`."""
    store, folder = opened.store, opened.folder
    with store.turn():
        facts = origin(opened) | provenance(store, verdict)
        sweep(folder)
        write_trials(store, folder / "trials.csv")
        if len(store.objectives) > 1:
            write_front(store, folder / FRONT)
        else:  # an earlier search of several objectives may have left one
            (folder / FRONT).unlink(missing_ok=True)
        write_leaderboard(verdict, folder / "leaderboard.csv")
        write_every_layout(verdict.shipped.schedule, folder / "schedule", facts)
        write_run(facts, folder / "run.json")
        write_pictures(store, verdict, folder / "pictures", opened.voice.services.draw)
    finish(store, budget)
