"""Faults at random points of import, replacement and deletion; then reconciliation sets everything right.

The suite runs a few. `TEST_FAULTS=500 TEST_FAULT_SEED=7 pytest tests/integration/faults` runs as many as one
likes, the same ones for the same seed as far as timing allows.
"""

from __future__ import annotations

import json
import logging
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from convstore.core import ConvStore, Resources
from convstore.files.policies import policy_statements
from convstore.model import turns_sha256
from convstore.settings import Settings
from tests.fixtures_database import Server
from tests.integration.conversations import conversation
from tests.supabase_storage.schema import STORAGE_SCHEMA
from tests.supabase_storage.server import SupabaseStorageServer

FAULTS = int(os.environ.get("TEST_FAULTS", "10"))
SEED = int(os.environ.get("TEST_FAULT_SEED", "1"))
IDS = [f"talk-{number}" for number in range(12)]
_log = logging.getLogger(__name__)

pytestmark = pytest.mark.timeout(120 + 10 * FAULTS)


@dataclass
class World:
    """A store under fire: what may be in it, and how to hurt it."""

    server: Server
    database: str
    settings: Settings
    storage: SupabaseStorageServer | None
    forker: subprocess.Popen[str]
    folder: Path
    luck: random.Random
    #: The versions that a conversation may have now; "" is: none.
    possible: dict[str, set[str]] = field(default_factory=lambda: {identifier: {""} for identifier in IDS})
    outcomes: Counter[str] = field(default_factory=Counter)
    usual_s: float = 0.0

    def calm(self) -> None:
        """One operation without a fault, for how long one takes here and now."""
        files = self.folder / "calm"
        for identifier in IDS[:3]:
            conversation(files / f"{identifier}.json", identifier, "version calm", turns=4)
            self.possible[identifier] = {"version calm"}
        began = time.monotonic()
        assert self.run({"operation": "ingest", "ids": [], "folder": str(files)}, "none") == 0
        self.usual_s = time.monotonic() - began

    def strike(self, number: int) -> None:
        """One operation with one fault."""
        operation = self.luck.choice(("ingest", "ingest", "ingest", "delete"))
        ids = self.luck.sample(IDS, self.luck.randint(1, 5))
        version = f"version {number}"
        files = self.folder / str(number)
        for identifier in ids:
            conversation(files / f"{identifier}.json", identifier, version, turns=self.luck.choice((2, 4, 40)))
        for identifier in ids:
            self.possible[identifier].add(version if operation == "ingest" else "")
        faults = ["kill", "kill", "cut"]
        faults += ["disk"] if self.storage is None else ["status", "drop", "lose", "hang"]
        fault = self.luck.choice(faults)
        status = self.run({"operation": operation, "ids": ids, "folder": str(files)}, fault)
        self.outcomes[f"{fault} {'done' if status == 0 else 'killed' if status < 0 else 'failed'}"] += 1
        if status == 0:
            for identifier in ids:
                self.possible[identifier] = {version if operation == "ingest" else ""}

    def run(self, order: dict[str, Any], fault: str) -> int:
        assert self.forker.stdin is not None
        assert self.forker.stdout is not None
        if fault == "kill":
            order["kill_after_s"] = self.luck.uniform(0, 1.1 * self.usual_s)
        elif fault == "disk":
            order["disk_bytes"] = self.luck.choice((0, 100, 200, 300))
        if self.storage is not None:
            self.storage.faults.clear()
            method = self.luck.choice((None, "POST", "DELETE"))
            count = self.luck.choice((1, 2, 50))
            if fault == "status":
                self.storage.faults.fail(count, status=self.luck.choice((500, 502, 503)), method=method)
            elif fault in ("drop", "lose"):
                getattr(self.storage.faults, fault)(count, method=method)
            elif fault == "hang":
                self.storage.faults.hang(1, seconds=5, method=method)
        self.forker.stdin.write(json.dumps({**order, "settings": plain(self.settings)}) + "\n")
        self.forker.stdin.flush()
        self.forker.stdout.readline()  # it is under way
        if fault == "cut":
            time.sleep(self.luck.uniform(0, 1.1 * self.usual_s))
            self.cut_connections()
        status = int(self.forker.stdout.readline())
        assert status != 3, "an error that is none of ours"
        if self.storage is not None:
            self.storage.faults.clear()
        return status

    def cut_connections(self) -> None:
        with psycopg.connect(self.server.url("postgres"), autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = %s AND application_name = 'convstore'",
                [self.database],
            )

    def settle(self) -> None:
        """Reconcile, and hold what is there against what may be."""
        resources = Resources(self.settings)
        try:
            store = ConvStore.for_operator(resources)
            repaired = store.reconcile(repair=True)
            assert (repaired.missing, repaired.damaged) == ([], []), "a row never is without its file"
            assert repaired.is_clean
            again = store.reconcile()
            assert again.as_dict() == {"missing": [], "damaged": [], "orphans": [], "drifted": [], "repaired": 0}
            assert store.verify().is_clean
            self.compare(store)
        finally:
            resources.close()

    def compare(self, store: ConvStore) -> None:
        paths = []
        for identifier in IDS:
            found = self.version_of(store, identifier)
            assert found in self.possible[identifier], (
                f"{identifier} is {found!r}, not one of {self.possible[identifier]}"
            )
            self.possible[identifier] = {found}
            if found:
                paths.append(store.get(identifier).conversation.file_path)
        objects = [stat.path for stat in store.files.list()]
        kept = [path for path in objects if "/quarantine-" not in path]
        assert sorted(kept) == sorted(paths), "each conversation has one file, and each file a conversation"

    def version_of(self, store: ConvStore, identifier: str) -> str:
        with store.database.admin() as connection:
            rows = connection.execute("SELECT 1 FROM conversations WHERE conversation_id = %s", [identifier]).fetchall()
        if not rows:
            return ""
        assert len(rows) == 1
        detail = store.get(identifier)
        assert turns_sha256(detail.turns) == detail.conversation.turns_sha256
        return "version " + detail.turns[0].content.split("version ")[1].split(" ")[0]


