"""Slices that go out, and what went out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Unpack
from uuid import UUID

from convstore.core.reading import Reading
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.queries.release_items import ReleasedItem
    from convstore.queries.releases import Release, ReleaseHead, ReleaseUse
    from convstore.release.comparing import ReleaseDiff
    from convstore.release.delivering import DeliveredFile
    from convstore.release.previewing import ReleasePreview
    from convstore.release.reports import ReleaseReport
    from convstore.release.specification import ReleaseRequest, Slice
    from convstore.release.verifying import ReleaseCheck

__all__ = ["Releasing"]


class Releasing(Reading):
    """Slices that go out, and what went out."""

    def export(
        self,
        format_name: str,
        out: str | Path,
        wanted: Filter | None = None,
        *,
        force: bool = False,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        **asked: Unpack[Slice],
    ) -> ReleaseReport:
        """Write a slice to a file or folder, as a release; see `convstore.release.building.build_release`.

        `asked` holds name, rules, plan, options, seed and lint, as `ReleaseRequest` explains them.
        """
        from convstore.release.specification import ReleaseRequest

        request = ReleaseRequest(format=format_name, filter=wanted or Filter(), force=force, **asked)
        return self.export_request(request, out, progress=progress, cancel=cancel)

    def export_request(
        self,
        request: ReleaseRequest,
        out: str | Path,
        *,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ReleaseReport:
        """`export` for a request that is put together already."""
        from convstore.release.building import build_release

        with self._writing():
            return build_release(self.database, self.actor, request, Path(out), progress=progress, cancel=cancel)

    def export_later(self, format_name: str, wanted: Filter | None = None, **asked: Unpack[Slice]) -> UUID:
        """Have a worker release a slice; the id of the job, and of the release. `download_release` hands it out."""
        from convstore.release.specification import ReleaseRequest

        return self.export_request_later(ReleaseRequest(format=format_name, filter=wanted or Filter(), **asked))

    def export_request_later(self, request: ReleaseRequest) -> UUID:
        """`export_later` for a request that is put together already."""
        from convstore.release.deferring import defer_export

        self._require_lead("releases")
        return defer_export(self.database, self.actor, request)

    def export_deferred(
        self, job_id: UUID, arguments: Mapping[str, Any], *, progress: Callable[[int, int, str], None]
    ) -> ReleaseReport:
        """Do what `export_later` queued; a worker calls this."""
        from convstore.release.deferring import run_deferred_export

        with self._writing():
            return run_deferred_export(
                self.database,
                self.files,
                self.actor,
                job_id,
                arguments,
                home=self.settings.home,
                progress=progress,
            )

    def download_release(self, identifier: str) -> Iterator[bytes]:
        """The files of a sealed release and their manifest as one zip in pieces; written again where nobody kept them.

        Raises
        ------
        NotFoundError, RefusedError
            See `export_release`.
        """
        from convstore.release.delivering import iter_zip

        with ExitStack() as opening:
            named = opening.enter_context(self._released_files(self.get_release(identifier)))
            opened = opening.pop_all()

        def pieces() -> Iterator[bytes]:
            with opened:
                yield from iter_zip(named)

        return pieces()

    @contextmanager
    def _released_files(self, release: Release) -> Iterator[list[tuple[str, Path]]]:
        """The files of a release: those that a worker left, else written again for as long as the block lasts."""
        from convstore.release.deferring import export_folder
        from convstore.release.delivering import files_in, files_of
        from convstore.release.formats import file_name

        if kept := files_in(export_folder(self.settings.home, release.id)):
            yield kept
            return
        name = file_name(release.format, release.name, splits=bool(release.options["splits"]["shares"]))
        with TemporaryDirectory(prefix="convstore-release-") as folder:
            yield files_of(self.export_release(str(release.id), Path(folder) / name))

    def preview_release(
        self,
        format_name: str,
        wanted: Filter | None = None,
        *,
        read_texts: bool = True,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
        **asked: Unpack[Slice],
    ) -> ReleasePreview:
        """What `export` would write: counts, lint and a few rows; see `convstore.release.previewing`."""
        from convstore.release.previewing import preview_release
        from convstore.release.specification import ReleaseRequest

        request = ReleaseRequest(format=format_name, filter=wanted or Filter(), **asked)
        return preview_release(
            self.database, self.actor, request, read_texts=read_texts, progress=progress, cancel=cancel
        )

    def preview_request(self, request: ReleaseRequest, *, read_texts: bool) -> ReleasePreview:
        """`preview_release` for a request that is put together already, kept for as long as nothing changes."""
        from convstore.release.previewing import preview_release

        def ask() -> ReleasePreview:
            return preview_release(self.database, self.actor, request, read_texts=read_texts)

        return self._cached(("release preview", repr(request), read_texts), ask)

    def list_releases(self, *, limit: int = 100) -> tuple[ReleaseHead, ...]:
        """Releases, newest first."""
        from convstore.queries.releases import list_releases

        with self._reading() as connection:
            return list_releases(connection, self.actor.workspace_id, limit=limit)

    def get_release(self, identifier: str) -> Release:
        """A release by name or id, with its files, counts and what it left out."""
        from convstore.queries.releases import get_release

        with self._reading() as connection:
            return get_release(connection, identifier, self.actor.workspace_id)

    def release_items(self, identifier: str, *, after: int = -1, limit: int = 100) -> tuple[ReleasedItem, ...]:
        """A page of the conversations of a release, those behind position `after`."""
        from convstore.queries.release_items import list_items
        from convstore.queries.releases import get_release

        with self._reading() as connection:
            release = get_release(connection, identifier, self.actor.workspace_id)
            return list_items(connection, release.id, self.actor.workspace_id, after=after, limit=limit)

    def releases_of(self, identifier: str) -> tuple[ReleaseUse, ...]:
        """The releases that hold a conversation, newest first."""
        from convstore.queries.conversations import get_conversation
        from convstore.queries.releases import list_usage

        with self._reading() as connection:
            row = get_conversation(connection, identifier, self.actor.workspace_id)
            return list_usage(connection, row["id"], self.actor.workspace_id)

    def export_release(
        self,
        identifier: str,
        out: str | Path,
        *,
        force: bool = False,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ReleaseReport:
        """Write the rows of a sealed release again; see `convstore.release.again.export_again`."""
        from convstore.release.again import export_again

        with self._writing():
            return export_again(
                self.database,
                self.files,
                self.actor,
                identifier,
                Path(out),
                force=force,
                progress=progress,
                cancel=cancel,
            )

    def verify_release(
        self,
        identifier: str,
        *,
        path: str | Path | None = None,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ReleaseCheck:
        """Compare a release with its files and with the stored objects that it names."""
        from convstore.release.verifying import verify_release

        return verify_release(
            self.database,
            self.files,
            self.actor,
            identifier,
            path=None if path is None else Path(path),
            progress=progress,
            cancel=cancel,
        )

    def diff_releases(self, before: str, after: str) -> ReleaseDiff:
        """What changed from one release to another."""
        from convstore.release.comparing import diff_releases

        return diff_releases(self.database, self.actor, before, after)

    def store_export(self, report: ReleaseReport, *, expires_s: int = 3600) -> tuple[DeliveredFile, ...]:
        """Put the files of an export into the file store, with a signed link to each."""
        from convstore.release.delivering import files_of, store_files

        self._require_lead("releases")
        return store_files(self.files, self.actor, report.release, files_of(report), expires_s=expires_s)

    def store_release(self, identifier: str, *, expires_s: int = 3600) -> tuple[DeliveredFile, ...]:
        """`store_export` for a sealed release, whoever made it and whenever."""
        from convstore.release.delivering import store_files

        self._require_lead("releases")
        release = self.get_release(identifier)
        with self._released_files(release) as named:
            return store_files(self.files, self.actor, release.id, named, expires_s=expires_s)

    def count_exports(self, *, progress: Callable[[int, int, str], None] | None = None) -> int:
        """Bring the counts of conversations up to date where a large export left that for later; how many."""
        from convstore.release.usage import fold_uses

        with self._writing():
            return fold_uses(self.database, self.actor, progress=progress)
