"""Copies are found, grouped and reduced to the best; checks run again when they are due."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from convstore.core import ConvStore
from convstore.duplicates import update_duplicates
from convstore.errors import NotFoundError
from convstore.model import Filter
from tests.unit.checks.planted import plain, plain_jaccard, planted_set

WORDS = [f"word{number}" for number in range(400)]


def write(folder: Path, name: str, words: list[str], *, reply: str = "This is an answer of its own.") -> None:
    folder.mkdir(exist_ok=True)
    document = {
        "messages": [
            {"role": "user", "content": " ".join(words)},
            {"role": "assistant", "content": reply},
        ]
    }
    (folder / f"{name}.json").write_text(json.dumps(document))


def said(words: list[str]) -> str:
    return " ".join(words)


def changed(words: list[str], every: int) -> list[str]:
    return [f"other{n}" if n % every == 0 else word for n, word in enumerate(words)]


@pytest.fixture
def copies(store: ConvStore, tmp_path: Path) -> ConvStore:
    """Three copies in a chain, an unrelated one, and one that is too far."""
    folder = tmp_path / "in"
    write(folder, "original", WORDS)
    write(folder, "near", [*WORDS[:-20], *(f"tail{n}" for n in range(20))])
    write(folder, "nearer", [*WORDS[:-40], *(f"tail{n}" for n in range(40))])
    write(folder, "far", changed(WORDS, 10))
    write(folder, "unrelated", [f"{word}x" for word in WORDS])
    store.ingest([folder])
    return store


def named(store: ConvStore) -> list[list[str]]:
    return [
        sorted(m.conversation_id.removesuffix("-1") for m in group.members)
        for group in store.statistics.duplicate_groups()
    ]


@pytest.mark.parametrize("chunk", [1, 2, 500])
def test_chunks_of_any_size_find_the_same_groups(copies: ConvStore, chunk: int) -> None:
    assert update_duplicates(copies.database, copies.actor.workspace_id, chunk=chunk) == 5
    assert update_duplicates(copies.database, copies.actor.workspace_id, chunk=chunk) == 0
    assert named(copies) == [["near", "nearer", "original"]]
    assert copies.statistics.duplicate_counts() == (1, 3)


def test_one_that_is_being_removed_is_left_alone(copies: ConvStore) -> None:
    going, *_ = copies.search(limit=1).items
    total, _ = copies.count()
    with copies.database.admin() as removing:
        removing.execute("DELETE FROM conversations WHERE id = %s", (going.id,))
        # Waits for nobody, and names no row that is gone a moment later.
        assert copies.update_duplicates() == total - 1
    assert copies.update_duplicates() == 0


def test_nobody_waits_for_a_copy_that_is_being_removed(copies: ConvStore, tmp_path: Path) -> None:
    """Who removes several holds one and waits for another that is being compared: neither would ever end."""
    copies.update_duplicates()
    write(tmp_path / "more", "latest", ["new", *WORDS[:-20], *(f"tail{n}" for n in range(20))])
    copies.ingest([tmp_path / "more"])
    with copies.database.admin() as removing:
        removing.execute("SELECT FROM conversations WHERE conversation_id NOT LIKE 'latest%' FOR UPDATE")
        assert copies.update_duplicates() == 1
    assert named(copies) == [["near", "nearer", "original"]]


def test_a_decision_does_not_wait_for_what_is_added_to_its_conversation(copies: ConvStore) -> None:
    row, *_ = copies.search(limit=1).items
    with copies.database.admin() as adding:
        adding.execute("SELECT FROM conversations WHERE id = %s FOR KEY SHARE", (row.id,))
        assert copies.review([row.conversation_id], status="approved").items[0].outcome == "done"


def test_what_comes_later_joins_its_group(copies: ConvStore, tmp_path: Path) -> None:
    copies.update_duplicates()
    write(tmp_path / "more", "latest", ["new", *WORDS[:-20], *(f"tail{n}" for n in range(20))])
    copies.ingest([tmp_path / "more"])
    assert copies.update_duplicates() == 1
    assert named(copies) == [["latest", "near", "nearer", "original"]]


def test_a_changed_conversation_leaves_its_group(copies: ConvStore, tmp_path: Path) -> None:
    copies.update_duplicates()
    write(tmp_path / "in", "near", [f"{word}y" for word in WORDS])
    copies.ingest([tmp_path / "in"], on_conflict="replace")
    copies.update_duplicates()
    # 20 words of 400 differ at either end of the chain: without its middle it still holds, at 0.8.
    assert all("near" not in group for group in named(copies))


def test_exact_copies_under_other_ids(store: ConvStore, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        turns = [
            {"role": "user", "content": "Hello there, how are you?"},
            {"role": "assistant", "content": "Fine, thank you."},
        ]
        document = {"conversation_id": name, "messages": turns}
        (tmp_path / f"{name}.json").write_text(json.dumps(document))
    with store.database.admin() as connection:
        store.ingest([tmp_path / "one.json"])
        connection.execute(
            "INSERT INTO conversations (workspace_id, conversation_id, conversation_name, turn_count, file_size,"
            " file_path, created_by, turns_sha256, content_sha256, content_bytes, format)"
            " SELECT workspace_id, copy, copy, turn_count, file_size, file_path, created_by, turns_sha256,"
            " content_sha256, content_bytes, format FROM conversations, unnest(ARRAY['two', 'three']) AS copy"
        )
    for _ in range(3):
        update_duplicates(store.database, store.actor.workspace_id, chunk=1)
    (group,) = store.statistics.duplicate_groups()
    assert len(group.members) == 3
    assert group.is_exact


def test_near_copies_of_a_planted_set_are_grouped_and_nothing_else(store: ConvStore) -> None:
    texts, planted = planted_set(300, pairs=60)
    lines = (
        json.dumps({"messages": [{"role": "user", "content": said(words[:50])},
                                 {"role": "assistant", "content": said(words[50:])}]})
        for words in texts
    )  # fmt: skip
    report = store.ingest_uploads({"planted.jsonl": "\n".join(lines).encode()})
    copies = {pair for pair in planted if texts[pair[0]] == texts[pair[1]]}
    # The very same turns are known by their hash at once.
    assert report.totals["unchanged"] == len(copies)
    assert store.update_duplicates() == len(texts) - len(copies)
    number = {said(words): place for place, words in reversed(list(enumerate(texts)))}
    found = set()
    for group in store.statistics.duplicate_groups(limit=100):
        places = [number[" ".join(t.content for t in store.get(str(one.id)).turns)] for one in group.members]
        found |= set(combinations(sorted(places), 2))
    wanted = {pair for pair, similarity in planted.items() if similarity >= 0.8} - copies
    right = {(one, other) for one, other in found if plain_jaccard(plain(texts[one]), plain(texts[other])) >= 0.8}
    assert len(wanted) > 15
    assert len(found & wanted) / len(wanted) >= 0.95
    assert len(right) / len(found) >= 0.98


def test_keep_best_rejects_the_others_and_can_be_undone(copies: ConvStore) -> None:
    copies.update_duplicates()
    copies.review(["nearer-1"], status="approved", scores={"quality": 5})
    copies.refresh()
    (group,) = copies.statistics.duplicate_groups()
    assert group.best.conversation_id == "nearer-1"
    result = copies.keep_best([group.group_id])
    assert sorted((item.conversation_id, item.outcome) for item in result.items) == [
        ("near-1", "done"),
        ("original-1", "done"),
    ]
    assert copies.statistics.duplicate_groups() == ()
    assert copies.undo(result.batch_id).undone == 2
    assert named(copies) == [["near", "nearer", "original"]]


def test_findings_against_the_set_follow_the_set(store: ConvStore, tmp_path: Path) -> None:
    for number in range(20):
        reply = f"I hear how hard this is for you. {'Some advice follows here. ' * 12} Case {number} ends."
        write(tmp_path / "in", f"case-{number}", [f"{word}{number}" for word in WORDS[:40]], reply=reply)
    store.ingest([tmp_path / "in"])
    codes = {one.code for one in store.statistics.findings()}
    assert "boilerplate" not in codes
    assert store.recheck() == 20
    found = {one.code: one for one in store.statistics.findings()}
    assert found["boilerplate"].conversations == 20
    phrases = store.statistics.stock_phrases()
    assert phrases.conversations == 20
    assert (phrases.phrases[0].phrase, phrases.phrases[0].conversations) == ("I hear how hard this", 20)

    finding = next(f for f in store.get("case-3-1").findings if f.code == "boilerplate")
    assert finding.id is not None
    store.dismiss_finding(finding.id, "it is our house style")
    assert store.recheck() == 20
    kept = next(f for f in store.get("case-3-1").findings if f.id == finding.id)
    assert kept.dismissed_reason == "it is our house style"
    assert store.count(Filter(findings=("boilerplate",))) == (19, True)
    store.dismiss_finding(finding.id, None)
    assert store.count(Filter(findings=("boilerplate",))) == (20, True)
    store.delete(["case-3-1", "case-4-1"])
    assert store.count(Filter(findings=("boilerplate", "repeats"))) == (18, True)
    store.restore(["case-3-1"])
    assert store.count(Filter(findings=("boilerplate",))) == (19, True)
    assert store.count(Filter(findings=("boilerplate",), personas=("nobody",))) == (0, True)
    with pytest.raises(NotFoundError):
        store.dismiss_finding(store.actor.workspace_id, "not a finding")


def test_an_older_version_of_a_check_is_run_again(store: ConvStore, tmp_path: Path) -> None:
    write(tmp_path / "in", "cut", WORDS[:30], reply="This reply is cut off in the middle of the")
    store.ingest([tmp_path / "in"])
    store.recheck()
    with store.database.admin() as connection:
        connection.execute("UPDATE check_progress SET version = 0 WHERE code = 'truncated_reply'")
        connection.execute(
            "UPDATE findings SET check_version = 0, explanation = 'old words' WHERE code = 'truncated_reply'"
        )
    before = store.get("cut-1").findings
    assert store.recheck() == 1
    after = store.get("cut-1").findings
    assert [f.id for f in before] == [f.id for f in after]
    assert all(f.check_version > 0 and f.explanation != "old words" for f in after)
