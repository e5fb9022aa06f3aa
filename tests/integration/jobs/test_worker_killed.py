"""Workers killed with -9 in the middle of a large import: others finish it, as if nothing had happened."""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path
from typing import Any

from convstore.core import ConvStore, Resources
from tests.fixtures_database import Server
from tests.integration.conversations import document
from tests.integration.jobs.workers import ended, holder_among, kill, start_workers

CONVERSATIONS = int(os.environ.get("TEST_KILLED_IMPORT", "640"))


def large_upload() -> dict[str, bytes]:
    """Small files, one file of many conversations, one that nobody can read; some that meet others far away."""
    half = CONVERSATIONS // 2
    many = [document(f"many-{number}") for number in range(half)]
    files = {f"single-{n}.json": json.dumps(document(f"single-{n}")).encode() for n in range(half)}
    files["many.jsonl"] = b"\n".join(json.dumps(one).encode() for one in many)
    files["twice.json"] = files["single-0.json"]
    files["another-1.json"] = json.dumps(document("single-1", "something else?")).encode()
    files["again.jsonl"] = b"\n".join(json.dumps(one).encode() for one in (many[3], document("many-4", "why?")))
    files["broken.json"] = b"{"
    return files


def outcome(store: ConvStore) -> dict[str, Any]:
    """Everything that an import leaves, without the ids and times of a run."""
    queries = {
        "rows": "SELECT conversation_id, turns_sha256, content_sha256, status FROM conversations ORDER BY 1",
        "turns": "SELECT c.conversation_id, t.turn_number, t.role, t.content FROM conversation_turns AS t"
        " JOIN conversations AS c ON c.id = t.conversation_id ORDER BY 1, 2",
        # Checks against the whole set are a job of their own, which may or may not have run by now.
        "findings": "SELECT c.conversation_id, f.code, count(*) FROM findings AS f"
        " JOIN conversations AS c ON c.id = f.conversation_id"
        " WHERE f.code NOT IN ('boilerplate', 'length_outlier') GROUP BY 1, 2 ORDER BY 1, 2",
        "created": "SELECT after ->> 'conversation_id', count(*) FROM events WHERE action = 'created'"
        " GROUP BY 1 ORDER BY 1",
        "files": "SELECT file, outcome, processing_status, report FROM ingest_items ORDER BY position",
        "totals": "SELECT totals, finished_at IS NOT NULL FROM ingest_runs",
        "quarantine": "SELECT file, sha256, code FROM quarantine ORDER BY 1",
    }
    with store.database.admin() as connection:
        found: dict[str, Any] = {name: connection.execute(query).fetchall() for name, query in queries.items()}
    return found


def test_other_workers_finish_what_killed_ones_began(
    store: ConvStore, server: Server, template: str, tmp_path: Path
) -> None:
    uploads = large_upload()
    server.create("test_undisturbed", template)
    resources = Resources(server.settings("test_undisturbed", tmp_path / "undisturbed"))
    try:
        undisturbed = ConvStore.for_operator(resources)
        undisturbed.ingest_uploads(uploads)
        expected, kept = outcome(undisturbed), objects(undisturbed)
    finally:
        resources.close()
        server.drop("test_undisturbed")
    totals = expected["totals"][0][0]
    assert (totals["stored"], totals["unchanged"], totals["conflict"]) == (CONVERSATIONS // 2 * 2, 2, 2)

    workers = start_workers(store, 3)
    job_id = store.ingest_later(uploads)
    kills = 0
    with ended(workers):
        for share in (0.3, 0.7):
            while store.job(job_id).status != "succeeded" and stored(store) < share * CONVERSATIONS:
                time.sleep(0.005)
            holder = holder_among(workers, store, job_id)
            if holder is not None:
                kill(workers.pop(holder))
                kills += 1
        while store.job(job_id).status in ("queued", "running"):
            time.sleep(0.1)
    assert kills >= 1, "the kills came in the middle"
    with store.database.admin() as connection:
        parts = connection.execute(
            "SELECT task, count(*), sum(attempt - 1) FROM jobs WHERE parent_id = %s GROUP BY 1 ORDER BY 1", [job_id]
        ).fetchall()
    assert [(task, count) for task, count, _ in parts] == [("ingest: look", 4), ("ingest: store", 4)]
    assert sum(again for _, _, again in parts) >= kills, "what the killed workers had was begun again"
    job = store.job(job_id)
    assert (job.status, job.result) == ("succeeded", {"totals": totals})
    assert job.done == job.total == len(uploads)
    assert outcome(store) == expected
    report = store.reconcile(repair=True)
    assert (report.missing, report.damaged, report.drifted) == ([], [], [])
    assert {entry["repair"] for entry in report.orphans} <= {"removed"}
    assert store.reconcile().is_clean
    assert objects(store) == kept, "every object, byte for byte"


def objects(store: ConvStore) -> list[tuple[str, str]]:
    """Every object: what it is of, and the hash of its bytes. Paths hold ids of rows, which differ from run to run."""
    with store.database.admin() as connection:
        names = dict(connection.execute("SELECT file_path, conversation_id FROM conversations").fetchall())
    return sorted(
        (names.get(stat.path, stat.path.split("/")[-2]), hashlib.sha256(store.files.get(stat.path)).hexdigest())
        for stat in store.files.list()
    )


def stored(store: ConvStore) -> int:
    with store.database.admin() as connection:
        row = connection.execute("SELECT count(*) FROM conversations").fetchone()
    assert row is not None
    return int(row[0])
