"""Starts a PostgreSQL server on loopback for benches and tests; server and data end with the block."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path


class Missing(RuntimeError):
    """The reason why no server can be started here."""


@contextmanager
def server() -> Iterator[str]:
    """Yields the server's URL, to which a database's name is added.

    Missing where PostgreSQL, its driver or a user for it is not there. Debian has initdb outside PATH. initdb refuses
    to run as root: for root it runs as nobody.
    """
    initdb, as_nobody = _initdb(), _as_nobody()
    folder = Path(tempfile.mkdtemp(prefix="postgres"))
    try:
        if as_nobody:
            shutil.chown(folder, "nobody")
        data, port = folder / "data", _free_port()
        _run([*as_nobody, str(initdb), "-D", str(data), "-U", "search", "-A", "trust", "-N"], folder)
        options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories= -c fsync=off"
        control = [*as_nobody, str(initdb.with_name("pg_ctl")), "-D", str(data), "-l", str(data / "log"), "-w"]
        _run([*control, "-o", options, "start"], folder)
        try:
            yield f"postgresql://search@127.0.0.1:{port}/"
        finally:
            _run([*control, "-m", "immediate", "stop"], folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def new_database(server: str) -> str:
    """Makes an empty database and returns its URL with the driver."""
    import psycopg

    name = f"of_{os.getpid()}_{time.monotonic_ns()}"
    with psycopg.connect(f"{server}postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return f"{server.replace('postgresql:', 'postgresql+psycopg:')}{name}"  # for SQLAlchemy


def _initdb() -> Path:
    initdb = shutil.which("initdb") or next(map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))), None)
    if initdb is None:
        raise Missing("PostgreSQL is not installed")
    if find_spec("psycopg") is None:
        raise Missing("the extra schedsearch[postgres] is not installed")
    return Path(initdb)


def _as_nobody() -> list[str]:
    if os.geteuid() != 0:
        return []
    if not shutil.which("runuser") or all(user.pw_name != "nobody" for user in pwd.getpwall()):
        raise Missing("PostgreSQL refuses to run as root, and there is no other user to run it")
    return ["runuser", "-u", "nobody", "--"]


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _run(command: list[str], folder: Path) -> None:
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
