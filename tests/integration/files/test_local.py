"""What only a folder can get wrong: links, modes, full disks, cut writers, leftovers."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convstore.errors import InvalidInputError, NotFoundError, StorageUnavailableError
from convstore.files import open_store
from convstore.files.local import LocalStore
from convstore.settings import Settings

REPOSITORY = Path(__file__).parents[3]


def files_below(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_the_settings_name_the_folder(tmp_path: Path) -> None:
    store = open_store(Settings(home=tmp_path, storage_bucket="mine"))
    assert isinstance(store, LocalStore)
    assert not (tmp_path / "files").exists()  # opening creates nothing
    store.put("a/b", b"x")
    assert (tmp_path / "files" / "mine" / "a" / "b").read_bytes() == b"x"
    store.close()


def test_nobody_else_may_read(tmp_path: Path) -> None:
    umask = os.umask(0)
    try:
        store = LocalStore(tmp_path / "home" / "files", "bucket")
        store.put("owner/row/version/file", b"secret")
    finally:
        os.umask(umask)
    for path in [tmp_path / "home", *(tmp_path / "home").rglob("*")]:
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), path
    store.close()


def test_a_folder_open_to_others_is_named(local_store: LocalStore) -> None:
    local_store.root.chmod(0o755)
    (privacy,) = [fact for fact in local_store.check() if fact.status != "ok"]
    assert "0755" in privacy.fact
    assert "chmod 700" in privacy.next_action


def test_links_do_not_lead_out(local_store: LocalStore, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    (local_store.root / "folder").symlink_to(outside)
    (local_store.root / "file").symlink_to(outside / "secret")
    for call in (local_store.get, local_store.stat, lambda path: local_store.delete([path])):
        with pytest.raises(InvalidInputError, match="symbolic link"):
            call("folder/secret")
    with pytest.raises(InvalidInputError, match="symbolic link"):
        local_store.put("folder/new", b"x")
    with pytest.raises((NotFoundError, StorageUnavailableError)):
        local_store.get("file")
    assert local_store.stat("file") is None
    assert local_store.list() == []
    assert files_below(outside) == [outside / "secret"]


def test_the_store_itself_may_lie_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "files").symlink_to(tmp_path / "disk")
    store = LocalStore(tmp_path / "files", "bucket")
    store.put("a/b", b"x")
    assert store.get("a/b") == b"x"
    store.close()


def test_empty_folders_go_with_their_last_object(local_store: LocalStore) -> None:
    local_store.put_many([("o/r1/v/f", b"1"), ("o/r2/v/f", b"2")])
    local_store.delete(["o/r1/v/f"])
    assert [path.name for path in (local_store.root / "o").iterdir()] == ["r2"]
    local_store.delete(["o/r2/v/f"])
    assert not (local_store.root / "o").exists()
    assert local_store.root.exists()


def test_nothing_is_left_beside_the_objects(local_store: LocalStore) -> None:
    local_store.put("a/b", b"x")
    local_store.put("a/b", b"x")
    with pytest.raises(InvalidInputError):
        local_store.put_many([("c", b"x"), ("../d", b"x")])
    assert files_below(local_store.root) == [local_store.root / "a" / "b"]


def test_old_leftovers_are_swept_and_young_ones_stay(local_store: LocalStore) -> None:
    incoming = local_store.root / "#incoming"
    (incoming / "old").write_bytes(b"x")
    (incoming / "young").write_bytes(b"x")
    yesterday = time.time() - 86_400
    os.utime(incoming / "old", (yesterday, yesterday))
    later = LocalStore(local_store.root.parent, local_store.bucket)
    assert later.list() == []
    later.put("a", b"x")
    assert [path.name for path in incoming.iterdir()] == ["young"]
    later.close()


def test_an_object_and_a_folder_cannot_share_a_name(local_store: LocalStore) -> None:
    local_store.put("a", b"x")
    for path in ("a/b", "a/b/c"):
        with pytest.raises(Exception, match="exists"):
            local_store.put(path, b"x")
        assert local_store.stat(path) is None
        assert local_store.delete([path]) == 0
    local_store.put("d/e", b"x")
    with pytest.raises(NotFoundError):
        local_store.get("d")
    assert local_store.stat("d") is None
    assert local_store.delete(["d"]) == 0


WRITER = """
import hashlib, os, sys
from pathlib import Path
from convstore.files.local import LocalStore
store = LocalStore(Path(sys.argv[1]), "bucket")
while True:
    batch = []
    for _ in range(16):
        data = os.urandom(int.from_bytes(os.urandom(2), "big") * 4)
        batch.append((f"owner/{os.urandom(8).hex()}/{hashlib.sha256(data).hexdigest()}", data))
    store.put_many(batch)
    print(*(path for path, _ in batch), flush=True)
"""


def test_a_killed_writer_leaves_whole_objects_only(tmp_path: Path) -> None:
    promised: list[str] = []
    for round_number in range(4):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        assert writer.stdout is not None
        promised += writer.stdout.readline().split()
        time.sleep(0.02 * round_number)
        writer.send_signal(signal.SIGKILL)
        promised += [path for line in writer.stdout if line.endswith("\n") for path in line.split()]
        writer.stdout.close()
        writer.wait()
    store = LocalStore(tmp_path, "bucket")
    visible = [found.path for found in store.list()]
    assert len(promised) >= 4 * 16
    assert set(promised) <= set(visible)
    for path in visible:
        assert hashlib.sha256(store.get(path)).hexdigest() == path.rsplit("/", 1)[1]
    store.close()


FILLER = """
import os, sys
from pathlib import Path
from convstore.errors import StorageUnavailableError
from convstore.files.local import LocalStore
store = LocalStore(Path(sys.argv[1]), "bucket")
store.put("kept", b"x" * 10_000)
for put in (
    lambda: store.put("big", os.urandom(1_000_000)),
    lambda: store.put_many([(f"{n}", os.urandom(200_000)) for n in range(8)]),
):
    try:
        put()
    except StorageUnavailableError as exc:
        assert "no space left" in str(exc), exc
        assert exc.__cause__ is not None
    else:
        raise SystemExit("a full disk was not noticed")
    assert list((store.root / "#incoming").iterdir()) == []
assert store.stat("big") is None
store.delete([found.path for found in store.list() if found.path != "kept"])
store.put("small", b"x")
assert store.get("kept") == b"x" * 10_000
"""


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    """On a file system of 600 kB, mounted where nobody else sees it."""
    mount = f"mount -t tmpfs -o size=600k none '{tmp_path}'"
    alone = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]
    if subprocess.run([*alone, mount], capture_output=True, check=False).returncode:
        pytest.skip("no right to mount a small file system")
    done = subprocess.run(
        [*alone, f"{mount} && exec '{sys.executable}' -c \"$0\" '{tmp_path}'", FILLER],
        capture_output=True, text=True, cwd=REPOSITORY, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_a_folder_longer_than_is_kept_in_memory_is_listed_once(local_store: LocalStore) -> None:
    names = [f"owner/{number:05}/f" for number in range(1_500)]
    for name in names:
        (local_store.root / name).parent.mkdir(parents=True)
        (local_store.root / name).touch()
    (local_store.root / "owner" / "loose").touch()
    first = local_store.list(limit=700)
    second = local_store.list(after=first[-1].path)
    assert [found.path for found in [*first, *second]] == [*names, "owner/loose"]
