"""One batch into its table: COPY into a temporary table, one INSERT … SELECT, and row by row only if that fails.

The server reads each value with the column's own input function, from the record's JSON, so no digit is lost. Row by
row means inside the server, each row under its own savepoint: only the culprits stay out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import psycopg
from psycopg import sql

from convstore.database.translation import code_of, translated
from convstore.errors import ConvstoreError
from convstore.saol.catalogue import Relation
from convstore.saol.records import BadRecord, ReadyRecord
from convstore.saol.session import Connection, execute, fetch

__all__ = ["BatchOutcome", "Target", "load_batch"]

CHUNK_RECORDS = 25
#: Failures of the moment: the batch is tried again as a whole, no record is to blame.
_OF_THE_MOMENT = ("40001", "40P01", "55P03")
_NOT_A_ROW = ("ERR_TRANSIENT", "ERR_DB_UNAVAILABLE", "ERR_TIMEOUT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where records go and how."""

    relation: Relation
    mode: Literal["insert", "upsert"]
    key: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchOutcome:
    """What became of a batch; skipped are those that a trigger or an existing row kept out without an error."""

    bad: tuple[BadRecord, ...]
    skipped: frozenset[int]


class _Incomplete(Exception):
    """Fewer rows than records went in: which ones is found out row by row."""


def load_batch(
    connection: Connection, target: Target, batch: Sequence[ReadyRecord], *, blame_rows: bool
) -> BatchOutcome:
    """Put a batch into its table, in the caller's transaction.

    Parameters
    ----------
    blame_rows
        Also take locks and deadlocks for a row's own failure, after the batch was tried often enough.

    Raises
    ------
    ConvstoreError
        For what is no row's fault.
    """
    shapes = {columns: number for number, columns in enumerate(dict.fromkeys(record.columns for record in batch))}
    with translated():
        _stage(connection, batch, shapes)
        try:
            with connection.transaction():
                done = sum(
                    execute(connection, _bulk(target, columns, number)).rowcount for columns, number in shapes.items()
                )
                if done != len(batch):
                    raise _Incomplete
            return BatchOutcome(bad=(), skipped=frozenset())
        except psycopg.Error as error:
            if code_of(error).code in _NOT_A_ROW and not (blame_rows and error.sqlstate in _OF_THE_MOMENT):
                raise
        except _Incomplete:
            pass
        return _one_by_one(connection, target, batch, shapes, blame_rows=blame_rows)


