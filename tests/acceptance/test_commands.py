"""Every command as it is documented: names, flags, JSON shapes and exit statuses."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import typer

from convstore.cli import app
from convstore.core import ConvStore
from convstore.model import Conversation, Sort
from convstore.settings import Settings
from tests.acceptance.command_line import CommandLine
from tests.integration.conversations import conversation, document, folder_of

ROOT = Path(__file__).parents[2]
FILTERS = (
    "--status --tier --persona --arc --topic --category --source --min-quality --max-quality --unscored --score"
    " --emotion --finding --reviewer --since --until --group --release --processing --text --id"
)


@pytest.fixture
def convstore(settings: Settings) -> CommandLine:
    return CommandLine(settings)


@pytest.fixture
def filled(convstore: CommandLine, store: ConvStore, tmp_path: Path) -> CommandLine:
    store.ingest([folder_of(tmp_path / "in", count=3)])
    return convstore


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    group = group or typer.main.get_command(app)
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def test_every_command_is_documented() -> None:
    readme = (ROOT / "README.md").read_text()
    assert [
        name for name, _ in commands() if not re.search(rf"`(convstore )?{name}\b|convstore {name}\b", readme)
    ] == []


def test_every_command_and_option_says_what_it_does() -> None:
    for name, command in commands():
        assert command.help, name
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert flags >= {"--workspace", "--as", "--json"}, name


@pytest.mark.parametrize("name", ["list", "export"])
def test_the_filters_are_the_same_everywhere(name: str) -> None:
    flags = {flag for parameter in dict(commands())[name].params for flag in parameter.opts}
    assert flags >= set(FILTERS.split())


def test_ingest(convstore: CommandLine, tmp_path: Path) -> None:
    conversation(tmp_path / "in" / "a.json", "a")
    (tmp_path / "in" / "b.json").write_text('{"a": x}')
    done = convstore("ingest", str(tmp_path / "in"), "--json")
    assert done.status == 1
    report = done.document
    assert set(report) == {"files", "totals"}
    assert set(report["totals"]) == set(
        "files accepted rejected stored unchanged replaced conflict skipped conversations_rejected".split()  # noqa: SIM905
    )
    accepted, rejected = report["files"]
    for file in (accepted, rejected):
        assert set(file) >= {
            "file",
            "outcome",
            "family",
            "code",
            "reason",
            "path",
            "line",
            "column",
            "byte",
            "conversations",
        }
    [found] = accepted["conversations"]
    assert (found["conversation_id"], found["outcome"], found["turns"], found["warnings"]) == ("a", "stored", 4, [])
    assert (rejected["line"], rejected["column"], rejected["byte"]) == (1, 7, 6)

    assert convstore("ingest", str(tmp_path / "in" / "a.json")).status == 0
    conversation(tmp_path / "in" / "a.json", "a", "something else")
    for flags, status in (([], 1), (["--on-conflict", "skip"], 0), (["--on-conflict", "replace", "--dry-run"], 0)):
        assert convstore("ingest", str(tmp_path / "in" / "a.json"), *flags).status == status
    told = convstore("ingest", str(tmp_path / "in" / "*.json")).out
    assert "b.json: rejected, invalid JSON, line 1 column 7 (byte 6)" in told
    assert "a.json: a: conflict, stored with other turns" in told
    assert "--on-conflict skip" in told


def test_list_and_its_pages(filled: CommandLine) -> None:
    first = filled("list", "--limit", "2", "--sort", "name", "--order", "asc", "--json").document
    assert set(first) == {"items", "next", "total", "total_is_exact"}
    assert (first["total"], first["total_is_exact"]) == (3, True)
    assert set(first["items"][0]) == set(Conversation.__dataclass_fields__)
    rest = filled(
        "list", "--limit", "2", "--sort", "name", "--order", "asc", "--after", first["next"], "--json"
    ).document
    assert [row["conversation_id"] for row in first["items"] + rest["items"]] == ["talk-0", "talk-1", "talk-2"]
    assert rest["next"] is None
    for sort in get_args(Sort):
        assert filled("list", "--sort", sort, "--json").document["total"] == 3
    told = filled("list", "--limit", "2").out
    assert "talk-" in told
    assert "2 of 3; more with --after" in told


def test_show(filled: CommandLine) -> None:
    shown = filled("show", "talk-1", "--json").document
    assert set(shown) >= {"conversation", "turns", "findings", "reviews", "events"}
    assert set(shown["turns"][0]) >= {"turn_number", "role", "content"}
    assert shown["conversation"]["conversation_id"] == "talk-1"
    assert filled("show", shown["conversation"]["id"], "--json").document["turns"] == shown["turns"]
    assert "talk-1: what now? (0)" in filled("show", "talk-1").out


def test_review_and_undo(filled: CommandLine) -> None:
    flags = ["--status", "approved", "--note", "good", "--reason", "Clear", "--scores", "quality=4.5,empathy=4"]
    done = filled("review", "talk-0", "nobody", "talk-1", *flags, "--json")
    assert done.status == 1
    result = done.document
    assert set(result) == {"batch_id", "items"}
    assert [tuple(item[key] for key in ("conversation_id", "outcome", "from", "to")) for item in result["items"]] == [
        ("talk-0", "done", "pending_review", "approved"),
        ("nobody", "refused", None, "approved"),
        ("talk-1", "done", "pending_review", "approved"),
    ]
    assert filled("review", "talk-0", "--status", "approved", "--json").document["items"][0]["outcome"] == "unchanged"
    assert filled("list", "--status", "approved", "--score", "quality:4.5..4.5", "--json").document["total"] == 2

    filled("review", "talk-1", "--status", "pending_review")
    undone = filled("undo", result["batch_id"], "--json").document
    assert undone == {
        "batch_id": result["batch_id"],
        "undone": 1,
        "left_alone": [{"conversation_id": "talk-1", "reason": "it changed since"}],
    }


def test_queues(filled: CommandLine) -> None:
    saved = filled("queue", "save", "Greetings", "--text", "talk", "--sort", "name", "--order", "desc", "--json")
    assert saved.document == {"name": "Greetings", "filter": {"text": "talk"}, "sort": "name", "order": "desc"}
    listed = filled("queue", "list", "--json").document["queues"]
    assert [(one["name"], one["left"], one["held_by_others"]) for one in listed] == [
        ("To review", 3, 0), ("Greetings", 3, 0),
    ]  # fmt: skip
    (taken,) = filled("queue", "next", "Greetings", "--json").document["items"]
    assert taken["conversation_id"] == "talk-2"
    # What is held comes first again, whichever process asks.
    again = filled("queue", "next", "Greetings", "--count", "2", "--json").document["items"]
    assert [item["conversation_id"] for item in again] == ["talk-2", "talk-1"]
    assert "1 conversation given back" in filled("queue", "release", "talk-2").out
    assert filled("queue", "release", "--json").document == {"released": 1}
    assert filled("queue", "delete", "Greetings").status == 0
    nowhere = filled("queue", "next", "Greetings")
    assert (nowhere.status, "There are: To review." in nowhere.err) == (1, True)


def test_a_whole_filter_is_decided_and_taken_back(filled: CommandLine) -> None:
    filled("review", "talk-0", "--status", "rejected")
    wanted = ["review-all", "--text", "talk", "--to", "approved"]
    would = filled(*wanted, "--dry-run", "--json").document
    assert (would["matched"], would["moving"], would["released"]) == (3, 2, 0)
    assert set(would["samples"]) == {"talk-1", "talk-2"}
    assert would["left_alone"] == [{"reason": "rejected by you, which cannot become approved", "count": 1}]
    done = filled(*wanted, "--reason", "Clear", "--note", "all of it", "--json")
    assert (done.status, done.document["moved"]) == (1, 2)
    assert [(item["conversation_id"], item["outcome"]) for item in done.document["items"]] == [("talk-0", "refused")]
    assert filled("show", "talk-1", "--json").document["conversation"]["review_notes"] == "Clear: all of it"
    assert "2 decisions undone" in filled("undo", done.document["batch_id"]).out


def test_edit_delete_restore(filled: CommandLine) -> None:
    assert filled("edit", "talk-0", "--name", "A name", "--description", "Words").status == 0
    assert "A name" in filled("show", "talk-0").out
    done = filled("delete", "talk-0", "talk-1", "--json")
    assert [item["outcome"] for item in done.document["items"]] == ["done", "done"]
    assert filled("list", "--json").document["total"] == 1
    assert filled("restore", "talk-0", "--json").document["items"][0]["outcome"] == "done"
    assert filled("delete", "talk-0", "--hard").status == 2
    assert filled("delete", "talk-0", "--hard", "--confirm").status == 0
    assert filled("show", "talk-0").status == 1


def test_export(filled: CommandLine, tmp_path: Path) -> None:
    done = filled("export", "--format", "messages", "--out", str(tmp_path / "out.jsonl"), "--json")
    assert done.status == 0
    report = done.document
    assert set(report) == {"release", "format", "files", "conversations", "left_out"}
    assert set(report["files"][0]) == {"path", "sha256", "rows", "bytes"}
    assert filled("export", "--format", "messages", "--out", str(tmp_path / "out.jsonl")).status == 1


def test_scaffold(filled: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "scaffold.json"
    file.write_text(json.dumps({"personas": [{"persona_key": "p", "name": "P"}]}))
    assert filled("scaffold", "import", str(file), "--json").document["personas"] == 1
    assert filled("scaffold", "import", str(tmp_path)).status == 2
    file.write_text('{"personas": [{"name": "no key"}]}')
    assert filled("scaffold", "import", str(file)).status == 1


def test_init_and_doctor(convstore: CommandLine, store: ConvStore) -> None:
    assert set(convstore("init", "--json").document) == {"before", "after", "dry_run"}
    assert convstore("init", "--dry-run").status == 0
    assert "CREATE TABLE conversations" in convstore("init", "--sql").out
    assert "CREATE TABLE conversations" in convstore("init", "--sql", "--json").document["sql"]
    done = convstore("doctor", "--json")
    assert done.status == 0
    assert {check["status"] for check in done.document["checks"]} == {"ok"}
    for check in done.document["checks"]:
        assert set(check) == {"name", "status", "fact", "next_action"}


def test_doctor_on_a_database_that_does_not_answer(convstore: CommandLine) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    done = convstore("doctor", "--json", CONVSTORE_DATABASE_URL=nowhere, CONVSTORE_ADMIN_URL=nowhere)
    assert done.status == 1
    assert [check["status"] for check in done.document["checks"] if check["name"] == "database"] == ["fail"]
    assert convstore("list", CONVSTORE_DATABASE_URL=nowhere, CONVSTORE_ADMIN_URL=nowhere).status == 3


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["list", "--staus", "approved"], 2),
        (["list", "--status", "aproved"], 2),
        (["list", "--limit", "0"], 2),
        (["list", "--after", "elsewhere"], 2),
        (["list", "--min-quality", "six"], 2),
        (["list", "--score", "charm:1..2"], 2),
        (["list", "--since", "yesterday"], 2),
        (["list", "--as", "nobody@example.org"], 1),
        (["list", "--workspace", "elsewhere"], 1),
        (["show"], 2),
        (["show", "nobody"], 1),
        (["show", "half \udcff"], 1),
        (["ingest", "/no/such/file"], 2),
        (["review", "nobody", "--status", "praised"], 2),
        (["review", "nobody", "--status", "approved", "--scores", "quality=abc"], 2),
        (["review", "nobody", "--status", "pending_review", "--scores", "quality=4"], 2),
        (["undo", "not-an-id"], 2),
        (["undo", "00000000-0000-4000-8000-000000000009"], 1),
        (["edit", "nobody"], 2),
        (["edit", "nobody", "--name", "x"], 1),
        (["delete", "nobody", "--hard"], 2),
        (["sing"], 2),
    ],
)
def test_errors_are_json_too_and_say_what_to_do(
    convstore: CommandLine, store: ConvStore, arguments: list[str], status: int
) -> None:
    done = convstore(*arguments, "--json")
    assert done.status == status
    error = done.document["error"]
    assert set(error) == {"code", "message", "hint", "retryable", "facts"}
    assert error["message"]
    assert error["hint"]
    assert done.err


def test_a_setting_that_is_wrong_is_named_and_never_shown(convstore: CommandLine) -> None:
    done = convstore("list", "--json", CONVSTORE_PORT="s3cret")
    assert done.status == 2
    assert "CONVSTORE_PORT" in done.document["error"]["message"]
    assert "s3cret" not in done.out + done.err


def test_a_reader_who_goes_away(filled: CommandLine) -> None:
    process = filled.start("list", "--limit", "1000", "--json")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(60) == 0
    process.stderr.close()


def test_interrupted_by_the_user(convstore: CommandLine, store: ConvStore, tmp_path: Path) -> None:
    rows = [json.dumps(document(f"talk-{number}", turns=20)) for number in range(6000)]
    (tmp_path / "many.jsonl").write_text("\n".join(rows))
    with convstore.start("ingest", str(tmp_path / "many.jsonl")) as process:
        while store.count() == (0, True) and process.poll() is None:
            store.resources.cache.invalidate(store.actor.workspace_id)
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode in (130, 0)
    assert "Traceback" not in err
    if process.returncode == 130:
        assert "what was done stays done" in err


def test_help_starts_fast_and_loads_nothing_heavy() -> None:
    heavy = ["sqlalchemy", "psycopg", "pandas", "pyarrow", "streamlit", "plotly", "alembic", "rich.console", "pydantic"]
    program = (
        "import sys; sys.argv = ['convstore', '--help']\n"
        "from convstore.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"loaded = [name for name in {heavy!r} if name in sys.modules]; sys.stderr.write(repr(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "ingest" in done.stdout
    assert done.stderr == "[]"


def test_an_ordinary_command_starts_without_alembic(settings: Settings) -> None:
    program = (
        "import sys\nfrom convstore.core import ConvStore\n"
        "with ConvStore.open() as store: store.search()\n"
        "heavy = ('alembic', 'pandas', 'pyarrow', 'streamlit')\n"
        "sys.stderr.write(repr([name for name in heavy if name in sys.modules]))"
    )
    environment = CommandLine(settings).environment
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stderr == "[]"
