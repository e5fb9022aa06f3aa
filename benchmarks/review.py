"""What a reviewer waits for: the server's part of a decision, the next one fetched, and the way from key to screen.

The limit of a decision is what must be written at the least, by bare statements in one transaction: the row locked,
review, status and both events, the lease gone, without policies, triggers or checks. The two take turns.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import psycopg
from playwright.sync_api import sync_playwright

from benchmarks.browser import CHROMIUM, served
from benchmarks.measuring import Measurement, Target, sample_of
from convstore.core import ConvStore
from convstore.review.queues import DEFAULT_QUEUE

__all__ = ["measure"]

_DECISIONS = 60
_KEYS = 12
_READING_MS = 2000
_LEAST = (
    "SELECT turns_sha256 FROM conversations WHERE id = %(row)s FOR UPDATE",
    "INSERT INTO reviews (workspace_id, conversation_id, reviewer_id, quality_score, empathy_score, decision,"
    " turns_sha256) SELECT workspace_id, id, %(me)s, 4, 4.5, 'approved', turns_sha256 FROM conversations"
    " WHERE id = %(row)s",
    "UPDATE conversations SET status = 'approved', reviewed_by = %(me)s, reviewed_at = now(), updated_at = now(),"
    " review_count = 1, human_quality_score = 4, human_empathy_score = 4.5 WHERE id = %(row)s",
    "INSERT INTO events (workspace_id, conversation_id, action, actor_id, before, after, batch_id)"
    " VALUES (%(workspace)s, %(row)s, 'reviewed', %(me)s, '{}', '{}', gen_random_uuid()),"
    " (%(workspace)s, %(row)s, 'status', %(me)s, '{}', '{}', gen_random_uuid())",
    "DELETE FROM leases WHERE conversation_id = %(row)s",
)
_TAKE_BACK = (
    "DELETE FROM reviews WHERE conversation_id = ANY (%(rows)s)",
    "DELETE FROM events WHERE conversation_id = ANY (%(rows)s) AND action IN ('reviewed', 'status')",
    "UPDATE conversations SET status = 'pending_review', reviewed_by = NULL, reviewed_at = NULL, review_count = 0,"
    " human_quality_score = NULL, human_empathy_score = NULL WHERE id = ANY (%(rows)s)",
)


def measure(store: ConvStore) -> Iterator[Measurement]:
    """On the server, then in a browser."""
    yield from _on_the_server(store)
    yield _on_screen(store)


def _on_the_server(store: ConvStore) -> Iterator[Measurement]:
    queue, desk = DEFAULT_QUEUE, store.desk
    # From the far end of the queue, where nobody is handed anything.
    bare_rows = [row.id for row in store.search(queue.wanted, order="desc", limit=_DECISIONS).items]
    stock = list(desk.next(queue))
    details = {row: store.get(str(row)) for row in stock}
    decide, fetch, least, batches = [], [], [], []
    with psycopg.connect(store.database.admin_url, autocommit=True) as bare:
        bare.execute("SET session_replication_role = replica")
        for other in bare_rows:
            row = stock.pop(0)
            began = time.perf_counter()
            result = store.review(
                [str(row)],
                status="approved",
                scores={"quality": 4, "empathy": 4.5},
                read={str(row): details.pop(row).conversation.turns_sha256},
            )
            decide.append(time.perf_counter() - began)
            batches.append(result.batch_id)
            began = time.perf_counter()
            stock = list(desk.next(queue))
            for new in stock:
                if new not in details:
                    details[new] = store.get(str(new))
                    desk.beside(new)
            fetch.append(time.perf_counter() - began)
            least.append(_bare_decision(bare, store, other))
        with bare.transaction():
            for statement in _TAKE_BACK:
                bare.execute(statement, {"rows": bare_rows})
    for batch in batches:
        store.undo(batch)
    desk.give_back()
    yield Measurement(
        group="review",
        case="one decision with scores, on the server",
        product=sample_of(decide),
        limit=sample_of(least),
        target=Target(ms=30),
        note="limit: the bare statements in one transaction, without policies, triggers and checks",
    )
    yield Measurement(
        group="review", case="the next conversation handed out and read ahead, after it", product=sample_of(fetch)
    )


def _bare_decision(bare: psycopg.Connection, store: ConvStore, row: UUID) -> float:
    began = time.perf_counter()
    with bare.transaction():
        for statement in _LEAST:
            bare.execute(
                statement, {"row": row, "me": store.actor.user_id, "workspace": store.actor.workspace_id}, prepare=True
            )
    return time.perf_counter() - began


def _on_screen(store: ConvStore) -> Measurement:
    since = datetime.now(UTC)
    taken = []
    with served(store) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = chromium.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{address}/review")
        title = page.locator("h2").first
        title.wait_for(timeout=120_000)
        approve = page.get_by_role("button", name="Approve")
        for press in range(_KEYS + 2):
            # A person reads: the page is at rest and listens to keys by then.
            approve.wait_for(timeout=120_000)
            page.wait_for_timeout(_READING_MS)
            page.wait_for_function(
                '() => document.querySelector(\'[data-testid="stApp"]\').dataset.testScriptState === "notRunning"',
                timeout=120_000,
            )
            before = title.text_content()
            began = time.perf_counter()
            page.keyboard.press("a")
            page.wait_for_function(
                "before => { const now = document.querySelector('h2'); return now && now.textContent !== before }",
                arg=before,
                polling="raf",
                timeout=120_000,
            )
            if press >= 2:  # the first ones warm the server
                taken.append(time.perf_counter() - began)
        chromium.close()
    with psycopg.connect(store.database.admin_url) as connection:
        batches = connection.execute(
            "SELECT DISTINCT batch_id FROM events WHERE workspace_id = %s AND action = 'status' AND at >= %s",
            (store.actor.workspace_id, since),
        ).fetchall()
    for (batch,) in batches:
        store.undo(batch)
    store.desk.give_back()
    return Measurement(
        group="review",
        case="from the decision key to the next conversation on screen",
        product=sample_of(taken),
        target=Target(ms=500),
        note="Chromium on the same machine",
    )