def _stage(connection: Connection, batch: Sequence[ReadyRecord], shapes: dict[tuple[str, ...], int]) -> None:
    execute(connection, "SET CONSTRAINTS ALL IMMEDIATE")
    execute(connection, "SET LOCAL client_min_messages = warning")
    execute(
        connection,
        "CREATE TEMPORARY TABLE IF NOT EXISTS saol_staging"
        " (position bigint, chunk integer, shape integer, record text, pending boolean DEFAULT true) ON COMMIT DROP",
    )
    execute(
        connection,
        "CREATE TEMPORARY TABLE IF NOT EXISTS saol_failed (position bigint, state text, message text, detail text,"
        " column_name text, constraint_name text) ON COMMIT DROP",
    )
    execute(connection, "TRUNCATE pg_temp.saol_staging, pg_temp.saol_failed")
    with connection.cursor().copy("COPY pg_temp.saol_staging (position, chunk, shape, record) FROM STDIN") as copy:
        for number, record in enumerate(batch):
            copy.write_row((record.position, number // CHUNK_RECORDS, shapes[record.columns], record.text))


def _insert(target: Target, columns: tuple[str, ...], source: sql.Composable) -> sql.Composable:
    names = [sql.Identifier(name) for name in columns]
    return sql.SQL("INSERT INTO {} ({}) SELECT {} FROM {}{}").format(
        target.relation.identifier,
        sql.SQL(", ").join(names),
        sql.SQL(", ").join(sql.SQL("r.{}").format(name) for name in names),
        source,
        _on_conflict(target, columns),
    )


def _on_conflict(target: Target, columns: tuple[str, ...]) -> sql.Composable:
    if target.mode == "insert":
        return sql.SQL("")
    key = sql.SQL(", ").join(map(sql.Identifier, target.key))
    changed = [sql.Identifier(name) for name in columns if name not in target.key]
    if not changed:
        return sql.SQL(" ON CONFLICT ({}) DO NOTHING").format(key)
    return sql.SQL(" ON CONFLICT ({}) DO UPDATE SET {}").format(
        key, sql.SQL(", ").join(sql.SQL("{0} = EXCLUDED.{0}").format(name) for name in changed)
    )


def _bulk(target: Target, columns: tuple[str, ...], shape: int, where: str = "") -> sql.Composable:
    source = sql.SQL(
        "(SELECT record FROM pg_temp.saol_staging WHERE shape = {}{} ORDER BY position) AS s"
        " CROSS JOIN LATERAL json_populate_record(NULL::{}, s.record::json) AS r"
    ).format(sql.Literal(shape), sql.SQL(where), target.relation.identifier)
    return _insert(target, columns, source)


def _one_by_one(
    connection: Connection,
    target: Target,
    batch: Sequence[ReadyRecord],
    shapes: dict[tuple[str, ...], int],
    *,
    blame_rows: bool,
) -> BatchOutcome:
    block = _block(connection, target, shapes, blame_rows=blame_rows)
    waiting = len(batch) + 1
    while True:
        execute(connection, block)
        # A row may have come before the row of this batch that it refers to: again, as long as that helps.
        orphans = fetch(connection, "SELECT count(*) AS n FROM pg_temp.saol_failed WHERE state = '23503'")[0]["n"]
        if not orphans or orphans >= waiting:
            break
        waiting = orphans
        execute(
            connection,
            "UPDATE pg_temp.saol_staging SET pending ="
            " position IN (SELECT position FROM pg_temp.saol_failed WHERE state = '23503')",
        )
        execute(connection, "DELETE FROM pg_temp.saol_failed WHERE state = '23503'")
    return _outcome(connection, batch)


def _block(
    connection: Connection, target: Target, shapes: dict[tuple[str, ...], int], *, blame_rows: bool
) -> sql.Composable:
    row = sql.SQL("json_populate_record(NULL::{}, saol_item.record::json) AS r").format(target.relation.identifier)
    branches = sql.SQL(" ELS").join(
        sql.SQL("IF saol_item.shape = {} THEN {};").format(sql.Literal(number), _insert(target, columns, row))
        for columns, number in shapes.items()
    )
    chunk = sql.SQL(" ").join(
        sql.SQL("{}; GET DIAGNOSTICS saol_count = ROW_COUNT; saol_done := saol_done + saol_count;").format(
            _bulk(target, columns, number, " AND pending AND chunk = saol_chunk.chunk")
        )
        for columns, number in shapes.items()
    )
    moment = sql.SQL(", ").join(sql.Literal(state) for state in ("none", *(() if blame_rows else _OF_THE_MOMENT)))
    body = sql.SQL(_BLOCK).format(branches=branches, moment=moment, chunk=chunk)
    return sql.SQL("DO {}").format(sql.Literal(body.as_string(connection)))


# Most records are good: a chunk that goes in whole spares a savepoint for each of its rows.
_BLOCK = """
    #variable_conflict use_column
    DECLARE
        saol_chunk record; saol_item record; saol_done bigint; saol_count bigint; saol_state text; saol_message text;
        saol_detail text; saol_column text; saol_constraint text;
    BEGIN
        FOR saol_chunk IN
            SELECT s.chunk, count(*) AS records FROM pg_temp.saol_staging AS s
            WHERE s.pending GROUP BY s.chunk ORDER BY s.chunk
        LOOP
            BEGIN
                saol_done := 0;
                {chunk}
                IF saol_done = saol_chunk.records THEN
                    CONTINUE;
                END IF;
                RAISE EXCEPTION 'fewer rows than records';
            EXCEPTION WHEN OTHERS THEN
                IF SQLSTATE IN ({moment}) THEN
                    RAISE;
                END IF;
            END;
            FOR saol_item IN
                SELECT s.position, s.shape, s.record FROM pg_temp.saol_staging AS s
                WHERE s.pending AND s.chunk = saol_chunk.chunk ORDER BY s.position
            LOOP
                BEGIN
                    {branches} END IF;
                    GET DIAGNOSTICS saol_count = ROW_COUNT;
                    IF saol_count = 0 THEN
                        INSERT INTO pg_temp.saol_failed (position) VALUES (saol_item.position);
                    END IF;
                EXCEPTION WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS saol_state = RETURNED_SQLSTATE, saol_message = MESSAGE_TEXT,
                        saol_detail = PG_EXCEPTION_DETAIL, saol_column = COLUMN_NAME,
                        saol_constraint = CONSTRAINT_NAME;
                    IF saol_state IN ({moment}) THEN
                        RAISE;
                    END IF;
                    INSERT INTO pg_temp.saol_failed VALUES
                        (saol_item.position, saol_state, saol_message, saol_detail, saol_column, saol_constraint);
                END;
            END LOOP;
        END LOOP;
    END
"""


def _outcome(connection: Connection, batch: Sequence[ReadyRecord]) -> BatchOutcome:
    failed = {
        row.pop("position"): row
        for row in fetch(
            connection,
            "SELECT position, state, message, nullif(detail, '') AS detail, nullif(column_name, '') AS column_name,"
            " nullif(constraint_name, '') AS constraint_name FROM pg_temp.saol_failed",
        )
    }
    return BatchOutcome(
        bad=tuple(
            BadRecord(
                position=record.position,
                line=record.line,
                code=_code(failed[record.position]["state"], failed[record.position]["message"]),
                reason=failed[record.position]["message"],
                record=record.value,
                sqlstate=failed[record.position]["state"],
                column=failed[record.position]["column_name"],
                constraint=failed[record.position]["constraint_name"],
                detail=failed[record.position]["detail"],
            )
            for record in batch
            if record.position in failed and failed[record.position]["state"] is not None
        ),
        skipped=frozenset(position for position, row in failed.items() if row["state"] is None),
    )


def _code(state: str, message: str) -> str:
    try:
        error = psycopg.errors.lookup(state)(message)
    except KeyError:
        return ConvstoreError.code
    return code_of(error).code
