"""Building a release: one snapshot in, one staged export out, sealed in the database before it gets its name.

Killed at any moment it leaves no file under a final name, and a row that the next build recognises as left behind.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ARRAY, ColumnElement, Connection, Uuid, any_, literal

from convstore.database import Context, Database
from convstore.database.tables import conversations
from convstore.errors import ConvstoreError, RefusedError, UsageError
from convstore.filtering import filter_as_json
from convstore.model import Actor, Filter
from convstore.queries.conversations import matching
from convstore.queries.release_rows import (
    ItemCopy,
    StoredItem,
    copying_items,
    count_conversations,
    iter_conversations,
    list_candidates,
)
from convstore.queries.releases import clear_stale, insert_release, lock_release, mark_failed, seal_release
from convstore.release.formats import Writer, writer_for
from convstore.release.judging import Judge, LintMode, default_lint
from convstore.release.leakage import LeakageReport, SplitText, check_leakage
from convstore.release.manifest import ManifestHead, ManifestWriter
from convstore.release.rows import FileInfo, ReleaseOptions, ReleaseRow
from convstore.release.selection import LeftOut, Selection, SliceRules, SplitPlan, select_slice
from convstore.release.states import read_row

__all__ = ["Cancel", "Progress", "ReleaseReport", "ReleaseRequest", "build_release"]

Progress = Callable[[int, int, str], None]
Cancel = Callable[[], bool]

BATCH = 500
#: A COPY is one statement, however long the reader takes.
_BUILD_TIMEOUT_S = 24 * 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseRequest:
    """What is to be released and how. `lint` is the format's own default if left out."""

    format: str
    filter: Filter = field(default_factory=Filter)
    rules: SliceRules = field(default_factory=SliceRules)
    plan: SplitPlan = field(default_factory=SplitPlan)
    options: ReleaseOptions = field(default_factory=ReleaseOptions)
    name: str | None = None
    seed: int = 0
    lint: LintMode | None = None
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseReport:
    """What went out. `summary` holds the counts that the release keeps."""

    release: UUID
    name: str | None
    format: str
    files: tuple[FileInfo, ...]
    manifest: FileInfo
    conversations: int
    left_out: tuple[LeftOut, ...]
    summary: Mapping[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The report as `--json` prints it."""
        return {
            "release": str(self.release),
            "format": self.format,
            "files": [file_as_dict(info) for info in self.files],
            "conversations": self.conversations,
            "left_out": [item.as_dict() for item in self.left_out],
        }


def file_as_dict(info: FileInfo) -> dict[str, Any]:
    """A file as reports and releases name it."""
    return {"path": str(info.path), "sha256": info.sha256, "rows": info.rows, "bytes": info.bytes}


def build_release(
    database: Database,
    actor: Actor,
    request: ReleaseRequest,
    out: Path,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ReleaseReport:
    """Write a slice to `out` and seal it.

    Parameters
    ----------
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
    return _Build(database, actor, request, out, progress, cancel).run()


class _Build:
    """One build, from the snapshot to the final name."""

    def __init__(
        self,
        database: Database,
        actor: Actor,
        request: ReleaseRequest,
        out: Path,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> None:
        self.database = database
        self.actor = actor
        self.request = request
        self.out = out
        self.progress = progress
        self.cancel = cancel
        self.release_id = uuid4()
        self.workspace_id = actor.workspace_id
        mode = request.lint or default_lint(request.format)
        if mode not in ("fail", "drop", "keep"):
            raise UsageError(f"lint is fail, drop or keep, not {mode!r}", hint="Choose one of the three.")
        self.judge = Judge(request.format, request.options, mode)
        self.left_out: list[LeftOut] = []
        self.shape: Counter[str] = Counter()
        self.by: dict[str, Counter[str]] = {name: Counter() for name in (*_COMPOSED, "split")}
        self.title = request.name or out.name.split(".")[0] or out.name

    def run(self) -> ReleaseReport:
        with self._writer() as writer:
            context = Context.of(self.actor)
            with self.database.transaction(
                context, read_only=True, snapshot=True, timeout_s=_BUILD_TIMEOUT_S
            ) as reading:
                lock_release(reading, self.release_id)
                self._open()
                try:
                    report = self._build(reading, writer)
                except BaseException as exc:
                    self._give_up(exc)
                    raise
            writer.publish()
        return report

    def _writer(self) -> Writer:
        request = self.request
        return writer_for(
            request.format,
            self.out,
            options=request.options,
            splits=tuple(request.plan.shares),
            force=request.force,
            title=self.title,
            release=self._described(),
        )

    def _described(self) -> dict[str, Any]:
        request = self.request
        return {
            "release": str(self.release_id),
            "name": request.name,
            "format": request.format,
            "exporter": _exporter(),
            "filter": filter_as_json(request.filter),
            "rules": request.rules.as_json(),
            "seed": request.seed,
        }

    def _open(self) -> None:
        request = self.request
        with self.database.transaction(Context.of(self.actor)) as connection:
            clear_stale(connection, self.workspace_id)
            insert_release(
                connection,
                {
                    "id": self.release_id,
                    "workspace_id": self.workspace_id,
                    "name": request.name,
                    "format": request.format,
                    "filter": filter_as_json(request.filter),
                    "rules": {**request.rules.as_json(), "lint": self.judge.mode},
                    "options": {
                        **asdict(request.options),
                        "splits": request.plan.as_json(),
                        "title": self.title,
                    },
                    "seed": request.seed,
                    "exporter_version": _exporter(),
                    "created_by": self.actor.user_id,
                },
            )

    def _build(self, reading: Connection, writer: Writer) -> ReleaseReport:
        where = matching(reading, self.request.filter, self.workspace_id)
        selection = self._select(reading, where)
        if selection is not None:
            self.left_out += selection.left_out
            where = _chosen(self.workspace_id, selection.splits)
            total = len(selection.splits)
        else:
            total = count_conversations(reading, where)
        manifest = ManifestWriter(writer.staging)
        elevated = Context.of(self.actor, elevated=True)
        with self.database.transaction(elevated, timeout_s=_BUILD_TIMEOUT_S) as sealing:
            with copying_items(sealing, self.release_id, self.workspace_id) as items:
                rows = self._write(reading, where, selection, writer, manifest, items, total)
            self.judge.check_failed(items.count)
            leakage = self._check_leakage(reading, where, selection)
            files = writer.close()
            head = ManifestHead(
                format=self.request.format,
                exporter=_exporter(),
                release=str(self.release_id),
                filter=filter_as_json(self.request.filter),
                rules=self.request.rules.as_json(),
                seed=self.request.seed,
                splits={name: str(share) for name, share in self.request.plan.shares.items()},
                options=self.request.options,
                left_out=[item.as_dict() for item in self.left_out],
            )
            manifest_file = manifest.write(head, files)
            summary = {
                "lint": self.judge.report(passed=items.count, rows=rows),
                "left_out": dict(sorted(Counter(item.rule for item in self.left_out).items())),
                "not_sampled": 0 if selection is None else selection.not_sampled,
                "rows": rows,
                **self.shape,
                "composition": {name: dict(counts.most_common()) for name, counts in self.by.items()},
                "leakage": None if leakage is None else _leakage_as_dict(leakage),
                "manifest": file_as_dict(manifest_file),
            }
            self._tell(total, total, "sealing")
            seal_release(
                sealing,
                self.release_id,
                self.workspace_id,
                conversation_count=items.count,
                files=[file_as_dict(info) for info in files],
                left_out=[item.as_dict() for item in self.left_out],
                summary=summary,
            )
        return ReleaseReport(
            release=self.release_id,
            name=self.request.name,
            format=self.request.format,
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
        self._tell(0, 0, "selecting")
        candidates = list_candidates(reading, where, self.workspace_id, finding_codes=request.rules.without_findings)
        return select_slice(
            candidates,
            request.rules,
            request.plan,
            seed=request.seed,
            refused=lambda ids: self._refused(reading, ids),
        )

    def _refused(self, reading: Connection, ids: Collection[UUID]) -> Mapping[UUID, str]:
        """What the lint would drop, looked at beforehand; any other lint decides while the rows go out."""
        if self.judge.mode != "drop":
            return {}
        found = {}
        for done, stored in enumerate(iter_conversations(reading, _chosen(self.workspace_id, ids), self.workspace_id)):
            row = read_row(stored.state, stored.turns)
            rule = self.judge.refused(row)
            if rule is not None:
                found[row.conversation.id] = rule
            if done % BATCH == 0:
                self._tell(done, len(ids), "linting")
        return found

    def _write(
        self,
        reading: Connection,
        where: Sequence[ColumnElement[bool]],
        selection: Selection | None,
        writer: Writer,
        manifest: ManifestWriter,
        items: ItemCopy,
        total: int,
    ) -> int:
        written = done = 0
        for batch in _batches(iter_conversations(reading, where, self.workspace_id)):
            going: list[ReleaseRow] = []
            states: list[tuple[bytes, str | None]] = []
            for stored in batch:
                row = read_row(stored.state, stored.turns)
                if selection is not None:
                    row = _placed(row, selection.splits[row.conversation.id])
                rule = self.judge.refused(row)
                if rule is None:
                    going.append(row)
                    states.append((stored.state, row.split))
                    self._count(row)
                else:
                    self.left_out.append(LeftOut(row.conversation.conversation_id, rule))
            done += len(batch)
            # After a fault that stops the release, only the counting goes on.
            if not (self.judge.mode == "fail" and self.judge.failed):
                receipts = writer.write_batch(going)
                manifest.add(going, receipts)
                written += sum(receipt.rows for receipt in receipts)
            items.add(states)
            self._tell(done, total, "writing")
        return written

    def _count(self, row: ReleaseRow) -> None:
        conversation = row.conversation
        self.judge.passed(row)
        self.shape["turns"] += len(row.turns)
        self.shape["characters"] += sum([len(turn.content) for turn in row.turns])
        for name, attribute in _COMPOSED.items():
            self.by[name][getattr(conversation, attribute) or ""] += 1
        if row.split is not None:
            self.by["split"][row.split] += 1

    def _check_leakage(
        self, reading: Connection, where: Sequence[ColumnElement[bool]], selection: Selection | None
    ) -> LeakageReport | None:
        if selection is None or len(self.request.plan.shares) < 2:
            return None
        self._tell(0, 0, "looking for leakage between the splits")
        splits = selection.splits

        def read() -> Iterator[SplitText]:
            for stored in iter_conversations(reading, where, self.workspace_id):
                row = read_row(stored.state, stored.turns)
                split = splits[row.conversation.id]
                yield SplitText(row.conversation.conversation_id, split or "", tuple(t.content for t in row.turns))

        return check_leakage(read, largest=max(self.request.plan.shares.items(), key=lambda item: item[1])[0])

    def _give_up(self, exc: BaseException) -> None:
        reason = exc.code if isinstance(exc, ConvstoreError) else type(exc).__name__
        with self.database.transaction(Context.of(self.actor)) as connection:
            mark_failed(connection, self.release_id, self.workspace_id, reason=reason)

    def _tell(self, done: int, total: int, what: str) -> None:
        if self.cancel is not None and self.cancel():
            raise RefusedError("the export was cancelled", hint="Nothing was written.", code="ERR_CANCELLED")
        if self.progress is not None:
            self.progress(done, total, what)


_COMPOSED = {
    "persona": "persona_key",
    "arc": "emotional_arc_key",
    "topic": "topic_key",
    "tier": "tier",
    "status": "status",
    "source": "source_name",
}


def _exporter() -> str:
    try:
        return f"convstore {version('convstore')}"
    except PackageNotFoundError:
        return "convstore, a checkout"


def _chosen(workspace_id: UUID, ids: Collection[UUID]) -> list[ColumnElement[bool]]:
    c = conversations.c
    return [c.workspace_id == workspace_id, c.id == any_(literal(list(ids), ARRAY(Uuid)))]


def _placed(row: ReleaseRow, split: str | None) -> ReleaseRow:
    return ReleaseRow(conversation=row.conversation, turns=row.turns, split=split, excluded_turns=row.excluded_turns)


def _batches(stored: Iterator[StoredItem]) -> Iterator[list[StoredItem]]:
    batch = []
    for item in stored:
        batch.append(item)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _leakage_as_dict(report: LeakageReport) -> dict[str, Any]:
    return {
        "ngram_words": report.ngram_words,
        "threshold": report.threshold,
        "held_out": report.held_out,
        "leaks": [leak._asdict() for leak in report.leaks[:100]],
        "leaks_total": len(report.leaks),
    }
