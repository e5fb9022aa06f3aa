"""Keeps what was measured, as JSON for programs, and writes the same as Markdown tables for people.

A run replaces the groups that it measured on a store of that size and leaves the others, each with its own day.
"""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks.measuring import Measurement

__all__ = ["Run", "write"]

_PACKAGES = ("convstore", "streamlit", "sqlalchemy", "psycopg", "pyarrow", "procrastinate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What was measured over one store."""

    conversations: int
    workspaces: int
    turns: int
    sizes_mb: dict[str, float]
    postgres: str
    command: str
    load_average: float
    measurements: tuple[Measurement, ...]
    plans: tuple[tuple[str, str], ...]


def write(run: Run, folder: Path) -> None:
    """Put a run into `results.json` and make RESULTS.md of all that stands there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "results.json"
    stores = json.loads(path.read_text()) if path.exists() else []
    key = (run.conversations, run.workspaces)
    before: dict[str, Any] = next((one for one in stores if (one["conversations"], one["workspaces"]) == key), {})
    others = [store for store in stores if store is not before]
    stores = sorted([*others, _store(run, before)], key=lambda store: (store["conversations"], store["workspaces"]))
    path.write_text(json.dumps(stores, indent=1, ensure_ascii=False) + "\n")
    (folder / "RESULTS.md").write_text("\n".join(_lines(stores)).rstrip() + "\n")


def _store(run: Run, before: Mapping[str, Any]) -> dict[str, Any]:
    names = dict.fromkeys(one.group for one in run.measurements)
    groups = {group["group"]: group for group in before.get("groups", ())}
    for name in names:
        groups[name] = {
            "group": name,
            "date": datetime.now(UTC).date().isoformat(),
            "command": run.command,
            "load_average": run.load_average,
            "machine": _machine(run.postgres),
            "cases": [_case(one) for one in run.measurements if one.group == name],
        }
    return {
        **{name: getattr(run, name) for name in ("conversations", "workspaces", "turns", "sizes_mb")},
        "groups": list(groups.values()),
        "plans": list(run.plans) or before.get("plans", []),
    }


def _case(one: Measurement) -> dict[str, Any]:
    return {**asdict(one), "target": str(one.target or ""), "ratio": one.ratio, "met": one.met}


def _machine(postgres: str) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    packages = ", ".join(f"{name} {version(name)}" for name in _PACKAGES)
    return (
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {memory:.0f} GiB;"
        f" PostgreSQL {postgres}; Python {platform.python_version()}; {packages}"
    )


def _lines(stores: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield from (
        "# What was measured",
        "",
        "Product and limit run in turn within one run: the ratios hold on a busy machine, the milliseconds do not."
        " *Best* is the ratio of the quickest runs of both, which other work on the machine disturbs least.",
    )
    for store in stores:
        spread = f" in {store['workspaces']} workspaces" if store["workspaces"] > 1 else ""
        yield from (
            "",
            f"## {store['conversations']:,} conversations{spread}, {store['turns']:,} turns",
            "",
            "; ".join(f"{name} {size:,.0f} MB" for name, size in store["sizes_mb"].items()) + ".",
        )
        for group in store["groups"]:
            yield from _table(group)
        if store["plans"]:
            yield from ("", "### Plans", "", "As the product sends the statements, as `authenticated`.")
        for name, plan in store["plans"]:
            yield from ("", f"**{name}**", "", "```", plan, "```")


def _table(group: Mapping[str, Any]) -> Iterator[str]:
    yield from (
        "",
        f"### {group['group'].capitalize()}",
        "",
        f"{group['date']}, `{group['command']}`, load average before the run {group['load_average']:.1f}."
        f" {group['machine']}.",
        "",
        "| | product ms (lowest–highest) | limit ms | ratio | best | /s | peak MB | target | met |",
        "|---|--:|--:|--:|--:|--:|--:|---|---|",
    )
    for one in group["cases"]:
        product, limit = one["product"], one["limit"]
        cells = (
            one["case"] + (f" – {one['note']}" if one["note"] else ""),
            f"{product['median_ms']:,.1f} ({product['low_ms']:,.1f}–{product['high_ms']:,.1f})",
            "" if limit is None else f"{limit['median_ms']:,.1f}",
            "" if limit is None else f"{one['ratio']:.1f}",
            "" if limit is None else f"{product['low_ms'] / limit['low_ms']:.1f}",
            "" if one["per_second"] is None else f"{one['per_second']:,.0f}",
            "" if one["peak_mb"] is None else f"{one['peak_mb']:,.0f}",
            one["target"],
            {True: "yes", False: "**no**", None: ""}[one["met"]],
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
