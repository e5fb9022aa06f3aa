"""What the database's own catalogue says about our tables: columns, keys, values that are allowed, row security."""

from __future__ import annotations

import re
from dataclasses import dataclass

import psycopg

__all__ = ["Column", "Reference", "Table", "list_reachable_elsewhere", "read_catalogue"]

_COLUMNS = """
SELECT c.relname, c.relrowsecurity,
       (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid),
       a.attname, format_type(a.atttypid, NULL), a.attnotnull AND NOT a.atthasdef AND a.attidentity = '',
       a.attgenerated <> '' OR a.attidentity = 'a',
       coalesce(a.attnum = ANY (k.conkey), false),
       EXISTS (SELECT FROM pg_constraint AS u
               WHERE u.conrelid = c.oid AND u.contype = 'u' AND a.attnum = ANY (u.conkey))
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY c.relname, a.attnum
"""
_REFERENCES = """
SELECT c.relname, f.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS n (num, i)
             JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = n.num ORDER BY n.i),
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS n (num, i)
             JOIN pg_attribute AS a ON a.attrelid = k.confrelid AND a.attnum = n.num ORDER BY n.i)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_class AS f ON f.oid = k.confrelid
WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace
"""
_CHECKS = """
SELECT c.relname, a.attname, pg_get_constraintdef(k.oid)
FROM pg_constraint AS k
JOIN pg_class AS c ON c.oid = k.conrelid
JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
WHERE k.contype = 'c' AND cardinality(k.conkey) = 1 AND c.relnamespace = 'public'::regnamespace
"""
# Our schemas beside `public`, and views, which ask with the rights of their owner.
_ELSEWHERE = """
SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname), r.rolname
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN (SELECT rolname, oid FROM pg_roles WHERE rolname IN ('anon', 'authenticated', %(login)s)) AS r
WHERE (n.nspname IN ('convstore', 'procrastinate') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
       OR n.nspname = 'public' AND c.relkind IN ('v', 'm', 'S', 'f'))
  AND has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, SELECT, UPDATE')
           ELSE has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE') END
  AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
"""
_LITERAL = re.compile(r"'((?:[^']|'')*)'::")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    `values` are the ones that a check allows, where it lists them; `distinct` ones are part of something unique.
    """

    name: str
    type: str
    required: bool
    made_by_the_server: bool
    in_key: bool
    distinct: bool
    values: tuple[str, ...]

    @property
    def is_text(self) -> bool:
        """True if any short text fits."""
        return self.type in ("text", "character varying")


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: columns here, the table there and its columns."""

    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of ours, as the server describes it."""

    name: str
    has_row_security: bool
    policies: int
    columns: tuple[Column, ...]
    references: tuple[Reference, ...]

    def has(self, column: str) -> bool:
        """True if there is such a column."""
        return any(own.name == column for own in self.columns)


def read_catalogue(connection: psycopg.Connection) -> dict[str, Table]:
    """Every table of the schema `public`, by name; what extensions brought is left out."""
    values: dict[tuple[str, str], tuple[str, ...]] = {}
    for table, column, definition in connection.execute(_CHECKS):
        if "ARRAY[" in definition:
            values[table, column] = tuple(_LITERAL.findall(definition))
    references: dict[str, list[Reference]] = {}
    for table, theirs, columns, their_columns in connection.execute(_REFERENCES):
        references.setdefault(table, []).append(Reference(tuple(columns), theirs, tuple(their_columns)))
    found: dict[str, tuple[bool, int, list[Column]]] = {}
    for table, secured, policies, name, kind, required, by_server, in_key, distinct in connection.execute(_COLUMNS):
        found.setdefault(table, (secured, policies, []))[2].append(
            Column(
                name=name,
                type=kind,
                required=required,
                made_by_the_server=by_server,
                in_key=in_key,
                distinct=distinct,
                values=values.get((table, name), ()),
            )
        )
    return {
        name: Table(
            name=name,
            has_row_security=secured,
            policies=policies,
            columns=tuple(columns),
            references=tuple(references.get(name, ())),
        )
        for name, (secured, policies, columns) in found.items()
    }


def list_reachable_elsewhere(connection: psycopg.Connection, login: str) -> list[str]:
    """Views, sequences and tables outside `public` that people or the bare login can reach; none should be."""
    return [f"{name} by {role}" for name, role in connection.execute(_ELSEWHERE, {"login": login})]
