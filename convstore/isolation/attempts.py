"""Everybody tries everything: roles, tables, commands, columns, own and others' workspaces, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import psycopg
from psycopg import sql

from convstore.isolation.catalogue import Table
from convstore.isolation.rights import Command, TableRights
from convstore.isolation.specimens import OWNER_COLUMNS, Specimens

__all__ = ["IDENTITIES", "Deviation", "Identity", "list_deviations"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who tries: a database role (None: the login as it is) and a role in the workspace."""

    name: str
    database_role: str | None = "authenticated"
    role: str | None = None
    was_member: bool = False


#: Everybody who can reach the database with what convstore hands out.
IDENTITIES = (
    Identity(name="anon", database_role="anon"),
    Identity(name="stranger"),
    Identity(name="former member", was_member=True),
    Identity(name="viewer", role="viewer"),
    Identity(name="reviewer", role="reviewer"),
    Identity(name="lead", role="lead"),
    Identity(name="admin", role="admin"),
    Identity(name="service_role", database_role="service_role"),
    Identity(name="application login", database_role=None),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Something that came out otherwise than the table of rights says."""

    identity: str
    table: str
    command: str
    column: str | None
    in_own_workspace: bool
    is_own_row: bool
    allowed: bool
    outcome: str

    def __str__(self) -> str:
        where = "own" if self.in_own_workspace else "another"
        row = "own row" if self.is_own_row else "somebody's row"
        what = f"{self.command} {self.table}" + (f".{self.column}" if self.column else "")
        must = "must work" if self.allowed else "must be refused"
        return f"{self.identity}: {what} ({row}, {where} workspace) {must}, but: {self.outcome}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    table: str
    command: Command | Literal["TRUNCATE"]
    column: str | None
    in_own_workspace: bool
    is_own_row: bool
    statement: str

    def is_allowed(self, identity: Identity, rights: TableRights) -> bool:
        """What the table of rights says about it."""
        if self.command == "TRUNCATE":
            return False
        if identity.database_role == "service_role":
            return self.command in rights.service
        if identity.database_role != "authenticated":
            return False
        role = identity.role if self.in_own_workspace else None
        return rights.allows(self.command, role=role, own=self.is_own_row, column=self.column)


# Every statement runs in a subtransaction that its own exception rolls back; the rows it touched are the message.
_TRY_ALL = """
DO $do$
DECLARE
    statement text;
    touched bigint;
    outcomes text[] := '{}';
BEGIN
    FOR statement IN SELECT jsonb_array_elements_text(current_setting('convstore.attempts')::jsonb) LOOP
        BEGIN
            EXECUTE statement;
            GET DIAGNOSTICS touched = ROW_COUNT;
            RAISE EXCEPTION USING ERRCODE = 'CV001', MESSAGE = touched;
        EXCEPTION WHEN OTHERS THEN
            outcomes := array_append(outcomes, SQLSTATE || SQLERRM);
        END;
    END LOOP;
    PERFORM set_config('convstore.outcomes', to_json(outcomes)::text, true);
END
$do$
"""


def list_deviations(
    connection: psycopg.Connection,
    login: psycopg.Connection,
    tables: Mapping[str, Table],
    rights: Mapping[str, TableRights],
    identities: Iterable[Identity] = IDENTITIES,
) -> list[Deviation]:
    """What these identities can and cannot do, against the table of rights. Rolls both connections back.

    Parameters
    ----------
    connection
        Of the owner of the tables.
    login
        Of the application's login, for what it may do without taking a role.
    """
    deviations: list[Deviation] = []
    try:
        connection.execute("SET LOCAL lock_timeout = '5s'")
        specimens = Specimens(connection, tables)
        own, other, actor, colleague = (
            specimens.workspace(), specimens.workspace(), specimens.person(), specimens.person(),
        )  # fmt: skip
        for workspace in (own, other):
            specimens.member(workspace, colleague, "admin")
        # One actor for all: they differ by role alone, and thousands of statements are made once.
        attempts = [
            attempt
            for table in tables.values()
            if table.name in rights
            for workspace in (own, other)
            for owner in (actor, colleague)
            for attempt in _attempts_on(
                specimens, table, rights[table.name],
                workspace=workspace, owner=owner, is_own_workspace=workspace == own, is_own_row=owner == actor,
            )
        ]  # fmt: skip
        for identity in identities:
            connection.execute("SAVEPOINT before_identity")
            if identity.role or identity.was_member:
                specimens.member(own, actor, identity.role or "admin")
            if identity.was_member:
                connection.execute("DELETE FROM public.workspace_members WHERE user_id = %s", [actor])
            outcomes = _try_all(connection if identity.database_role else login, identity, actor, attempts)
            connection.execute("ROLLBACK TO SAVEPOINT before_identity")
            deviations += _compare(identity, rights, attempts, outcomes)
    finally:
        connection.rollback()
        login.rollback()
    return deviations


def _compare(
    identity: Identity, rights: Mapping[str, TableRights], attempts: list[_Attempt], outcomes: list[tuple[bool, str]]
) -> Iterator[Deviation]:
    for attempt, (happened, outcome) in zip(attempts, outcomes, strict=True):
        allowed = attempt.is_allowed(identity, rights[attempt.table])
        if happened is not allowed:
            yield Deviation(
                identity=identity.name,
                table=attempt.table,
                command=attempt.command,
                column=attempt.column,
                in_own_workspace=attempt.in_own_workspace,
                is_own_row=attempt.is_own_row,
                allowed=allowed,
                outcome=outcome,
            )


def _attempts_on(
    specimens: Specimens,
    table: Table,
    rights: TableRights,
    *,
    workspace: UUID,
    owner: UUID,
    is_own_workspace: bool,
    is_own_row: bool,
) -> Iterator[_Attempt]:
    has_owner = table.name == "profiles" or _owner_is_known(specimens, table)
    if is_own_row and not has_owner:
        return
    key = {"id": owner} if table.name == "profiles" and is_own_row else specimens.row(table.name, workspace, owner)
    fresh = specimens.values(table.name, workspace, owner)

    def attempt(command: Command | Literal["TRUNCATE"], statement: sql.Composed, column: str | None = None) -> _Attempt:
        return _Attempt(
            table=table.name,
            command=command,
            column=column,
            in_own_workspace=is_own_workspace,
            is_own_row=is_own_row,
            statement=statement.as_string(specimens.connection),
        )

    name = sql.SQL("public.{}").format(sql.Identifier(table.name))
    where = sql.SQL(" AND ").join(sql.SQL("{} = {}").format(sql.Identifier(k), sql.Literal(v)) for k, v in key.items())
    yield attempt("SELECT", sql.SQL("SELECT FROM {} WHERE {}").format(name, where))
    yield attempt("DELETE", sql.SQL("DELETE FROM {} WHERE {}").format(name, where))
    yield attempt("TRUNCATE", sql.SQL("TRUNCATE {} CASCADE").format(name))
    yield attempt("INSERT", _insert(name, fresh))
    # Elsewhere a row is read whole or not at all.
    reads_by_column = any(grant.columns for grant in rights.grants["SELECT"])
    for column in table.columns:
        if reads_by_column:
            read = sql.SQL("SELECT {} FROM {} WHERE {}").format(sql.Identifier(column.name), name, where)
            yield attempt("SELECT", read, column.name)
        if column.name not in fresh:
            statement = _insert(name, {**fresh, column.name: None})
            yield attempt("INSERT", statement, column.name)
        if column.made_by_the_server:
            continue
        same = sql.SQL("UPDATE {0} SET {1} = {1} WHERE {2}").format(name, sql.Identifier(column.name), where)
        yield attempt("UPDATE", same, column.name)


def _owner_is_known(specimens: Specimens, table: Table) -> bool:
    """True if the row says whose it is, or a row that it cannot be without does."""
    if any(table.has(column) for column in OWNER_COLUMNS):
        return True
    required = {column.name for column in table.columns if column.required}
    return any(
        reference.table not in ("workspaces", "profiles", table.name)
        and required & set(reference.columns)
        and _owner_is_known(specimens, specimens.tables[reference.table])
        for reference in table.references
    )


def _insert(name: sql.Composable, values: Mapping[str, Any]) -> sql.Composed:
    return sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        name,
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(sql.SQL("DEFAULT") if v is None else sql.Literal(v) for v in values.values()),
    )


def _try_all(
    connection: psycopg.Connection, identity: Identity, actor: UUID, attempts: list[_Attempt]
) -> list[tuple[bool, str]]:
    claims = {"sub": str(actor), "role": identity.database_role}
    connection.execute(
        "SELECT set_config('request.jwt.claims', %s, true), set_config('convstore.attempts', %s, true)",
        [json.dumps(claims), json.dumps([attempt.statement for attempt in attempts])],
    )
    if identity.database_role:
        connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(identity.database_role)))
    connection.execute(_TRY_ALL)
    row = connection.execute("SELECT current_setting('convstore.outcomes')").fetchone()
    assert row is not None
    return [
        _judge(attempt, outcome[:5], outcome[5:]) for attempt, outcome in zip(attempts, json.loads(row[0]), strict=True)
    ]


def _judge(attempt: _Attempt, state: str, message: str) -> tuple[bool, str]:
    """Whether it happened, and what did. A constraint that stopped it means that rights had let it pass."""
    if state == "CV001":
        # TRUNCATE never says how many.
        return message != "0" or attempt.command == "TRUNCATE", f"{message} rows"
    if state == "42501":
        return False, message
    return True, f"{state} {message}"
