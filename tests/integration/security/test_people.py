"""First sign-in, invitations, members, workspaces, and how slow guessing gets."""

from __future__ import annotations

import threading
from collections.abc import Callable
from uuid import uuid4

import pytest

from convstore.core import ConvStore, Resources
from convstore.database import Context, Database
from convstore.errors import (
    ConflictError,
    ConvstoreError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    SignInError,
)
from convstore.identity import Identity, admit
from convstore.identity.attempts import begin_attempt, forgive
from convstore.model import Filter
from tests.integration.security.people import identity, sign_in


def test_first_sign_in_makes_a_profile_and_no_membership(resources: Resources) -> None:
    person = admit(resources.database, identity("ana"))
    assert admit(resources.database, identity("ana")) == person
    with pytest.raises(ForbiddenError, match="no workspace"):
        ConvStore.for_identity(resources, identity("ana"))


def test_supabase_profile_has_the_subject_as_id(database: Database) -> None:
    subject = uuid4()
    known = Identity(issuer="https://p/auth/v1", subject=str(subject), name="Ana", profile_id=subject)
    assert admit(database, known).user_id == subject


def test_invitation_waits_for_a_verified_email_in_any_letter_case(store: ConvStore, resources: Resources) -> None:
    assert store.add_member("  ANA@Example.org ", "reviewer") == "invited"
    with pytest.raises(ConflictError, match="invited already, as reviewer"):
        store.add_member("ana@example.org", "lead")
    admit(resources.database, identity("ana", verified=False))
    with pytest.raises(ForbiddenError):
        ConvStore.for_identity(resources, identity("ana", verified=False))
    assert ConvStore.for_identity(resources, identity("ana")).actor.role == "reviewer"
    members, invited = store.members()
    assert "ana@example.org" in {member.email for member in members}
    assert invited == ()
    with pytest.raises(ConflictError, match="a member already"):
        store.add_member("Ana@example.org", "reviewer")
    for action, actor in (("workspace_invitations insert", store.actor.name), ("workspace_members insert", "Ana")):
        assert store.events(action=action)[0].actor == actor


def test_known_person_is_added_at_once_and_falls_out_at_once(store: ConvStore, resources: Resources) -> None:
    admit(resources.database, identity("ben"))
    assert store.add_member("ben@example.org", "viewer") == "added"
    ben = ConvStore.for_identity(resources, identity("ben"))
    store.change_role("BEN@example.org", "lead")
    assert ConvStore.for_identity(resources, identity("ben")).actor.role == "lead"
    store.remove_member("ben@example.org")
    assert ben.search().items == ()
    assert ben.members() == ((), ())
    with pytest.raises(ForbiddenError):
        ConvStore.for_identity(resources, identity("ben"))


def test_invitation_can_change_and_end(store: ConvStore) -> None:
    store.add_member("cleo@example.org", "viewer")
    store.change_role("cleo@example.org", "lead")
    assert [(person.email, person.role) for person in store.members()[1]] == [("cleo@example.org", "lead")]
    store.remove_member("cleo@example.org")
    assert store.members()[1] == ()
    with pytest.raises(NotFoundError, match="cleo"):
        store.remove_member("cleo@example.org")


@pytest.mark.parametrize("email", ["", "ana", "ana@", "@example.org", "a b@example.org", "ana@example.org\nx@y.z"])
def test_what_is_no_email(store: ConvStore, email: str) -> None:
    with pytest.raises(InvalidInputError, match="no e-mail"):
        store.add_member(email, "viewer")


@pytest.mark.parametrize("slug", ["it's", 'a"b', "Team", "a b", "", "-a", "a--b", "ä", "a" * 64, "a;drop"])
def test_what_is_no_slug(store: ConvStore, slug: str) -> None:
    with pytest.raises(InvalidInputError, match="cannot name a workspace"):
        store.create_workspace(slug)


def test_unknown_role(store: ConvStore) -> None:
    with pytest.raises(InvalidInputError, match="no role 'boss'"):
        store.add_member("ana@example.org", "boss")  # type: ignore[arg-type]


def test_workspace_is_made_renamed_and_kept_apart(store: ConvStore, resources: Resources) -> None:
    store.create_workspace("team-b", name="Team B")
    with pytest.raises(ConflictError, match="already"):
        store.create_workspace("team-b")
    other = ConvStore.for_operator(resources, workspace="team-b")
    assert (other.actor.role, other.workspace().name) == ("admin", "Team B")
    other.update_workspace(name="  The B team ", language="de")
    assert (other.workspace().name, other.workspace().language) == ("The B team", "de")
    assert store.workspace().language == "en"
    with pytest.raises(InvalidInputError, match="language"):
        other.update_workspace(language="german")


