"""Script, markup and addresses in every text that strangers write: each screen shows them as text and obeys nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import ARRAY, Table, update
from sqlalchemy.dialects.postgresql import JSONB

from convstore.core import ConvStore
from convstore.database.tables import (
    conversation_turns,
    conversations,
    emotional_arcs,
    findings,
    personas,
    profiles,
    training_topics,
    workspaces,
)
from convstore.model import DIMENSIONS, Filter
from convstore.review.queues import Queue
from tests.browser.conftest import LocalApp
from tests.browser.screen import Screen

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

WORDS = (
    "<script>alert(1)</script><img src=x onerror=alert(2)> ![p](http://evil.invalid/p.png) [a](javascript:alert(3)) "
    "$\\latex{x}$ :material/home: :red[r] # h www.evil.invalid a@evil.invalid `c` **b** -> --"
)
#: What is in a page that obeyed: a link or picture from outside, a formula, an element out of somebody's text.
OBEYED = (
    "[data-testid=stApp] :is(a[href*='evil'], img[src*='evil'], img[src='x'], a[href^='javascript'], .katex, script)"
)
SCREENS = ("", "review", "browse", "quality", "quality?part=Feelings", "quality?part=Text", "coverage", "duplicates",
           "releases", "releases?part=History", "import", "system", "team")  # fmt: skip
IN_BAR = ("review", "browse", "quality", "coverage", "releases", "import", "system")


def hostile(identifier: str) -> bytes:
    """Three turns and everything else that a file of this family may say, in these words."""
    turns = [("system", WORDS), ("user", f"{identifier} {WORDS}"), ("assistant", WORDS), ("user", WORDS)]
    messages = [{"role": role, "content": content} for role, content in turns]
    return json.dumps({"conversation_id": identifier, "messages": messages, "note": WORDS, WORDS: [WORDS]}).encode()


def spelt(table: Table, *names: str) -> dict[str, Any]:
    """These words for each column, as much of them as it takes."""
    values: dict[str, Any] = {}
    for name in names:
        kind = table.c[name].type
        words = WORDS[: getattr(kind, "length", None)]
        values[name] = [words] if isinstance(kind, ARRAY | JSONB) else words
    return values


def fill(store: ConvStore, folder: Path) -> None:
    """These words as whatever the schema calls text and leaves to people."""
    scaffold = folder / "scaffold.json"
    entry = {"name": WORDS, "description": WORDS}
    scaffold.write_text(
        json.dumps(
            {
                "personas": [{"persona_key": "p", **entry}],
                "emotional_arcs": [{"arc_key": "a", **entry}],
                "training_topics": [{"topic_key": "t", **entry}],
            }
        )
    )
    store.import_scaffolding(scaffold)
    store.ingest_uploads({f"{WORDS.replace('/', '_')}.json": hostile("one"), "two.json": hostile("two")})
    store.ingest_uploads({"broken <img src=x onerror=alert(4)>.json": b'{"a": ' + WORDS.encode()})
    with store.database.admin_engine().begin() as connection:
        keys = {"persona_key": "p", "emotional_arc_key": "a", "topic_key": "t"}
        texts = ("conversation_name", "description", "category", "starting_emotion", "ending_emotion", "source_name")
        for statement in (
            update(conversations).values(**keys, **spelt(conversations, *texts)),
            update(conversation_turns).values(
                **spelt(conversation_turns, "detected_emotion", "primary_strategy", "tone")
            ),
            update(findings).values(**spelt(findings, "explanation")),
            update(profiles).values(**spelt(profiles, "name")),
            update(workspaces).values(**spelt(workspaces, "name", "guidelines"), reject_reasons=[WORDS[:100]]),
            *(update(kind).values(**spelt(kind, "name", "description")) for kind in (personas, emotional_arcs)),
            update(training_topics).values(**spelt(training_topics, "name", "description", "category")),
        ):
            connection.execute(statement)
    scores = dict.fromkeys(DIMENSIONS, 4)
    store.review(["one"], status="rejected", note=WORDS, turn_notes={1: WORDS}, as_review=True, scores=scores)
    store.desk.save_queue(Queue(name=WORDS[:80], wanted=Filter()))
    store.export("messages", folder / "out.jsonl", name=WORDS[:200], lint="keep")


def test_every_screen_shows_strangers_words_as_words(empty_app: LocalApp, screen: Screen, tmp_path: Path) -> None:
    fill(empty_app.store, tmp_path)
    obeyed: list[str] = []
    ids = [f"conversation?id={row.conversation_id}" for row in empty_app.store.search().items]
    for path in (*SCREENS, *ids):
        if path in IN_BAR:
            screen.follow(path.capitalize())
        else:
            screen.open(f"{empty_app.address}/{path}")
        obeyed += [f"{path}: {one}" for one in screen.page.locator(OBEYED).evaluate_all(
            "found => found.map(one => one.outerHTML.slice(0, 120))")]  # fmt: skip
        expect(screen.page.get_by_text("Code ERR_")).to_have_count(0)
    for name in ("System prompt", "Details", "History", "File"):
        screen.press(name)
        obeyed += screen.page.locator(OBEYED).evaluate_all("found => found.map(one => one.outerHTML)")
        screen.page.keyboard.press("Escape")
    assert obeyed == []
    # They are there, to the letter.
    expect(screen.page.get_by_text(WORDS, exact=True).first).to_be_visible()
