"""What a table is made of, read from the catalogue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from convstore.database import Context, Database
from convstore.saol.catalogue import Relation, get_relation, list_tables
from convstore.saol.results import Result, operation
from convstore.saol.session import Connection, fetch, session

__all__ = [
    "ColumnDescription",
    "ConstraintDescription",
    "IndexDescription",
    "PolicyDescription",
    "SchemaResult",
    "TableDescription",
    "agent_introspect_schema",
    "list_constraints",
    "list_indexes",
    "list_policies",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDescription:
    """A column; `key` is primary, foreign, unique or None."""

    name: str
    type: str
    nullable: bool
    default: str | None
    generated: bool
    key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexDescription:
    """An index; expressions stand in `columns` as SQL."""

    name: str
    columns: tuple[str, ...]
    unique: bool
    primary: bool
    valid: bool
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstraintDescription:
    """A constraint; `kind` is primary key, unique, foreign key, check or exclude."""

    name: str
    kind: str
    columns: tuple[str, ...]
    references: str | None
    definition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDescription:
    """A row-level security policy."""

    name: str
    command: str
    roles: tuple[str, ...]
    permissive: bool
    using: str | None
    with_check: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TableDescription:
    """A table; `row_estimate` is None until the table was analysed."""

    name: str
    kind: str
    columns: tuple[ColumnDescription, ...]
    indexes: tuple[IndexDescription, ...]
    constraints: tuple[ConstraintDescription, ...]
    policies: tuple[PolicyDescription, ...]
    row_level_security: bool
    row_estimate: int | None
    size_bytes: int
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaResult(Result):
    """Descriptions in the order of names."""

    tables: tuple[TableDescription, ...] = ()


@operation(SchemaResult)
def agent_introspect_schema(
    database: Database,
    *,
    table: str | None = None,
    include_columns: bool = True,
    include_indexes: bool = True,
    include_constraints: bool = True,
    include_policies: bool = True,
    as_user: Context | None = None,
) -> SchemaResult:
    """Describe one table, or all of them."""
    with session(database, as_user, read_only=True) as connection:
        names = [table] if table is not None else list_tables(connection)
        found = []
        for name in names:
            relation = get_relation(connection, name)
            facts = fetch(connection, _FACTS, [relation.oid])[0]
            constraints = list_constraints(connection, relation)
            found.append(
                TableDescription(
                    name=relation.label,
                    kind=_KINDS[relation.kind],
                    columns=_columns(relation, constraints) if include_columns else (),
                    indexes=list_indexes(connection, relation) if include_indexes else (),
                    constraints=constraints if include_constraints else (),
                    policies=list_policies(connection, relation) if include_policies else (),
                    **facts,
                )
            )
    described = f"{found[0].name}: {len(found[0].columns)} columns" if table is not None else f"{len(found)} tables"
    return SchemaResult(success=True, summary=described, tables=tuple(found))


def _columns(relation: Relation, constraints: tuple[ConstraintDescription, ...]) -> tuple[ColumnDescription, ...]:
    keys: dict[str, str] = {}
    for kind in ("unique", "foreign key", "primary key"):
        for constraint in constraints:
            if constraint.kind == kind:
                keys |= dict.fromkeys(constraint.columns, kind.removesuffix(" key"))
    return tuple(
        ColumnDescription(
            name=column.name,
            type=column.type,
            nullable=column.nullable,
            default=column.default,
            generated=column.generated,
            key=keys.get(column.name),
        )
        for column in relation.columns.values()
    )


def list_indexes(connection: Connection, relation: Relation) -> tuple[IndexDescription, ...]:
    """Indexes of a table, by name."""
    return tuple(IndexDescription(**_tuples(row)) for row in fetch(connection, _INDEXES, [relation.oid]))


def list_constraints(connection: Connection, relation: Relation) -> tuple[ConstraintDescription, ...]:
    """Constraints of a table, by name."""
    return tuple(ConstraintDescription(**_tuples(row)) for row in fetch(connection, _CONSTRAINTS, [relation.oid]))


def list_policies(connection: Connection, relation: Relation) -> tuple[PolicyDescription, ...]:
    """Policies of a table, by name."""
    return tuple(PolicyDescription(**_tuples(row)) for row in fetch(connection, _POLICIES, [relation.oid]))


def _tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


_KINDS = {"r": "table", "p": "partitioned table", "v": "view", "m": "materialized view", "f": "foreign table"}

_FACTS = """
    SELECT c.relrowsecurity AS row_level_security,
           CASE WHEN c.reltuples < 0 THEN NULL ELSE c.reltuples::bigint END AS row_estimate,
           pg_total_relation_size(c.oid) AS size_bytes, obj_description(c.oid, 'pg_class') AS comment
    FROM pg_class AS c WHERE c.oid = $1::oid
"""
_INDEXES = """
    SELECT c.relname::text AS name,
           ARRAY(SELECT coalesce(a.attname::text, pg_get_indexdef(i.indexrelid, k.rank::int, true))
                 FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, rank)
                 LEFT JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
                 WHERE k.rank <= i.indnkeyatts ORDER BY k.rank) AS columns,
           i.indisunique AS unique, i.indisprimary AS primary, i.indisvalid AND i.indisready AS valid,
           pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
    WHERE i.indrelid = $1::oid ORDER BY c.relname
"""
# NOT NULL became a constraint with a name in PostgreSQL 18; here it belongs to the column.
_CONSTRAINTS = """
    SELECT k.conname::text AS name,
           CASE k.contype WHEN 'p' THEN 'primary key' WHEN 'u' THEN 'unique' WHEN 'f' THEN 'foreign key'
                          WHEN 'c' THEN 'check' ELSE 'exclude' END AS kind,
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n (attnum, rank)
                 JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.attnum ORDER BY n.rank) AS columns,
           CASE WHEN k.confrelid <> 0 THEN k.confrelid::regclass::text END AS references,
           pg_get_constraintdef(k.oid) AS definition
    FROM pg_constraint AS k
    WHERE k.conrelid = $1::oid AND k.contype IN ('p', 'u', 'f', 'c', 'x') ORDER BY k.conname
"""
_POLICIES = """
    SELECT p.polname::text AS name,
           CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
                         ELSE 'ALL' END AS command,
           ARRAY(SELECT CASE WHEN role = 0 THEN 'public' ELSE pg_get_userbyid(role)::text END
                 FROM unnest(p.polroles) AS role ORDER BY 1) AS roles,
           p.polpermissive AS permissive, pg_get_expr(p.polqual, p.polrelid) AS using,
           pg_get_expr(p.polwithcheck, p.polrelid) AS with_check
    FROM pg_policy AS p WHERE p.polrelid = $1::oid ORDER BY p.polname
"""
