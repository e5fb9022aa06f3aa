"""Every route as a program on this machine uses it."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from convstore.core import ConvStore
from convstore.worker import run_worker
from tests.integration.api.serving import ServedApi
from tests.integration.conversations import document

GONE = "00000000-0000-4000-8000-0000000000ff"


def push(client: httpx.Client, identifier: str, question: str = "what now?", **params: str) -> httpx.Response:
    return client.post("/api/conversations", json=document(identifier, question), params=params)


def outcome(response: httpx.Response) -> dict[str, Any]:
    [item] = response.json()["items"]
    return dict(item)


def test_push_tells_what_became_of_each_conversation(client: httpx.Client) -> None:
    first = push(client, "push-1", name="push-1.json")
    assert (first.status_code, first.json()["totals"]["stored"]) == (201, 1)
    [file] = first.json()["files"]
    assert (file["file"], file["outcome"]) == ("push-1.json", "accepted")
    assert file["conversations"][0]["conversation_id"] == "push-1"
    assert push(client, "push-1").status_code == 200, "the same turns are nothing new"
    assert push(client, "push-1", "another?").status_code == 409
    assert push(client, "push-1", "another?", on_conflict="skip").status_code == 200
    replaced = push(client, "push-1", "another?", on_conflict="replace")
    assert (replaced.status_code, replaced.json()["totals"]["replaced"]) == (201, 1)
    refused = client.post("/api/conversations", content=b'{"messages": [')
    assert (refused.status_code, refused.json()["totals"]["rejected"]) == (422, 1)
    assert refused.json()["files"][0]["line"] == 1

    lines = b"\n".join(json.dumps(document(f"push-line-{n}")).encode() for n in range(3))
    assert client.post("/api/conversations", content=lines, params={"name": "l.jsonl"}).json()["totals"]["stored"] == 3


def test_pages_by_cursor_hold_every_row_once(client: httpx.Client) -> None:
    for number in range(7):
        assert push(client, f"page-{number}", name="pages.json").status_code == 201
    found: list[str] = []
    cursor: str | None = None
    while True:
        params = {"source": "pages.json", "sort": "name", "order": "asc", "limit": "3"}
        page = client.get("/api/conversations", params=params | ({"cursor": cursor} if cursor else {})).json()
        assert (page["total"], page["total_is_exact"]) == (7, True)
        found += [row["conversation_id"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert found == [f"page-{number}" for number in range(7)]
    strange = client.get("/api/conversations", params={"cursor": "nonsense"})
    assert (strange.status_code, strange.json()["code"]) == (422, "ERR_USAGE")
    assert client.get("/api/conversations", params={"limit": "1001"}).status_code == 422


@pytest.fixture(scope="module")
def wanted(api: ServedApi) -> None:
    """Two conversations, one of them approved."""
    with api.client() as client:
        push(client, "wanted-a", "a zeppelin?", name="wanted.json")
        push(client, "wanted-b", "a boat?", name="wanted.json")
        body = {"status": "approved", "scores": {"quality": 4.5, "empathy": 3.5}}
        assert client.patch("/api/conversations/wanted-b/status", json=body).status_code == 200


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({"status": "approved"}, {"wanted-b"}),
        ({"status": ["approved", "pending_review"]}, {"wanted-a", "wanted-b"}),
        ({"id": "wanted-a"}, {"wanted-a"}),
        ({"text": "zeppelin"}, {"wanted-a"}),
        ({"min_quality": "4.5"}, {"wanted-b"}),
        ({"score": "empathy:3..4"}, {"wanted-b"}),
        ({"score": "empathy:4.5.."}, set()),
        ({"unscored": "true"}, {"wanted-a"}),
        ({"tier": "edge_case"}, set()),
        ({"persona": "nobody"}, set()),
        ({"since": "2020-01-01T00:00:00Z", "until": "2020-01-02T00:00:00Z"}, set()),
        ({"processing": "completed"}, {"wanted-a", "wanted-b"}),
        ({"processing": "failed"}, set()),
        ({"reviewer": "Jana"}, {"wanted-b"}),
        ({"finding": "no-such-code"}, set()),
    ],
)
def test_filters(client: httpx.Client, wanted: None, params: dict[str, Any], found: set[str]) -> None:
    page = client.get("/api/conversations", params={"source": "wanted.json", **params})
    assert page.status_code == 200, page.text
    assert {row["conversation_id"] for row in page.json()["items"]} == found


def test_one_conversation_is_read_renamed_and_trashed(client: httpx.Client) -> None:
    push(client, "one")
    detail = client.get("/api/conversations/one").json()
    assert [turn["turn_number"] for turn in detail["turns"]] == [1, 2, 3, 4]
    assert client.get(f"/api/conversations/{detail['conversation']['id']}").json() == detail
    renamed = client.patch("/api/conversations/one", json={"name": "Once", "description": "More"}).json()
    assert renamed["conversation"]["conversation_name"] == "Once"
    assert client.patch("/api/conversations/one", json={}).status_code == 422
    assert client.patch("/api/conversations/one", json={"status": "approved"}).status_code == 422

    assert outcome(client.delete("/api/conversations/one"))["outcome"] == "done"
    assert client.get("/api/conversations", params={"id": "one"}).json()["items"] == []
    assert outcome(client.post("/api/conversations/one/restore"))["outcome"] == "done"
    assert client.delete("/api/conversations/one", params={"hard": "true"}).status_code == 422, "not confirmed"
    gone = client.delete("/api/conversations/one", params={"hard": "true", "confirm": "true"})
    assert gone.status_code == 200, gone.text
    for missing in (client.get("/api/conversations/one"), client.delete("/api/conversations/one")):
        assert (missing.status_code, missing.json()["code"]) == (404, "ERR_NOT_FOUND")
        assert missing.headers["content-type"] == "application/problem+json"
        assert missing.json()["next_actions"][0]["description"]
        assert missing.json()["request_id"] == missing.headers["x-request-id"]


def test_decisions_bind_to_what_was_read_and_are_undone(client: httpx.Client) -> None:
    push(client, "decide-a")
    push(client, "decide-b")
    read = client.get("/api/conversations/decide-a").json()["conversation"]["turns_sha256"]
    status = "/api/conversations/decide-a/status"
    stale = client.patch(status, json={"status": "approved", "turns_sha256": "0" * 64})
    assert (stale.status_code, outcome(stale)["outcome"]) == (409, "refused")
    done = client.patch(status, json={"status": "approved", "turns_sha256": read, "reasons": ["clear"]})
    assert (done.status_code, outcome(done)["to"]) == (200, "approved")
    assert client.patch(status, json={"status": "needs_revision"}).status_code == 409, "no such move"
    assert client.patch(status, json={"status": "approved", "scores": {"quality": 7}}).status_code == 422
    assert client.patch("/api/conversations/nobody/status", json={"status": "approved"}).status_code == 404

    batch = client.post("/api/reviews", json={"ids": ["decide-a", "decide-b", "nobody"], "status": "rejected"}).json()
    assert [item["outcome"] for item in batch["items"]] == ["refused", "done", "refused"]
    undone = client.post(f"/api/batches/{batch['batch_id']}/undo")
    assert (undone.status_code, undone.json()["undone"]) == (200, 1)
    assert client.get("/api/conversations/decide-b").json()["conversation"]["status"] == "pending_review"
    assert client.post(f"/api/batches/{GONE}/undo").status_code == 404


def test_the_file_comes_as_it_was_stored_in_pieces(client: httpx.Client, api: ServedApi, behind: ConvStore) -> None:
    large = document("large", "again and again " * 20_000, turns=20)
    assert client.post("/api/conversations", json=large).status_code == 201
    with httpx.stream("GET", f"{api.address}/api/conversations/large/file", timeout=100) as response:
        pieces = list(response.iter_raw())
        assert response.headers["content-length"] == str(sum(map(len, pieces)))
    assert len(pieces) > 1
    assert b"".join(pieces) == behind.document("large")
    assert response.headers["content-disposition"] == 'attachment; filename="large.json"'
    again = client.get("/api/conversations/large/file", headers={"If-None-Match": response.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/conversations/nobody/file").status_code == 404


def test_a_missing_file_is_an_error_and_no_empty_answer(client: httpx.Client, behind: ConvStore) -> None:
    push(client, "lost")
    behind.files.delete([behind.get("lost").conversation.file_path])
    assert client.get("/api/conversations/lost/file").status_code == 404


def test_search_says_where_the_words_stand(client: httpx.Client) -> None:
    push(client, "found", "do you like marzipan?")
    hits = client.get("/api/search", params={"text": "marzipan"}).json()
    [hit] = hits["items"]
    assert (hit["conversation"]["conversation_id"], hit["turn_number"], hit["role"]) == ("found", 1, "user")
    assert ["marzipan", True] in hit["pieces"]
    assert client.get("/api/search", params={"text": "marzipan", "status": "approved"}).json()["items"] == []
    assert client.get("/api/search").status_code == 422


def test_jobs_are_asked_for_watched_stopped_and_retried(client: httpx.Client, behind: ConvStore) -> None:
    started = client.post("/api/jobs", json={"task": "verify"})
    assert started.status_code == 202
    job = started.json()["job"]
    assert (job["task"], job["status"], job["asked_by"]) == ("verify", "queued", "Jana")
    assert client.post("/api/jobs", json={"task": "verify"}).json()["job"]["id"] == job["id"], "queued once"
    for not_alone in ("export", "ingest", "no-such-task"):
        assert client.post("/api/jobs", json={"task": not_alone}).status_code == 422
    cancelled = client.post(f"/api/jobs/{job['id']}/cancel").json()["job"]
    assert cancelled["status"] == "cancelled"
    assert client.post(f"/api/jobs/{job['id']}/cancel").status_code == 409
    assert client.post(f"/api/jobs/{job['id']}/retry").json()["job"]["status"] == "queued"
    run_worker(behind.resources, once=True)
    ended = client.get(f"/api/jobs/{job['id']}").json()["job"]
    assert ended["status"] == "succeeded"
    listed = client.get("/api/jobs", params={"status": "succeeded", "task": "verify"}).json()["items"]
    assert [one["id"] for one in listed] == [job["id"]]
    assert client.get(f"/api/jobs/{uuid4()}").status_code == 404


def test_probes_and_what_is_not_there(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    for response, status in (
        (client.get("/api/nothing"), 404),
        (client.put("/api/conversations"), 405),
        (client.get("/docs"), 404),
        (client.get("/api/conversations/"), 404),
    ):
        assert response.status_code == status
        assert response.json()["code"] in ("ERR_NOT_FOUND", "ERR_USAGE")
        assert response.headers["content-type"] == "application/problem+json"
