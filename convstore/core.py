"""The composition root: one object that puts settings, database and files together, one method a use case."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack
from uuid import UUID

from convstore.cache import Ahead, Cache, View
from convstore.database import Context, Database, system_context
from convstore.errors import ForbiddenError, NotFoundError, UsageError
from convstore.model import (
    Actor,
    BatchResult,
    CheckResult,
    Conversation,
    ConversationDetail,
    Event,
    Filter,
    Job,
    JobStatus,
    Order,
    Page,
    Role,
    Sort,
    Status,
    UndoResult,
)
from convstore.queries import people
from convstore.settings import Settings

if TYPE_CHECKING:
    from convstore.database.changes import ChangeListener
    from convstore.database.embedded import EmbeddedServer
    from convstore.files import FileStore
    from convstore.identity import Identity, TokenVerifier
    from convstore.ingest import IngestReport, OnConflict
    from convstore.queries.facets import Facets
    from convstore.queries.imports import ImportRun, QuarantinedFile
    from convstore.queries.members import Member, WorkspaceSettings
    from convstore.queries.release_items import ReleasedItem
    from convstore.queries.releases import Release, ReleaseHead, ReleaseUse
    from convstore.reconcile import ReconcileReport, VerifyReport
    from convstore.release.comparing import ReleaseDiff
    from convstore.release.delivering import DeliveredFile
    from convstore.release.previewing import ReleasePreview
    from convstore.release.reports import ReleaseReport
    from convstore.release.rows import ReleaseOptions
    from convstore.release.specification import Slice
    from convstore.release.verifying import ReleaseCheck
    from convstore.retention import ArchiveReport, RetentionReport, StorageUse
    from convstore.review import BulkPreview, BulkResult, ReviewDesk
    from convstore.schema import SchemaState
    from convstore.statistics import Statistics

__all__ = ["ConvStore", "Resources"]

T = TypeVar("T")


class PageOrder(TypedDict, total=False):
    """How a list is sorted and cut."""

    sort: Sort
    order: Order
    limit: int


class Resources:
    """What every identity of one process shares: the database, the files, the cache. Made when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cache = Cache(ttl_s=settings.cache_seconds)
        self._server: EmbeddedServer | None = None
        self._database: Database | None = None
        self._files: FileStore | None = None
        self._verifier: TokenVerifier | None = None
        self._changes: ChangeListener | None = None
        self._ahead = Ahead()
        self._lock = threading.RLock()

    @property
    def database(self) -> Database:
        """The database; starts the embedded server if the settings name none."""
        with self._lock:
            if self._database is None:
                self._database = self._open_database()
            return self._database

    @property
    def files(self) -> FileStore:
        """The file store."""
        from convstore.files import open_store

        with self._lock:
            if self._files is None:
                self._files = open_store(self.settings)
            return self._files

    @property
    def verifier(self) -> TokenVerifier:
        """Verifies tokens of the configured issuer; keeps its keys."""
        from convstore.identity import TokenVerifier

        with self._lock:
            if self._verifier is None:
                self._verifier = TokenVerifier.of(self.settings)
            return self._verifier

    def watch(self) -> None:
        """Forget what is kept when another process writes; called by whoever keeps answers."""
        if self._changes is None and self.settings.cache_seconds:
            from convstore.database.changes import ChangeListener

            with self._lock:
                if self._changes is None:
                    database = self.database
                    self._changes = ChangeListener(
                        database.url,
                        self.cache.invalidate_all,
                        is_own=database.is_own,
                        polls=":6543/" in database.url,
                    )

    @property
    def ahead(self) -> Ahead:
        """Fetches what will probably be asked for next."""
        return self._ahead

    def close(self) -> None:
        """Give everything back; the embedded server stops when its last user has."""
        self._ahead.close()
        with self._lock:
            if self._changes is not None:
                self._changes.close()
                self._changes = None
            if self._files is not None:
                self._files.close()
                self._files = None
            if self._database is not None:
                self._database.close()
                self._database = None
            if self._server is not None:
                self._server.close()
                self._server = None

    def _open_database(self) -> Database:
        settings = self.settings
        if settings.database_url is not None:
            admin_url = settings.admin_url.get_secret_value() if settings.admin_url else None
            return Database.of(settings, settings.database_url.get_secret_value(), admin_url)
        from convstore import schema
        from convstore.database.embedded import open_server

        self._server = open_server(settings.home, pg_bin=settings.pg_bin)
        database = Database.of(settings, self._server.app_url, self._server.admin_url)
        # Our own server is ours to set up: nobody has to think of `init` first.
        if not schema.get_state(database).current:
            schema.upgrade(database)
            schema.seed(database, admin_email=None, local_name=local_name())
        return database


