"""Runs the suite over a store of its own, or over one that is there.

    python -m benchmarks [--conversations 100000] [--only NAME]… [--home FOLDER | --url URL --admin-url URL]
    python -m benchmarks --conversations 200000 --workspaces 10

An empty store is filled first. What is written to a store that was there already is taken back or removed, except the
decisions of the load.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from benchmarks.measuring import Measurement
from benchmarks.plans import explain
from benchmarks.report import Run, write
from benchmarks.store import open_store
from convstore.core import ConvStore

_LOG = logging.getLogger(__name__)

#: In the order in which they run; the longest comes last.
SUITE = (
    "pages",
    "opening",
    "totals",
    "facets",
    "quality",
    "text",
    "ingest",
    "workers",
    "load",
    "bulk",
    "review",
    "browser",
    "export",
)
#: Of a store that is shared by several workspaces: what the policies cost.
SHARED_SUITE = ("security_overhead",)


def main() -> None:
    """Measure, and write the results beside this file."""
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    options.add_argument("--conversations", type=int, default=100_000)
    options.add_argument("--workspaces", type=int, default=1, help="deal them out to so many, when filling the store")
    options.add_argument("--only", action="append", choices=SUITE + SHARED_SUITE, help="run these alone")
    options.add_argument("--home", type=Path, help="folder of a store to keep or to use again")
    options.add_argument("--url", help="a server that runs already")
    options.add_argument("--admin-url", help="the same with rights to change the schema")
    options.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder of the results")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    load_average = os.getloadavg()[0]
    with TemporaryDirectory(prefix="convstore-bench-") as folder:
        home = given.home or Path(folder)
        with open_store(
            home=home,
            url=given.url,
            admin_url=given.admin_url,
            conversations=given.conversations,
            workspaces=given.workspaces,
        ) as store:
            facts = _facts(store)
            shared = facts["workspaces"] != 1
            command = f"python -m benchmarks --conversations {facts['conversations']}"
            command += f" --workspaces {facts['workspaces']}" if shared else ""
            measured: list[Measurement] = []
            plans = () if shared else tuple(explain(store))
            for name in given.only or (SHARED_SUITE if shared else SUITE):
                for one in importlib.import_module(f"benchmarks.{name}").measure(store):
                    ratio = f"× {one.ratio:.1f}" if one.ratio else ""
                    _LOG.info("%s: %.1f ms %s", one.case, one.product.median_ms, ratio)
                    measured.append(one)
                run = Run(
                    **facts,  # type: ignore[arg-type]
                    command=command,
                    load_average=load_average,
                    measurements=tuple(measured),
                    plans=plans,
                )
                # After each, so that an interruption loses one.
                write(run, given.out)


def _facts(store: ConvStore) -> dict[str, object]:
    with psycopg.connect(store.database.admin_url) as connection:
        (postgres,) = connection.execute("SHOW server_version").fetchone() or ("",)
        (conversations,) = connection.execute("SELECT count(*) FROM conversations").fetchone() or (0,)
        (workspaces,) = connection.execute(
            "SELECT count(*) FROM workspaces AS w"
            " WHERE EXISTS (SELECT FROM conversations AS c WHERE c.workspace_id = w.id)"
        ).fetchone() or (0,)
        (turns,) = connection.execute("SELECT count(*) FROM conversation_turns").fetchone() or (0,)
        sizes = connection.execute(
            "SELECT relname, pg_total_relation_size(oid) / 1e6 FROM pg_class"
            " WHERE relname IN"
            " ('conversations', 'conversation_turns', 'conversation_texts', 'idx_texts_words', 'findings')"
            " ORDER BY relname"
        ).fetchall()
    return {
        "postgres": postgres,
        "conversations": conversations,
        "workspaces": workspaces,
        "turns": turns,
        "sizes_mb": {name: float(size) for name, size in sizes},
    }


if __name__ == "__main__":
    main()
