"""From the errors of an import to the steps that recover it, the most frequent first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from convstore.database import Database
from convstore.errors import InvalidInputError
from convstore.saol.advice import advise
from convstore.saol.results import NextAction, Priority, Result, operation
from convstore.saol.sources import iter_json_array

__all__ = ["ErrorShare", "ImportErrorsResult", "agent_analyze_import_errors"]

_MUCH, _SOME = 0.5, 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorShare:
    """Failures of one kind: how many, how much of all, where, and what to do."""

    code: str
    count: int
    share: float
    columns: tuple[str, ...]
    constraints: tuple[str, ...]
    example_position: int
    example_reason: str
    step: NextAction


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportErrorsResult(Result):
    """Kinds of failures, the most frequent first."""

    failed: int = 0
    errors: tuple[ErrorShare, ...] = ()


class _Tally:
    def __init__(self, first: dict[str, Any]) -> None:
        self.first = first
        self.count = 0
        self.columns: Counter[str] = Counter()
        self.constraints: Counter[str] = Counter()

    def add(self, entry: dict[str, Any]) -> None:
        self.count += 1
        for found, counter in ((entry.get("column"), self.columns), (entry.get("constraint"), self.constraints)):
            if found:
                counter[found] += 1


@operation(ImportErrorsResult)
def agent_analyze_import_errors(database: Database, *, report: str | Path) -> ImportErrorsResult:
    """Read an errors report and say how to recover, by share of failures.

    The database is not asked; it is the first argument as with every operation.

    Parameters
    ----------
    report
        An errors report, or a folder of reports: then its newest one.
    """
    tallies: dict[str, _Tally] = {}
    for entry in _entries(_newest(Path(report))):
        tallies.setdefault(entry["code"], _Tally(entry)).add(entry)
    failed = sum(tally.count for tally in tallies.values())
    shares = tuple(
        _share(code, tally, failed) for code, tally in sorted(tallies.items(), key=lambda item: -item[1].count)
    )
    told = ", ".join(f"{share.code} {share.share:.0%}" for share in shares)
    return ImportErrorsResult(
        success=True,
        summary=f"{failed} records failed: {told}" if failed else "no record failed",
        next_actions=tuple(share.step for share in shares),
        failed=failed,
        errors=shares,
    )


def _share(code: str, tally: _Tally, failed: int) -> ErrorShare:
    share = tally.count / failed
    priority: Priority = "HIGH" if share >= _MUCH else "MEDIUM" if share >= _SOME else "LOW"
    columns = tuple(name for name, _ in tally.columns.most_common())
    constraints = tuple(name for name, _ in tally.constraints.most_common())
    general = advise(code)[0]
    where = ", ".join(
        [*(f"column {name}" for name in columns[:5]), *(f"constraint {name}" for name in constraints[:5])]
    )
    step = NextAction(
        action=general.action,
        description=f"{tally.count} records ({share:.0%}{', ' + where if where else ''}): {general.description}",
        example=general.example,
        priority=priority,
    )
    return ErrorShare(
        code=code,
        count=tally.count,
        share=share,
        columns=columns,
        constraints=constraints,
        example_position=tally.first["position"],
        example_reason=tally.first["reason"],
        step=step,
    )


def _newest(path: Path) -> Path:
    if not path.is_dir():
        return path
    reports = sorted(path.glob("import-*.errors.json"), key=lambda report: report.stat().st_mtime_ns)
    if not reports:
        raise InvalidInputError(
            f"{path} holds no errors report", code="ERR_SOURCE_NOT_FOUND", hint="Name the folder given as reports_dir."
        )
    return reports[-1]


def _entries(path: Path) -> Iterator[dict[str, Any]]:
    hint = "Give the path of an import-{table}-{run}.errors.json."
    try:
        with path.open(encoding="utf-8") as stream:
            for entry, _ in iter_json_array(stream):
                if not isinstance(entry, dict) or not {"code", "position", "reason"} <= set(entry):
                    raise InvalidInputError(f"{path} is no errors report", hint=hint)
                yield entry
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}", code="ERR_SOURCE_NOT_FOUND", hint=hint
        ) from error
    except ValueError as error:
        raise InvalidInputError(f"{path} is no errors report: {error}", hint=hint) from error
