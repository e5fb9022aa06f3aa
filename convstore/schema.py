"""Setting a database up and finding out how far it is: the migrations, the first workspace, the first person.

Alembic is loaded only where something has to be done: every command asks how far its own server is, and the answer is
almost always that nothing is left.
"""

from __future__ import annotations

import io
import json
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import psycopg
from sqlalchemy import text

from convstore.database import SYSTEM_ID, Database, system_context
from convstore.database.login import admit_login, has_login
from convstore.database.migration import MIGRATION_LOCK
from convstore.errors import DatabaseError, UsageError
from convstore.resources import MIGRATIONS_FOLDER

if TYPE_CHECKING:
    from alembic.config import Config

__all__ = [
    "SchemaState",
    "check_version",
    "get_state",
    "newest_revision",
    "render_sql",
    "render_upgrade",
    "seed",
    "upgrade",
]

LOCAL_ISSUER = "local"

# Alembic keeps what it is doing in module globals: one thread of a process at a time.
_ALEMBIC = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaState:
    """Revision of a database (None: empty) and of this version of the product."""

    found: str | None
    wanted: str

    @property
    def current(self) -> bool:
        """True if nothing is left to do."""
        return self.found == self.wanted


def _config() -> Config:
    from alembic.config import Config

    config = Config(output_buffer=io.StringIO())
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER).replace("%", "%%"))
    return config


def newest_revision() -> str:
    """Where this version of the product is: versions are numbered, one file each."""
    return max(path.name[:4] for path in (MIGRATIONS_FOLDER / "versions").glob("[0-9]*.py"))


def get_state(database: Database) -> SchemaState:
    """How far the database is."""
    wanted = newest_revision()
    with database.admin() as connection:
        row = None
        if connection.execute("SELECT to_regclass('alembic_version') IS NOT NULL").fetchone() == (True,):
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return SchemaState(found=None if row is None else row[0], wanted=wanted)


def check_version(database: Database) -> None:
    """Refuse a database of another version than this one's; asked with the application's login.

    Raises
    ------
    DatabaseError
        Says which version has to be brought to the other, and how.
    """
    wanted = newest_revision()
    with database.transaction(system_context(), read_only=True) as connection:
        found = None
        if connection.execute(text("SELECT to_regprocedure('convstore.schema_version()') IS NOT NULL")).scalar_one():
            found = connection.execute(text("SELECT convstore.schema_version()")).scalar_one_or_none()
    if found == wanted:
        return
    is_newer = found is not None and found > wanted
    raise DatabaseError(
        f"the database is at version {found or 'none'} and this version of convstore needs {wanted}",
        hint="Install the newer convstore that upgraded it."
        if is_newer
        else "Save it with `convstore backup`, then run `convstore init`; nothing is served before.",
        facts={"found": found, "wanted": wanted},
        code="ERR_SCHEMA_VERSION",
    )


def upgrade(database: Database, *, dry_run: bool = False) -> SchemaState:
    """Bring the database to this version, in one transaction; harmless when it is there already.

    Two callers at once are serialised by a lock in the database. A dry run does everything and rolls it back.

    Raises
    ------
    DatabaseError
        A statement failed and nothing was changed, or the result is not what this version expects.
    DatabaseUnavailableError
        The tables are there, and the application's address lets nobody in.
    """
    before = get_state(database)
    if before.current:
        return before
    from convstore.saol import agent_execute_ddl, verify_setup

    login_is_new = not has_login(database)
    script = _LOCKED.format(lock=MIGRATION_LOCK, found=before.found or "") + render_upgrade(before.found)
    result = agent_execute_ddl(database, sql=script, dry_run=dry_run, confirm=True)
    after = get_state(database)
    if dry_run and result.success:
        return after
    if not after.current:
        raise DatabaseError(
            result.summary, code=result.code, facts=result.facts, hint=result.next_actions[0].description
        )
    admit_login(database, is_new=login_is_new)
    verified = verify_setup(database)
    if not verified.success:
        raise DatabaseError(
            verified.summary, code=verified.code, hint="`convstore saol verify` names every difference."
        )
    return after


