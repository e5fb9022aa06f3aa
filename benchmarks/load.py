"""Fifty people who browse and decide for a minute: errors, the slowest answers, memory, and whether anything is lost.

    python -m benchmarks.load [--home FOLDER | --url URL --admin-url URL] [--sessions 50] [--seconds 60]

Each session is a thread with a store of its own, as the app's sessions are, and thinks for a while between two steps.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import get_args

from benchmarks.measuring import Measurement, PeakMemory, Sample, Target
from benchmarks.store import open_store
from convstore.core import ConvStore, Resources
from convstore.errors import ConvstoreError
from convstore.lifecycle import STATUSES
from convstore.model import Filter, Sort

__all__ = ["measure"]

_SESSIONS = 50
_SECONDS = 60.0
#: Seconds between two steps of one person.
_THINKING_S = (1.0, 3.0)
_WANTED_MS = 300


@dataclass
class Seen:
    """What all sessions saw."""

    seconds: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    decided: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)


def measure(store: ConvStore, *, sessions: int = _SESSIONS, seconds: float = _SECONDS) -> Iterator[Measurement]:
    """A minute of it."""
    seen = Seen()
    # As the app has it: with answers kept.
    resources = Resources(store.settings.model_copy(update={"cache_seconds": 300}))
    until = time.monotonic() + seconds
    people = [
        threading.Thread(target=_person, args=(ConvStore(resources, store.actor), seen, number, until))
        for number in range(sessions)
    ]
    with PeakMemory() as peak:
        for person in people:
            person.start()
        for person in people:
            person.join()
    resources.close()
    lost = [name for name, status in seen.decided.items() if store.get(name).conversation.status != status]
    p95 = 1000 * statistics.quantiles(seen.seconds, n=20)[-1]
    yield Measurement(
        group="load",
        case=f"{sessions} sessions for {seconds:.0f} s: 95 % of the answers within",
        product=Sample(p95, 1000 * min(seen.seconds), 1000 * max(seen.seconds), len(seen.seconds)),
        target=Target(ms=_WANTED_MS),
        peak_mb=peak.mb,
        per_second=len(seen.seconds) / seconds,
        note=f"median {1000 * statistics.median(seen.seconds):.0f} ms; {len(seen.errors)} errors;"
        f" {len(seen.decided)} decisions, {len(lost)} lost; {store.settings.pool_size} connections",
    )


def _person(store: ConvStore, seen: Seen, number: int, until: float) -> None:
    draw = random.Random(number)
    time.sleep(draw.uniform(0, _THINKING_S[1]))
    while time.monotonic() < until:
        began = time.perf_counter()
        try:
            _step(store, seen, draw)
        except ConvstoreError as exc:
            with seen.lock:
                seen.errors.append(f"{exc.code}: {exc.message}")
        with seen.lock:
            seen.seconds.append(time.perf_counter() - began)
        time.sleep(draw.uniform(*_THINKING_S))


def _step(store: ConvStore, seen: Seen, draw: random.Random) -> None:
    kind = draw.random()
    if kind < 0.4:
        status = draw.choice(STATUSES[:3])
        wanted, sort = Filter(statuses=(status,)), draw.choice(get_args(Sort))
        page = store.search(wanted, sort=sort)
        if page.next and draw.random() < 0.5:
            store.search(wanted, sort=sort, cursor=page.next)
    elif kind < 0.7:
        name = draw.choice(store.search(Filter(statuses=("pending_review",))).items).conversation_id
        store.get(name)
    elif kind < 0.8:
        store.facets()
    else:
        name = draw.choice(store.search(Filter(statuses=("pending_review",))).items).conversation_id
        result = store.review([name], status="approved", scores={"quality": 4})
        with seen.lock:
            for item in result.items:
                if item.outcome == "done":
                    seen.decided[item.conversation_id] = "approved"


def main() -> None:
    """Load, measure, print one JSON document."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--home", type=Path)
    options.add_argument("--url")
    options.add_argument("--admin-url")
    options.add_argument("--conversations", type=int, default=100_000)
    options.add_argument("--sessions", type=int, default=_SESSIONS)
    options.add_argument("--seconds", type=float, default=_SECONDS)
    given = options.parse_args()
    with (
        TemporaryDirectory(prefix="convstore-bench-") as folder,
        open_store(
            home=given.home or Path(folder),
            url=given.url,
            admin_url=given.admin_url,
            conversations=given.conversations,
        ) as store,
    ):
        (found,) = measure(store, sessions=given.sessions, seconds=given.seconds)
    json.dump({"case": found.case, "p95_ms": found.product.median_ms, "note": found.note}, sys.stdout, indent=2)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
