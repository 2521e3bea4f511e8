"""What goes wrong with a trial store, in one line with the way out; a password in its URL is not shown."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from vocoder.errors import InputError

PATIENCE = 60  # seconds that a write to SQLite waits for another process's; a new trial is tried five times

_WAYS_OUT = (  # what the database says, what to do
    ("database is locked", "another program has held a lock on it for {wait} s; end that program"),
    ("disk is full", "the disk is full; make room"),
    ("disk I/O error", "the disk may be full or failing; make room, or move the file to another"),
    ("readonly database", "it can't be written; mend the rights of the file and of its folder"),
    ("unable to open database file", "it can't be opened; mend the rights of the file and of its folder"),
    ("malformed", "the file is damaged; copy it back from a backup, or move it away to start anew"),
    ("not a database", "the file is damaged or is no database; copy it back, or move it away to start anew"),
    ("No module named", "its driver is missing: install the extra schedsearch[postgres], which has PostgreSQL's"),
    ("onnection", "see that the server runs and can be reached"),
)


@contextmanager
def opening(storage: str) -> Iterator[None]:
    """InputError for whatever is raised: driver, SQLAlchemy, Alembic and Optuna each have their own kinds."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise _refusal(storage, error) from error


@contextmanager
def using(storage: str) -> Iterator[None]:
    """InputError for what a database raises in the middle of a run; what was stored until then stays."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
        raise _refusal(storage, error) from error


def check_reachable(storage: str) -> None:
    """InputError where nothing can be stored at this URL: before what takes long, and without a trace there."""
    with opening(storage):
        engine = create_engine(storage)
        if engine.dialect.name != "sqlite":
            engine.connect().close()
        elif engine.url.database and not Path(engine.url.database).absolute().parent.is_dir():
            raise OSError("unable to open database file")
        engine.dispose()


def _refusal(storage: str, error: BaseException) -> InputError:
    shown = re.sub(r":[^:@/]*@", ":***@", storage)
    reason = _reason(error)
    known = (way for sign, way in _WAYS_OUT if sign in reason)
    way = next(known, "move a damaged file away to start anew, or correct STORAGE=, a URL such as sqlite:///study.db")
    if "STORAGE" not in way:
        way = f"{way.format(wait=PATIENCE)}, then give the same command again, or another STORAGE="
    return InputError(f"cannot use the trial store {shown!r} ({reason}); {way}")


def _reason(error: BaseException) -> str:
    """The driver's own words: what is wrapped around them says less."""
    while (inner := getattr(error, "orig", None) or error.__cause__) is not None:
        error = inner
    return " ".join(str(error).split("\n")[0].split())[:160]
