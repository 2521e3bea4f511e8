"""Opens Optuna's storage in a database, set so that its own time stays small beside the network's."""

import atexit
import weakref
from typing import Any

import optuna
import sqlalchemy
from optuna.storages import RDBStorage

from schedsearch.study.errors import PATIENCE


def open_storage(url: str) -> RDBStorage:
    """Opens a storage and makes missing tables; raises what SQLAlchemy and Optuna raise.

    Storing a candidate takes about eight commits. By default SQLite waits for the disk several times in each. With a
    write-ahead log it waits only when the log is folded into the file (sqlite.org/wal.html). A commit survives any
    death of the process. A power cut may take the last commits, but never damages the file. On a file system without
    support for such a log SQLite keeps its default.
    """
    if not url.startswith("sqlite"):
        return optuna.storages.RDBStorage(url)
    waiting = {"connect_args": {"timeout": PATIENCE}}  # writers wait for one another
    storage = optuna.storages.RDBStorage(url, engine_kwargs=waiting)
    sqlalchemy.event.listen(storage.engine, "connect", _write_ahead)
    storage.engine.dispose()  # connections made before
    atexit.register(_close, weakref.ref(storage.engine))
    return storage


def _close(engine: "weakref.ref[sqlalchemy.Engine]") -> None:
    """Closes all connections: the log would stay beside the file if a lease's thread still had one."""
    if (alive := engine()) is not None:
        alive.dispose()


def _write_ahead(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
