"""The first rows of a release before anybody builds it: what a trainer would read. Writes nothing that stays."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Uuid, any_, literal

from convstore.database.tables import conversations
from convstore.queries.release_rows import iter_conversations
from convstore.release.formats import RECORDS, writer_for
from convstore.release.rows import ReleaseOptions, ReleaseRow
from convstore.release.states import read_row

__all__ = ["preview_rows"]


def preview_rows(
    connection: Connection, ids: Sequence[UUID], workspace_id: UUID, format_name: str, options: ReleaseOptions
) -> tuple[str, ...]:
    """Each conversation as the format writes it, as readable text; none for one that the format leaves out."""
    c = conversations.c
    where = [c.workspace_id == workspace_id, c.id == any_(literal(list(ids), ARRAY(Uuid)))]
    rows = [read_row(stored.state, stored.turns) for stored in iter_conversations(connection, where, workspace_id)]
    return tuple(text for row in rows for text in _texts(row, format_name, options))


def _texts(row: ReleaseRow, format_name: str, options: ReleaseOptions) -> list[str]:
    if format_name in RECORDS:
        return [_pretty(record) for record in list(RECORDS[format_name](row, options))[:1]]
    with tempfile.TemporaryDirectory(prefix="convstore-preview-") as folder:
        is_columnar = format_name in ("parquet", "hf")
        out = Path(folder) / ("preview.parquet" if is_columnar else "preview")
        with writer_for("parquet" if is_columnar else format_name, out, options=options) as writer:
            writer.write(row)
            writer.publish()
        if format_name.startswith("brightrun"):
            return [_pretty(json.loads(out.read_text("utf-8")))]
        if not is_columnar:
            return [out.read_text("utf-8")]
        import pyarrow.parquet

        return [_pretty(record) for record in pyarrow.parquet.read_table(out).to_pylist()]


def _pretty(record: object) -> str:
    return json.dumps(record, ensure_ascii=False, indent=2, default=str)
