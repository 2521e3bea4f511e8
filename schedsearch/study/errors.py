"""Says in one line what is wrong with a trial store and how to go on, without the password in its URL."""

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import SQLAlchemyError

from vocoder.errors import InputError

KINDS = ("sqlite", "postgresql")
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
    """Turns any error inside into an InputError: driver, SQLAlchemy, Alembic and Optuna each raise their own kinds."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise _refusal(storage, error) from error


@contextmanager
def using(storage: str) -> Iterator[None]:
    """Turns a database error in the middle of a run into an InputError; what was stored until then stays."""
    try:
        yield
    except (optuna.exceptions.StorageInternalError, SQLAlchemyError, sqlite3.Error) as error:
        raise _refusal(storage, error) from error


def check_reachable(storage: str) -> None:
    """Raises InputError if nothing can be stored at this URL. Leaves no trace there, and is quick."""
    with opening(storage):
        url = make_url(storage)
        check_kind(url)
        if url.get_backend_name() == "sqlite":
            _check_file(url.database or "")
            return
        engine = create_engine(url)
        engine.connect().close()
        engine.dispose()


def check_kind(url: URL) -> None:
    """Raises InputError for a kind of database without a lock here, whether its driver is installed or not."""
    if (kind := url.get_backend_name()) not in KINDS:
        raise InputError(
            f"STORAGE= must be an SQLite or a PostgreSQL database, and is {kind}; give a URL such as "
            "sqlite:///study.db or postgresql://user@host/name"
        )


def shown(storage: str) -> str:
    """Returns a storage's URL without its password."""
    hidden = re.sub(r"(://[^:/@]*:).*@", r"\1***@", storage)  # to the last @: passwords hold some, quoted or not
    return re.sub(r"([?&][^=&]*pass[^=&]*=)[^&]*", r"\1***", hidden, flags=re.IGNORECASE)


def _check_file(name: str) -> None:
    if name in ("", ":memory:"):
        raise InputError("STORAGE= must name a file, and is a database in memory, gone with its process; name one")
    if not os.path.isdir(Path(name).absolute().parent):
        raise OSError("unable to open database file")


def _refusal(storage: str, error: BaseException) -> InputError:
    reason = _reason(error)
    ways_out = (way_out for words, way_out in _WAYS_OUT if words in reason)
    otherwise = "move a damaged file away to start anew, or correct STORAGE=, a URL such as sqlite:///study.db"
    way_out = next(ways_out, otherwise)
    if "STORAGE" not in way_out:
        way_out = f"{way_out.format(wait=PATIENCE)}, then give the same command again, or another STORAGE="
    return InputError(f"cannot use the trial store {shown(storage)!r} ({reason}); {way_out}")


def _reason(error: BaseException) -> str:
    """Returns the driver's own words, which say more than those of the errors around them."""
    while (inner := getattr(error, "orig", None) or error.__cause__) is not None:
        error = inner
    return " ".join(str(error).split("\n")[0].split())[:160]