def local_name() -> str:
    """The local user's name on this machine."""
    try:
        return getpass.getuser().capitalize()
    except (KeyError, OSError):
        return "Local user"


class ConvStore:
    """The store, for one person in one workspace.

    Use `ConvStore.open()` as a context manager; `acting_as` gives the same store to another person.
    """

    def __init__(self, resources: Resources, actor: Actor) -> None:
        self.resources = resources
        self.actor = actor

    # Opening

    @classmethod
    @contextmanager
    def open(
        cls, settings: Settings | None = None, *, workspace: str | None = None, as_email: str | None = None
    ) -> Iterator[ConvStore]:
        """The store as the local user, or as the profile with this e-mail.

        Raises
        ------
        NotFoundError
            No such profile, or no membership in the workspace.
        """
        settings = settings or Settings.load()
        resources = Resources(settings)
        try:
            yield cls.for_operator(resources, workspace=workspace, as_email=as_email)
        finally:
            resources.close()

    @classmethod
    def for_operator(
        cls, resources: Resources, *, workspace: str | None = None, as_email: str | None = None
    ) -> ConvStore:
        """Whoever holds the database's address may act as the local user, or as any existing profile."""
        settings = resources.settings
        if as_email is None and settings.auth != "local":
            raise UsageError("nobody is named", hint="Add --as EMAIL: with this sign-in there is no local user.")
        with resources.database.transaction(system_context(), read_only=True) as connection:
            if as_email is None:
                found = people.find_profile(connection, issuer="local", subject="user")
            else:
                found = people.find_profile(connection, email=as_email)
        if found is None:
            raise NotFoundError(
                f"there is no profile {as_email}" if as_email else "there is no local user yet",
                hint="Run `convstore init`." if as_email is None else "People get a profile when they first sign in.",
            )
        user_id, name, email = found
        return cls.for_person(resources, user_id=user_id, name=name, email=email, workspace=workspace)

    @classmethod
    def for_person(
        cls,
        resources: Resources,
        *,
        user_id: UUID,
        name: str,
        email: str | None,
        workspace: str | None = None,
        or_first: bool = False,
    ) -> ConvStore:
        """A person who proved who they are, in a workspace that they belong to.

        Parameters
        ----------
        or_first
            Take the first of their workspaces where the wanted one is none of theirs.
        """
        slug = workspace or resources.settings.workspace
        with resources.database.transaction(Context(user_id=user_id, email=email), read_only=True) as connection:
            memberships = people.list_memberships(connection, user_id)
        for membership in memberships:
            if membership.slug == slug:
                return cls(resources, membership.actor(user_id=user_id, name=name, email=email))
        if not memberships:
            raise ForbiddenError(
                "you belong to no workspace yet",
                hint="Ask an admin to add you: convstore member add EMAIL --role reviewer.",
            )
        if or_first:
            return cls(resources, memberships[0].actor(user_id=user_id, name=name, email=email))
        raise NotFoundError(
            f"there is no workspace {slug!r} for you",
            hint=f"Yours: {', '.join(membership.slug for membership in memberships)}.",
        )

    @classmethod
    def for_identity(cls, resources: Resources, identity: Identity, *, workspace: str | None = None) -> ConvStore:
        """Somebody whom an issuer vouches for; their profile is made at the first sign-in."""
        from convstore.identity import admit

        person = admit(resources.database, identity)
        return cls.for_person(
            resources,
            user_id=person.user_id,
            name=person.name,
            email=person.email,
            workspace=workspace,
            or_first=workspace is None,
        )

    @classmethod
    def for_token(cls, resources: Resources, token: str, *, workspace: str | None = None) -> ConvStore:
        """Whoever sends a token of the configured issuer.

        Raises
        ------
        SignInError
            The token is forged, expired, unsigned, or meant for somebody else.
        """
        return cls.for_identity(resources, resources.verifier.verify(token), workspace=workspace)

    @property
    def settings(self) -> Settings:
        """What the environment says."""
        return self.resources.settings

    @property
    def database(self) -> Database:
        """The database."""
        return self.resources.database

    @property
    def files(self) -> FileStore:
        """The file store."""
        return self.resources.files

    def memberships(self) -> tuple[people.Membership, ...]:
        """The workspaces of this person."""
        with self._reading() as connection:
            return people.list_memberships(connection, self.actor.user_id)

    # Reading

    def search(
        self,
        wanted: Filter | None = None,
        *,
        sort: Sort = "created",
        order: Order = "desc",
        limit: int = 25,
        cursor: str | None = None,
    ) -> Page[Conversation]:
        """One page of conversations; see `convstore.queries.conversations.list_conversations`."""
        from convstore.queries.conversations import list_conversations

        wanted = wanted or Filter()
        workspace_id = self.actor.workspace_id

        view = self._view()

        def ask() -> Page[Conversation]:
            # Every page of a list, in any order, has the same total.
            total = view.find(("count", wanted))
            with self._reading() as connection:
                page = list_conversations(
                    connection, wanted, workspace_id, sort=sort, order=order, limit=limit, cursor=cursor, total=total
                )
            view.keep(("count", wanted), (page.total, page.total_is_exact))
            return page

        return view.get(("page", wanted, sort, order, limit, cursor), ask)

    def prefetch(self, page: Page[Conversation], wanted: Filter | None = None, **order: Unpack[PageOrder]) -> None:
        """Have the page behind this one ready when somebody turns to it; asked for as `search` was."""
        if page.next is not None and self.settings.cache_seconds:
            cursor = page.next
            self.resources.ahead.fetch(lambda: self.search(wanted, cursor=cursor, **order))

    def count(self, wanted: Filter | None = None) -> tuple[int, bool]:
        """How many conversations match, and whether that is exact (up to 10,000)."""
        from convstore.queries.conversations import count

        wanted = wanted or Filter()

        def ask() -> tuple[int, bool]:
            with self._reading() as connection:
                return count(connection, wanted, self.actor.workspace_id)

        return self._cached(("count", wanted), ask)

    def get(self, identifier: str) -> ConversationDetail:
        """A conversation with its turns, findings, reviews and history, by conversation id or row id.

        Raises
        ------
        NotFoundError
            There is none in this workspace.
        """
        from convstore.queries.conversations import as_conversation, get_conversation
        from convstore.queries.events import list_events
        from convstore.queries.reviews import list_findings, list_reviews
        from convstore.queries.turns import list_turns

        workspace_id = self.actor.workspace_id
        with self._reading() as connection:
            row = get_conversation(connection, identifier, workspace_id)
            return ConversationDetail(
                conversation=as_conversation(row),
                system_prompt=row["system_prompt"],
                extra=row["extra"],
                turns=list_turns(connection, row["id"], workspace_id),
                findings=list_findings(connection, row["id"], workspace_id),
                reviews=list_reviews(connection, row["id"], workspace_id),
                events=list_events(connection, workspace_id, conversation_id=row["id"]),
            )

    def document(self, identifier: str) -> bytes:
        """The stored JSON document of a conversation.

        The row's own permission is checked in the database first; the file is read after that.
        """
        from convstore.files import unpack
        from convstore.queries.conversations import get_conversation

        with self._reading() as connection:
            row = get_conversation(connection, identifier, self.actor.workspace_id)
        return unpack(self.files.get(row["file_path"]))

    def scaffolding(self) -> dict[str, dict[str, str]]:
        """Names of personas, arcs, topics and templates by key."""
        from convstore.queries.scaffolding import list_names

        def ask() -> dict[str, dict[str, str]]:
            with self._reading() as connection:
                return list_names(connection, self.actor.workspace_id)

        return self._cached(("scaffolding",), ask)

    def events(
        self, *, action: str | None = None, actor_id: UUID | None = None, before_id: int | None = None, limit: int = 100
    ) -> tuple[Event, ...]:
        """The workspace's audit, newest first."""
        from convstore.queries.events import list_events

        with self._reading() as connection:
            return list_events(
                connection, self.actor.workspace_id, action=action, actor_id=actor_id, before_id=before_id, limit=limit
            )

    def imports(self, *, limit: int = 10) -> tuple[ImportRun, ...]:
        """The workspace's imports, newest first."""
        from convstore.queries.imports import list_imports

        with self._reading() as connection:
            return list_imports(connection, self.actor.workspace_id, limit=limit)

    def quarantined(self, *, limit: int = 50) -> tuple[QuarantinedFile, ...]:
        """Input that could not be read, newest first."""
        from convstore.queries.imports import list_quarantined

        with self._reading() as connection:
            return list_quarantined(connection, self.actor.workspace_id, limit=limit)

    # Writing

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

    def _look_again(self, report: IngestReport) -> None:
        """Have a worker compare and check the set, now that it has grown; where none runs, the daily run does."""
        if (report.totals["stored"] or report.totals["replaced"]) and self.actor.role in ("lead", "admin"):
            for task in ("duplicates", "checks"):
                self.defer(task)

    def _ingest(self, sources: Sequence[Any], **options: Any) -> IngestReport:
        from convstore.ingest import ingest

        with self._writing():
            return ingest(
                self.database,
                self.files,
                self.actor,
                sources,
                max_file_bytes=self.settings.max_file_bytes,
                language=self._language(),
                check_space=self._space_check(),
                **options,
            )

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
                language=self._language(),
                max_file_bytes=self.settings.max_file_bytes,
                check_space=self._space_check(),
                progress=progress,
            )
        self._look_again(report)
        return report

    def fail_import(self, job_id: UUID, reason: str) -> None:
        """Note why the files that are left of a queued import were not imported."""
        from convstore.ingest import fail_items

        fail_items(self.database, self.actor, job_id, reason)

    def review(
        self,
        identifiers: Sequence[str],
        *,
        status: Status,
        note: str | None = None,
        reasons: Sequence[str] = (),
        scores: Mapping[str, Decimal | float | int | str] | None = None,
        turn_notes: Mapping[int, str] | None = None,
        seconds: int | None = None,
        read: Mapping[str, str] | None = None,
        as_review: bool = False,
    ) -> BatchResult:
        """Decide about conversations as one batch; see `convstore.review.deciding.review`."""
        from convstore.review import check_scores, review

        with self._writing():
            return review(
                self.database,
                self.actor,
                identifiers,
                status=status,
                note=note,
                reasons=reasons,
                scores=check_scores(scores or {}),
                turn_notes=turn_notes,
                seconds=seconds,
                read=read,
                as_review=as_review,
            )

    @property
    def desk(self) -> ReviewDesk:
        """Queues, leases and drafts of this person: what belongs to reviewing beside the decisions."""
        from convstore.review import ReviewDesk

        def forget() -> None:
            self.resources.cache.invalidate(self.actor.workspace_id)

        return ReviewDesk(self.database, lambda: self.files, self.actor, forget)

    def bulk_preview(self, wanted: Filter, status: Status) -> BulkPreview:
        """What a decision about a whole filter would do: counts, conflicts, five samples."""
        from convstore.review import bulk_preview

        return bulk_preview(self.database, self.actor, wanted, status)

    def bulk_review(
        self,
        wanted: Filter,
        *,
        status: Status,
        note: str | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> BulkResult:
        """Decide about a whole filter as one batch; see `convstore.review.bulk.bulk_review`."""
        from convstore.review import bulk_review

        with self._writing():
            return bulk_review(self.database, self.actor, wanted, status=status, note=note, progress=progress)

    def undo(self, batch_id: UUID) -> UndoResult:
        """Take a batch of decisions back; rows that changed since are left alone."""
        from convstore.review import undo

        with self._writing():
            return undo(self.database, self.actor, batch_id)

    def edit(self, identifier: str, *, name: str | None = None, description: str | None = None) -> None:
        """Rename or describe a conversation."""
        from convstore.editing import edit

        with self._writing():
            edit(self.database, self.actor, identifier, name=name, description=description)

    def delete(self, identifiers: Sequence[str], *, hard: bool = False, confirm: bool = False) -> BatchResult:
        """Move conversations to the trash, or with `hard` remove them with every artefact."""
        from convstore.editing import delete_for_good, set_trashed

        with self._writing():
            if hard:
                return delete_for_good(self.database, self.files, self.actor, identifiers, confirm=confirm)
            return set_trashed(self.database, self.actor, identifiers, trashed=True)

    def restore(self, identifiers: Sequence[str]) -> BatchResult:
        """Bring conversations back, from the trash or from the archive."""
        from convstore.editing import set_trashed
        from convstore.retention import restore_archived

        with self._writing():
            archived = restore_archived(self.database, self.actor, identifiers)
            others = [identifier for identifier in identifiers if identifier not in archived]
            result = set_trashed(self.database, self.actor, others, trashed=False)
        return replace(result, items=(*archived.values(), *result.items))

    def import_scaffolding(self, path: Path) -> dict[str, int]:
        """Add personas, arcs, topics and templates from a JSON file; counts by kind."""
        from convstore.scaffold import import_scaffolding

        with self._writing():
            return import_scaffolding(self.database, self.actor, path)

    # Releasing

    def preview_export(
        self, wanted: Filter | None, format_name: str, *, options: ReleaseOptions | None = None, limit: int = 3
    ) -> tuple[str, ...]:
        """The first conversations of a slice as the format would write them."""
        from convstore.release.preview import preview_rows
        from convstore.release.rows import ReleaseOptions

        options = options or ReleaseOptions()
        ids = tuple(row.id for row in self.search(wanted, limit=limit).items)

        def ask() -> tuple[str, ...]:
            with self._reading() as connection:
                return preview_rows(connection, ids, self.actor.workspace_id, format_name, options)

        return self._cached(("preview", ids, format_name, options), ask)

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
        from convstore.release.building import build_release
        from convstore.release.specification import ReleaseRequest

        request = ReleaseRequest(format=format_name, filter=wanted or Filter(), force=force, **asked)
        with self._writing():
            return build_release(self.database, self.actor, request, Path(out), progress=progress, cancel=cancel)

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
        from convstore.release.delivering import store_export

        return store_export(self.files, self.actor, report, expires_s=expires_s)

    # The set as a whole

    @property
    def statistics(self) -> Statistics:
        """Numbers about the set, by filter; anew for every screen, so that its `as_of` is the screen's."""
        from convstore.statistics import Statistics

        return Statistics(self.actor.workspace_id, self._reading_replica, self._cached)

    def facets(self, wanted: Filter | None = None) -> Facets:
        """How many conversations there are by status, tier, persona, arc and topic."""
        from convstore.queries.facets import MOST_PENDING, count_pending_changes

        def fold_if_many() -> None:
            with self._reading() as connection:
                pending = count_pending_changes(connection, self.actor.workspace_id, most=MOST_PENDING)
            if pending == MOST_PENDING:
                # Whoever meets a long tail folds it, so that no store depends on a worker for its speed.
                self.compact_facets()

        self._cached(("facets folded",), fold_if_many)
        return self.statistics.facets(wanted)

    def compact_facets(self) -> int:
        """Fold the changes of facets into their counts; how many changes there were. The counts stay the same."""
        from convstore.queries.facets import compact_facets

        with self.database.transaction(Context.of(self.actor, elevated=True)) as connection:
            return compact_facets(connection)

    def refresh(self) -> None:
        """Forget every kept answer about this workspace."""
        self.resources.cache.invalidate(self.actor.workspace_id)

    def dismiss_finding(self, finding_id: UUID, reason: str | None) -> None:
        """Say why a finding does not matter; None lets it stand again.

        Raises
        ------
        NotFoundError
            There is no such finding in this workspace.
        """
        from convstore.queries.reviews import dismiss_finding

        with self._writing(), self.database.transaction(Context.of(self.actor, note=reason)) as connection:
            dismiss_finding(connection, finding_id, self.actor.workspace_id, reason)

    def recheck(self, *, progress: Callable[[int, int, str], None] | None = None) -> int:
        """Count the set anew and run every check that is due over it; how many conversations were checked."""
        from convstore.rechecking import count_set, rerun_checks

        self._require_lead("runs checks over the whole set")
        workspace_id = self.actor.workspace_id
        with self._writing():
            count_set(self.database, workspace_id)
            return rerun_checks(self.database, workspace_id, language=self._language(), progress=progress)

    def update_duplicates(self, *, progress: Callable[[int, int, str], None] | None = None) -> int:
        """Compare what is new or changed with everything else; how many conversations were compared."""
        from convstore.duplicates import update_duplicates

        self._require_lead("compares the whole set")
        with self._writing():
            return update_duplicates(self.database, self.actor.workspace_id, progress=progress)

    def keep_best(self, group_ids: Sequence[UUID]) -> BatchResult:
        """Reject every member of these groups of duplicates but the best one, as one batch that can be undone.

        Only members that wait for review are rejected; approved ones and those under revision are reported as refused.
        """
        from convstore.duplicates import find_duplicate_groups

        with self._reading() as connection:
            groups = find_duplicate_groups(connection, self.actor.workspace_id, group_ids)
        others = [member for group in groups for member in group.members[1:]]
        return self.review(
            [str(member.id) for member in others],
            status="rejected",
            note="A duplicate: the best of its group is kept",
            read={str(member.id): member.turns_sha256 for member in others},
        )

    def set_targets(self, targets: Sequence[Mapping[str, Any]]) -> int:
        """Say how many approved conversations are wanted where; see `convstore.queries.statistics.coverage`."""
        from convstore.queries.statistics.coverage import set_targets

        self._require_lead("sets targets")
        with self._writing(), self.database.transaction(Context.of(self.actor)) as connection:
            return set_targets(connection, self.actor.workspace_id, self.actor.user_id, targets)

    # Operating

    def reconcile(
        self,
        *,
        repair: bool = False,
        start: Mapping[str, Any] | None = None,
        checkpoint: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> ReconcileReport:
        """Hold rows and files against each other; see `convstore.reconcile.reconciling.reconcile`."""
        from convstore.reconcile import reconcile

        options: dict[str, Any] = {"start": start, "checkpoint": checkpoint, "progress": progress}
        with self._writing():
            return reconcile(self.database, self.files, self.actor, repair=repair, language=self._language(), **options)

    def verify(
        self,
        *,
        start: VerifyReport | None = None,
        checkpoint: Callable[[Mapping[str, Any]], None] | None = None,
        progress: Callable[[int, int, str], None] | None = None,
    ) -> VerifyReport:
        """Hash every file again; `start` is the report of a run that was stopped."""
        from convstore.reconcile import verify

        return verify(self.database, self.files, self.actor, start=start, checkpoint=checkpoint, progress=progress)

    def apply_retention(
        self, *, dry_run: bool = False, progress: Callable[[int, int, str], None] | None = None
    ) -> RetentionReport:
        """Move what has expired into the trash, into the archive, or out for good."""
        from convstore.retention import apply_retention

        with self._writing():
            return apply_retention(self.database, self.files, self.actor, dry_run=dry_run, progress=progress)

    def archive(self, *, progress: Callable[[int, int, str], None] | None = None) -> ArchiveReport:
        """Move conversations older than a year into the archive; `restore` brings them back."""
        from convstore.retention import archive_old

        with self._writing():
            return archive_old(self.database, self.actor, progress=progress)

    def retention_policies(self) -> dict[str, int]:
        """Days by status, and of the trash; what is not named is kept for ever."""
        from convstore.retention import list_policies

        return list_policies(self.database, self.actor)

    def set_retention(self, subject: str, keep_days: int | None) -> None:
        """Keep a status, or the trash, so many days; None: for ever."""
        from convstore.retention import set_policy

        with self._writing():
            set_policy(self.database, self.actor, subject, keep_days)

    def storage_use(self) -> StorageUse:
        """What the workspace's files take, by what holds them."""
        from convstore.retention import get_storage_use

        return get_storage_use(self.database, self.actor)

    def storage_history(self, *, days: int = 90) -> list[tuple[date, str, int]]:
        """(day, kind, bytes) of the last days."""
        from convstore.retention import list_storage_history

        return list_storage_history(self.database, self.actor, days=days)

    def note_storage_use(self) -> None:
        """Write today's use of space into the history."""
        from convstore.retention import note_storage_use

        note_storage_use(self.database, self.actor)

    def set_quota(self, quota_bytes: int | None) -> None:
        """Limit the bytes of the workspace's files; None: no limit."""
        from convstore.retention import set_quota

        set_quota(self.database, self.actor, quota_bytes)

    def download(self, wanted: Filter | None = None) -> Iterator[bytes]:
        """The files of every conversation that matches, as a zip in pieces."""
        from convstore.downloads import iter_zip

        return iter_zip(self.database, self.files, self.actor, wanted or Filter())

    def signed_url(self, identifier: str) -> str | None:
        """An address for an hour under which anyone may read the file; None where the app serves files itself."""
        from convstore.queries.conversations import get_conversation

        with self._reading() as connection:
            path = get_conversation(connection, identifier, self.actor.workspace_id)["file_path"]
        return self._cached(("signed url", path), lambda: self.files.signed_url(path))

    def defer(self, task: str, arguments: Mapping[str, Any] | None = None) -> UUID:
        """Queue a task of `convstore.worker` in this person's name; the id of the job that does it."""
        from convstore.jobs import defer_job

        return defer_job(self.database, self.actor, task, arguments)

    def jobs(self, *, statuses: Sequence[JobStatus] = (), task: str | None = None, limit: int = 50) -> tuple[Job, ...]:
        """The workspace's newest jobs."""
        from convstore.jobs import list_jobs

        return list_jobs(self.database, self.actor, statuses=statuses, task=task, limit=limit)

    def job(self, job_id: UUID) -> Job:
        """One job; `NotFoundError` if there is none."""
        from convstore.jobs import get_job

        return get_job(self.database, self.actor, job_id)

    def cancel_job(self, job_id: UUID) -> None:
        """Take a job out of the queue, or ask it to stop."""
        from convstore.jobs import cancel_job

        cancel_job(self.database, self.actor, job_id)

    def retry_job(self, job_id: UUID) -> None:
        """Queue a failed or cancelled job again; it goes on where it was."""
        from convstore.jobs import retry_job

        retry_job(self.database, self.actor, job_id)

    def health(self) -> tuple[CheckResult, ...]:
        """What is stuck, failed or nearly full in this workspace; an `ok` line a concern that is fine."""
        from convstore.health import examine_workspace

        return examine_workspace(self.database, self.actor)

    # Workspaces and members

    def workspace(self) -> WorkspaceSettings:
        """What is settled for this workspace."""
        from convstore.workspaces import get_workspace

        return get_workspace(self.database, self.actor)

    def create_workspace(self, slug: str, *, name: str | None = None) -> UUID:
        """Make another workspace, with this person as its admin."""
        from convstore.workspaces import create_workspace

        return create_workspace(self.database, self.actor, slug, name=name)

    def update_workspace(self, **changes: Any) -> None:
        """Rename this workspace or change its settings; see `convstore.workspaces.update_workspace`."""
        from convstore.workspaces import update_workspace

        with self._writing():
            update_workspace(self.database, self.actor, changes)

    def members(self) -> tuple[tuple[Member, ...], tuple[Member, ...]]:
        """The members of this workspace, and for admins those who are invited."""
        from convstore.workspaces import list_people

        return list_people(self.database, self.actor)

    def add_member(self, email: str, role: Role) -> Literal["added", "invited"]:
        """Let somebody belong to this workspace, at once or from their first sign-in on."""
        from convstore.workspaces import add_member

        return add_member(self.database, self.actor, email, role)

    def change_role(self, email: str, role: Role) -> None:
        """Give a member, or somebody who is invited, another role."""
        from convstore.workspaces import change_role

        change_role(self.database, self.actor, email, role)

    def remove_member(self, email: str) -> None:
        """End a membership or withdraw an invitation."""
        from convstore.workspaces import remove_member

        remove_member(self.database, self.actor, email)

    # Setting up

    @staticmethod
    def init(
        resources: Resources, *, admin_email: str | None = None, dry_run: bool = False
    ) -> tuple[SchemaState, SchemaState]:
        """Bring the database to this version and make the first workspace and admin where they are missing.

        Returns how far the database was before and is now.
        """
        from convstore import schema
        from convstore.storage_setup import prepare_storage

        if admin_email is None and resources.settings.auth != "local":
            raise UsageError("nobody would be admin", hint="Name one: convstore init --admin EMAIL.")
        database = resources.database
        before = schema.get_state(database)
        after = schema.upgrade(database, dry_run=dry_run)
        if not dry_run:
            schema.seed(database, admin_email=admin_email, local_name=local_name())
            prepare_storage(database, resources.files)
        return before, after

    # Inside

    def _space_check(self) -> Callable[[int], None]:
        from convstore.retention import SpaceGuard

        return SpaceGuard(self.database, self.actor).check

    def _language(self) -> str:
        own = [m for m in self.memberships() if m.workspace_id == self.actor.workspace_id]
        return own[0].language if own else "en"

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self.database.transaction(Context.of(self.actor), read_only=True) as connection:
            yield connection

    @contextmanager
    def _reading_replica(self) -> Iterator[Any]:
        with self.database.transaction(Context.of(self.actor), read_only=True, replica=True) as connection:
            yield connection

    def _require_lead(self, what: str) -> None:
        if self.actor.role not in ("lead", "admin"):
            raise ForbiddenError(f"only a lead {what}", hint="Ask a lead of the workspace.")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # Also after a failure: a part may have been written.
        try:
            yield
        finally:
            self.resources.cache.invalidate(self.actor.workspace_id)

    def _cached(self, key: Hashable, ask: Callable[[], T]) -> T:
        return self._view().get(key, ask)

    def _view(self) -> View:
        self.resources.watch()
        return self.resources.cache.view(self.actor.workspace_id, self.actor.user_id)
