"""The composition root: the parts put together, and the ways to open the store as somebody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import UUID

from convstore.core.administration import Administration
from convstore.core.importing import Importing
from convstore.core.releasing import Releasing
from convstore.core.resources import Resources, local_name
from convstore.core.surveying import Surveying
from convstore.core.upkeep import Upkeep
from convstore.database import Context, system_context
from convstore.errors import ForbiddenError, NotFoundError, UsageError
from convstore.queries import people
from convstore.settings import Settings

if TYPE_CHECKING:
    from convstore.identity import Identity
    from convstore.schema import SchemaState

__all__ = ["ConvStore"]


class ConvStore(Importing, Surveying, Releasing, Upkeep, Administration):
    """The store, for one person in one workspace: one short method a use case.

    Use `ConvStore.open()` as a context manager; `for_identity` and `for_token` give the store to another person.
    """

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
        resources.check_version()
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
        resources.check_version()
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

        resources.check_version()
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
