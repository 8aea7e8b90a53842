"""The queue's database: SQLite for one machine, PostgreSQL for a team; brought up to date here."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError

from scalemai_core.errors import UsageError

MIGRATIONS = Path(__file__).with_name("migrations")
VERSION_TABLE = "review_migration"
FILLING = 0x5CA1E
"""Key of PostgreSQL's advisory lock: who migrates or fills a queue does so alone."""
BUSY_MS = 30_000
"""How long SQLite waits for another writer."""
WAIT_SECONDS = 0.02
POOL = 32
"""Connections kept open for PostgreSQL: a page's server answers in as many threads."""


class Database:
    """Transactions on one database; safe to share between threads."""

    def __init__(self, url: str) -> None:
        """Open and bring up to date; raises UsageError naming what is wrong."""
        try:
            self._engine = _engine(url)
            self._writing = self._engine.execution_options(writes=True)
            with self.alone() as connection:
                _migrate(connection)
        except (ArgumentError, NoSuchModuleError, OperationalError, RevisionError) as error:
            # An address may hold a password; the error's own text repeats none of it.
            raise UsageError(
                f"cannot open the review queue: {error}; check review.database"
            ) from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that changes nothing."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction: all of it happens, or nothing."""
        with self._writing.begin() as connection:
            yield connection

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A transaction that waits for others of its kind, and they for it."""
        with self.writing() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FILLING})
            yield connection

    def close(self) -> None:
        """Give its connections back."""
        self._engine.dispose()


def _engine(url: str) -> Engine:
    address = make_url(url)
    if address.drivername == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_size=POOL, max_overflow=POOL, pool_pre_ping=True)
    engine = create_engine(address)
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers see through a writer, and writers wait for each other."""
    connection.isolation_level = None  # transactions begin where _begin_sqlite says so
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    connection.execute("PRAGMA synchronous = NORMAL")
    _log_ahead(connection)


def _log_ahead(connection: Any) -> None:
    """Turn a new file to write-ahead logging; SQLite does not wait for others who do the same."""
    until = time.monotonic() + BUSY_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(WAIT_SECONDS)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that starts by reading and then writes fails where another wrote in between.
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _migrate(connection: Connection) -> None:
    """Take the steps that this database has not seen, in the caller's transaction."""
    steps = ScriptDirectory(str(MIGRATIONS))
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    current = context.get_current_revision()
    with Operations.context(context):
        for step in reversed(list(steps.iterate_revisions("head", current or "base"))):
            step.module.upgrade()
            context.stamp(steps, step.revision)
