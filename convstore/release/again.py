"""Exports a sealed release again: the same rows from the versions that went out, whatever became of them since.

Turns come from the database where it still holds them, else from the stored object; what neither has is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection

from convstore.database import Context, Database
from convstore.errors import NotFoundError
from convstore.files import FileStore
from convstore.model import Actor
from convstore.queries.release_items import ReleasedItem, iter_items, read_released_turns
from convstore.queries.releases import Release, get_sealed
from convstore.release.card import CardFacts
from convstore.release.manifest import ManifestWriter
from convstore.release.objects import Gone, read_turns
from convstore.release.reports import BATCH, Cancel, Progress, ReleaseReport, Watch
from convstore.release.rows import FileInfo, ReleaseRow
from convstore.release.selection import LeftOut
from convstore.release.specification import ReleaseSpec
from convstore.release.states import released_row
from convstore.release.usage import count_uses

__all__ = ["export_again"]

_TIMEOUT_S = 24 * 3600.0
#: Objects that are fetched at once; a remote store answers each in tens of milliseconds.
_FETCHES = 8
_NAMED = 100


def export_again(
    database: Database,
    files: FileStore,
    actor: Actor,
    identifier: str,
    out: Path,
    *,
    force: bool = False,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ReleaseReport:
    """Write the rows of a sealed release to `out` once more.

    Raises
    ------
    NotFoundError
        There is no such release, or conversations of it are gone: `facts["gone"]` names them.
    RefusedError
        It was never sealed, or `out` exists.
    """
    watch = Watch(progress, cancel)
    context = Context.of(actor)
    with database.transaction(context, read_only=True, snapshot=True, timeout_s=_TIMEOUT_S) as reading:
        release = get_sealed(reading, identifier, actor.workspace_id)
        spec = ReleaseSpec.of_release(release)
        card = release.summary.get("card")
        with spec.open_writer(out, force=force, card=None if card is None else CardFacts(**card)) as writer:
            manifest = ManifestWriter(writer.staging)
            gone: list[Gone] = []
            done = 0
            with ThreadPoolExecutor(_FETCHES) as pool:
                for batch in iter_items(reading, spec.id, actor.workspace_id, size=BATCH):
                    rows = _rows(reading, files, actor.workspace_id, batch, gone, pool)
                    if not gone:
                        manifest.add(rows, writer.write_batch(rows))
                    done += len(batch)
                    watch.tell(done, release.conversation_count, "writing")
            if gone:
                raise _gone(release, gone)
            written = writer.close()
            manifest_file = manifest.write(spec.manifest_head(release.left_out), written)
            writer.publish()
    with database.transaction(Context.of(actor, elevated=True)) as counting:
        count_uses(counting, spec.id, actor.workspace_id, conversations=done, is_first=False)
    return ReleaseReport(
        release=spec.id,
        name=spec.name,
        format=spec.format,
        files=tuple(written),
        manifest=manifest_file,
        conversations=done,
        left_out=tuple(LeftOut(**item) for item in release.left_out),
        summary=release.summary,
        is_identical=_hashes(written) == sorted(entry["sha256"] for entry in release.files if entry["rows"]),
    )


def _rows(
    reading: Connection,
    files: FileStore,
    workspace_id: UUID,
    batch: Sequence[ReleasedItem],
    gone: list[Gone],
    pool: ThreadPoolExecutor,
) -> list[ReleaseRow]:
    stored = read_released_turns(reading, batch, workspace_id)
    missing = [item for item in batch if item.conversation_id not in stored]
    fetched = dict(
        zip([item.position for item in missing], pool.map(lambda i: read_turns(files, i), missing), strict=True)
    )
    rows = []
    for item in batch:
        turns = stored.get(item.conversation_id) or fetched[item.position]
        if isinstance(turns, Gone):
            gone.append(turns)
        else:
            rows.append(released_row(item, turns))
    return rows


def _hashes(written: Sequence[FileInfo]) -> list[str]:
    # Side files name the data files, whose names are the caller's.
    return sorted(info.sha256 for info in written if info.rows)


def _gone(release: Release, gone: Sequence[Gone]) -> NotFoundError:
    return NotFoundError(
        f"{len(gone):,} of {release.conversation_count:,} conversations of the release are gone: "
        + ", ".join(item.conversation_id for item in gone[:5])
        + (", …" if len(gone) > 5 else ""),
        hint="Restore their files from a backup; `convstore release verify` names each.",
        facts={"release": str(release.id), "gone": [item.as_dict() for item in gone[:_NAMED]], "total": len(gone)},
        code="ERR_RELEASE_INCOMPLETE",
    )
