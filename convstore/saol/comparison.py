"""The differences between a table and what is expected of it, each with the SQL that repairs it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from psycopg import sql

from convstore.saol.catalogue import Relation
from convstore.saol.expected import ExpectedTable, normal_type
from convstore.saol.introspection import list_constraints, list_indexes, list_policies
from convstore.saol.session import Connection, fetch

__all__ = ["Category", "TableDifference", "compare_table", "worst"]

#: 1 as expected, 2 warning, 3 critical, 4 blocking.
Category = Literal[1, 2, 3, 4]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDifference:
    """One thing that is not as expected."""

    category: Category
    subject: str
    name: str
    expected: str
    found: str
    fix_sql: str | None = None


def worst(differences: Sequence[TableDifference]) -> Category:
    """The highest category, 1 without differences."""
    return max((entry.category for entry in differences), default=1)


def compare_table(
    connection: Connection, relation: Relation | None, wanted: ExpectedTable
) -> Iterator[TableDifference]:
    """Every difference between a table and what is expected of it, each with the SQL that repairs it."""
    if relation is None:
        yield TableDifference(
            category=4, subject="table", name=wanted.name, expected="exists", found="missing", fix_sql=wanted.definition
        )
        return
    alter = sql.SQL("ALTER TABLE {} ").format(relation.identifier).as_string(connection)
    yield from _compare_columns(relation, wanted, alter)
    yield from _compare_indexes(connection, relation, wanted)
    yield from _compare_constraints(connection, relation, wanted, alter)
    yield from _compare_policies(connection, relation, wanted, alter)


def _compare_columns(relation: Relation, wanted: ExpectedTable, alter: str) -> Iterator[TableDifference]:
    for column in wanted.columns:
        name = sql.Identifier(column.name).as_string(None)
        found = relation.columns.get(column.name)
        if found is None:
            definition = column.definition or f"{name} {column.type}" + (
                " NOT NULL" if column.nullable is False else ""
            )
            yield TableDifference(
                category=3, subject="column", name=column.name, expected=column.type, found="missing",
                fix_sql=f"{alter}ADD COLUMN {definition}",
            )  # fmt: skip
            continue
        kind = normal_type(column.type)
        if kind != found.type:
            yield TableDifference(
                category=3, subject="type", name=column.name, expected=kind, found=found.type,
                fix_sql=f"{alter}ALTER COLUMN {name} TYPE {kind} USING {name}::{kind}",
            )  # fmt: skip
        if column.nullable is not None and column.nullable != found.nullable:
            words = {True: "nullable", False: "not null"}
            yield TableDifference(
                # Nulls that nobody expects break readers; a refusal that nobody expects breaks writers.
                category=3, subject="nullability", name=column.name, expected=words[column.nullable],
                found=words[found.nullable],
                fix_sql=f"{alter}ALTER COLUMN {name} {'DROP' if column.nullable else 'SET'} NOT NULL",
            )  # fmt: skip
    if wanted.columns:
        for name in relation.columns.keys() - {column.name for column in wanted.columns}:
            extra = relation.columns[name]
            needed = not extra.nullable and extra.default is None and not extra.generated
            yield TableDifference(
                category=3 if needed else 2, subject="column", name=name, expected="no such column", found=extra.type
            )


def _compare_indexes(connection: Connection, relation: Relation, wanted: ExpectedTable) -> Iterator[TableDifference]:
    present = {index.name: index for index in list_indexes(connection, relation)}
    for index in wanted.indexes:
        columns = ", ".join(index.columns)
        found = present.get(index.name)
        create = index.definition
        if create is None and index.columns:
            create = (
                sql.SQL("CREATE {}INDEX {} ON {} ({})")
                .format(
                    sql.SQL("UNIQUE " if index.unique else ""),
                    sql.Identifier(index.name),
                    relation.identifier,
                    sql.SQL(", ").join(map(sql.Identifier, index.columns)),
                )
                .as_string(connection)
            )
        drop = sql.SQL("DROP INDEX {}; ").format(sql.Identifier(relation.schema, index.name)).as_string(connection)
        if found is None:
            yield TableDifference(
                category=3 if index.unique else 2, subject="index", name=index.name, expected=columns or "exists",
                found="missing", fix_sql=create,
            )  # fmt: skip
        elif not found.valid:
            fix = sql.SQL("REINDEX INDEX {}").format(sql.Identifier(relation.schema, index.name)).as_string(connection)
            yield TableDifference(
                category=3 if index.unique else 2, subject="index", name=index.name, expected="valid",
                found="invalid: its build did not end", fix_sql=fix,
            )  # fmt: skip
        elif index.columns and (found.columns != index.columns or found.unique != index.unique):
            yield TableDifference(
                category=3 if index.unique and not found.unique else 2, subject="index", name=index.name,
                expected=f"{'unique ' if index.unique else ''}{columns}",
                found=f"{'unique ' if found.unique else ''}{', '.join(found.columns)}",
                fix_sql=drop + create if create else None,
            )  # fmt: skip


def _compare_constraints(
    connection: Connection, relation: Relation, wanted: ExpectedTable, alter: str
) -> Iterator[TableDifference]:
    present = {constraint.name: constraint for constraint in list_constraints(connection, relation)}
    for constraint in wanted.constraints:
        expected = f"{constraint.kind} ({', '.join(constraint.columns)})" if constraint.columns else constraint.kind
        expected += f" to {constraint.references}" if constraint.references else ""
        name = sql.Identifier(constraint.name).as_string(connection)
        definition = constraint.definition
        if definition is None and constraint.columns and constraint.kind in ("primary key", "unique"):
            columns = sql.SQL(", ").join(map(sql.Identifier, constraint.columns)).as_string(connection)
            definition = f"CONSTRAINT {name} {constraint.kind.upper()} ({columns})"
        found = present.get(constraint.name)
        if found is None:
            yield TableDifference(
                category=3, subject="constraint", name=constraint.name, expected=expected, found="missing",
                fix_sql=f"{alter}ADD {definition}" if definition else None,
            )  # fmt: skip
        elif (
            found.kind != constraint.kind
            or (constraint.columns and set(found.columns) != set(constraint.columns))
            or (constraint.references and found.references != constraint.references)
        ):
            yield TableDifference(
                category=3, subject="constraint", name=constraint.name, expected=expected, found=found.definition,
                fix_sql=f"{alter}DROP CONSTRAINT {name}; {alter}ADD {definition}" if definition else None,
            )  # fmt: skip


def _compare_policies(
    connection: Connection, relation: Relation, wanted: ExpectedTable, alter: str
) -> Iterator[TableDifference]:
    if wanted.row_level_security is not None:
        on = fetch(connection, "SELECT relrowsecurity AS on FROM pg_class WHERE oid = $1::oid", [relation.oid])[0]["on"]
        if on != wanted.row_level_security:
            words = {True: "on", False: "off"}
            yield TableDifference(
                category=3, subject="row-level security", name=relation.label,
                expected=words[wanted.row_level_security], found=words[on],
                fix_sql=f"{alter}{'ENABLE' if wanted.row_level_security else 'DISABLE'} ROW LEVEL SECURITY",
            )  # fmt: skip
    if wanted.policies is None:
        return
    present = {policy.name: policy for policy in list_policies(connection, relation)}
    for name in sorted(set(wanted.policies) - set(present)):
        yield TableDifference(category=3, subject="policy", name=name, expected="exists", found="missing")
    for name in sorted(set(present) - set(wanted.policies)):
        # Policies are ORed: one more can only open the table.
        yield TableDifference(
            category=3 if present[name].permissive else 2, subject="policy", name=name, expected="no such policy",
            found=f"{present[name].command} to {', '.join(present[name].roles)}",
            fix_sql=sql.SQL("DROP POLICY {} ON {}")
            .format(sql.Identifier(name), relation.identifier)
            .as_string(connection),
        )  # fmt: skip
