"""What breaks while a search runs: one line, a status that is not 0, and a state that goes on."""

import errno
import os
import shutil
import sqlite3
from pathlib import Path

import optuna
import pytest
from conftest import files_below, made_toy

from schedsearch.evaluation.evaluator import Evaluator
from schedsearch.study import database
from schedsearch.study import errors as storage_errors
from schedsearch.study.store import sqlite_url

CANDIDATES = ["--budget", "5candidates", "--strategy", "random"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, request):
    """trials.csv of the same search undisturbed, but for its seconds."""
    undisturbed = made_toy(tmp_path_factory.mktemp("undisturbed"), request)
    assert undisturbed.search(*CANDIDATES) == 0
    return rows(undisturbed.folder)


def rows(folder):
    lines = [line.split(",") for line in (folder / "trials.csv").read_text().splitlines()]
    return [[cell for name, cell in zip(lines[0], line, strict=True) if name != "seconds"] for line in lines]


def said(capsys):
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    return captured.err.splitlines()[-1]


def test_a_disk_that_is_full_when_results_are_written_is_one_line_and_goes_on(toy, whole, monkeypatch, capsys):
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert toy.search(*CANDIDATES, "--force") == 2  # or the check before it would have met the full disk
        assert "No space left on device" in said(capsys)
        assert set(files_below(toy.folder)) == {toy.folder / "study.db"}
    assert toy.search(*CANDIDATES) == 0
    assert rows(toy.folder) == whole


def full(handle):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_fills_up_under_the_trial_store_is_one_line_and_goes_on(toy, whole, monkeypatch, capsys):
    real, calls = Evaluator.evaluate, iter(range(1000))

    def filling(self, *arguments, **options):
        if next(calls) == 8:  # a file that may not grow is what SQLite sees of a full disk
            limit(toy.folder / "study.db", 0)
        return real(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Evaluator, "evaluate", filling)
        patch.setattr(optuna.storages, "RDBStorage", limited(toy.folder / "study.db"))
        assert toy.search(*CANDIDATES) == 2
    line = said(capsys)
    assert "the disk is full; make room" in line
    assert str(toy.folder / "study.db") in line
    assert toy.search(*CANDIDATES) == 0
    assert rows(toy.folder) == whole


LIMIT: dict[Path, int] = {}


def limit(path, pages):
    """From now on SQLite may not add pages to it."""
    LIMIT[path] = pages


def limited(path):
    """Storages under which `limit` holds, by SQLite's own max_page_count."""

    class Connection(sqlite3.Connection):
        def execute(self, *arguments):
            return super().execute(*arguments)

        def cursor(self, *arguments):
            if path in LIMIT:
                [[pages]] = super().execute("PRAGMA page_count").fetchall()
                super().execute(f"PRAGMA max_page_count = {pages + LIMIT[path]}")
            return super().cursor(*arguments)

    class Limited(optuna.storages.RDBStorage):
        def __init__(self, url, engine_kwargs):
            super().__init__(url, engine_kwargs={"connect_args": {"factory": Connection}})

    return Limited


def test_a_store_that_another_program_locks_is_one_line_and_goes_on(toy, whole, monkeypatch, capsys):
    real, calls, locks = Evaluator.evaluate, iter(range(1000)), []

    def locking(self, *arguments, **options):
        if next(calls) == 8:
            locks.append(sqlite3.connect(toy.folder / "study.db", isolation_level=None))
            locks[0].execute("BEGIN IMMEDIATE")
        return real(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(database, "_WAITING", {"timeout": 0.05})
        patch.setattr(Evaluator, "evaluate", locking)
        assert toy.search(*CANDIDATES) == 2
    locks[0].close()
    assert f"another program has held a lock on it for {storage_errors.PATIENCE} s" in said(capsys)
    assert toy.search(*CANDIDATES) == 0
    assert rows(toy.folder) == whole


def test_a_damaged_store_is_one_line(toy, capsys):
    assert toy.search(*CANDIDATES) == 0
    content = (toy.folder / "study.db").read_bytes()
    elsewhere = toy.root / "elsewhere"  # without the log, from which SQLite would mend it
    damaged = elsewhere / toy.folder.relative_to(toy.root / "results") / "study.db"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(content[:100] + b"x" * (len(content) - 100))
    assert toy.search(*CANDIDATES, "--results", str(elsewhere)) == 2
    line = said(capsys)
    assert "the file is damaged" in line
    assert "move it away to start anew" in line


def test_a_results_folder_that_cannot_be_made_is_one_line(toy, capsys):
    (toy.root / "results").write_text("a file")
    assert toy.search(*CANDIDATES) == 2
    assert "cannot make the folder" in said(capsys)


def test_a_store_in_a_folder_that_cannot_be_written_is_one_line(toy, capsys):
    url = sqlite_url(toy.root / "nowhere" / "study.db")
    assert toy.search(*CANDIDATES, "--storage", url) == 2
    assert "cannot use the trial store" in said(capsys)


@pytest.mark.parametrize("how", ["deleted", "replaced", "folder deleted"])
@pytest.mark.parametrize("evaluation", [3, 8, 14], ids=["baselines", "candidates", "held-out clips"])
def test_a_store_that_is_gone_while_a_search_runs_is_one_line_and_overwrites_nothing(
    toy, monkeypatch, capsys, how, evaluation
):
    real, calls, before = Evaluator.evaluate, iter(range(1000)), {}

    def losing(self, *arguments, **options):
        if next(calls) == evaluation:
            if how == "replaced":
                toy.folder.joinpath("other").write_bytes(b"another database")
                toy.folder.joinpath("other").replace(toy.folder / "study.db")
            elif how == "deleted":
                (toy.folder / "study.db").unlink()
            else:
                shutil.rmtree(toy.folder)
            before.update(contents(toy.root / "results"))
        return real(self, *arguments, **options)

    monkeypatch.setattr(Evaluator, "evaluate", losing)
    assert toy.search(*CANDIDATES) == 2
    assert next(calls) > evaluation
    assert "its file was deleted or replaced meanwhile" in said(capsys)
    assert contents(toy.root / "results") == before


def contents(folder):
    """Bytes of all files but SQLite's logs, without opening a database: that would fold its log into it."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and ".db-" not in path.name}


def test_an_empty_store_beside_any_results_is_one_line_and_overwrites_nothing(toy, capsys):
    assert toy.search(*CANDIDATES) == 0
    whole = {name: (toy.folder / name).read_bytes() for name in ("trials.csv", "run.json", "schedule.json")}
    (toy.folder / "study.db").write_bytes(b"")
    for kept, content in whole.items():
        for name in whole:
            (toy.folder / name).unlink(missing_ok=True)
        (toy.folder / kept).write_bytes(content)
        before = files_below(toy.folder)
        assert toy.search(*CANDIDATES) == 2
        assert "it is empty, beside results" in said(capsys)
        assert files_below(toy.folder) == before
    (toy.folder / "study.db").unlink()
    assert toy.search(*CANDIDATES) == 0


def test_results_without_their_store_are_not_replaced_without_a_word(toy, capsys):
    assert toy.search(*CANDIDATES) == 0
    assert "results replace them" not in capsys.readouterr().out
    (toy.folder / "study.db").unlink()
    assert toy.search(*CANDIDATES) == 0
    assert "no study.db: a new search begins, and its results replace them" in capsys.readouterr().out


def test_a_store_that_was_killed_while_it_was_made_is_completed(toy):
    toy.folder.mkdir(parents=True)
    (toy.folder / "study.db").write_bytes(b"")
    assert toy.search(*CANDIDATES) == 0
