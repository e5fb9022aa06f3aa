"""What a release would be, before anything is written: its count, composition, lint, tokens and a few rows."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import orjson

from convstore.database import Context, Database
from convstore.model import Actor
from convstore.queries.export_rows import StoredItem, iter_batches
from convstore.queries.matching import matching
from convstore.queries.release_rows import chosen, list_candidates
from convstore.release.building import BUILD_TIMEOUT_S, lint_beforehand
from convstore.release.formats import ARCHIVAL_FORMATS, RECORDS
from convstore.release.judging import Judge
from convstore.release.reports import BATCH, Cancel, Progress, Watch
from convstore.release.rows import ReleaseRow
from convstore.release.selection import LeftOut, Selection, select_slice
from convstore.release.specification import ReleaseRequest, ReleaseSpec
from convstore.release.states import stored_row
from convstore.release.tally import Tally, estimated_tokens, top
from convstore.release.weights import ConversationWeight, weigh

__all__ = ["ReleasePreview", "preview_release"]

SAMPLES = 3
#: More are not looked at one by one.
_HEAVIEST = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasePreview:
    """What would go out.

    Attributes
    ----------
    matching
        Conversations that the filter means, before the rules.
    summary
        Counts as a release keeps them; `lint` only where the texts were read, else tokens by the first of them.
    samples
        The first rows as the format spells them.
    heaviest
        Conversations by how many replies a trainer learns from them, with their rows, heaviest first.
    """

    matching: int
    conversations: int
    left_out: tuple[LeftOut, ...]
    summary: Mapping[str, Any]
    samples: tuple[str, ...]
    heaviest: tuple[tuple[str, ConversationWeight], ...]


def preview_release(
    database: Database,
    actor: Actor,
    request: ReleaseRequest,
    *,
    read_texts: bool = True,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> ReleasePreview:
    """Look at a slice as `build_release` would write it.

    Parameters
    ----------
    read_texts
        False counts by metadata alone, in well under a second, and lints nothing but the samples.
    """
    watch = Watch(progress, cancel)
    workspace_id = actor.workspace_id
    judge = Judge(request.format, request.options, request.lint_mode)
    context = Context.of(actor)
    with database.transaction(context, read_only=True, snapshot=True, timeout_s=BUILD_TIMEOUT_S) as reading:
        where = matching(reading, request.filter, workspace_id)
        candidates = list_candidates(reading, where, workspace_id, finding_codes=request.rules.without_findings)

        def refused(ids: Collection[UUID]) -> Mapping[UUID, str]:
            if not read_texts or judge.mode != "drop":
                return {}
            return lint_beforehand(reading, workspace_id, ids, judge, watch)

        selection = select_slice(candidates, request.rules, request.plan, seed=request.seed, refused=refused)
        going = [row for row in candidates if row.id in selection.splits]
        look = _Look(request, judge, is_checked=judge.mode == "drop" and read_texts)
        ids = selection.splits if read_texts else [row.id for row in going[: SAMPLES * 4]]
        for batch in iter_batches(reading, chosen(workspace_id, ids), workspace_id, size=BATCH):
            look.at(batch, selection)
            watch.tell(look.seen, len(ids), "counting")
    composition = {
        "persona": top(Counter(row.persona_key or "" for row in going)),
        "arc": top(Counter(row.arc_key or "" for row in going)),
        "topic": top(Counter(row.topic_key or "" for row in going)),
        "tier": top(Counter(row.tier for row in going)),
        "status": top(Counter(row.status for row in going)),
    }
    summary: dict[str, Any] = {"composition": composition, "not_sampled": selection.not_sampled}
    summary["splits"] = dict(Counter(split for split in selection.splits.values() if split is not None))
    if read_texts:
        passed = look.tally.conversations
        rows = sum(weight.rows for _, weight in look.weights)
        summary = {**summary, **look.tally.report(), "rows": rows or passed}
        summary["lint"] = judge.report(passed=passed, rows=rows or passed)
    elif look.tally.conversations:
        tokens = estimated_tokens(look.tally.characters) / look.tally.conversations
        summary["estimated_tokens"] = round(tokens * len(going))
    left_out = (*selection.left_out, *look.left_out)
    summary["left_out"] = dict(sorted(Counter(item.rule for item in left_out).items()))
    return ReleasePreview(
        matching=len(candidates),
        conversations=len(going) - len(look.left_out),
        left_out=left_out,
        summary=summary,
        samples=_spell(request, look.samples),
        heaviest=tuple(sorted(look.weights, key=lambda item: (-item[1].learned_replies, item[0]))[:_HEAVIEST]),
    )


class _Look:
    """Counts conversations as they come by, and keeps the first of them."""

    def __init__(self, request: ReleaseRequest, judge: Judge, *, is_checked: bool) -> None:
        self._request = request
        self._judge = judge
        self._is_checked = is_checked
        self.seen = 0
        self.tally = Tally()
        self.left_out: list[LeftOut] = []
        self.samples: list[ReleaseRow] = []
        self.weights: list[tuple[str, ConversationWeight]] = []

    def at(self, batch: Sequence[StoredItem], selection: Selection) -> None:
        going = []
        for stored in batch:
            row = stored_row(stored, selection.splits[stored.conversation.id])
            rule = None if self._is_checked else self._judge.refused(row)
            if rule is not None:
                self.left_out.append(LeftOut(row.conversation.conversation_id, rule))
                continue
            going.append(row)
            self._judge.passed(row)
            if self._request.format not in ARCHIVAL_FORMATS:
                weight = weigh(self._request.format, row, self._request.options)
                self.weights.append((row.conversation.conversation_id, weight))
        self.seen += len(batch)
        self.tally.count(going)
        self.samples += going[: SAMPLES - len(self.samples)]


def _spell(request: ReleaseRequest, rows: Sequence[ReleaseRow]) -> tuple[str, ...]:
    if not rows:
        return ()
    if request.format in RECORDS:
        records = [record for row in rows for record in RECORDS[request.format](row, request.options)]
        return tuple(orjson.dumps(record).decode() for record in records[:SAMPLES])
    with tempfile.TemporaryDirectory() as folder:
        suffix = ".parquet" if request.format == "parquet" else ""
        path = Path(folder) / f"sample{suffix}"
        spec = ReleaseSpec.of_request(uuid4(), replace(request, plan=type(request.plan)()), path)
        with spec.open_writer(path, force=False, card=None) as writer:
            writer.write_batch(rows)
            files = writer.finish()
        written = next(info.path for info in files if info.rows)
        if request.format not in ("parquet", "hf"):
            return (written.read_text(encoding="utf-8"),)
        return _parquet_rows(written)


def _parquet_rows(path: Path) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    return tuple(orjson.dumps(row).decode() for row in islice(pq.read_table(path).to_pylist(), SAMPLES))
