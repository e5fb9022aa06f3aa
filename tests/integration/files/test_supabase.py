"""What only a server far away can get wrong: passing faults, lost answers, tokens, buckets made by hand."""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from uuid import uuid4

import httpx
import psycopg
import pytest

from convstore.errors import (
    ConvstoreError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    SettingsError,
    StorageUnavailableError,
)
from convstore.files import open_store
from convstore.files.supabase import SupabaseStore
from convstore.settings import Settings
from tests.supabase_storage.server import SupabaseStorageServer
from tests.supabase_storage.tokens import sign_path

BUCKET = "conversation-files"
OpenStore = Callable[..., SupabaseStore]


def test_the_settings_name_the_project(supabase: SupabaseStorageServer) -> None:
    settings = Settings.model_validate(
        {"storage": "supabase", "supabase_url": supabase.url, "supabase_service_role_key": supabase.service_role_key}
    )
    store = open_store(settings)
    store.prepare()
    store.put("a", b"x")
    assert store.get("a") == b"x"
    store.close()


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "SUPABASE_URL and SUPABASE_SERVICE_ROLE_KEY"),
        ({"supabase_url": "http://localhost"}, "SUPABASE_SERVICE_ROLE_KEY"),
        ({"supabase_url": "localhost", "supabase_service_role_key": "k"}, "malformed"),
    ],
)
def test_settings_that_are_missing_are_named(given: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsError, match=named) as caught:
        open_store(Settings.model_validate({"storage": "supabase", **given}))
    assert "SUPABASE_SERVICE_ROLE_KEY" in str(caught.value.facts["variables"])


# Passing faults


@pytest.mark.parametrize("status", [500, 502, 503, 429])
def test_a_passing_fault_is_tried_again(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer, status: int
) -> None:
    calls: list[Callable[[], object]] = [
        lambda: supabase_store.put("a", b"x"),
        lambda: supabase_store.put_stream("b", io.BytesIO(b"x" * 100_000)),
        lambda: supabase_store.get("a"),
        lambda: b"".join(supabase_store.open("a")),
        lambda: supabase_store.stat("a"),
        supabase_store.list,
        lambda: supabase_store.signed_url("a"),
        lambda: supabase_store.delete(["a"]),
    ]
    for call in calls:
        supabase.faults.fail(2, status=status)
        call()
    assert supabase_store.stat("a") is None
    assert supabase_store.get("b") == b"x" * 100_000


