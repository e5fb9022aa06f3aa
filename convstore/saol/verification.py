"""Is a table what it should be? Compared by name; what could not be looked at is not taken for missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from convstore.database import Context, Database
from convstore.errors import UsageError
from convstore.saol.advice import advise
from convstore.saol.catalogue import find_relation
from convstore.saol.comparison import Category, TableDifference, compare_table, worst
from convstore.saol.expected import (
    ExpectedColumn,
    ExpectedConstraint,
    ExpectedIndex,
    ExpectedTable,
    expected_from,
)
from convstore.saol.policies import POLICIES
from convstore.saol.results import NextAction, Result, operation
from convstore.saol.session import session

__all__ = ["VerifyResult", "agent_verify_table"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyResult(Result):
    """`exists` and `category` are None if nobody could look."""

    table: str = ""
    exists: bool | None = None
    category: Category | None = None
    differences: tuple[TableDifference, ...] = ()
    fix_sql: tuple[str, ...] = ()


@operation(VerifyResult)
def agent_verify_table(
    database: Database,
    *,
    table: str,
    expected_columns: Sequence[ExpectedColumn | Mapping[str, object]] = (),
    expected_indexes: Sequence[ExpectedIndex | Mapping[str, object]] = (),
    expected_constraints: Sequence[ExpectedConstraint | Mapping[str, object]] = (),
    expected: ExpectedTable | None = None,
    generate_fix_sql: bool = False,
    as_user: Context | None = None,
) -> VerifyResult:
    """Compare a table with what is expected of it: by hand, by `expected`, or, for the product's own, by definition."""
    wanted = expected or _wanted(table, expected_columns, expected_indexes, expected_constraints)
    with session(database, as_user, read_only=True) as connection:
        relation = find_relation(connection, table)
        differences = tuple(compare_table(connection, relation, wanted))
    category = worst(differences)
    fixes = tuple(entry.fix_sql for entry in differences if entry.fix_sql) if generate_fix_sql else ()
    if not generate_fix_sql:
        differences = tuple(_without_fix(entry) for entry in differences)
    label = relation.label if relation else table
    counts = ", ".join(f"{sum(entry.category == n for entry in differences)} of category {n}" for n in (4, 3, 2))
    missing = relation is None
    failed = category >= 3
    return VerifyResult(
        success=not failed,
        summary=f"{label} does not exist"
        if missing
        else f"{label}: {counts}"
        if differences
        else f"{label} is as expected",
        code="ERR_DB_TABLE_NOT_FOUND" if missing else "ERR_VERIFY_FAILED" if failed else None,
        next_actions=_advice(table, category),
        table=label,
        exists=not missing,
        category=category,
        differences=differences,
        fix_sql=fixes,
    )


def _wanted(
    table: str,
    columns: Sequence[ExpectedColumn | Mapping[str, object]],
    indexes: Sequence[ExpectedIndex | Mapping[str, object]],
    constraints: Sequence[ExpectedConstraint | Mapping[str, object]],
) -> ExpectedTable:
    from convstore.database.tables import metadata

    if not (columns or indexes or constraints):
        known = metadata.tables.get(table)
        if known is None:
            raise UsageError(
                f"nothing is expected of {table!r}",
                hint="Give expected_columns, expected_indexes or expected_constraints; "
                f"only the product's own tables are known: {', '.join(sorted(metadata.tables))}.",
            )
        return expected_from(known, policies=POLICIES[table])
    try:
        return ExpectedTable(
            name=table,
            columns=tuple(one if isinstance(one, ExpectedColumn) else ExpectedColumn(**one) for one in columns),  # type: ignore[arg-type]
            indexes=tuple(one if isinstance(one, ExpectedIndex) else ExpectedIndex(**_named(one)) for one in indexes),  # type: ignore[arg-type]
            constraints=tuple(
                one if isinstance(one, ExpectedConstraint) else ExpectedConstraint(**_named(one))  # type: ignore[arg-type]
                for one in constraints
            ),
        )
    except TypeError as error:
        raise UsageError(
            f"an expectation is malformed: {error}",
            hint="Columns have name, type, nullable; indexes name, columns, unique; constraints name, kind, columns.",
        ) from error


def _named(one: Mapping[str, object]) -> dict[str, object]:
    columns = one.get("columns", ())
    return {**one, "columns": tuple(columns) if isinstance(columns, list | tuple) else (columns,)}


def _without_fix(entry: TableDifference) -> TableDifference:
    return TableDifference(
        category=entry.category, subject=entry.subject, name=entry.name, expected=entry.expected, found=entry.found
    )


def _advice(table: str, category: Category) -> tuple[NextAction, ...]:
    if category == 1:
        return ()
    if category == 4:
        return advise("ERR_DB_TABLE_NOT_FOUND", hint="Run `convstore init`, or correct the table's name.")
    return advise("ERR_VERIFY_FAILED")
