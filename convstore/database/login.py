"""The application's login, which migrations make: it gets the password of the address that the settings name."""

from __future__ import annotations

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from convstore.database.addresses import APP_ROLE
from convstore.database.engine import Database
from convstore.database.translation import translated

__all__ = ["admit_login", "has_login"]


def has_login(database: Database) -> bool:
    """True if the server knows the application's login, of this database or of another."""
    with database.admin() as connection:
        return connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [APP_ROLE]).fetchone() is not None


def admit_login(database: Database, *, is_new: bool) -> None:
    """Give a login that was just made its password, and see that the application's address lets it in.

    A login that was there already keeps what it has: other databases of the server may be served by it.

    Raises
    ------
    DatabaseUnavailableError
        The address lets nobody in.
    """
    address = conninfo_to_dict(database.url)
    # Supabase's pooler wants the project behind the name.
    name, password = str(address.get("user", "")).partition(".")[0], address.get("password")
    if is_new and name == APP_ROLE and password:
        with database.admin() as connection:
            # Neither the server's log nor anybody who listens learns it.
            secret = connection.pgconn.encrypt_password(str(password).encode(), name.encode(), b"scram-sha-256")
            connection.execute(
                sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(secret.decode()))
            )
    with translated(), psycopg.connect(database.url):
        pass
