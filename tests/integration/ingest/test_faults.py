"""What fails in the middle: no row without its file, nothing twice, and a second run completes the first."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from convstore.core import ConvStore, Resources
from convstore.demo import generate
from convstore.demo.documents import v4_document
from convstore.errors import ConflictError, DatabaseError, DatabaseUnavailableError
from convstore.ingest import IngestReport
from convstore.settings import Settings
from tests.integration.conversations import document, folder_of
from tests.integration.ingest.rows import object_paths, rows, unsound

CRASH = "PERFORM pg_terminate_backend(pg_backend_pid())"
DISK = "RAISE EXCEPTION 'no space' USING ERRCODE = '58030'"
DATA = "RAISE EXCEPTION 'not this one' USING ERRCODE = '23514'"


@pytest.fixture
def poisoned(store: ConvStore) -> Iterator[Callable[[str], None]]:
    """Let the real database fail at every turn that says poison."""

    def poison(how: str) -> None:
        with store.database.admin() as connection:
            connection.execute(f"""
                CREATE FUNCTION public.poison() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS
                $$ BEGIN IF NEW.content LIKE '%poison%' THEN {how}; END IF; RETURN NEW; END $$;
                CREATE TRIGGER poison BEFORE INSERT ON conversation_turns FOR EACH ROW EXECUTE FUNCTION public.poison();
            """)

    yield poison
    with store.database.admin() as connection:
        connection.execute("DROP TRIGGER IF EXISTS poison ON conversation_turns")


def batch(poisonous: int | None = None, *, count: int = 9) -> dict[str, bytes]:
    names = ["poison" if number == poisonous else f"talk-{number}" for number in range(count)]
    return {f"{name}.json": json.dumps(document(name)).encode() for name in names}


@pytest.mark.parametrize("how", [CRASH, DISK])
def test_a_database_that_fails_in_the_middle_leaves_nothing_half(
    store: ConvStore, poisoned: Callable[[str], None], how: str
) -> None:
    poisoned(how)
    with pytest.raises((DatabaseError, DatabaseUnavailableError)):
        store.ingest_uploads(batch(4))
    assert rows(store, "SELECT count(*) FROM conversations") == [(0,)]

    with store.database.admin() as connection:
        connection.execute("DROP TRIGGER poison ON conversation_turns")
    assert store.ingest_uploads(batch(4)).totals["stored"] == 9
    assert unsound(store) == []


def test_what_the_database_refuses_is_rejected_alone_and_leaves_no_file(
    store: ConvStore, poisoned: Callable[[str], None]
) -> None:
    poisoned(DATA)
    report = store.ingest_uploads(batch(4))

    assert report.totals["stored"] == 8
    [refused] = [c for file in report.files for c in file.conversations if c.outcome == "rejected"]
    assert (refused.conversation_id, refused.reason) == ("poison", "not this one")
    assert unsound(store) == []
    named = {path for (path,) in rows(store, "SELECT file_path FROM conversations")}
    kept = {path for (paths,) in rows(store, "SELECT object_paths FROM quarantine") for path in paths}
    assert object_paths(store.files) == named | kept
    assert len(kept) == 1


def test_a_store_that_takes_no_file_gets_no_row(store: ConvStore, settings: Settings) -> None:
    store.files.prepare()
    obstacle = settings.home / "files" / settings.storage_bucket / str(store.actor.user_id)
    obstacle.write_bytes(b"in the way")
    with pytest.raises(ConflictError):
        store.ingest_uploads(batch())
    assert rows(store, "SELECT count(*) FROM conversations") == [(0,)]

    obstacle.unlink()
    assert store.ingest_uploads(batch()).totals["stored"] == 9
    assert unsound(store) == []


def test_a_conversation_too_large_for_the_bucket_is_rejected_alone(store: ConvStore) -> None:
    noise = random.Random(5).randbytes(9_000_000).hex()
    huge = {
        "conversation_id": "huge",
        "messages": [
            {"role": "user", "content": "How long?"},
            {"role": "assistant", "content": noise + noise[:4_000_000]},
        ],
    }
    report = store.ingest_uploads({**batch(count=3), "huge.json": json.dumps(huge).encode()})
    assert report.totals["stored"] == 3
    [refused] = report.files[3].conversations
    assert (refused.outcome, refused.code) == ("rejected", "ERR_FILE_TOO_LARGE")
    assert unsound(store) == []


def at_once(settings: Settings, *work: Callable[[ConvStore], IngestReport]) -> list[IngestReport]:
    """Let each work on a store of its own, starting together."""
    start = threading.Barrier(len(work))
    reports: list[IngestReport | None] = [None] * len(work)

    def run(number: int) -> None:
        resources = Resources(settings)
        store = ConvStore.for_operator(resources)
        start.wait()
        reports[number] = work[number](store)
        resources.close()

    threads = [threading.Thread(target=run, args=[number]) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = [report for report in reports if report is not None]
    assert len(found) == len(work)
    return found


def test_writers_with_the_same_ids_at_once(store: ConvStore, settings: Settings) -> None:
    files = batch(count=40)
    backwards = dict(reversed(files.items()))
    reports = at_once(settings, *(lambda s, f=f: s.ingest_uploads(f) for f in (files, backwards, files)))
    assert sum(report.totals["stored"] for report in reports) == 40
    assert sum(report.totals["unchanged"] for report in reports) == 80
    assert unsound(store) == []
    assert len(object_paths(store.files)) == 40


def test_writers_with_other_turns_at_once_conflict(store: ConvStore, settings: Settings) -> None:
    mine = {"a.json": json.dumps(document("talk", "mine")).encode()}
    yours = {"a.json": json.dumps(document("talk", "yours")).encode()}
    reports = at_once(settings, lambda s: s.ingest_uploads(mine), lambda s: s.ingest_uploads(yours))
    assert sorted(r.files[0].conversations[0].outcome for r in reports) == ["conflict", "stored"]
    assert unsound(store) == []


@pytest.mark.parametrize("seed", range(3))
def test_writers_who_replace_the_same_at_once_never_take_the_file_away(
    store: ConvStore, settings: Settings, seed: int
) -> None:
    store.ingest_uploads({"a.json": json.dumps(document("talk", "first")).encode()})
    questions = random.Random(seed).choices(["one", "two"], k=3)

    def replace(question: str) -> Callable[[ConvStore], IngestReport]:
        data = json.dumps(document("talk", question)).encode()
        return lambda s: s.ingest_uploads({"a.json": data}, on_conflict="replace")

    at_once(settings, *map(replace, questions))
    assert unsound(store) == []
    assert object_paths(store.files) == {store.get("talk").conversation.file_path}


@pytest.fixture
def many_files(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    conversations = list(generate(400, messages=8))
    for start in range(0, len(conversations), 20):
        name = f"part-{start:04d}.json"
        part = v4_document(conversations[start : start + 20], file_name=name)
        (folder / name).write_text(json.dumps(part))
    return folder


@pytest.mark.parametrize("seed", range(3))
def test_killed_at_any_moment_a_second_run_completes_it(
    store: ConvStore, settings: Settings, many_files: Path, seed: int
) -> None:
    assert settings.database_url is not None
    environment = {
        "CONVSTORE_DATABASE_URL": settings.database_url.get_secret_value(),
        "CONVSTORE_HOME": str(settings.home),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", "from convstore.cli import main; main()", "ingest", str(many_files), "--json"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not rows(store, "SELECT FROM ingest_runs") and process.poll() is None:
        time.sleep(0.02)
    time.sleep(random.Random(seed).uniform(0, 3))
    process.kill()
    process.communicate()

    assert unsound(store) == []
    stored = rows(store, "SELECT count(*) FROM conversations")[0][0]
    report = store.ingest([many_files])
    assert report.totals["stored"] + report.totals["unchanged"] == 400
    assert report.totals["unchanged"] == stored
    assert rows(store, "SELECT count(*), count(DISTINCT conversation_id) FROM conversations") == [(400, 400)]
    assert unsound(store) == []
    unfinished = rows(store, "SELECT count(*) FROM ingest_runs WHERE finished_at IS NULL")[0][0]
    assert unfinished == 1 or stored == 400


def test_a_folder_that_grows_between_runs(store: ConvStore, tmp_path: Path) -> None:
    store.ingest([folder_of(tmp_path / "in", count=2)])
    assert store.ingest([folder_of(tmp_path / "in", count=5)]).totals["stored"] == 3
