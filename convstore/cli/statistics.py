"""Commands about the set as a whole: the numbers of the screens Quality, Coverage and Duplicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from convstore.cli import app
from convstore.cli.call import Call, command
from convstore.cli.tables import console, plural, print_table
from convstore.model import Filter

if TYPE_CHECKING:
    from convstore.duplicates import DuplicateGroup
    from convstore.queries.statistics.findings import FindingCount
    from convstore.queries.statistics.scores import Breakdown
    from convstore.statistics import Statistics


@command(app, "stats", filters=True)
def stats(call: Call, wanted: Filter) -> None:
    """Count scores, lengths, feelings and coverage over every conversation."""
    with call.store() as store:
        facets = store.facets(wanted)
        document = {**_numbers(store.statistics, wanted), "facets": facets.counts, "facets_are_exact": facets.is_exact}
    call.answer(document, lambda: _print_stats(document))


def _numbers(statistics: Statistics, wanted: Filter) -> dict[str, Any]:
    from convstore.queries.statistics.coverage import Axis
    from convstore.queries.statistics.scores import By

    scores = statistics.scores(wanted)
    texts = statistics.texts(wanted)
    flow = statistics.emotion_flow(wanted)
    axes = get_args(Axis)
    groups, copies = statistics.duplicate_counts()
    document: dict[str, Any] = {
        "conversations": scores["quality"].file.total,
        "scores": {
            name: {
                "file": found.file.as_dict(),
                "people": found.people.as_dict(),
                "both": found.both,
                "different": found.different,
                "mean_difference": found.mean_difference,
                "correlation": found.correlation,
            }
            for name, found in scores.items()
        },
        "correlations": statistics.correlations(wanted),
        "by": {by: _groups(statistics.breakdown(by, "quality", wanted)) for by in get_args(By)},
        "texts": {
            "words": _lengths(texts.words),
            "turns": _lengths(texts.turns),
            "total_words": texts.total_words,
            "estimated_tokens": texts.estimated_tokens,
            "phrases": statistics.stock_phrases().phrases,
        },
        "emotions": {
            "flows": [{"from": start, "to": end, "conversations": n} for (start, end), n in flow.flows.items()],
            "spellings": flow.spellings,
            "intensities": [
                {"arc": one.arc, "turns": {number: found.mean for number, found in one.turns.items()}}
                for one in statistics.intensities(wanted)
            ],
        },
        "cells": [
            {
                **dict(zip(axes, cell.keys, strict=True)),
                "conversations": cell.conversations,
                "approved": cell.approved,
                "scored": cell.scored,
                "mean_quality": cell.quality,
            }
            for cell in statistics.cells(axes, wanted)
        ],
        "targets": statistics.targets(),
        "duplicates": {"groups": groups, "conversations": copies},
    }
    # The last to be asked: it is the time of the oldest answer.
    return {"as_of": statistics.as_of, **document}


def _groups(breakdown: Breakdown) -> dict[str, Any]:
    return {
        "groups": [
            {
                "key": group.key,
                "conversations": group.total,
                "file": _short(group.file.as_dict()),
                "people": _short(group.people.as_dict()),
            }
            for group in breakdown.groups
        ],
        "left_out": breakdown.left_out,
    }


def _short(found: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in found.items() if name != "counts"}


def _lengths(distribution: Any) -> dict[str, object]:
    found = _short(distribution.as_dict())
    return {name: value for name, value in found.items() if name not in ("scored", "unscored")}


def _print_stats(document: dict[str, Any]) -> None:
    out = console()
    texts = document["texts"]
    out.print(
        f"{plural(document['conversations'], 'conversation')}, {texts['total_words']:,} words, "
        f"about {texts['estimated_tokens']:,} tokens"
    )
    if not document["conversations"]:
        return
    columns = (
        "Score",
        "File mean",
        "median",
        "not scored",
        "People mean",
        "median",
        "not scored",
        "Differ by 1 or more",
    )
    print_table(
        columns,
        [
            (
                name.replace("_", " ").capitalize(),
                _number(one["file"]["mean"]), _number(one["file"]["median"]), f"{one['file']['unscored']:,}",
                _number(one["people"]["mean"]), _number(one["people"]["median"]), f"{one['people']['unscored']:,}",
                f"{one['different']:,} of {one['both']:,}",
            )
            for name, one in document["scores"].items()
        ],
        numbers=columns[1:],
    )  # fmt: skip
    for facet, values in document["facets"].items():
        shown = sorted(values.items(), key=lambda item: (-item[1], item[0]))[:8]
        if shown:
            more = f", and {len(values) - len(shown)} more" if len(values) > len(shown) else ""
            out.print(f"{facet.capitalize()}: {', '.join(f'{key} {count:,}' for key, count in shown)}{more}")
    holes = [target for target in document["targets"] if target.missing]
    if holes:
        out.print(
            f"{plural(len(holes), 'target')} not reached, {sum(t.missing for t in holes):,} conversations lacking"
        )


@command(app, "findings", filters=True)
def findings(
    call: Call,
    wanted: Filter,
    recheck: Annotated[
        bool, typer.Option("--recheck", help="First count the set anew and run every check that is due.")
    ] = False,
) -> None:
    """Count what the checks noticed."""
    from convstore.checks import CHECKS

    with call.store() as store:
        checked = None
        if recheck:
            with call.progress("Checking") as progress:
                checked = store.recheck(progress=progress)
        found = store.statistics.findings(wanted)
    document: dict[str, Any] = {
        "findings": [
            {
                "code": one.code,
                "label": CHECKS[one.code].label if one.code in CHECKS else one.code,
                "severity": CHECKS[one.code].severity if one.code in CHECKS else "notice",
                "conversations": one.conversations,
                "findings": one.findings,
                "dismissed": one.dismissed,
                "false_alarm_rate": _false_alarm_rate(one.code),
            }
            for one in found
        ],
        **({} if checked is None else {"checked": checked}),
    }
    call.answer(document, lambda: _print_findings(document, found))


def _false_alarm_rate(code: str) -> float | None:
    from convstore.checks import CHECKS

    measured = CHECKS[code].measured if code in CHECKS else None
    return None if measured is None else round(measured.false_alarm_rate, 3)


def _print_findings(document: dict[str, Any], found: tuple[FindingCount, ...]) -> None:
    if not found:
        console().print("The checks noticed nothing.")
        return
    numbers = ("Conversations", "Findings", "Dismissed")
    print_table(
        ("Finding", "Severity", *numbers),
        [
            (one["code"], one["severity"], *(f"{one[name.lower()]:,}" for name in numbers))
            for one in document["findings"]
        ],
        numbers=numbers,
    )


@command(app, "duplicates")
def duplicates(
    call: Call,
    update: Annotated[bool, typer.Option("--update", help="First compare what is new or changed.")] = False,
    keep_best: Annotated[
        bool, typer.Option("--keep-best", help="Reject all but the best of the groups listed, as one batch.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="Most groups.")] = 25,
) -> int:
    """List groups of copies, the largest first; the one to keep stands first in each."""
    with call.store() as store:
        compared = None
        if update:
            with call.progress("Comparing") as progress:
                compared = store.update_duplicates(progress=progress)
        statistics = store.statistics
        groups, (total, conversations) = statistics.duplicate_groups(limit=limit), statistics.duplicate_counts()
        result = store.keep_best([group.group_id for group in groups]) if keep_best and groups else None
    document: dict[str, Any] = {
        "groups": [_group(group) for group in groups],
        "total": total,
        "conversations": conversations,
        **({} if compared is None else {"compared": compared}),
        **({} if result is None else {"batch_id": result.batch_id, "items": result.items}),
    }

    def human() -> None:
        for group in document["groups"]:
            console().print(f"{group['group_id']}: {plural(len(group['members']), 'copy', 'copies')}")
            for member in group["members"]:
                mark = "keep" if member["is_best"] else "    "
                console().print(f"  {mark}  {member['conversation_id']}  {member['status']}  {member['similarity']}")
        console().print(f"{plural(total, 'group')} of {plural(conversations, 'conversation')}")
        if result is not None:
            done = sum(item.outcome == "done" for item in result.items)
            console().print(f"{done:,} rejected, {len(result.items) - done:,} left alone; undo {result.batch_id}")

    call.answer(document, human)
    return 1 if result is not None and any(item.outcome == "refused" for item in result.items) else 0


def _group(group: DuplicateGroup) -> dict[str, Any]:
    return {
        "group_id": group.group_id,
        "is_exact": group.is_exact,
        "members": [
            {
                "conversation_id": member.conversation_id,
                "conversation_name": member.conversation_name,
                "status": member.status,
                "similarity": member.similarity,
                "is_best": member is group.best,
            }
            for member in group.members
        ],
    }


def _number(value: object) -> str | None:
    return None if value is None else f"{value:.2f}"
