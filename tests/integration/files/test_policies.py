"""People with their own tokens, at the server's own door, under the row policies of the real database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from storage3 import SyncStorageClient
from storage3.exceptions import StorageApiError

from convstore.files import object_path
from convstore.files.policies import (
    HAS_STORAGE_SQL,
    INSTALLED_POLICIES_SQL,
    compare_policies,
    policy_statements,
)
from convstore.files.supabase import SupabaseStore
from tests.supabase_storage.server import SupabaseStorageServer

BUCKET = "conversation-files"
JSON = {"content-type": "application/json"}
SHA = "0" * 64

SignIn = Callable[..., Any]


@pytest.fixture
def sign_in(supabase: SupabaseStorageServer, supabase_store: SupabaseStore) -> Iterator[SignIn]:
    """The bucket as storage3 shows it to a person with a token of their own."""
    clients: list[SyncStorageClient] = []

    def sign_in(user_id: UUID, **token: float) -> Any:
        headers = {"apikey": supabase.anon_key, "Authorization": f"Bearer {supabase.user_token(user_id, **token)}"}
        clients.append(SyncStorageClient(f"{supabase.url}/storage/v1/", headers))
        return clients[-1].from_(BUCKET)

    yield sign_in
    for client in clients:
        client.session.close()


@dataclass(frozen=True)
class Shared:
    """A conversation of a workspace, and who stands where."""

    path: str
    author: UUID
    viewer: UUID
    stranger: UUID


@pytest.fixture
def shared(database_url: str, supabase_store: SupabaseStore) -> Shared:
    author, viewer, stranger, row = (uuid4() for _ in range(4))
    path = object_path(author, row, SHA)
    with psycopg.connect(database_url) as connection:
        # Only the rows matter here; what they have to be otherwise is tested where they are made.
        connection.execute("SET LOCAL session_replication_role = replica")
        for person in (author, viewer, stranger):
            connection.execute(
                "INSERT INTO profiles (id, issuer, subject, name) VALUES (%s, 'test', %s, 'somebody')",
                (person, str(person)),
            )
        ours, theirs = (
            connection.execute(
                "INSERT INTO workspaces (slug, name) VALUES (%s, 'workspace') RETURNING id", (f"w-{uuid4().hex}",)
            ).fetchone()[0]  # type: ignore[index]
            for _ in range(2)
        )
        for workspace, person, role in (
            (ours, author, "reviewer"),
            (ours, viewer, "viewer"),
            (theirs, stranger, "admin"),
        ):
            connection.execute("INSERT INTO workspace_members VALUES (%s, %s, %s)", (workspace, person, role))
        connection.execute(
            "INSERT INTO conversations (id, workspace_id, conversation_id, conversation_name, turn_count, file_size,"
            " file_path, created_by, turns_sha256, content_sha256, content_bytes, format)"
            " VALUES (%s, %s, 'c', 'a conversation', 1, 1, %s, %s, %s, %s, 1, 'messages')",
            (row, ours, path, author, SHA, SHA),
        )
    supabase_store.put(path, b"{}")
    return Shared(path, author, viewer, stranger)


def refusal(call: Callable[[], object]) -> tuple[int | str, str]:
    with pytest.raises(StorageApiError) as caught:
        call()
    return caught.value.status, caught.value.code


def test_people_do_as_they_like_in_their_own_folder(sign_in: SignIn) -> None:
    me = uuid4()
    bucket, name = sign_in(me), f"{me}/note.json"
    bucket.upload(name, b"1", JSON)
    assert bucket.download(name) == b"1"
    bucket.update(name, b"2", JSON)
    bucket.upload(name, b"3", {**JSON, "upsert": "true"})
    assert bucket.download(name) == b"3"
    bucket.move(name, f"{me}/moved.json")
    bucket.copy(f"{me}/moved.json", name)
    assert [entry["name"] for entry in bucket.list(str(me))] == ["moved.json", "note.json"]
    assert len(bucket.remove([name, f"{me}/moved.json"])) == 2
    assert refusal(lambda: bucket.download(name)) == ("404", "not_found")


def test_people_do_nothing_in_each_others_folders(sign_in: SignIn) -> None:
    mine, other = uuid4(), uuid4()
    name = f"{mine}/note.json"
    sign_in(mine).upload(name, b"1", JSON)
    bucket = sign_in(other)
    assert refusal(lambda: bucket.upload(f"{mine}/new.json", b"1", JSON)) == ("403", "Unauthorized")
    assert refusal(lambda: bucket.upload(name, b"1", JSON)) == ("403", "Unauthorized")
    assert refusal(lambda: bucket.upload(name, b"1", {**JSON, "upsert": "true"})) == ("403", "Unauthorized")
    for read in (bucket.download, bucket.info, partial(bucket.create_signed_url, expires_in=60)):
        assert refusal(partial(read, name)) == ("404", "not_found")
    assert refusal(lambda: bucket.move(name, f"{other}/taken.json")) == ("404", "not_found")
    assert refusal(lambda: bucket.copy(name, f"{other}/taken.json")) == ("404", "not_found")
    assert bucket.list(str(mine)) == []
    assert bucket.remove([name]) == []
    assert sign_in(mine).download(name) == b"1"


def test_members_read_the_files_of_their_workspace_and_change_none(sign_in: SignIn, shared: Shared) -> None:
    bucket = sign_in(shared.viewer)
    assert bucket.download(shared.path) == b"{}"
    folder, _, name = shared.path.rpartition("/")
    assert [entry["name"] for entry in bucket.list(folder)] == [name]
    assert refusal(lambda: bucket.upload(f"{folder}/new.json", b"1", JSON)) == ("403", "Unauthorized")
    assert refusal(lambda: bucket.move(shared.path, f"{shared.viewer}/mine")) == ("404", "not_found")
    assert bucket.remove([shared.path]) == []
    assert bucket.download(shared.path) == b"{}"


def test_strangers_and_former_members_read_nothing(sign_in: SignIn, shared: Shared, database_url: str) -> None:
    assert refusal(lambda: sign_in(shared.stranger).download(shared.path)) == ("404", "not_found")
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM workspace_members WHERE user_id = %s", (shared.viewer,))
    assert refusal(lambda: sign_in(shared.viewer).download(shared.path)) == ("404", "not_found")


def test_names_that_hold_no_row_id_are_hidden_and_harm_nobody(
    sign_in: SignIn, shared: Shared, supabase_store: SupabaseStore
) -> None:
    row = shared.path.split("/")[1]
    names = ["top.gz", "a/b", f"x/{row}", f"x/{row.upper()}/v/f", f"x/{row}0/v/f", "x/not-a-uuid/v/f"]
    supabase_store.put_many((name, b"x") for name in names)
    bucket = sign_in(shared.viewer)
    assert bucket.download(shared.path) == b"{}"
    for name in names:
        assert refusal(partial(bucket.download, name)) == ("404", "not_found")
    assert [entry["name"] for entry in bucket.list()] == [shared.path.split("/")[0]]


def test_a_token_that_is_over_reads_and_writes_nothing(sign_in: SignIn) -> None:
    me = uuid4()
    name = f"{me}/note.json"
    sign_in(me).upload(name, b"1", JSON)
    bucket = sign_in(me, expires_in_s=-1)
    assert refusal(lambda: bucket.download(name)) == ("404", "Bucket not found")
    assert refusal(lambda: bucket.info(name)) == ("404", "Bucket not found")
    assert refusal(lambda: bucket.upload(name, b"1", JSON)) == ("403", "Unauthorized")
    assert refusal(lambda: bucket.list(str(me))) == ("403", "Unauthorized")
    assert refusal(lambda: bucket.create_signed_url(name, 60)) == ("403", "Unauthorized")


def test_the_policies_can_be_put_in_place_again_and_are_missed_when_gone(database_url: str) -> None:
    with psycopg.connect(database_url) as connection:

        def verdict(bucket: str = BUCKET) -> tuple[str, str]:
            rows = connection.execute(INSTALLED_POLICIES_SQL, {"bucket": bucket}).fetchall()
            found = compare_policies((name, command, names_bucket) for name, command, names_bucket in rows)
            return found.status, found.fact

        assert connection.execute(HAS_STORAGE_SQL).fetchone() == (True,)
        for statement in policy_statements(BUCKET):
            connection.execute(statement)
        assert verdict()[0] == "ok"
        assert verdict("another")[0] == "fail"
        connection.execute('DROP POLICY "Users can delete own files" ON storage.objects')
        assert verdict() == ("fail", "missing on storage.objects: 'Users can delete own files'")
        connection.execute("ALTER TABLE storage.objects DISABLE ROW LEVEL SECURITY")
        assert "'Users can upload to own folder'" in verdict()[1]
        connection.rollback()


def test_a_member_is_found_by_key_and_not_by_reading_all_conversations(database_url: str, shared: Shared) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("SET LOCAL enable_seqscan = off")
        connection.execute(
            "SELECT set_config('role', 'authenticated', true), set_config('request.jwt.claims', %s, true)",
            (f'{{"sub": "{shared.viewer}", "role": "authenticated"}}',),
        )
        plan = connection.execute(
            "EXPLAIN SELECT * FROM storage.objects WHERE bucket_id = %s AND name = %s", (BUCKET, shared.path)
        ).fetchall()
        connection.rollback()
    assert any("Index Cond: (id = CASE" in line for (line,) in plan), plan
