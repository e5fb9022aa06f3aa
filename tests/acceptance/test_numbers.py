"""The commands tell the numbers that the screens show."""

from __future__ import annotations

from typing import Any

import pytest

from convstore.core import ConvStore
from convstore.model import Filter
from convstore.queries.statistics.distribution import Distribution
from tests.acceptance.command_line import CommandLine


def told(found: Distribution) -> dict[str, Any]:
    """What a histogram and its caption show."""
    return {
        "scored": found.present,
        "unscored": found.missing,
        "mean": pytest.approx(found.mean),
        "median": pytest.approx(found.percentile(0.5)),
        "counts": {str(value): count for value, count in found.counts.items()},
    }


def test_stats_and_findings_are_the_numbers_on_screen(demo_store: ConvStore) -> None:
    convstore = CommandLine(demo_store.settings)
    wanted = Filter(statuses=("approved",))
    stats = convstore("stats", "--status", "approved", "--json").document
    shown = demo_store.statistics
    assert stats["conversations"] == demo_store.count(wanted)[0] > 20
    for dimension, scores in shown.scores(wanted).items():
        for side in ("file", "people"):
            found = told(getattr(scores, side))
            assert {name: stats["scores"][dimension][side][name] for name in found} == found
    assert [(one["one"], one["other"], one["conversations"], one["value"]) for one in stats["correlations"]] == [
        (one.one, one.other, one.conversations, pytest.approx(one.value)) for one in shown.correlations(wanted)
    ]
    assert [(one["key"], one["conversations"], one["file"]["median"]) for one in stats["by"]["arc"]["groups"]] == [
        (one.key, one.total, pytest.approx(one.file.percentile(0.5)))
        for one in shown.breakdown("arc", "quality", wanted).groups
    ]
    texts = shown.texts(wanted)
    assert (stats["texts"]["total_words"], stats["texts"]["estimated_tokens"]) == (
        texts.total_words,
        texts.estimated_tokens,
    )
    flows = {(one["from"], one["to"]): one["conversations"] for one in stats["emotions"]["flows"]}
    assert flows == shown.emotion_flow(wanted).flows
    for one in stats["emotions"]["intensities"]:
        turns = shown.intensity(one["arc"], wanted).turns
        assert one["turns"] == {str(number): pytest.approx(found.mean) for number, found in turns.items()}
    assert stats["facets"]["tier"] == demo_store.facets(wanted).counts["tier"]

    assert [
        (one["persona"], one["arc"], one["topic"], one["tier"], one["conversations"], one["approved"], one["scored"])
        for one in stats["cells"]
    ] == [
        (*one.keys, one.conversations, one.approved, one.scored)
        for one in shown.cells(("persona", "arc", "topic", "tier"), wanted)
    ]
    groups, copies = shown.duplicate_counts()
    assert stats["duplicates"] == {"groups": groups, "conversations": copies}

    findings = convstore("findings", "--json").document["findings"]
    assert [(one["code"], one["conversations"], one["findings"], one["dismissed"]) for one in findings] == [
        (one.code, one.conversations, one.findings, one.dismissed) for one in shown.findings()
    ]
    assert all(0 <= one["false_alarm_rate"] < 0.1 for one in findings)
    assert findings
