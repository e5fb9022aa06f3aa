"""Is everything there that an operation needs: settings, a server, the table, the rights, a key to upsert by?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from convstore.database import Context, Database
from convstore.errors import ConvstoreError, DatabaseError, ForbiddenError, UsageError
from convstore.saol.advice import advise
from convstore.saol.catalogue import Relation, get_relation
from convstore.saol.filters import check_names
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import Connection, fetch, session
from convstore.settings import Settings

__all__ = ["PreflightCheck", "PreflightResult", "agent_preflight", "check_privileges", "choose_upsert_key"]

OLDEST_SERVER = 150_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightCheck:
    """One fact and what to do about it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    fact: str
    next_action: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreflightResult(Result):
    """`ok` is True if nothing fails; `checks` stops at the first that makes the rest pointless."""

    ok: bool = False
    checks: tuple[PreflightCheck, ...] = ()


@operation(PreflightResult)
def agent_preflight(
    database: Database,
    *,
    table: str | None = None,
    mode: Literal["read", "insert", "upsert"] = "insert",
    on_conflict: str | Sequence[str] | None = None,
    as_user: Context | None = None,
) -> PreflightResult:
    """Check settings, connection and, for a table, that it exists, may be written and can be upserted."""
    checks: list[PreflightCheck] = []
    actions: list[NextAction] = []
    code: str | None = None
    try:
        checks.append(_settings())
        with session(database, as_user, read_only=True) as connection:
            checks.append(_connection(connection))
            if table is not None:
                # One by one: what was found out before a failure is part of the answer.
                checks.extend(_table(connection, table, mode, check_names(on_conflict, "on_conflict")))
    except ConvstoreError as error:
        code = error.code
        actions += advise(error.code, hint=error.hint)
        checks.append(PreflightCheck(name=_step(checks), status="fail", fact=error.message, next_action=error.hint))
    failed = [check for check in checks if check.status == "fail"]
    if failed and code is None:
        code = "ERR_PREFLIGHT"
        actions += advise(code, hint=failed[0].next_action)
    return PreflightResult(
        success=not failed,
        ok=not failed,
        summary=f"{failed[0].name}: {failed[0].fact}" if failed else f"{len(checks)} checks passed",
        code=code,
        next_actions=tuple(actions),
        checks=tuple(checks),
    )


def _step(checks: Sequence[PreflightCheck]) -> str:
    return ("settings", "connection", "table", "privileges", "upsert key")[min(len(checks), 4)]


def _settings() -> PreflightCheck:
    settings = Settings.load()
    fact = "no CONVSTORE_DATABASE_URL: the embedded server" if settings.embedded else "CONVSTORE_DATABASE_URL is set"
    return PreflightCheck(name="settings", status="ok", fact=fact)


def _connection(connection: Connection) -> PreflightCheck:
    row = fetch(
        connection,
        "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version,"
        " current_user::text AS role",
    )[0]
    old = row["number"] < OLDEST_SERVER
    return PreflightCheck(
        name="connection",
        status="fail" if old else "ok",
        fact=f"PostgreSQL {row['version']} as {row['role']}",
        next_action="Use PostgreSQL 15 or later." if old else "",
    )


def _table(connection: Connection, table: str, mode: str, on_conflict: list[str]) -> Iterator[PreflightCheck]:
    if mode not in ("read", "insert", "upsert"):
        raise UsageError(f"there is no mode {mode!r}", hint="Use read, insert or upsert.")
    relation = get_relation(connection, table)
    yield PreflightCheck(name="table", status="ok", fact=f"{relation.label} has {len(relation.columns)} columns")
    needed = {"read": ("SELECT",), "insert": ("INSERT",), "upsert": ("INSERT", "UPDATE")}[mode]
    check_privileges(connection, relation, *needed)
    yield PreflightCheck(name="privileges", status="ok", fact=f"{', '.join(needed)} on {relation.label}")
    if mode == "upsert":
        key = choose_upsert_key(relation, on_conflict)
        yield PreflightCheck(name="upsert key", status="ok", fact=f"({', '.join(key)}) is unique and not null")


def check_privileges(connection: Connection, relation: Relation, *privileges: str) -> None:
    """Find a missing privilege before the work starts; one on any column is enough, the server checks the columns.

    Raises
    ------
    ForbiddenError
        ERR_SCHEMA_ACCESS_DENIED, names the privilege and the role.
    """
    for privilege in privileges:
        # DELETE exists for whole tables only.
        whole = privilege == "DELETE"
        row = fetch(
            connection,
            """
            SELECT current_user::text AS role,
                   CASE WHEN $3::boolean THEN has_table_privilege($1::oid, $2)
                        ELSE has_any_column_privilege($1::oid, $2) END AS held
            """,
            [relation.oid, privilege, whole],
        )[0]
        if not row["held"]:
            raise ForbiddenError(
                f"the role {row['role']} may not {privilege} on {relation.label}",
                code="ERR_SCHEMA_ACCESS_DENIED",
                hint="Use a role that has the privilege, or ask an admin.",
                facts={"table": relation.label, "privilege": privilege, "role": row["role"]},
            )


def choose_upsert_key(relation: Relation, on_conflict: Sequence[str]) -> tuple[str, ...]:
    """The columns to upsert by: the given ones, else the primary key.

    Raises
    ------
    DatabaseError
        ERR_UPSERT_KEY if they are not UNIQUE and NOT NULL together, naming the keys that are.
    """
    wanted = tuple(relation.get_column(name).name for name in on_conflict) or relation.primary_key
    key = next((key for key in relation.keys if set(key.columns) == set(wanted)), None)
    if wanted and key is not None and key.total:
        return wanted
    ready = ["(" + ", ".join(key.columns) + ")" for key in relation.keys if key.total]
    why = "is not UNIQUE" if key is None else "may be null, so that equal rows do not meet"
    raise DatabaseError(
        f"({', '.join(wanted)}) of {relation.label} {why}" if wanted else f"{relation.label} has no primary key",
        code="ERR_UPSERT_KEY",
        hint=f"Keys that can be used: {', '.join(ready)}." if ready else "Create a UNIQUE key over NOT NULL columns.",
        facts={"table": relation.label, "on_conflict": list(wanted), "keys": ready},
    )