@pytest.mark.parametrize("role", ["viewer", "reviewer", "lead"])
def test_only_admins_manage(resources: Resources, role: str) -> None:
    store = sign_in(resources, "dora", role)  # type: ignore[arg-type]
    for act in (
        lambda: store.add_member("x@example.org", "viewer"),
        lambda: store.change_role("dora@example.org", "admin"),
        lambda: store.remove_member("local@localhost"),
        lambda: store.update_workspace(name="Mine"),
        lambda: store.create_workspace("mine"),
    ):
        with pytest.raises(ForbiddenError):
            act()
    assert store.members()[1] == ()


def test_last_admin_stays(store: ConvStore) -> None:
    acts: tuple[Callable[[], object], ...] = (
        lambda: store.remove_member("local@localhost"),
        lambda: store.change_role("local@localhost", "lead"),
    )
    for act in acts:
        with pytest.raises(ConflictError, match="last admin") as caught:
            act()
        assert caught.value.code == "ERR_LAST_ADMIN"


def test_two_admins_who_remove_each_other_leave_one(store: ConvStore, resources: Resources) -> None:
    ana = sign_in(resources, "ana", "admin")
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def remove(who: ConvStore, email: str) -> None:
        start.wait()
        try:
            who.remove_member(email)
            outcomes.append("done")
        except ConvstoreError as exc:
            outcomes.append(exc.code)

    threads = [
        threading.Thread(target=remove, args=(store, "ana@example.org")),
        threading.Thread(target=remove, args=(ana, "local@localhost")),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count("done") == 1, outcomes
    with resources.database.admin() as connection:
        assert connection.execute("SELECT count(*) FROM workspace_members WHERE role = 'admin'").fetchone() == (1,)


def test_all_admins_in_one_statement_and_in_a_snapshot(store: ConvStore, resources: Resources) -> None:
    sign_in(resources, "ana", "admin")
    with pytest.raises(ConvstoreError, match="last admin"), resources.database.admin() as connection:
        connection.execute("DELETE FROM workspace_members")
    with pytest.raises(ConvstoreError, match="last admin"), resources.database.admin() as connection:
        connection.execute("UPDATE workspace_members SET role = 'lead'")


def test_guessing_gets_slow_in_every_process(database: Database) -> None:
    for _ in range(5):
        begin_attempt(database, email="ana@example.org", address="192.0.2.1")
    with pytest.raises(SignInError, match="too many") as caught:
        begin_attempt(database, email="ana@example.org", address="192.0.2.1")
    assert caught.value.retryable
    assert caught.value.facts["wait_s"] in (1, 2)
    # Somebody else's guesses do not lock her out.
    begin_attempt(database, email="ana@example.org", address="192.0.2.2")
    with database.admin() as connection:
        connection.execute("UPDATE sign_in_attempts SET last_at = last_at - interval '5 seconds'")
    begin_attempt(database, email="ana@example.org", address="192.0.2.1")
    forgive(database, email="ana@example.org", address="192.0.2.1")
    begin_attempt(database, email="ana@example.org", address="192.0.2.1")


def test_guessing_from_many_places_gets_slow_too(database: Database) -> None:
    for number in range(20):
        begin_attempt(database, email="ana@example.org", address=f"192.0.2.{number}")
    with pytest.raises(SignInError, match="too many"):
        begin_attempt(database, email="ana@example.org", address="192.0.2.99")
    with database.admin() as connection:
        rows = connection.execute("SELECT key FROM sign_in_attempts").fetchall()
    assert all(len(row[0]) == 64 for row in rows)


def test_guesses_at_once_are_counted(database: Database) -> None:
    passed = []

    def guess() -> None:
        try:
            begin_attempt(database, email="ana@example.org", address="192.0.2.1")
            passed.append(1)
        except SignInError:
            pass

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) <= 7


def test_undoing_what_a_lead_reopened_takes_a_lead(demo_store: ConvStore) -> None:
    """The setting that marks an undo is anybody's to set; the right is not."""
    reviewer = sign_in(demo_store.resources, "rita", "reviewer")
    # Everything came in at the same moment: which row is first, nobody can tell, nor its status.
    waiting = Filter(statuses=("pending_review",))
    identifier = demo_store.search(waiting, limit=1).items[0].conversation_id
    demo_store.review([identifier], status="approved")
    batch = demo_store.review([identifier], status="pending_review").batch_id
    context = Context.of(reviewer.actor, undo_batch=batch)
    with pytest.raises(ForbiddenError, match="lead"), demo_store.database.transaction(context) as connection:
        connection.exec_driver_sql(
            "UPDATE conversations SET status = 'approved' WHERE conversation_id = %s", (identifier,)
        )