def test_a_connection_cut_before_the_work_is_tried_again(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    supabase.faults.drop(2)
    supabase_store.put("a", b"x")
    supabase.faults.drop(1)
    assert supabase_store.get("a") == b"x"


def test_a_lost_answer_to_an_upload_ends_well(supabase_store: SupabaseStore, supabase: SupabaseStorageServer) -> None:
    data = os.urandom(50_000)
    supabase.faults.lose(1, method="POST")
    supabase_store.put("a", data)
    supabase.faults.lose(1, method="POST")
    supabase_store.put_stream("b", io.BytesIO(data))
    assert (supabase_store.get("a"), supabase_store.get("b")) == (data, data)


def test_a_fault_that_stays_is_unavailable_and_says_what_the_server_said(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    supabase.faults.fail(99, status=503)
    with pytest.raises(StorageUnavailableError, match="503") as caught:
        supabase_store.put("a", b"x")
    assert caught.value.retryable
    assert caught.value.facts["status"] == 503
    supabase.faults.clear()
    assert supabase_store.stat("a") is None


def test_a_server_that_hangs_costs_one_timeout(open_supabase: OpenStore, supabase: SupabaseStorageServer) -> None:
    store = open_supabase(timeout_s=0.4)
    store.prepare()
    supabase.faults.hang(99, seconds=1.5)
    started = time.monotonic()
    with pytest.raises(StorageUnavailableError, match="Timeout"):
        store.get("a")
    assert time.monotonic() - started < 1.2


def test_nobody_listening_is_unavailable() -> None:
    store = SupabaseStore("http://127.0.0.1:1", "key", BUCKET, timeout_s=5)
    with pytest.raises(StorageUnavailableError, match="ConnectError"):
        store.get("a")
    assert store.check()[0].status == "fail"
    store.close()


def test_what_no_retry_can_mend_is_asked_once(supabase_store: SupabaseStore, supabase: SupabaseStorageServer) -> None:
    supabase.faults.requests = 0
    with pytest.raises(NotFoundError):
        supabase_store.get("a")
    assert supabase.faults.requests == 1


def test_an_answer_that_is_no_storage_servers_is_unavailable(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    supabase.faults.fail(1, status=200)
    with pytest.raises(StorageUnavailableError, match="not Supabase Storage's"):
        supabase_store.signed_url("a")


def test_a_database_that_is_down_is_a_passing_fault(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer, database_url: str
) -> None:
    supabase_store.put("a", b"x")
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert supabase_store.get("a") == b"x"


# Listings


def test_a_folder_longer_than_a_page_is_listed_once_while_neighbours_go(
    supabase_store: SupabaseStore, database_url: str
) -> None:
    names = [f"owner/{number:05}" for number in range(2_300)]
    with psycopg.connect(database_url) as connection, connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO storage.objects (bucket_id, name, version, metadata)"
            f' VALUES (\'{BUCKET}\', %s, gen_random_uuid(), \'{{"size": 1, "mimetype": "application/gzip"}}\')',
            [(name,) for name in names],
        )
    first = supabase_store.list(limit=1000)
    assert [found.path for found in first] == names[:1000]
    with psycopg.connect(database_url) as connection:
        connection.execute("DELETE FROM storage.objects WHERE name = ANY(%s)", (names[500:1500],))
    second = supabase_store.list(after=first[-1].path, limit=1000)
    assert [found.path for found in second] == names[1500:]
    assert supabase_store.list(after=names[-1]) == []


# Buckets


def test_the_bucket_is_made_private_and_limited(supabase_store: SupabaseStore, supabase: SupabaseStorageServer) -> None:
    bucket = supabase.objects.bucket(BUCKET)
    assert bucket["public"] is False
    assert bucket["file_size_limit"] == 10_485_760
    assert sorted(bucket["allowed_mime_types"]) == ["application/gzip", "application/json"]


def test_a_missing_bucket_never_reads_as_a_missing_object(open_supabase: OpenStore) -> None:
    store = open_supabase()
    for call in (store.get, store.stat, store.open):
        with pytest.raises(StorageUnavailableError, match="no bucket") as caught:
            call("a")
        assert "convstore init" in caught.value.hint
    (fact,) = store.check()
    assert (fact.status, fact.next_action) == ("fail", caught.value.hint)


def test_a_bucket_made_by_hand_stays_and_is_named_where_it_differs(open_supabase: OpenStore, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO storage.buckets (id, name, public, file_size_limit, allowed_mime_types)"
            " VALUES (%s, %s, true, 1000, '{application/json,image/png}')",
            (BUCKET, BUCKET),
        )
    store = open_supabase()
    store.prepare()
    facts = {fact.name: fact for fact in store.check()}
    assert facts["storage privacy"].status == "fail"
    assert (facts["storage size limit"].status, facts["storage size limit"].fact) == ("fail", "1,000 bytes an object")
    assert (facts["storage MIME types"].status, facts["storage MIME types"].fact) == (
        "fail",
        "not allowed: application/gzip",
    )
    with pytest.raises(InvalidInputError, match=r"415 invalid_mime_type"):
        store.put("a", b"x")
    with pytest.raises(InvalidInputError, match=r"413 Payload too large"):
        store.put("a", b"x" * 1001, content_type="application/json")


def test_a_bucket_without_limits_is_warned_of(open_supabase: OpenStore, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("INSERT INTO storage.buckets (id, name) VALUES (%s, %s)", (BUCKET, BUCKET))
    statuses = {fact.name: fact.status for fact in open_supabase().check()}
    assert statuses == {
        "storage": "ok",
        "storage privacy": "ok",
        "storage size limit": "warn",
        "storage MIME types": "warn",
    }


# Tokens and signed addresses


def test_a_key_that_is_no_key_is_named(
    open_supabase: OpenStore, supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    for key in ("nonsense", supabase.anon_key, supabase.user_token(uuid4(), expires_in_s=-1)):
        store = open_supabase(key)
        with pytest.raises(ForbiddenError) as caught:
            store.put("a", b"x")
        assert caught.value.facts["status"] == 403
        assert "SUPABASE_SERVICE_ROLE_KEY" in caught.value.hint
        assert any(fact.status == "fail" for fact in store.check())


def test_an_expired_key_does_not_make_objects_look_missing(
    open_supabase: OpenStore, supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    supabase_store.put("a", b"x")
    store = open_supabase(supabase.user_token(uuid4(), expires_in_s=-1))
    for call in (store.get, store.stat, store.signed_url):
        with pytest.raises(ConvstoreError) as caught:
            call("a")
        assert not isinstance(caught.value, NotFoundError)


def test_a_signed_address_serves_the_object_for_a_while(
    supabase_store: SupabaseStore, supabase: SupabaseStorageServer
) -> None:
    supabase_store.put("folder/a", b"content")
    supabase_store.put("folder/b", b"other")
    url = supabase_store.signed_url("folder/a", expires_s=60)
    assert url is not None
    assert httpx.get(url).content == b"content"
    address, _, token = url.partition("?token=")

    def refusal(token: str, address: str = address) -> tuple[int, str, str]:
        answer = httpx.get(address, params={"token": token})
        return answer.status_code, answer.json()["statusCode"], answer.json()["error"]

    assert refusal(token[:-2] + "xx") == (400, "400", "InvalidJWT")
    assert refusal(sign_path("another secret of thirty-two chars", f"{BUCKET}/folder/a", 60))[2] == "InvalidJWT"
    assert refusal(sign_path(supabase.secret, f"{BUCKET}/folder/a", -5))[2] == "InvalidJWT"
    assert refusal(token, address.replace("folder/a", "folder/b")) == (400, "400", "InvalidSignature")
    supabase_store.delete(["folder/a"])
    assert refusal(token)[1:] == ("404", "not_found")
    with pytest.raises(NotFoundError):
        supabase_store.signed_url("folder/a")
