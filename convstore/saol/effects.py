"""What a transaction has done so far: rows by table, cascades and triggers included, and objects made and dropped.

Measured, not guessed: the server's counters and its catalogue before and after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql

from convstore.saol.session import Connection, fetch

__all__ = [
    "ObjectChange",
    "RowChange",
    "count_rows_of",
    "describe",
    "diff_objects",
    "diff_rows",
    "snapshot_objects",
    "snapshot_rows",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowChange:
    """Rows of one table that a transaction changed."""

    table: str
    inserted: int
    updated: int
    deleted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """An object that a transaction made, dropped or emptied; `rows` go with it, where they were counted."""

    change: str
    description: str
    schema: str
    table: str | None = None
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class _Object:
    description: str
    schema: str
    relation: int
    file: int
    is_relation: bool
    name: str
    holds_rows: bool
    bytes: int


Rows = Mapping[str, tuple[int, int, int]]
Objects = Mapping[tuple[int, int, int], _Object]


def snapshot_rows(connection: Connection) -> Rows:
    """The session's counters, which also hold what earlier transactions have not reported yet."""
    rows = fetch(
        connection,
        """
        SELECT CASE WHEN schemaname = 'public' THEN relname::text ELSE schemaname || '.' || relname END AS label,
               n_tup_ins AS inserted, n_tup_upd AS updated, n_tup_del AS deleted
        FROM pg_stat_xact_user_tables
        WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 AND schemaname !~ '^pg_'
        """,
    )
    return {row["label"]: (row["inserted"], row["updated"], row["deleted"]) for row in rows}


def diff_rows(before: Rows, after: Rows) -> tuple[RowChange, ...]:
    """What changed between two snapshots of one transaction."""
    found = []
    for table, counts in sorted(after.items()):
        inserted, updated, deleted = (
            now - then for now, then in zip(counts, before.get(table, (0, 0, 0)), strict=True)
        )
        if inserted or updated or deleted:
            found.append(RowChange(table=table, inserted=inserted, updated=updated, deleted=deleted))
    return tuple(found)


def snapshot_objects(connection: Connection) -> Objects:
    """Every object outside PostgreSQL's own schemas."""
    return {
        (row["class"], row["id"], row["sub"]): _Object(
            row["description"], row["schema"], row["relation"], row["file"], row["is_relation"], row["name"],
            row["holds_rows"], row["bytes"],
        )
        for row in fetch(connection, _OBJECTS)
    }  # fmt: skip


def diff_objects(before: Objects, after: Objects) -> tuple[ObjectChange, ...]:
    """What was made, dropped and emptied; the parts of a dropped or new table are not listed one by one."""
    found = []
    for change, old, new in (("dropped", before, after), ("created", after, before)):
        gone = {entry.relation for key, entry in old.items() if key not in new and entry.is_relation}
        found += [
            _change(change, entry)
            for key, entry in old.items()
            if key not in new and (entry.is_relation or entry.relation not in gone)
        ]
    for key, entry in after.items():
        then = before.get(key)
        if then is not None and entry.holds_rows and entry.file != then.file:
            emptied = entry.bytes == 0 and then.bytes > 0
            found.append(_change("emptied" if emptied else "rewritten", entry))
    return tuple(found)


def _change(change: str, entry: _Object) -> ObjectChange:
    return ObjectChange(
        change=change,
        description=entry.description,
        schema=entry.schema,
        table=entry.name if entry.holds_rows else None,
    )


def count_rows_of(connection: Connection, changes: tuple[ObjectChange, ...]) -> tuple[ObjectChange, ...]:
    """The changes with the rows that dropped and emptied tables hold; to be called where they still exist."""
    counted = []
    for change in changes:
        rows = change.rows
        if change.table is not None and change.change in ("dropped", "emptied"):
            query = sql.SQL("SELECT count(*) AS n FROM {}").format(sql.Identifier(change.schema, change.table))
            rows = fetch(connection, query)[0]["n"]
        counted.append(
            ObjectChange(
                change=change.change,
                description=change.description,
                schema=change.schema,
                table=change.table,
                rows=rows,
            )
        )
    return tuple(counted)


def describe(changes: tuple[ObjectChange, ...]) -> str:
    """The changes in one line."""
    shown = [
        f"{entry.change} {entry.description}" + (f" ({entry.rows} rows)" if entry.rows is not None else "")
        for entry in changes[:8]
    ]
    if len(changes) > len(shown):
        shown.append(f"and {len(changes) - len(shown)} more")
    return ", ".join(shown)


# Columns: class, id, sub (the object's address), its relation, the file that holds its rows.
_OBJECTS = """
    WITH ours AS (
        SELECT oid, nspname::text AS schema FROM pg_namespace
        WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
    ),
    objects (class, id, sub, schema, relation, file, is_relation, name, holds_rows, bytes) AS (
        SELECT 'pg_class'::regclass, c.oid, 0, o.schema, coalesce(i.indrelid, d.refobjid, c.oid),
               pg_relation_filenode(c.oid), c.relkind NOT IN ('i', 'I') AND d.refobjid IS NULL, c.relname::text,
               c.relkind IN ('r', 'p', 'm'),
               CASE WHEN c.relkind IN ('r', 'm') THEN pg_relation_size(c.oid) ELSE 0 END
        FROM pg_class AS c JOIN ours AS o ON o.oid = c.relnamespace LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
        -- A sequence that belongs to a column goes with it.
        LEFT JOIN pg_depend AS d ON c.relkind = 'S' AND d.classid = 'pg_class'::regclass AND d.objid = c.oid
            AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
        WHERE c.relkind <> 'c'
        UNION ALL
        SELECT 'pg_class'::regclass, c.oid, a.attnum, o.schema, c.oid, 0, false, a.attname::text, false, 0
        FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid JOIN ours AS o ON o.oid = c.relnamespace
        WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
        UNION ALL
        SELECT 'pg_constraint'::regclass, k.oid, 0, o.schema, k.conrelid, 0, false, k.conname::text, false, 0
        FROM pg_constraint AS k JOIN ours AS o ON o.oid = k.connamespace WHERE k.contype <> 'n'
        UNION ALL
        SELECT 'pg_policy'::regclass, p.oid, 0, o.schema, p.polrelid, 0, false, p.polname::text, false, 0
        FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid JOIN ours AS o ON o.oid = c.relnamespace
        UNION ALL
        SELECT 'pg_trigger'::regclass, t.oid, 0, o.schema, t.tgrelid, 0, false, t.tgname::text, false, 0
        FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid JOIN ours AS o ON o.oid = c.relnamespace
        WHERE NOT t.tgisinternal
        UNION ALL
        SELECT 'pg_proc'::regclass, p.oid, 0, o.schema, 0, 0, false, p.proname::text, false, 0
        FROM pg_proc AS p JOIN ours AS o ON o.oid = p.pronamespace
        UNION ALL
        SELECT 'pg_type'::regclass, t.oid, 0, o.schema, 0, 0, false, t.typname::text, false, 0
        FROM pg_type AS t JOIN ours AS o ON o.oid = t.typnamespace WHERE t.typtype IN ('e', 'd')
        UNION ALL
        SELECT 'pg_namespace'::regclass, o.oid, 0, o.schema, 0, 0, false, o.schema, false, 0 FROM ours AS o
    )
    SELECT class::oid::bigint AS class, id::bigint AS id, sub::int AS sub, schema, relation::bigint AS relation,
           coalesce(file, 0)::bigint AS file, is_relation, name, holds_rows, bytes::bigint AS bytes,
           pg_describe_object(class, id, sub) AS description
    FROM objects
"""
