"""What the database says about a table: looked up once a call, so that unknown names are found before a statement runs.

Names are taken as they are, capitals, spaces and quotes included; `schema.table` and `"quoted"."names"` work too.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from convstore.errors import DatabaseError
from convstore.saol.session import Connection, fetch

__all__ = ["ColumnInfo", "Relation", "UniqueKey", "find_relation", "get_relation", "list_tables", "near"]

_QUOTED = re.compile(r'"((?:[^"]|"")+)"(?:\."((?:[^"]|"")+)")?')


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnInfo:
    """A column; `base_type` has no length or precision, so that a cast to it never cuts a value."""

    name: str
    type: str
    base_type: str
    category: str
    nullable: bool
    default: str | None
    generated: bool

    @property
    def is_array(self) -> bool:
        """True for arrays."""
        return self.category == "A"

    @property
    def is_text(self) -> bool:
        """True for text of any length."""
        return self.category == "S"


@dataclass(frozen=True, slots=True, kw_only=True)
class UniqueKey:
    """Columns that are unique together; `total` if no null lets two rows share a key."""

    name: str
    columns: tuple[str, ...]
    primary: bool
    total: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A table or view that exists."""

    oid: int
    schema: str
    name: str
    kind: str
    columns: Mapping[str, ColumnInfo]
    keys: tuple[UniqueKey, ...]

    @property
    def identifier(self) -> sql.Identifier:
        """The quoted name for a statement."""
        return sql.Identifier(self.schema, self.name)

    @property
    def label(self) -> str:
        """The name for people."""
        return self.name if self.schema == "public" else f"{self.schema}.{self.name}"

    @property
    def primary_key(self) -> tuple[str, ...]:
        """Columns of the primary key; empty if there is none."""
        return next((key.columns for key in self.keys if key.primary), ())

    def get_column(self, name: object) -> ColumnInfo:
        """The column of that name."""
        if not isinstance(name, str) or name not in self.columns:
            raise DatabaseError(
                f"table {self.label} has no column {name!r}",
                code="ERR_DB_COLUMN_NOT_FOUND",
                hint=near(str(name), self.columns) or f"Its columns: {', '.join(self.columns)}.",
                facts={"table": self.label, "column": name, "columns": list(self.columns)},
            )
        return self.columns[name]


def near(name: str, known: Mapping[str, object] | list[str]) -> str:
    """A hint that names what was probably meant; empty if nothing is close."""
    found = difflib.get_close_matches(name, list(known), n=3, cutoff=0.6)
    return f"Did you mean {' or '.join(found)}?" if found else ""


def list_tables(connection: Connection) -> list[str]:
    """Labels of every table and view outside PostgreSQL's own schemas."""
    rows = fetch(
        connection,
        """
        SELECT CASE WHEN n.nspname = 'public' THEN c.relname::text ELSE n.nspname || '.' || c.relname END AS label
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
        ORDER BY 1
        """,
    )
    return [row["label"] for row in rows]


def get_relation(connection: Connection, name: object) -> Relation:
    """The table or view of that name.

    Raises
    ------
    DatabaseError
        ERR_DB_TABLE_NOT_FOUND, with the names that come close.
    """
    found = find_relation(connection, name)
    if found is None:
        known = list_tables(connection)
        raise DatabaseError(
            f"there is no table {name!r}",
            code="ERR_DB_TABLE_NOT_FOUND",
            hint=near(str(name), known) or "Run `convstore init`, or correct the table's name.",
            facts={"table": name},
        )
    return found


def find_relation(connection: Connection, name: object) -> Relation | None:
    """The table or view of that name, None if there is none."""
    if not isinstance(name, str) or not name:
        return None
    schemas, names = zip(*_readings(name), strict=True)
    rows = fetch(
        connection,
        """
        SELECT c.oid::bigint AS oid, n.nspname::text AS schema, c.relname::text AS name, c.relkind::text AS kind
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS wanted (schema, name, rank)
        JOIN pg_class AS c ON c.relname::text = wanted.name AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE CASE WHEN wanted.schema IS NULL THEN pg_table_is_visible(c.oid) ELSE n.nspname::text = wanted.schema END
        ORDER BY wanted.rank LIMIT 1
        """,
        [list(schemas), list(names)],
    )
    if not rows:
        return None
    oid = rows[0]["oid"]
    return Relation(
        **rows[0],
        columns={row["name"]: ColumnInfo(**row) for row in fetch(connection, _COLUMNS, [oid])},
        keys=tuple(
            UniqueKey(name=row["name"], columns=tuple(row["columns"]), primary=row["primary"], total=row["total"])
            for row in fetch(connection, _KEYS, [oid])
        ),
    )


def _readings(name: str) -> list[tuple[str | None, str]]:
    """Every way to read the name, the most literal first."""
    found: list[tuple[str | None, str]] = [(None, name)]
    quoted = _QUOTED.fullmatch(name)
    if quoted:
        first, second = (part and part.replace('""', '"') for part in quoted.groups())
        found.append((first, second) if second else (None, first or ""))
    found += [(name[:at], name[at + 1 :]) for at, character in enumerate(name) if character == "."]
    return found


_COLUMNS = """
    SELECT a.attname::text AS name, format_type(a.atttypid, a.atttypmod) AS type,
           format_type(a.atttypid, -1) AS base_type, t.typcategory::text AS category,
           NOT (a.attnotnull OR t.typnotnull) AS nullable, pg_get_expr(d.adbin, d.adrelid) AS default,
           a.attgenerated <> '' OR a.attidentity = 'a' AS generated
    FROM pg_attribute AS a
    JOIN pg_type AS t ON t.oid = a.atttypid
    LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""

# A partial or an expression index cannot be the target of ON CONFLICT (columns).
_KEYS = """
    SELECT c.relname::text AS name, i.indisprimary AS primary,
           array_agg(a.attname::text ORDER BY k.rank) AS columns,
           bool_and(a.attnotnull) OR i.indnullsnotdistinct AS total
    FROM pg_index AS i
    JOIN pg_class AS c ON c.oid = i.indexrelid
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (attnum, rank)
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
    WHERE i.indrelid = $1::oid AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
      AND i.indexprs IS NULL AND k.rank <= i.indnkeyatts
    GROUP BY c.relname, i.indexrelid, i.indisprimary, i.indnullsnotdistinct
    ORDER BY i.indisprimary DESC, c.relname
"""