#: Runs before the migrations: whoever waited for the lock finds that somebody else did the work, and stops.
_LOCKED = """
SELECT pg_advisory_xact_lock({lock});
DO $guard$
DECLARE
    version text := '';
BEGIN
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        SELECT coalesce(max(version_num), '') INTO version FROM public.alembic_version;
    END IF;
    IF version <> '{found}' THEN
        RAISE EXCEPTION 'somebody else is setting this database up: it was at version "{found}" and is at "%"', version
            USING ERRCODE = '40001';
    END IF;
END
$guard$;
"""


def render_sql() -> str:
    """Everything that `upgrade` runs on an empty database, as one script with its own transaction."""
    return _render(None, "head", with_transaction=True)


def render_upgrade(found: str | None, wanted: str = "head") -> str:
    """What leads from one revision (None: an empty database) to another, for a transaction of the caller's."""
    return _render(found, wanted, with_transaction=False)


def _render(found: str | None, wanted: str, *, with_transaction: bool) -> str:
    from alembic import command

    config = _config()
    config.attributes["with_transaction"] = with_transaction
    buffer = io.StringIO()
    config.output_buffer = buffer
    with _ALEMBIC, redirect_stdout(io.StringIO()):
        command.upgrade(config, f"{found}:{wanted}" if found else wanted, sql=True)
    return buffer.getvalue()


def seed(database: Database, *, admin_email: str | None, local_name: str) -> UUID:
    """Make the workspace `default` and its first admin where they are missing; the admin's profile id.

    Parameters
    ----------
    admin_email
        The first admin; None: the local user of this machine.
    """
    with database.admin() as connection:
        # Whoever comes second sees what the first one made.
        connection.execute("SELECT pg_advisory_xact_lock(%s)", [MIGRATION_LOCK])
        connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [json.dumps({"sub": str(SYSTEM_ID)})])
        workspace = _one(
            connection,
            """
            WITH made AS (
                INSERT INTO workspaces (slug, name) VALUES ('default', 'Default')
                ON CONFLICT (slug) DO NOTHING RETURNING id
            )
            SELECT id FROM made UNION ALL SELECT id FROM workspaces WHERE slug = 'default' LIMIT 1
            """,
        )
        if admin_email is None:
            profile = _one(
                connection,
                """
                INSERT INTO profiles (issuer, subject, name, email) VALUES (%s, 'user', %s, 'local@localhost')
                ON CONFLICT (issuer, subject) DO UPDATE SET name = profiles.name RETURNING id
                """,
                LOCAL_ISSUER,
                local_name,
            )
            _make_admin(connection, workspace, profile)
        else:
            email = admin_email.strip().lower()
            if "@" not in email:
                raise UsageError(
                    f"{admin_email!r} is not an e-mail address", hint="Give one: convstore init --admin you@example.org"
                )
            found = connection.execute(
                "SELECT id FROM profiles WHERE email = %s ORDER BY created_at LIMIT 1", [email]
            ).fetchone()
            if found is None:
                # Known before the first sign-in: the identity is claimed by the first verified e-mail.
                connection.execute(
                    "INSERT INTO workspace_invitations (workspace_id, email, role) VALUES (%s, %s, 'admin')"
                    " ON CONFLICT (workspace_id, email) DO UPDATE SET role = 'admin'",
                    [workspace, email],
                )
                profile = workspace
            else:
                profile = found[0]
                _make_admin(connection, workspace, profile)
    return profile


def _make_admin(connection: psycopg.Connection, workspace: UUID, profile: UUID) -> None:
    connection.execute(
        "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, 'admin') ON CONFLICT DO NOTHING",
        [workspace, profile],
    )


def _one(connection: psycopg.Connection, query: str, *parameters: object) -> UUID:
    row = connection.execute(query, list(parameters)).fetchone()
    assert row is not None
    found = row[0]
    assert isinstance(found, UUID)
    return found
