"""Opens Optuna's storage in a database, set so that its own time stays small beside the network's."""

import atexit
import os
import shlex
import weakref
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
import sqlalchemy
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from optuna.storages import RDBStorage
from optuna.storages._rdb import models
from sqlalchemy import make_url

from schedsearch.study.errors import PATIENCE, StoreError, check_kind, opening, refused, shown
from vocoder.errors import InputError

_DATABASE_NUMBER = "SELECT oid FROM pg_database WHERE datname = current_database()"
_RESULTS = ("trials.csv", "run.json", "schedule.json")  # a finished search has them beside its store
_WAITING = {"timeout": PATIENCE}  # writers to SQLite wait for one another


@dataclass(frozen=True)
class StoreFile:
    """The file of an opened SQLite store, or a database on a server."""

    storage: str
    path: Path | None  # None: a database in memory or on a server
    id: str  # device and inode, or the server's and the database's number: a copy has others

    @classmethod
    def at(cls, storage: str) -> "StoreFile":
        """Looks at the file or the database that a storage's URL names."""
        url = make_url(storage)
        path = sqlite_file(url)
        return cls(storage, path, _server_id(url) if url.get_backend_name() == "postgresql" else _file_id(path))

    def check(self) -> None:
        """Raises InputError if it is no longer the file that was opened."""
        if self.path is not None and _file_id(self.path) != self.id:
            raise self.replaced()

    def replaced(self) -> StoreError:
        """Returns the error for a store that another one has taken the place of."""
        reason = "its file was deleted or replaced meanwhile, and with it what was searched"
        way_out = "copy it back and give the same command again, which without it begins anew"
        return refused(self.storage, reason, way_out)


def open_storage(storage: str) -> RDBStorage:
    """Opens a storage and makes missing tables; raises what SQLAlchemy and Optuna raise.

    Storing a candidate takes about eight commits. By default SQLite waits for the disk several times in each. With a
    write-ahead log it waits only when the log is folded into the file (sqlite.org/wal.html). A commit survives any
    death of the process. A power cut may take the last commits, but never damages the file. On a file system without
    support for such a log SQLite keeps its default.
    """
    file = sqlite_file(make_url(storage))
    if file and file.is_file() and not file.stat().st_size and any(file.with_name(name).exists() for name in _RESULTS):
        raise refused(storage, "it is empty, beside results", "copy it back, or move it away to start anew")
    check_tables(storage)
    if not storage.startswith("sqlite"):
        return optuna.storages.RDBStorage(storage)
    opened = optuna.storages.RDBStorage(storage, engine_kwargs={"connect_args": _WAITING})
    same_file = StoreFile.at(storage)
    # Otherwise a new connection would make an empty database where the file was.
    sqlalchemy.event.listen(opened.engine, "do_connect", lambda *_: same_file.check())
    sqlalchemy.event.listen(opened.engine, "connect", _write_ahead)
    opened.engine.dispose()  # connections made before
    atexit.register(_close, weakref.ref(opened.engine))
    return opened


def check_reachable(storage: str) -> None:
    """Raises InputError if nothing can be stored at this URL. Leaves no trace there, and is quick."""
    with opening(storage):
        url = make_url(storage)
        check_kind(url)
        if url.get_backend_name() == "sqlite":
            file = sqlite_file(url)
            if file is None:
                raise InputError("STORAGE= must name a file: a database in memory is gone with its process; name one")
            if not (folder := file.absolute().parent).is_dir():
                raise OSError(f"there is no folder {folder}")
        check_tables(storage)


def is_missing(storage: str) -> bool:
    """Says whether this is the URL of an SQLite file that is not there; to open it would make an empty one."""
    file = sqlite_file(make_url(storage))
    return storage.startswith("sqlite") and (file is None or not file.is_file())


def check_tables(storage: str) -> None:
    """Raises InputError for a database of another program or of another Optuna, and leaves it as it is."""
    url = make_url(storage)
    file = sqlite_file(url)
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, connect_args=_WAITING if file else {})
    if url.get_backend_name() == "sqlite" and (file is None or not file.is_file()):
        return
    with engine.connect() as connection:
        inspector = sqlalchemy.inspect(connection)
        tables = {*inspector.get_table_names(), *inspector.get_view_names()}
        heads = MigrationContext.configure(connection).get_current_heads() if "alembic_version" in tables else ()
        optunas = "version_info" in tables and not _is_foreign(inspector, "version_info")
        foreign = "alembic_version" in tables or any(_is_foreign(inspector, name) for name in tables)
    if not optunas and foreign:
        raise refused(storage, "it holds another program's tables", "name another database")
    revisions = _optuna_revisions()
    if heads in ((), (revisions[0],)):
        return
    if set(heads) <= set(revisions):
        command = f".venv/bin/optuna storage upgrade --storage {shlex.quote(shown(storage))}"
        raise refused(storage, "an older Optuna made it", f"upgrade it by {command}, or name another database")
    reason = "it holds another program's tables, or a newer Optuna's"
    raise refused(storage, reason, "name another database, or update Optuna")


def sqlite_file(url: sqlalchemy.URL) -> Path | None:
    """Returns the file of an SQLite URL; None for a database in memory or on a server."""
    name = url.database or ""
    if url.get_backend_name() != "sqlite" or name in ("", ":memory:"):
        return None
    if name.startswith("file:"):  # SQLite's own kind of URL
        name = name.removeprefix("file:").partition("?")[0]
    return Path(name)


def _file_id(file: Path | None) -> str:
    try:
        status = file.stat() if file else None
    except OSError:
        return ""
    return f"{status.st_dev}:{status.st_ino}" if status else ""


def _server_id(url: sqlalchemy.URL) -> str:
    """Returns the number of the server's data, where it may be read, and the database's: a restored dump has others."""
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool)
    with engine.connect() as connection:
        of_database = connection.scalar(sqlalchemy.text(_DATABASE_NUMBER))
    try:
        with engine.connect() as connection:
            of_server = connection.scalar(sqlalchemy.text("SELECT system_identifier FROM pg_control_system()"))
    except sqlalchemy.exc.SQLAlchemyError:  # a host may keep it from its users
        of_server = ""
    return f"{of_server}:{of_database}"


def _is_foreign(inspector: sqlalchemy.Inspector, table: str) -> bool:
    """Says whether a table has the name of one of Optuna's and lacks its columns."""
    own = models.BaseModel.metadata.tables.get(table)
    return own is not None and not set(own.columns.keys()) <= {c["name"] for c in inspector.get_columns(table)}


def _optuna_revisions() -> list[str]:
    """Returns the versions of tables that the installed Optuna knows, the newest first."""
    folder = os.path.join(os.path.dirname(models.__file__), "alembic")
    return [script.revision for script in ScriptDirectory(folder).walk_revisions()]


def _close(engine: "weakref.ref[sqlalchemy.Engine]") -> None:
    """Closes all connections: the log would stay beside the file if a lease's thread still had one."""
    if (alive := engine()) is not None:
        alive.dispose()


def _write_ahead(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
