"""Who may not release is refused by the database; who is killed leaves nothing half done."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.errors import ConflictError, ForbiddenError
from convstore.model import Role
from convstore.release.manifest import check_files

_EXPORT = """
import sys, time
from pathlib import Path
from convstore.core import ConvStore
from convstore.settings import Settings

def pause(done, total, what):
    print(what, flush=True)
    if what == sys.argv[4]:
        time.sleep(600)

settings = Settings(database_url=sys.argv[1], admin_url=sys.argv[1], home=Path(sys.argv[2]))
with ConvStore.open(settings) as store:
    store.export("messages", sys.argv[3], name="interrupted", progress=pause)
"""


@pytest.mark.parametrize("role", ["viewer", "reviewer"])
def test_only_leads_release(demo_store: ConvStore, tmp_path: Path, role: Role) -> None:
    with demo_store.database.admin() as admin:
        (user,) = admin.execute(
            "INSERT INTO profiles (issuer, subject, name) VALUES ('t', 't', 'T') RETURNING id"
        ).fetchone()  # type: ignore[misc]
        admin.execute(
            "INSERT INTO workspace_members (workspace_id, user_id, role) VALUES (%s, %s, %s)",
            [demo_store.actor.workspace_id, user, role],
        )
    # The claimed role is a lead's: what refuses is the database.
    actor = replace(demo_store.actor, user_id=user, role="lead", email=None)
    store = ConvStore(demo_store.resources, actor)
    with pytest.raises(ForbiddenError):
        store.export("messages", tmp_path / "out.jsonl")
    assert list(tmp_path.glob("*out.jsonl*")) == []
    assert store.list_releases() == ()


@pytest.mark.parametrize("moment", ["writing", "sealing"])
def test_a_killed_export_leaves_no_file_and_the_next_one_completes(
    demo_store: ConvStore, tmp_path: Path, moment: str
) -> None:
    out = tmp_path / "out.jsonl"
    secret = demo_store.settings.database_url
    assert secret is not None
    arguments = [secret.get_secret_value(), str(demo_store.settings.home), str(out), moment]
    with subprocess.Popen(
        [sys.executable, "-c", _EXPORT, *arguments], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == moment:
                break
        (building,) = demo_store.list_releases()
        assert building.status == "building"
        with pytest.raises(ConflictError, match="being built"):
            demo_store.export("messages", tmp_path / "elsewhere.jsonl", name="interrupted")
        process.send_signal(signal.SIGKILL)
    assert sorted(path.name for path in tmp_path.glob("*out.jsonl*")) == [".out.jsonl.partial"]
    deadline = time.monotonic() + 30
    while True:
        # The server notices within moments that its client is gone.
        try:
            report = demo_store.export("messages", out, name="interrupted")
            break
        except ConflictError:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert check_files(report.manifest.path) == []
    assert sorted(path.name for path in tmp_path.glob("*out.jsonl*")) == ["out.jsonl", "out.jsonl.manifest.json"]
    assert [release.status for release in demo_store.list_releases()] == ["sealed"]
