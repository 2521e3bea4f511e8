"""Says in one line what is wrong with a trial store and how to go on, without any password."""

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from urllib.parse import unquote

from optuna.exceptions import OptunaError, StorageInternalError
from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from vocoder.errors import InputError

URLS = {"sqlite": "sqlite:///", "postgresql": "postgresql+psycopg://"}  # by kind: how a URL begins that works
PATIENCE = 60  # seconds that a write to SQLite waits for another process's; a new trial is tried five times

_DATABASE_ERRORS = (StorageInternalError, SQLAlchemyError, sqlite3.Error)
_WAYS_OUT = (  # what the database says, what to do
    ("database is locked", "another program has held a lock on it for {wait} s; end that program"),
    ("disk is full", "the disk is full; make room"),
    ("disk I/O error", "the disk may be full or failing; make room, or move the file to another"),
    ("readonly database", "it can't be written; mend the rights of the file and of its folder"),
    ("there is no folder", "make it"),
    ("unable to open database file", "it can't be opened; mend the rights of the file and of its folder"),
    ("malformed", "the file is damaged; copy it back from a backup, or move it away to start anew"),
    ("not a database", "the file is damaged or is no database; copy it back, or move it away to start anew"),
    ("onnection", "see that the server runs and can be reached"),
)


class StoreError(InputError):
    """A trial store that can't be used."""


@contextmanager
def opening(storage: str) -> Iterator[None]:
    """Turns any error inside into an InputError: driver, SQLAlchemy, Alembic and Optuna each raise their own kinds."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise _refusal(storage, error) from None  # the error may hold the password


@contextmanager
def using(storage: str, check_file: Callable[[], None]) -> Iterator[None]:
    """Turns a database error in the middle of a run into an InputError; what was stored until then stays.

    `check_file` raises a better one if the store's file is gone.
    """
    try:
        yield
    except _DATABASE_ERRORS as error:
        check_file()
        raise _refusal(storage, error) from None


@contextmanager
def reading(storage: str, check_file: Callable[[], None]) -> Iterator[None]:
    """Turns what a damaged value in the store raises where it is read into an InputError."""
    try:
        yield
    except (StoreError, OptunaError, *_DATABASE_ERRORS):
        raise
    except Exception as error:  # Optuna, NumPy and this program each trust stored values in their own ways
        check_file()
        reason = f"a stored value is damaged: {type(error).__name__}: {_without_url(storage, _reason(error))[:120]}"
        raise refused(storage, reason, "copy it back from a backup, or move it away to start anew") from None


def check_kind(url: URL) -> None:
    """Raises InputError for a kind of database without a lock here, whether its driver is installed or not."""
    if (kind := url.get_backend_name()) not in URLS:
        raise InputError(
            f"STORAGE= must be an SQLite or a PostgreSQL database, and is {kind}; give a URL such as "
            "sqlite:///study.db or postgresql+psycopg://user@host/name"
        )


def shortened(storage: str) -> str:
    """Returns what may be printed of a storage's URL: all of an SQLite file's, only the beginning of any other.

    In a mistyped URL a password may stand anywhere.
    """
    if re.match(r"sqlite(\+pysqlite)?:///", storage) or not re.search(r"[:@=?\s]", storage):
        path, options, _ = storage.partition("?")
        return path + ("?..." if options else "")
    scheme = re.match(r"[\w+.-]+:(?=/)", storage)
    return (scheme[0] if scheme else "") + "..."


def shown(storage: str) -> str:
    """Returns the URL of an opened storage, as it may be printed: "***" for the password, "..." for its options."""
    url = make_url(storage)
    return url.set(query=dict.fromkeys(url.query, "...")).render_as_string() if url.host or url.query else storage


def refused(storage: str, reason: str, way_out: str) -> StoreError:
    """Returns the error that says why a trial store can't be used and what to do."""
    return StoreError(f"cannot use the trial store {shortened(storage)!r} ({reason}); {way_out}")


def _refusal(storage: str, error: BaseException) -> StoreError:
    reason = _reason(error)
    return refused(storage, _without_url(storage, reason)[:160], _way_out(storage, reason))


def _way_out(storage: str, reason: str) -> str:
    if "No module named" in reason or "Can't load plugin" in reason:
        kind = make_url(storage).get_backend_name()
        if kind == "postgresql" and find_spec("psycopg") is None:
            return "its driver is missing: install the extra schedsearch[postgres], or give another STORAGE="
        return f"the driver that STORAGE= names is missing; begin it with {URLS[kind]} and leave the rest as it is"
    for words, way_out in _WAYS_OUT:
        if words in reason:
            return f"{way_out.format(wait=PATIENCE)}, then give the same command again, or another STORAGE="
    return "move a damaged file away to start anew, or correct STORAGE=, a URL such as sqlite:///study.db"


def _reason(error: BaseException) -> str:
    """Returns the driver's own words, which say more than those of the errors around them."""
    while (inner := getattr(error, "orig", None) or error.__cause__) is not None:
        error = inner
    return " ".join(str(error).split("\n")[0].split())


def _without_url(storage: str, reason: str) -> str:
    """Returns the reason with *** for each word that stands in the URL behind its scheme, as passwords do."""
    if shortened(storage) == storage:
        return reason
    hidden = storage.removeprefix(shortened(storage).removesuffix("..."))
    words = set(re.findall(r"\w+", f"{hidden} {unquote(hidden)}"))
    return re.sub(r"\w+", lambda word: "***" if word[0] in words else word[0], reason)
