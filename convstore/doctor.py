"""`convstore doctor`: is everything there, does it answer, and what to do where it does not. Changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from convstore import schema
from convstore.core import ConvStore, Resources
from convstore.errors import ConvstoreError
from convstore.isolation import check_isolation
from convstore.model import CheckResult
from convstore.saol import agent_preflight, verify_setup
from convstore.settings import Settings
from convstore.storage_setup import check_storage_policies

__all__ = ["examine"]

OLDEST_POSTGRES = 150_000


def examine(settings: Settings) -> list[CheckResult]:
    """Every check in the order in which they depend on each other; a failed one never hides the next."""
    resources = Resources(settings)
    try:
        return [
            *_attempt("database", lambda: _database(resources)),
            *_attempt("schema", lambda: _schema(resources)),
            *_attempt("isolation", lambda: iter(check_isolation(resources.database))),
            *_attempt("identity", lambda: _identity(resources)),
            *_attempt("files", lambda: _files(resources)),
        ]
    finally:
        resources.close()


def _attempt(name: str, check: Callable[[], Iterator[CheckResult]]) -> list[CheckResult]:
    try:
        return list(check())
    except ConvstoreError as exc:
        return [CheckResult(name=name, status="fail", fact=exc.message, next_action=exc.hint)]


def _database(resources: Resources) -> Iterator[CheckResult]:
    preflight = agent_preflight(resources.database)
    for check in preflight.checks:
        if check.status != "ok":
            yield CheckResult(name="database", status=check.status, fact=check.fact, next_action=check.next_action)
    if not preflight.ok:
        return
    with resources.database.admin() as connection:
        version = connection.info.server_version
        row = connection.execute("SELECT current_setting('server_version'), current_database()").fetchone()
        assert row is not None
    kind = "embedded server" if resources.settings.embedded else "server of CONVSTORE_DATABASE_URL"
    if version < OLDEST_POSTGRES:
        yield CheckResult(
            name="database",
            status="fail",
            fact=f"PostgreSQL {row[0]} on the {kind} is too old",
            next_action="Use PostgreSQL 15 or later.",
        )
    else:
        yield CheckResult(name="database", status="ok", fact=f"PostgreSQL {row[0]}, database {row[1]}, {kind}")


def _schema(resources: Resources) -> Iterator[CheckResult]:
    state = schema.get_state(resources.database)
    if not state.current:
        yield CheckResult(
            name="schema",
            status="fail",
            fact=f"the database is {state.found or 'empty'}, this version needs {state.wanted}",
            next_action="Run `convstore init`.",
        )
        return
    yield CheckResult(name="schema", status="ok", fact=f"version {state.wanted}")
    verified = verify_setup(resources.database)
    yield CheckResult(
        name="tables",
        status="ok" if verified.success else "fail",
        fact=verified.summary,
        next_action="" if verified.success else "`convstore saol verify` names every difference.",
    )


def _identity(resources: Resources) -> Iterator[CheckResult]:
    if resources.settings.auth != "local":
        yield CheckResult(name="identity", status="ok", fact=f"people sign in by {resources.settings.auth}")
        return
    store = ConvStore.for_operator(resources)
    yield CheckResult(
        name="identity", status="ok", fact=f"{store.actor.name} is {store.actor.role} of {store.actor.workspace_slug}"
    )


def _files(resources: Resources) -> Iterator[CheckResult]:
    for fact in resources.files.check():
        yield CheckResult(name=f"files: {fact.name}", status=fact.status, fact=fact.fact, next_action=fact.next_action)
    if resources.settings.storage == "supabase":
        policies = check_storage_policies(resources.database, resources.files)
        if policies is not None:
            yield policies
