"""Conversations and scaffolding come in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from convstore.core.jobs import Jobs

if TYPE_CHECKING:
    from convstore.ingest import IngestReport, OnConflict
    from convstore.queries.imports import ImportRun, QuarantinedFile

__all__ = ["Importing"]


class Importing(Jobs):
    """Conversations and scaffolding come in, at once or in the background."""

    def ingest(
        self,
        paths: Iterable[str | Path],
        *,
        on_conflict: OnConflict = "fail",
        dry_run: bool = False,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> IngestReport:
        """Store every conversation of files, folders and globs."""
        from convstore.sources import expand

        return self._ingest(expand(paths), on_conflict=on_conflict, dry_run=dry_run, progress=progress)

    def ingest_uploads(
        self,
        uploads: Mapping[str, bytes],
        *,
        on_conflict: OnConflict = "fail",
        dry_run: bool = False,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> IngestReport:
        """Store every conversation of uploaded files, given by name."""
        from convstore.sources import MemorySource

        sources = [MemorySource(name, data) for name, data in uploads.items()]
        report = self._ingest(sources, on_conflict=on_conflict, dry_run=dry_run, progress=progress)
        if not dry_run:
            self._look_again(report)
        return report

    def ingest_later(self, uploads: Mapping[str, bytes], *, on_conflict: OnConflict = "fail") -> UUID:
        """Keep uploaded files and import them in the background; the id of the job, and of the import."""
        from convstore.ingest import defer_ingest

        check = self._space_check()
        return defer_ingest(self.database, self.files, self.actor, uploads, on_conflict=on_conflict, check_space=check)

    def ingest_deferred(
        self, job_id: UUID, arguments: Mapping[str, Any], *, progress: Callable[[int, int, str], None]
    ) -> IngestReport:
        """Do what `ingest_later` queued, or what is left of it; a worker calls this."""
        from convstore.ingest import run_deferred_ingest

        with self._writing():
            report = run_deferred_ingest(
                self.database,
                self.files,
                self.actor,
                job_id,
                arguments,
                progress=progress,
                **self._ingest_options(),
            )
        self._look_again(report)
        return report

    def look_at_part(
        self, arguments: Mapping[str, Any], *, progress: Callable[[int, int, str], None]
    ) -> list[list[str]]:
        """What files of a queued import may have in common with others of it; see `convstore.ingest.sharing`."""
        from convstore.ingest import find_keys

        return find_keys(self.files, arguments, max_file_bytes=self.settings.max_file_bytes, progress=progress)

    def ingest_part(self, arguments: Mapping[str, Any], *, progress: Callable[[int, int, str], None]) -> None:
        """Store some files of a queued import; see `convstore.ingest.sharing`."""
        from convstore.ingest import run_part

        with self._writing():
            run_part(self.database, self.files, self.actor, arguments, progress=progress, **self._ingest_options())

    def close_import(self, job_id: UUID, arguments: Mapping[str, Any]) -> IngestReport:
        """End a queued import of which every part is stored."""
        from convstore.ingest import close_deferred_ingest

        with self._writing():
            report = close_deferred_ingest(self.database, self.files, self.actor, job_id, arguments)
        self._look_again(report)
        return report

    def fail_import(self, job_id: UUID, reason: str) -> None:
        """Note why the files that are left of a queued import were not imported."""
        from convstore.ingest import fail_items

        fail_items(self.database, self.actor, job_id, reason)

    def imports(self, *, limit: int = 10) -> tuple[ImportRun, ...]:
        """The workspace's imports, newest first."""
        from convstore.queries.imports import list_imports

        with self._reading() as connection:
            return list_imports(connection, self.actor.workspace_id, limit=limit)

    def import_report(self, run_id: UUID, *, limit: int = 5000) -> IngestReport:
        """What became of the files of an import, the first `limit` of them."""
        from convstore.ingest import find_report

        return find_report(self.database, self.actor, run_id, limit=limit)

    def import_progress(self, run_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
        """How many files of each import are queued, processing, completed or failed."""
        from convstore.queries.imports import count_items

        with self._reading() as connection:
            return count_items(connection, self.actor.workspace_id, run_ids)

    def quarantined(self, *, limit: int = 50) -> tuple[QuarantinedFile, ...]:
        """Input that could not be read, newest first."""
        from convstore.queries.imports import list_quarantined

        with self._reading() as connection:
            return list_quarantined(connection, self.actor.workspace_id, limit=limit)

    def import_scaffolding(self, path: Path) -> dict[str, int]:
        """Add personas, arcs, topics and templates from a JSON file; counts by kind."""
        from convstore.scaffold import import_scaffolding

        with self._writing():
            return import_scaffolding(self.database, self.actor, path)

    def _ingest(self, sources: Sequence[Any], **options: Any) -> IngestReport:
        from convstore.ingest import ingest

        with self._writing():
            return ingest(self.database, self.files, self.actor, sources, **self._ingest_options(), **options)

    def _ingest_options(self) -> dict[str, Any]:
        return {
            "max_file_bytes": self.settings.max_file_bytes,
            "language": self._language(),
            "check_space": self._space_check(),
        }

    def _look_again(self, report: IngestReport) -> None:
        """Have a worker compare and check the set, now that it has grown; where none runs, the daily run does."""
        if (report.totals["stored"] or report.totals["replaced"]) and self.actor.role in ("lead", "admin"):
            for task in ("duplicates", "checks"):
                self.defer(task)
