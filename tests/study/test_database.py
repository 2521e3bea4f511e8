"""Storages are set for many small commits, and what was committed survives a kill."""

import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import optuna
import pytest
import sqlalchemy
from conftest import files_below
from optuna.storages import RDBStorage

from schedsearch.study.database import check_reachable, open_storage
from schedsearch.study.lock import StoreLock
from schedsearch.study.store import sqlite_url
from vocoder.errors import InputError

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


@pytest.mark.slow
def test_what_a_killed_process_had_committed_is_there(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    killed = subprocess.run([sys.executable, "-c", COMMITS_AND_DIES, url], check=False)
    assert killed.returncode == -signal.SIGKILL
    [summary] = optuna.get_all_study_summaries(open_storage(url))
    assert summary.user_attrs == {"what": 7}


QUOTES = sqlalchemy.make_url("sqlite:///q%3F").database == "q?"  # SQLAlchemy from 2.1 on


@pytest.mark.parametrize(
    "name",
    ["a b", pytest.param("q?x=1", marks=pytest.mark.skipif(not QUOTES, reason="SQLAlchemy 2.0")), "p%41y", "n#1",
     "Größe"],
)  # fmt: skip
def test_a_folder_of_any_name_holds_its_database(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    url = sqlite_url(tmp_path / name / "study.db")
    open_storage(url).create_new_study([optuna.study.StudyDirection.MINIMIZE], "ours")
    with StoreLock(url).held() as acquired:
        assert acquired
    assert [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.db")] == [f"{name}/study.db"]


@pytest.mark.skipif(QUOTES, reason="SQLAlchemy 2.1 has a URL for any name")
def test_a_name_without_a_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must have no '\\?' in its name; rename the folder"):
        sqlite_url(tmp_path / "q?x=1" / "study.db")


def test_other_tools_open_it_as_any_sqlite_file(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    open_storage(url).create_new_study([optuna.study.StudyDirection.MINIMIZE], "ours")
    assert optuna.get_all_study_names(url) == ["ours"]


ANOTHER_PROGRAMS = (
    ["CREATE TABLE alembic_version (version_num VARCHAR(32))", "INSERT INTO alembic_version VALUES ('1975ea83b712')"],
    ["CREATE TABLE alembic_version (version_num VARCHAR(32))"],
    ["CREATE TABLE studies (id INTEGER PRIMARY KEY, patient TEXT)", "INSERT INTO studies VALUES (1, 'x')"],
    ["CREATE TABLE version_info (version TEXT)"],
    ["CREATE TABLE patients (id INTEGER)", "CREATE VIEW trials AS SELECT id FROM patients"],
)


@pytest.mark.parametrize("statements", ANOTHER_PROGRAMS)
@pytest.mark.parametrize("use", [open_storage, check_reachable], ids=["open", "look"])
def test_a_database_of_another_program_is_refused_and_left_as_it_is(tmp_path: Path, statements, use) -> None:
    with closing(sqlite3.connect(tmp_path / "theirs.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    before = files_below(tmp_path)
    with pytest.raises(InputError, match="holds another program's tables.*name another database"):
        use(sqlite_url(tmp_path / "theirs.db"))
    assert files_below(tmp_path) == before


def test_a_database_that_another_program_only_shares_is_used(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("CREATE TABLE patients (id INTEGER)")
    open_storage(sqlite_url(tmp_path / "study.db"))


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("v2.6.0.a", "an older Optuna made it.*upgrade it by .venv/bin/optuna storage upgrade --storage {url}, or"),
        ("v99.0.0.a", "another program's tables, or a newer Optuna's.*update Optuna"),
    ],
)
def test_tables_of_another_optuna_are_named_with_the_command_that_mends_them(tmp_path: Path, version, words) -> None:
    url = sqlite_url(tmp_path / "study.db")
    RDBStorage(url)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
        connection.commit()
    before = files_below(tmp_path)
    with pytest.raises(InputError, match=words.format(url=url)):
        open_storage(url)
    assert files_below(tmp_path) == before


def test_tables_that_a_killed_process_left_half_made_are_completed(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path / "study.db")
    RDBStorage(url)
    with closing(sqlite3.connect(tmp_path / "study.db")) as connection:
        for table in ("alembic_version", "version_info", "trial_heartbeats"):
            connection.execute(f"DROP TABLE {table}")
    assert optuna.get_all_study_names(open_storage(url)) == []
