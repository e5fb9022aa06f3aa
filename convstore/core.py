"""The composition root: one object that puts settings, database and files together, one method a use case."""

from __future__ import annotations

import getpass
import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID

from convstore.cache import Cache
from convstore.database import Context, Database, system_context
from convstore.errors import ForbiddenError, NotFoundError, UsageError
from convstore.model import (
    Actor,
    BatchResult,
    Conversation,
    ConversationDetail,
    Event,
    Filter,
    Order,
    Page,
    Sort,
    Status,
    UndoResult,
)
from convstore.queries import people
from convstore.settings import Settings

if TYPE_CHECKING:
    from convstore.database.embedded import EmbeddedServer
    from convstore.files import FileStore
    from convstore.ingest import IngestReport, OnConflict
    from convstore.queries.imports import ImportRun, QuarantinedFile
    from convstore.release.building import ReleaseReport
    from convstore.release.judging import LintMode
    from convstore.release.rows import ReleaseOptions
    from convstore.release.selection import SliceRules, SplitPlan
    from convstore.schema import SchemaState

__all__ = ["ConvStore", "Resources"]

T = TypeVar("T")


class Resources:
    """What every identity of one process shares: the database, the files, the cache. Made when first used."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.cache = Cache(ttl_s=settings.cache_seconds)
        self._server: EmbeddedServer | None = None
        self._database: Database | None = None
        self._files: FileStore | None = None
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

    def close(self) -> None:
        """Give everything back; the embedded server stops when its last user has."""
        with self._lock:
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
        cls, resources: Resources, *, user_id: UUID, name: str, email: str | None, workspace: str | None = None
    ) -> ConvStore:
        """A person who proved who they are, in a workspace that they belong to."""
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
        raise NotFoundError(
            f"there is no workspace {slug!r} for you",
            hint=f"Yours: {', '.join(membership.slug for membership in memberships)}.",
        )

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

        def ask() -> Page[Conversation]:
            with self._reading() as connection:
                return list_conversations(
                    connection, wanted, self.actor.workspace_id, sort=sort, order=order, limit=limit, cursor=cursor
                )

        return self._cached(("page", wanted, sort, order, limit, cursor), ask)

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
        return self._ingest(sources, on_conflict=on_conflict, dry_run=dry_run, progress=progress)

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
                **options,
            )

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
        """Decide about conversations as one batch; see `convstore.review.review`."""
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
        """Bring conversations back from the trash."""
        from convstore.editing import set_trashed

        with self._writing():
            return set_trashed(self.database, self.actor, identifiers, trashed=False)

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
        name: str | None = None,
        rules: SliceRules | None = None,
        plan: SplitPlan | None = None,
        options: ReleaseOptions | None = None,
        seed: int = 0,
        lint: LintMode | None = None,
        force: bool = False,
        progress: Callable[[int, int, str], None] | None = None,
        cancel: Callable[[], bool] | None = None,
    ) -> ReleaseReport:
        """Write a slice to a file or folder, as a release; see `convstore.release.building.build_release`."""
        from convstore.release.building import ReleaseRequest, build_release
        from convstore.release.rows import ReleaseOptions
        from convstore.release.selection import SliceRules, SplitPlan

        request = ReleaseRequest(
            format=format_name,
            filter=wanted or Filter(),
            rules=rules or SliceRules(),
            plan=plan or SplitPlan(),
            options=options or ReleaseOptions(),
            name=name,
            seed=seed,
            lint=lint,
            force=force,
        )
        with self._writing():
            return build_release(self.database, self.actor, request, Path(out), progress=progress, cancel=cancel)

    # Setting up

    @staticmethod
    def init(
        resources: Resources, *, admin_email: str | None = None, dry_run: bool = False
    ) -> tuple[SchemaState, SchemaState]:
        """Bring the database to this version and make the first workspace and admin where they are missing.

        Returns how far the database was before and is now.
        """
        from convstore import schema

        if admin_email is None and resources.settings.auth != "local":
            raise UsageError("nobody would be admin", hint="Name one: convstore init --admin EMAIL.")
        database = resources.database
        before = schema.get_state(database)
        after = schema.upgrade(database, dry_run=dry_run)
        if not dry_run:
            schema.seed(database, admin_email=admin_email, local_name=local_name())
        return before, after

    # Inside

    def _language(self) -> str:
        own = [m for m in self.memberships() if m.workspace_id == self.actor.workspace_id]
        return own[0].language if own else "en"

    @contextmanager
    def _reading(self) -> Iterator[Any]:
        with self.database.transaction(Context.of(self.actor), read_only=True) as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[None]:
        # Also after a failure: a part may have been written.
        try:
            yield
        finally:
            self.resources.cache.invalidate(self.actor.workspace_id)

    def _cached(self, key: Hashable, ask: Callable[[], T]) -> T:
        return self.resources.cache.get(self.actor.workspace_id, self.actor.user_id, key, ask)
