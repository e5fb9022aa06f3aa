"""The proof as findings, for `convstore doctor`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import psycopg

from convstore.database import Database
from convstore.database.translation import translated
from convstore.isolation.attempts import IDENTITIES, list_deviations
from convstore.isolation.catalogue import Table, list_reachable_elsewhere, read_catalogue
from convstore.isolation.rights import RIGHTS_FILE, TableRights, read_rights
from convstore.model import CheckResult

__all__ = ["check_isolation"]

#: So many are named; the rest is counted.
_NAMED = 5

_LOGIN = """
SELECT session_user::text,
       r.rolsuper OR r.rolbypassrls,
       pg_has_role(session_user, 'authenticated', 'USAGE') OR pg_has_role(session_user, 'service_role', 'USAGE'),
       pg_has_role(session_user, 'authenticated', 'MEMBER') AND pg_has_role(session_user, 'service_role', 'MEMBER')
FROM pg_roles AS r WHERE r.rolname = session_user
"""


def check_isolation(database: Database) -> list[CheckResult]:
    """Whether the database keeps people apart. Makes users and rows, lets them try, and rolls everything back."""
    rights = read_rights(RIGHTS_FILE.read_text("utf-8"))
    with database.admin() as connection, translated(), psycopg.connect(database.url) as login:
        tables = read_catalogue(connection)
        name, login_results = _check_login(login)
        return [
            *login_results,
            *_check_tables(tables, rights),
            *_check_elsewhere(connection, name),
            *_check_attempts(connection, login, tables, rights, has_own_rights=login_results[0].status != "ok"),
        ]


def _check_login(login: psycopg.Connection) -> tuple[str, list[CheckResult]]:
    row = login.execute(_LOGIN).fetchone()
    assert row is not None
    name, past_policies, inherits, may_switch = row
    status, fact, next_action = "ok", f"{name} has no rights but to take a role", ""
    if not may_switch:
        status, fact = "fail", f"{name} cannot become authenticated and service_role"
        next_action = f"GRANT authenticated, service_role TO {name};"
    elif past_policies or inherits:
        status, fact = "warn", f"{name} has rights of its own, also before it takes a role"
        next_action = "Name convstore_app in CONVSTORE_DATABASE_URL, and the present login in CONVSTORE_ADMIN_URL."
    return name, [_result("isolation: login", status, fact, next_action)]


def _check_tables(tables: Mapping[str, Table], rights: Mapping[str, TableRights]) -> Iterator[CheckResult]:
    bare = [t.name for t in tables.values() if not t.has_row_security]
    without = [
        t.name for t in tables.values()
        if not t.policies and t.name in rights and (rights[t.name].service or any(rights[t.name].grants.values()))
    ]  # fmt: skip
    unknown = sorted(set(tables) - set(rights))
    missing = sorted(set(rights) - set(tables))
    for names, what, next_action in (
        (bare, "row security is off", "ALTER TABLE … ENABLE ROW LEVEL SECURITY, and find out who turned it off."),
        (without, "no policy", "Run `convstore init`; if that changes nothing, restore the policies from db/versions."),
        (unknown, "no rights in db/README.md", "Tables that are not convstore's belong into another schema."),
        (missing, "not in the database", "Run `convstore init`."),
    ):
        if names:
            yield _result("isolation: tables", "fail", f"{what}: {', '.join(names)}", next_action)
    if not (bare or without or unknown or missing):
        yield _result("isolation: tables", "ok", f"{len(tables)} tables with row security and known rights")


def _check_elsewhere(connection: psycopg.Connection, login: str) -> Iterator[CheckResult]:
    found = list_reachable_elsewhere(connection, login)
    if found:
        yield _result(
            "isolation: other objects", "fail", f"within reach: {_some(found)}", "REVOKE ALL ON them FROM these roles."
        )


def _check_attempts(
    connection: psycopg.Connection,
    login: psycopg.Connection,
    tables: Mapping[str, Table],
    rights: Mapping[str, TableRights],
    *,
    has_own_rights: bool,
) -> Iterator[CheckResult]:
    # A login with rights of its own was reported; what it could do without a role is no news then.
    identities = [identity for identity in IDENTITIES if identity.database_role or not has_own_rights]
    deviations = list_deviations(connection, login, tables, rights, identities)
    if deviations:
        yield _result(
            "isolation: attempts",
            "fail",
            _some([str(deviation) for deviation in deviations]),
            "Find out who changed policies or grants; db/versions has them as they must be.",
        )
    else:
        yield _result(
            "isolation: attempts", "ok", f"{len(identities)} identities tried everything and did only what they may"
        )


def _some(names: list[str]) -> str:
    more = len(names) - _NAMED
    return "; ".join(names[:_NAMED]) + (f"; and {more} more" if more > 0 else "")


def _result(name: str, status: str, fact: str, next_action: str = "") -> CheckResult:
    return CheckResult(name=name, status=status, fact=fact, next_action=next_action)  # type: ignore[arg-type]
