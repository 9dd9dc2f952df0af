"""The file behind a store: SQLite with a write-ahead log, written in the order of the calls.

A call is answered once its effect is on disk. Bringing a transaction to disk takes milliseconds, however much is in it,
so one thread writes whatever has gathered since it last wrote, and all calls whose effects these are go on together.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_compat.errors import CompatError

SCHEMA_VERSION = 1
APPLICATION_ID = 0x5241494E
"""Marks a SQLite file as one of this program (`RAIN`)."""

_SCHEMA = """
CREATE TABLE clusters (
    name TEXT PRIMARY KEY, token TEXT NOT NULL, secret TEXT NOT NULL, nodes TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{}'
) STRICT;
CREATE TABLE subsystems (
    cluster TEXT NOT NULL REFERENCES clusters(name) ON DELETE CASCADE, name TEXT NOT NULL, nodes TEXT NOT NULL,
    PRIMARY KEY (cluster, name)
) STRICT;
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,  -- an id is never given twice, also when its job has gone
    cluster TEXT NOT NULL REFERENCES clusters(name) ON DELETE CASCADE, job TEXT NOT NULL
) STRICT;
CREATE INDEX jobs_of_cluster ON jobs (cluster);
"""

Statement = tuple[str, Sequence[Any]]


class DatabaseError(CompatError):
    """The file cannot be opened, read or written."""


class Database:
    """A file that holds what a store knows. Safe to use from several threads.

    Args:
        path: The file; made, readable by its owner alone, when it is not there.
        cleanup: Forget what the file holds.

    Raises:
        DatabaseError: It is no database of this program, or in use by another server. It is left as it was.
    """

    def __init__(self, path: Path, *, cleanup: bool = False) -> None:
        self._path = path
        self._gathering = threading.Condition()
        self._waiting: list[tuple[Sequence[Statement], Future[None]]] = []
        self._last: Future[None] = Future()
        self._last.set_result(None)
        self._closing = False
        self._broken: DatabaseError | None = None
        try:
            self._connection = self._open(cleanup)
        except (sqlite3.Error, OSError) as error:
            raise DatabaseError(
                f"cannot open the database {path}: {error}; is it one of this program, and no other server using it?"
            ) from None
        self._writer = threading.Thread(target=self._write_all, name="database", daemon=True)
        self._writer.start()

    def _open(self, cleanup: bool) -> sqlite3.Connection:
        # Not opened when it is there: closing it again would take the locks from a server in this very process.
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        # An absolute path, as `:memory:` would be something else.
        connection = sqlite3.connect(self._path.absolute(), isolation_level=None, check_same_thread=False, timeout=1)
        try:
            # One server at a time: two would each know half. Held as long as the connection, and lost with the process.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            new = not connection.execute("SELECT 1 FROM sqlite_master").fetchone()
            (application,) = connection.execute("PRAGMA application_id").fetchone()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if not new and application != APPLICATION_ID:
                raise sqlite3.DatabaseError("another program made it")
            if not new and version != SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"it has version {version}, expected {SCHEMA_VERSION}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA foreign_keys = ON")
            if new:
                marks = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};"
                connection.executescript(f"BEGIN;{_SCHEMA}{marks}COMMIT;")
            elif cleanup:
                connection.executescript("BEGIN;DELETE FROM clusters;DELETE FROM sqlite_sequence;COMMIT;")
        except BaseException:
            connection.close()
            raise
        return connection

    def rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query; for reading everything before the first write.

        Raises:
            DatabaseError: The file cannot be read.
        """
        try:
            yield from self._connection.execute(query)
        except sqlite3.Error as error:
            raise DatabaseError(f"cannot read the database {self._path}: {error}") from None

    def write(self, *statements: Statement) -> Future[None]:
        """Have a transaction written, after those before it; the result is there once it is on disk.

        The result raises DatabaseError when the file cannot be written. From then on nothing is.
        """
        written: Future[None] = Future()
        with self._gathering:
            if self._closing:
                written.set_exception(DatabaseError(f"the database {self._path} is closed"))
                return written
            self._waiting.append((statements, written))
            self._last = written
            self._gathering.notify()
        return written

    def check(self) -> None:
        """Raise DatabaseError when nothing can be written any more."""
        if self._broken is not None:
            raise self._broken

    def settle(self) -> None:
        """Wait until everything that was to be written is on disk.

        Raises:
            DatabaseError: It cannot be written.
        """
        self._last.result()

    def close(self) -> None:
        """Write what is left, and close the file."""
        with self._gathering:
            self._closing = True
            self._gathering.notify()
        self._writer.join()
        self._connection.close()

    def _write_all(self) -> None:
        while True:
            with self._gathering:
                self._gathering.wait_for(lambda: self._waiting or self._closing)
                if not self._waiting:
                    return
                batch, self._waiting = self._waiting, []
            if self._broken is None:
                self._broken = self._transact([statement for statements, _ in batch for statement in statements])
            for _, written in batch:
                if self._broken is None:
                    written.set_result(None)
                else:
                    written.set_exception(self._broken)

    def _transact(self, statements: Sequence[Statement]) -> DatabaseError | None:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                self._connection.execute(statement, values)
            self._connection.execute("COMMIT")
        except Exception as error:  # whatever it is, calls wait for this thread
            with suppress(sqlite3.Error):
                self._connection.rollback()
            return DatabaseError(f"cannot write the database {self._path}: {error}; mend that and restart the server")
        return None
