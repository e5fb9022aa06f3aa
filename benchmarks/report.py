"""Writes what was measured: a Markdown table for people, the same as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.measuring import Measurement

__all__ = ["Run", "write"]

_PACKAGES = ("convstore", "streamlit", "sqlalchemy", "psycopg", "pyarrow", "procrastinate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of the suite over one store."""

    conversations: int
    turns: int
    sizes_mb: dict[str, float]
    postgres: str
    command: str
    load_average: float
    measurements: tuple[Measurement, ...]
    plans: tuple[tuple[str, str], ...]


def write(runs: Sequence[Run], folder: Path) -> None:
    """RESULTS.md and results.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(json.dumps(_as_json(runs), indent=1, ensure_ascii=False) + "\n")
    (folder / "RESULTS.md").write_text("\n".join(_lines(runs)).rstrip() + "\n")


def _machine() -> dict[str, object]:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "date": datetime.now(UTC).date().isoformat(),
    }


def _as_json(runs: Sequence[Run]) -> dict[str, object]:
    return {
        "machine": _machine(),
        "runs": [
            {
                **{name: getattr(run, name) for name in ("conversations", "turns", "sizes_mb", "postgres", "command")},
                "load_average": run.load_average,
                "measurements": [
                    {**asdict(one), "target": str(one.target or ""), "ratio": one.ratio, "met": one.met}
                    for one in run.measurements
                ],
            }
            for run in runs
        ],
    }


def _lines(runs: Sequence[Run]) -> list[str]:
    machine = _machine()
    packages = ", ".join(f"{name} {found}" for name, found in dict(machine["packages"]).items())  # type: ignore[call-overload]
    lines = [
        "# What was measured",
        "",
        f"{machine['date']}; {machine['system']}, {machine['cores']} cores, {machine['memory_gib']} GiB;"
        f" Python {machine['python']}; {packages}.",
        "",
        "Product and limit run in turn within one run: the ratios hold on a busy machine, the milliseconds do not."
        " *Best* is the ratio of the quickest runs of both, which other work on the machine disturbs least.",
    ]
    for run in runs:
        lines += [
            "",
            f"## {run.conversations:,} conversations, {run.turns:,} turns",
            "",
            f"`{run.command}`; PostgreSQL {run.postgres}; load average before the run {run.load_average:.1f}. "
            + "; ".join(f"{name} {size:,.0f} MB" for name, size in run.sizes_mb.items())
            + ".",
        ]
        for group in dict.fromkeys(one.group for one in run.measurements):
            lines += ["", *_table([one for one in run.measurements if one.group == group], group)]
        if run.plans:
            lines += ["", "### Plans", "", "As the product sends the statements, as `authenticated`."]
            for name, plan in run.plans:
                lines += ["", f"**{name}**", "", "```", plan, "```"]
    return lines


def _table(measured: Sequence[Measurement], group: str) -> list[str]:
    lines = [
        f"### {group.capitalize()}",
        "",
        "| | product ms (lowest–highest) | limit ms | ratio | best | /s | peak MB | target | met |",
        "|---|--:|--:|--:|--:|--:|--:|---|---|",
    ]
    for one in measured:
        limit = one.limit
        best = None if limit is None else one.product.low_ms / limit.low_ms
        cells = (
            one.case + (f" – {one.note}" if one.note else ""),
            f"{one.product.median_ms:,.1f} ({one.product.low_ms:,.1f}–{one.product.high_ms:,.1f})",
            "" if limit is None else f"{limit.median_ms:,.1f}",
            "" if one.ratio is None else f"{one.ratio:.1f}",
            "" if best is None else f"{best:.1f}",
            "" if one.per_second is None else f"{one.per_second:,.0f}",
            "" if one.peak_mb is None else f"{one.peak_mb:,.0f}",
            str(one.target or ""),
            {True: "yes", False: "**no**", None: ""}[one.met],
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines
