"""Whose turn it is: what the processes of one trial store do one at a time, such as proposing and claiming.

A lock of the operating system (SQLite) or of the database server (PostgreSQL). Both let go when its holder dies,
however it dies, so that no turn is left behind.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from hashlib import blake2b
from pathlib import Path

import sqlalchemy
from sqlalchemy import make_url

from schedsearch.study.errors import check_kind

# The server finds out within half a minute that a holder's machine is gone, instead of in two hours.
_SERVER = ("tcp_keepalives_idle = 10", "tcp_keepalives_interval = 5", "tcp_keepalives_count = 4", "lock_timeout = 0")


class Turn:
    """`with turn.taken():` waits until no other process has it. Taking it again inside is free."""

    def __init__(self, storage: str) -> None:
        """InputError for databases that have no such lock here."""
        self._taken = False
        url = make_url(storage)
        check_kind(url)
        self._kind = url.get_backend_name()
        self._file = url.database or ""
        if self._file.startswith("file:"):  # SQLite's own kind of URL
            self._file = self._file.removeprefix("file:").partition("?")[0]
        if self._kind == "postgresql":
            self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)

    @contextmanager
    def taken(self, of: str = "") -> Iterator[bool]:
        """Whether it was taken now, and not further out. `of`: what the turn is about, such as a study; on a server
        different ones don't wait for each other."""
        if self._taken:
            yield False
            return
        with self._lock(of):
            self._taken = True
            try:
                yield True
            finally:
                self._taken = False

    def _lock(self, of: str) -> AbstractContextManager[None]:
        if self._kind == "postgresql":
            return _on_server(self._engine, of)
        return nullcontext() if self._file in ("", ":memory:") else _on_folder(Path(self._file).absolute().parent)


@contextmanager
def _on_folder(folder: Path) -> Iterator[None]:
    """The folder itself is locked, so that no lock file is left in it. Not the database: closing any handle of it
    would drop SQLite's own locks of this process (sqlite.org/howtocorrupt.html, 2.2)."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


@contextmanager
def _on_server(engine: sqlalchemy.Engine, of: str) -> Iterator[None]:
    """Bound to a transaction, so that it works behind connection pools too."""
    key = int.from_bytes(blake2b(f"schedsearch {of}".encode(), digest_size=8).digest(), signed=True)
    with engine.begin() as connection:
        for setting in _SERVER:
            connection.execute(sqlalchemy.text(f"SET LOCAL {setting}"))
        connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})
        yield
