"""The one door to PostgreSQL: pooled connections, a context for every transaction, translated errors."""

from __future__ import annotations

import select
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any
from weakref import WeakSet

import psycopg
from psycopg.rows import dict_row
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import NullPool

from convstore.database.addresses import check_address
from convstore.database.context import Context
from convstore.database.translation import translated
from convstore.settings import Settings

__all__ = ["Asked", "Database", "driver"]

#: A statement and its values, as psycopg takes them.
Asked = tuple[bytes, Mapping[str, Any]]


class Database:
    """Connections to one database.

    Parameters
    ----------
    url
        libpq URL of the application's login, which may switch to `authenticated` and `service_role`.
    admin_url
        libpq URL with rights to change the schema; the same as `url` if left out.
    read_url
        libpq URL of a replica for statistics; the same as `url` if left out.
    """

    def __init__(
        self,
        url: str,
        *,
        admin_url: str | None = None,
        read_url: str | None = None,
        pool_size: int = 10,
        statement_timeout_s: float = 60.0,
    ) -> None:
        self.url = url
        self.admin_url = admin_url or url
        self._statement_timeout_s = statement_timeout_s
        self._open: WeakSet[psycopg.Connection] = WeakSet()
        self._engine = _engine(url, pool_size, self._open)
        self._read_engine = _engine(read_url, pool_size, self._open) if read_url else self._engine

    @classmethod
    def of(cls, settings: Settings, url: str, admin_url: str | None) -> Database:
        """The database of the settings, at addresses that are known by now; `SettingsError` if one is none."""
        read_url = settings.read_url.get_secret_value() if settings.read_url else None
        for variable, address in (("DATABASE_URL", url), ("ADMIN_URL", admin_url), ("READ_URL", read_url)):
            if address is not None:
                check_address(address, f"CONVSTORE_{variable}")
        return cls(
            url,
            admin_url=admin_url,
            read_url=read_url,
            pool_size=settings.pool_size,
            statement_timeout_s=settings.statement_timeout_s,
        )

    @contextmanager
    def transaction(
        self,
        context: Context,
        *,
        read_only: bool = False,
        replica: bool = False,
        snapshot: bool = False,
        timeout_s: float | None = None,
    ) -> Iterator[Connection]:
        """One transaction with the context's role, claims and notes; committed at the end, rolled back by an exception.

        Parameters
        ----------
        snapshot
            Every statement sees the database as the first one did.

        Raises
        ------
        DatabaseUnavailableError
            If no connection can be had.
        ConvstoreError
            For everything that the server refuses, see `convstore.database.translation`.
        """
        engine = self._read_engine if replica else self._engine
        opening = context.opening(timeout_s=timeout_s or self._statement_timeout_s, read_only=read_only)
        with translated(), engine.connect() as connection:
            if snapshot:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                # BEGIN waits in the driver for the first statement; so both are one round trip.
                with driver(connection).pipeline():
                    driver(connection).execute(*opening)
                yield connection

    def ask(self, context: Context, asked: Sequence[Asked]) -> list[list[dict[str, Any]]]:
        """The rows of several queries, sent at once as one transaction that only reads.

        Raises as `transaction` does.
        """
        opening = context.opening(timeout_s=self._statement_timeout_s, read_only=True)
        with translated(), closing(self._engine.raw_connection()) as pooled:
            connection = pooled.driver_connection
            assert isinstance(connection, psycopg.Connection)
            with connection.pipeline():
                connection.execute(*opening)
                cursors = [connection.cursor(row_factory=dict_row).execute(*each) for each in asked]
                connection.commit()
            return [cursor.fetchall() for cursor in cursors]

    @contextmanager
    def admin(self, *, autocommit: bool = False) -> Iterator[psycopg.Connection]:
        """A connection of its own with the rights of the admin's login, for the schema and maintenance."""
        with translated(), psycopg.connect(self.admin_url, autocommit=autocommit) as connection:
            yield connection

    def admin_engine(self) -> Engine:
        """An engine of the admin's login that keeps no connection, for Alembic."""
        return create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(self.admin_url), poolclass=NullPool
        )

    def is_own(self, backend_pid: int) -> bool:
        """Whether a server process serves one of these connections."""
        return any(not one.closed and one.info.backend_pid == backend_pid for one in list(self._open))

    def close(self) -> None:
        """Close every pooled connection."""
        self._engine.dispose()
        self._read_engine.dispose()


def driver(connection: Connection) -> psycopg.Connection:
    """psycopg's own connection under SQLAlchemy's, for COPY and server cursors; the same transaction."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


def _engine(url: str, pool_size: int, opened: WeakSet[psycopg.Connection]) -> Engine:
    def connect() -> psycopg.Connection:
        # No prepared statements on the server: a transaction pooler hands out another session each time.
        made = psycopg.connect(url, prepare_threshold=None if ":6543/" in url else 5, application_name="convstore")
        opened.add(made)
        return made

    engine = create_engine(
        "postgresql+psycopg://", creator=connect, pool_size=pool_size, max_overflow=0, pool_timeout=30
    )
    event.listen(engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: psycopg.Connection, _record: object, _proxy: object) -> None:
    """Have the pool make another connection where the server has ended this one; without a round trip.

    An idle connection has nothing to read; one that was ended has its end.
    """
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    if poll.poll(0):
        raise DisconnectionError
