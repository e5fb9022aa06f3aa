"""Building a release: one snapshot in, one staged export out, sealed in the database before it gets its name.

Killed at any moment it leaves no file under a final name, and a row that the next build recognises as left behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Connection

from convstore.database import Context, Database
from convstore.errors import ConvstoreError
from convstore.model import Actor
from convstore.queries.export_rows import StoredItem, iter_batches
from convstore.queries.matching import matching
from convstore.queries.release_rows import chosen, count_conversations, list_candidates
from convstore.queries.release_writing import ItemWriter, writing_items
from convstore.queries.releases import clear_stale, insert_release, lock_release, mark_failed, seal_release
from convstore.release.card import CardFacts
from convstore.release.describing import describe
from convstore.release.formats import Writer
from convstore.release.judging import Judge
from convstore.release.leakage import SplitText, check_leakage
from convstore.release.manifest import ManifestWriter
from convstore.release.reports import BATCH, Cancel, Progress, ReleaseReport, Watch, file_as_dict
from convstore.release.rows import ReleaseRow
from convstore.release.selection import LeftOut, Selection, select_slice
from convstore.release.specification import ReleaseRequest, ReleaseSpec
from convstore.release.states import stored_row
from convstore.release.tally import Tally
from convstore.release.usage import count_uses

__all__ = ["BUILD_TIMEOUT_S", "build_release", "lint_beforehand"]

#: A COPY is one statement, however long its reader takes.
BUILD_TIMEOUT_S = 24 * 3600.0
_MOST_LEAKS = 100


def build_release(
    database: Database,
    actor: Actor,
    request: ReleaseRequest,
    out: Path,
    *,
    release_id: UUID | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ReleaseReport:
    """Write a slice to `out` and seal it.

    Parameters
    ----------
    release_id
        Of the release, where it is known beforehand; a failed one of this id makes room.
    progress
        Called with conversations done, their total, and what is being done.
    cancel
        Asked now and then; the release is given up when it says True.

    Raises
    ------
    ConflictError
        The name is taken, or another export writes to `out`.
    ForbiddenError
        The actor is no lead.
    InvalidInputError
        The lint is to stop at faults, and there are some.
    RefusedError
        `out` exists, or the build was cancelled.
    """
    spec = ReleaseSpec.of_request(release_id or uuid4(), request, out)
    build = _Build(database, actor, request, spec, Watch(progress, cancel))
    snapshot = database.transaction(Context.of(actor), read_only=True, snapshot=True, timeout_s=BUILD_TIMEOUT_S)
    with snapshot as reading:
        card = describe(reading, request, build.spec, actor.workspace_id) if request.format == "hf" else None
        with build.spec.open_writer(out, force=request.force, card=card) as writer:
            lock_release(reading, build.spec.id)
            build.open()
            try:
                report = build.write(reading, writer, card)
            except BaseException as exc:
                build.give_up(exc)
                raise
            writer.publish()
    return report


def lint_beforehand(
    reading: Connection, workspace_id: UUID, ids: Collection[UUID], judge: Judge, watch: Watch
) -> dict[UUID, str]:
    """The rule that each refused conversation breaks, found by reading all of them."""
    found = {}
    done = 0
    for batch in iter_batches(reading, chosen(workspace_id, ids), workspace_id, size=BATCH):
        for stored in batch:
            rule = judge.refused(stored_row(stored))
            if rule is not None:
                found[stored.conversation.id] = rule
        done += len(batch)
        watch.tell(done, len(ids), "checking")
    return found


class _Build:
    """One build, from the snapshot to the seal."""

    def __init__(
        self, database: Database, actor: Actor, request: ReleaseRequest, spec: ReleaseSpec, watch: Watch
    ) -> None:
        self.database = database
        self.actor = actor
        self.workspace_id = actor.workspace_id
        self.request = request
        self.spec = spec
        self.watch = watch
        self.judge = Judge(request.format, request.options, request.lint_mode)
        self.tally = Tally()
        self.left_out: list[LeftOut] = []
        self.rows = 0

    def open(self) -> None:
        """Let the database know, and decide whether the actor may."""
        values = {**self.spec.as_row(), "workspace_id": self.workspace_id, "created_by": self.actor.user_id}
        with self.database.transaction(Context.of(self.actor)) as connection:
            clear_stale(connection, self.workspace_id, held=self.spec.id)
            insert_release(connection, values)

    def give_up(self, exc: BaseException) -> None:
        """Leave a word of why, and the name free."""
        reason = exc.code if isinstance(exc, ConvstoreError) else type(exc).__name__
        with self.database.transaction(Context.of(self.actor)) as connection:
            mark_failed(connection, self.spec.id, self.workspace_id, reason=reason)

    def write(self, reading: Connection, writer: Writer, card: CardFacts | None) -> ReleaseReport:
        """Stage every file and seal the release."""
        where: Sequence[ColumnElement[bool]] = matching(reading, self.request.filter, self.workspace_id)
        selection = self._select(reading, where)
        if selection is not None:
            self.left_out += selection.left_out
            where = chosen(self.workspace_id, selection.splits)
        total = count_conversations(reading, where)
        manifest = ManifestWriter(writer.staging)
        elevated = Context.of(self.actor, elevated=True)
        with self.database.transaction(elevated, timeout_s=BUILD_TIMEOUT_S) as sealing:
            with (
                writing_items(sealing, self.spec.id, self.workspace_id) as items,
                closing(iter_batches(reading, where, self.workspace_id, size=BATCH)) as batches,
            ):
                for batch in batches:
                    self._write_batch(batch, selection, writer, manifest, items)
                    self.watch.tell(self.tally.conversations + self.judge.failed, total, "writing")
                items.flush()
            self.judge.check_failed(items.count)
            leakage = self._check_leakage(reading, where, selection)
            files = writer.close()
            left_out = [item.as_dict() for item in self.left_out]
            manifest_file = manifest.write(self.spec.manifest_head(left_out), files)
            summary = {
                **self.tally.report(),
                "rows": self.rows,
                "lint": self.judge.report(passed=items.count, rows=self.rows),
                "left_out": dict(sorted(Counter(item.rule for item in self.left_out).items())),
                "not_sampled": 0 if selection is None else selection.not_sampled,
                "leakage": leakage,
                "manifest": file_as_dict(manifest_file),
                "card": None if card is None else asdict(card),
            }
            self.watch.tell(total, total, "sealing")
            seal_release(
                sealing,
                self.spec.id,
                self.workspace_id,
                conversation_count=items.count,
                files=[file_as_dict(info) for info in files],
                left_out=left_out,
                summary=summary,
            )
            count_uses(sealing, self.spec.id, self.workspace_id, conversations=items.count, is_first=True)
        return ReleaseReport(
            release=self.spec.id,
            name=self.spec.name,
            format=self.spec.format,
            files=tuple(files),
            manifest=manifest_file,
            conversations=items.count,
            left_out=tuple(self.left_out),
            summary=summary,
        )

    def _select(self, reading: Connection, where: Sequence[ColumnElement[bool]]) -> Selection | None:
        request = self.request
        if request.rules.is_empty and not request.plan.shares:
            return None
        self.watch.tell(0, 0, "selecting")
        return select_slice(
            list_candidates(reading, where, self.workspace_id, finding_codes=request.rules.without_findings),
            request.rules,
            request.plan,
            seed=request.seed,
            refused=lambda ids: self._refused(reading, ids),
        )

    def _refused(self, reading: Connection, ids: Collection[UUID]) -> Mapping[UUID, str]:
        # Any other lint decides while the rows go out.
        if self.judge.mode != "drop":
            return {}
        return lint_beforehand(reading, self.workspace_id, ids, self.judge, self.watch)

    def _write_batch(
        self,
        batch: Sequence[StoredItem],
        selection: Selection | None,
        writer: Writer,
        manifest: ManifestWriter,
        items: ItemWriter,
    ) -> None:
        going: list[ReleaseRow] = []
        # What was checked beforehand and is here has passed.
        is_checked = selection is not None and self.judge.mode == "drop"
        for stored in batch:
            row = stored_row(stored, None if selection is None else selection.splits[stored.conversation.id])
            rule = None if is_checked else self.judge.refused(row)
            if rule is not None:
                self.left_out.append(LeftOut(row.conversation.conversation_id, rule))
                continue
            going.append(row)
            self.judge.passed(row)
        self.tally.count(going)
        items.add(going)
        # After a fault that stops the release, only the counting goes on.
        if self.judge.mode == "fail" and self.judge.failed:
            return
        receipts = writer.write_batch(going)
        manifest.add(going, receipts)
        self.rows += sum([receipt.rows for receipt in receipts])

    def _check_leakage(
        self, reading: Connection, where: Sequence[ColumnElement[bool]], selection: Selection | None
    ) -> dict[str, Any] | None:
        shares = self.request.plan.shares
        if selection is None or len(shares) < 2:
            return None
        splits = selection.splits

        def read() -> Iterator[SplitText]:
            done = 0
            for batch in iter_batches(reading, where, self.workspace_id, size=BATCH):
                for stored in batch:
                    conversation = stored.conversation
                    split = splits[conversation.id] or ""
                    yield SplitText(conversation.conversation_id, split, tuple(stored.turns.contents))
                done += len(batch)
                self.watch.tell(done, len(splits), "looking for leakage")

        report = check_leakage(read, largest=max(shares, key=lambda name: shares[name]))
        return {
            "ngram_words": report.ngram_words,
            "threshold": report.threshold,
            "held_out": report.held_out,
            "leaks_total": len(report.leaks),
            "leaks": [leak._asdict() for leak in report.leaks[:_MOST_LEAKS]],
        }