def plain(settings: Settings) -> dict[str, Any]:
    """The settings as the arguments that make them again."""
    secret = ("database_url", "admin_url", "supabase_service_role_key")
    shown: dict[str, Any] = {"home": str(settings.home), "storage": settings.storage, "storage_timeout_s": 4}
    for name in secret:
        value = getattr(settings, name)
        if value is not None:
            shown[name] = value.get_secret_value()
    return {**shown, "supabase_url": settings.supabase_url}


@pytest.fixture(params=["file", "supabase"])
def world(
    request: pytest.FixtureRequest, server: Server, database_name: str, settings: Settings, tmp_path: Path
) -> Iterator[World]:
    storage = None
    if request.param == "supabase":
        with psycopg.connect(server.url(database_name)) as connection:
            connection.execute(STORAGE_SCHEMA)
            for statement in policy_statements(settings.storage_bucket):
                connection.execute(statement)
        objects = tmp_path / "objects"
        objects.mkdir()
        storage = SupabaseStorageServer(server.url(database_name), objects)
        values = {
            "storage": "supabase",
            "supabase_url": storage.url,
            "supabase_service_role_key": storage.service_role_key,
        }
        settings = Settings(**{**plain(settings), **values})
        resources = Resources(settings)
        resources.files.prepare()
        resources.files.close()
        resources.close()
    forker = subprocess.Popen(
        [sys.executable, "-m", "tests.integration.faults.forking"],
        cwd=Path(__file__).parents[3],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    yield World(server, database_name, settings, storage, forker, tmp_path / "in", random.Random(SEED))
    forker.communicate()
    if storage is not None:
        storage.close()


def test_faults_lose_nothing_double_nothing_and_leave_nothing(world: World) -> None:
    world.calm()
    began = time.monotonic()
    for number in range(FAULTS):
        world.strike(number)
        if number % 5 == 4 or number == FAULTS - 1:
            world.settle()
            world.calm()
    took_s = time.monotonic() - began
    _log.info("%s faults, seed %s, %.0f s: %s", FAULTS, SEED, took_s, dict(world.outcomes))
    assert sum(world.outcomes.values()) == FAULTS
