"""A lock on a trial store: its processes propose and claim one at a time.

It is a lock of the operating system (SQLite) or of the database server (PostgreSQL). Both release it when the process
that holds it dies, however it dies.
"""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from hashlib import blake2b
from pathlib import Path

import sqlalchemy
from sqlalchemy import make_url

from schedsearch.study.database import sqlite_file
from schedsearch.study.errors import check_kind
from schedsearch.study.processes import flock_holder, how_to_go_on, this_process

# With these the server notices within half a minute that a client's machine is gone, instead of in two hours.
_KEEPALIVES = ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 4")
_SETTINGS = (*_KEEPALIVES, "lock_timeout = 0")

_HOLDER = """
SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid::bigint = :high AND objid::bigint = :low
"""
NOTICE = 5.0  # seconds of waiting after which the user is told for which process
_log = logging.getLogger("schedsearch")


class StoreLock:
    """`with lock.held():` waits until no other process holds the lock. Holding it again inside is free."""

    def __init__(self, storage: str) -> None:
        """Raises InputError for a kind of database without such a lock here."""
        self._held, self.storage = False, storage
        url = make_url(storage)
        check_kind(url)
        self._file = sqlite_file(url)
        self._engine = None
        if url.get_backend_name() == "postgresql":
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)

    @contextmanager
    def held(self, subject: str = "") -> Iterator[bool]:
        """Yields whether the lock was acquired now, and not by an enclosing block.

        On a server, blocks with different subjects (such as studies) don't wait for each other.
        """
        if self._held:
            yield False
            return
        with self._locked(subject):
            self._held = True
            try:
                yield True
            finally:
                self._held = False

    def _locked(self, subject: str) -> AbstractContextManager[None]:
        if self._engine is not None:
            return _locked_on_server(self._engine, subject)
        return locked_folder(self._file.absolute().parent) if self._file else nullcontext()


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Locks the folder itself, which leaves no lock file in it. After some seconds of waiting it says for whom.

    Locking the database would not do: closing any handle of it drops SQLite's own locks of this process
    (sqlite.org/howtocorrupt.html, 2.2).
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with _telling(lambda: flock_holder(handle)):
                fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _locked_on_server(engine: sqlalchemy.Engine, subject: str) -> Iterator[None]:
    """Binds the lock to a transaction, so that it works behind connection pools too."""
    key = int.from_bytes(blake2b(f"schedsearch {subject}".encode(), digest_size=8).digest(), signed=True)
    with engine.begin() as connection:
        for setting in _SETTINGS:
            connection.execute(sqlalchemy.text(f"SET LOCAL {setting}"))
        connection.execute(sqlalchemy.text("SELECT set_config('application_name', :me, true)"), {"me": this_process()})
        if not connection.scalar(sqlalchemy.text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": key}):
            with _telling(lambda: _holder_on_server(engine, key)):
                connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield


@contextmanager
def _telling(holder: Callable[[], str | None]) -> Iterator[None]:
    """Says which process holds the lock, if the block that waits for it takes long."""

    def tell() -> None:
        with suppress(sqlalchemy.exc.SQLAlchemyError):  # the wait itself will meet it
            if (process := holder()) is not None:
                _log.warning(how_to_go_on(process))

    notice = threading.Timer(NOTICE, tell)
    notice.daemon = True
    notice.start()
    try:
        yield
    finally:
        notice.cancel()


def _holder_on_server(engine: sqlalchemy.Engine, key: int) -> str | None:
    """Returns the name that the holder of an advisory lock has given its connection."""
    words = {"high": key >> 32 & 0xFFFFFFFF, "low": key & 0xFFFFFFFF}
    with engine.connect() as connection:
        name: str | None = connection.scalar(sqlalchemy.text(_HOLDER), words)
    return name
