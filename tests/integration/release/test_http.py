"""Releases over HTTP: asked for, made by a worker, fetched as a zip."""

from __future__ import annotations

import io
import json
import zipfile
from decimal import Decimal

from fastapi.testclient import TestClient

from convstore.api import create_api
from convstore.core import ConvStore
from convstore.model import Filter
from convstore.release.rows import ReleaseOptions
from convstore.release.selection import SliceRules, SplitPlan
from convstore.release.splits import parse_splits
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


def test_everything_that_the_command_takes_can_be_asked_for(demo_store: ConvStore) -> None:
    client = TestClient(create_api(demo_store.resources), client=("127.0.0.1", 50000))
    best = [row.conversation_id for row in demo_store.search(Filter(min_quality=Decimal(4)), sort="quality").items[:3]]
    wanted = {
        "format": "alpaca", "name": "small", "seed": 7, "lint": "keep",
        "min_score": 4.0, "score": "effective", "without_findings": ["boilerplate"], "best_of_duplicates": True,
        "most_per_cell": 3, "sample": 8, "stratified": True,
        "split": "train=0.5,validation=0.5", "stratify_by": ["persona"], "held_out": {best[0]: "validation"},
        "system": "own", "system_text": "Be kind.", "rows": "last", "keep_trailing_user": False,
        "alpaca_history": False,
    }  # fmt: skip
    job = client.post("/api/releases", json=wanted).json()["job"]
    run_worker(demo_store.resources, once=True)
    made = client.get("/api/releases/small").json()
    assert made["id"] == job
    # The same as if it had been asked for in Python.
    same = demo_store.export(
        "alpaca",
        demo_store.resources.settings.home / "same",
        rules=SliceRules(
            min_score=Decimal("4.0"), without_findings=("boilerplate",), best_of_duplicates=True, most_per_cell=3,
            sample=8, stratified=True,
        ),
        plan=SplitPlan(shares=parse_splits("train=0.5,validation=0.5"), stratify_by=("persona",),
                       held_out={best[0]: "validation"}),
        options=ReleaseOptions(system="own", system_text="Be kind.", rows="last", alpaca_history=False),
        seed=7, lint="keep", name="same",
    )  # fmt: skip
    other = client.get("/api/releases/same").json()
    for part in ("filter", "rules", "seed", "conversation_count"):
        assert made[part] == other[part], part
    assert {**made["options"], "title": ""} == {**other["options"], "title": ""}
    assert client.get(f"/api/releases/small/diff/{same.release}").json()["counts"]["added"] == 0
    archive = zipfile.ZipFile(io.BytesIO(client.get("/api/releases/small/zip").content))
    rows = [json.loads(line) for name in archive.namelist() if name.endswith(".jsonl")
            for line in archive.read(name).splitlines()]  # fmt: skip
    assert rows
    assert all(row["system"] == "Be kind." and "history" not in row for row in rows)


def test_what_cannot_be_meant_is_refused_before_a_job_is_made(store: ConvStore) -> None:
    client = TestClient(create_api(store.resources), client=("127.0.0.1", 50000))
    for wrong, said in (
        ({"stratified": True}, "stratified"),
        ({"sample": 0}, "sample"),
        ({"most_per_cell": 2**31}, "most_per_cell"),
        ({"min_score": 5.5}, "min_score"),
        ({"score": "mine"}, "score"),
        ({"without_findings": ["nonsense"]}, "nonsense"),
        ({"without_findings": ["boilerplate"] * 101}, "without_findings"),
        ({"split": "train=0.9"}, "0.9"),
        ({"stratify_by": ["persona"]}, "splits"),
        ({"split": "train=1", "held_out": {"one": "test"}}, "test"),
        ({"system": "own"}, "system"),
        ({"system": "own", "system_text": "x" * 100_001}, "system_text"),
        ({"rows": "page"}, "rows"),
        ({"path": "elsewhere"}, "path"),
    ):
        answer = client.post("/api/releases", json={"format": "messages", **wrong})
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), wrong
        assert answer.json()["code"] == "ERR_USAGE"
        assert said in answer.text
    assert client.get("/api/jobs").json()["items"] == []


def test_refusals_say_what_to_do(demo_store: ConvStore) -> None:
    client = TestClient(create_api(demo_store.resources), client=("127.0.0.1", 50000))
    unknown = client.post("/api/releases", json={"format": "docx"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "ERR_USAGE")
    assert "messages" in unknown.json()["hint"]
    assert client.get("/api/releases/nothing/zip").status_code == 404
    assert client.post("/api/releases", json={"format": "csv", "filter": {"sort": "x"}}).status_code == 422
