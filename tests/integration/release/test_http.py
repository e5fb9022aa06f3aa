"""Releases over HTTP: asked for, made by a worker, fetched as a zip."""

from __future__ import annotations

import io
import json
import zipfile

from fastapi.testclient import TestClient

from convstore.api import create_api
from convstore.core import ConvStore
from convstore.worker import run_worker


def test_a_pipeline_releases_and_fetches(demo_store: ConvStore) -> None:
    client = TestClient(create_api(demo_store.resources), client=("127.0.0.1", 50000))
    wanted = {"format": "messages", "filter": {"statuses": ["approved"]}, "name": "spring", "sample": 5}
    asked = client.post("/api/releases", json=wanted)
    assert asked.status_code == 202
    job = asked.json()["job"]
    assert client.get(f"/api/jobs/{job}").json()["job"]["status"] == "queued"
    run_worker(demo_store.resources, once=True)
    assert client.get(f"/api/jobs/{job}").json()["job"]["status"] == "succeeded"
    (listed,) = client.get("/api/releases").json()["items"]
    assert (listed["id"], listed["name"], listed["conversation_count"]) == (job, "spring", 5)
    fetched = client.get("/api/releases/spring/zip")
    assert fetched.headers["content-type"] == "application/zip"
    assert f"release-{job}.zip" in fetched.headers["content-disposition"]
    archive = zipfile.ZipFile(io.BytesIO(fetched.content))
    assert len(archive.read("spring-messages.jsonl").splitlines()) == 5
    assert json.loads(archive.read("spring-messages.jsonl.manifest.json"))["release"] == job
    assert client.get("/api/releases/spring/verification").json()["items"] == []
    assert client.get(f"/api/releases/{job}/diff/spring").json()["counts"]["kept"] == 5


def test_refusals_say_what_to_do(demo_store: ConvStore) -> None:
    client = TestClient(create_api(demo_store.resources), client=("127.0.0.1", 50000))
    unknown = client.post("/api/releases", json={"format": "docx"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "ERR_USAGE")
    assert "messages" in unknown.json()["hint"]
    assert client.get("/api/releases/nothing/zip").status_code == 404
    assert client.post("/api/releases", json={"format": "csv", "filter": {"sort": "x"}}).status_code == 422
