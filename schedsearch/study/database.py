"""Opens Optuna's storage in a database, set so that its own time stays small beside the network's."""

import atexit
import weakref
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage

from schedsearch.study.errors import PATIENCE


def open_storage(url: str) -> RDBStorage:
    """Tables are made where there are none. Raises what SQLAlchemy and Optuna raise.

    A stored candidate is some eight commits. SQLite's default waits for the disk in each of them, several times; its
    write-ahead log waits when it is folded into the file (sqlite.org/wal.html). What is committed survives any death of
    a process; a power cut may take the last commits, never the file. Where a file system can't have such a log, SQLite
    stays with its default.
    """
    if not url.startswith("sqlite"):
        return optuna.storages.RDBStorage(url)
    waiting = {"connect_args": {"timeout": PATIENCE}}  # writers wait for one another
    storage = optuna.storages.RDBStorage(url, engine_kwargs=waiting)
    sqlalchemy.event.listen(storage.engine, "connect", _log_ahead)
    storage.engine.dispose()  # connections made before
    atexit.register(_close, weakref.ref(storage.engine))
    return storage


def _close(engine: "weakref.ref[sqlalchemy.Engine]") -> None:
    """At the process's end, or the log stays beside the file where another thread, a lease's, had a connection."""
    if (alive := engine()) is not None:
        alive.dispose()


def _log_ahead(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
