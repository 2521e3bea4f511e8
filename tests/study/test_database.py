"""Storages are set for many small commits, and what was committed survives a kill."""

import signal
import subprocess
import sys
from pathlib import Path

import optuna
import pytest
import sqlalchemy

from schedsearch.study.database import open_storage
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import sqlite_url

COMMITS_AND_DIES = """
import os, sys
from schedsearch.study.database import open_storage
storage = open_storage(sys.argv[1])
study = storage.create_new_study([1], "kept")
storage.set_study_user_attr(study, "what", 7)
os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("pragma, value", [("journal_mode", "wal"), ("synchronous", 1)])
def test_every_connection_writes_ahead_and_waits_for_the_disk_only_at_checkpoints(
    tmp_path: Path, pragma: str, value: object
) -> None:
    storage = open_storage(sqlite_url(tmp_path / "study.db"))
    with storage.engine.connect() as connection:
        assert connection.execute(sqlalchemy.text(f"PRAGMA {pragma}")).scalar() == value


def test_what_a_killed_process_had_committed_is_there(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    killed = subprocess.run([sys.executable, "-c", COMMITS_AND_DIES, url], check=False)
    assert killed.returncode == -signal.SIGKILL
    [summary] = optuna.get_all_study_summaries(open_storage(url))
    assert summary.user_attrs == {"what": 7}


@pytest.mark.parametrize("name", ["a b", "q?x=1", "p%41y", "n#1", "Größe"])
def test_a_folder_of_any_name_holds_its_database(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    url = sqlite_url(tmp_path / name / "study.db")
    open_storage(url).create_new_study([optuna.study.StudyDirection.MINIMIZE], "ours")
    with StoreLock(url).held() as acquired:
        assert acquired
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.db")] == [f"{name}/study.db"]


def test_other_tools_open_it_as_any_sqlite_file(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    open_storage(url).create_new_study([optuna.study.StudyDirection.MINIMIZE], "ours")
    assert optuna.get_all_study_names(url) == ["ours"]
