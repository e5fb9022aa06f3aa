"""Every number against pandas, which computes it anew from the same rows."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from convstore.core import ConvStore
from convstore.emotions import normalise_emotion
from convstore.errors import UsageError
from convstore.model import DIMENSIONS, Filter, ScoreRange
from convstore.queries.statistics.distribution import Distribution, halves
from convstore.ui.quality.together import agreeing, agreement

FILTERS = {
    "all": Filter(),
    "approved": Filter(statuses=("approved",)),
    "two keys and a range": Filter(tiers=("template", "scenario"), min_quality=Decimal("3")),
}


def rows(store: ConvStore) -> pd.DataFrame:
    with store.database.admin() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT * FROM conversations WHERE is_active")
        assert cursor.description is not None
        frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])
    for column in DIMENSIONS.values():
        frame[column] = pd.to_numeric(frame[column])
        frame[f"human_{column}"] = pd.to_numeric(frame[f"human_{column}"])
    return frame


def chosen(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    if name == "approved":
        return frame[frame.status == "approved"]
    if name == "two keys and a range":
        return frame[frame.tier.isin(["template", "scenario"]) & (frame.effective_quality >= 30)]
    return frame


def same(found: Distribution, column: pd.Series) -> None:
    present = column.dropna()
    assert found.total == len(column)
    assert found.missing == column.isna().sum()
    assert {float(value): count for value, count in found.counts.items()} == present.value_counts().to_dict()
    if len(present):
        assert found.mean == pytest.approx(present.mean())
        assert found.deviation == pytest.approx(present.std(ddof=0))
        for share in (0.1, 0.25, 0.5, 0.75, 0.9):
            assert found.percentile(share) == pytest.approx(present.quantile(share))
    else:
        assert found.mean is None
        assert found.percentile(0.5) is None


@pytest.mark.parametrize("name", FILTERS)
def test_scores(demo_module_store: ConvStore, name: str) -> None:
    frame = chosen(rows(demo_module_store), name)
    assert len(frame) > 10
    for dimension, found in demo_module_store.statistics.scores(FILTERS[name]).items():
        file, people = frame[DIMENSIONS[dimension]], frame[f"human_{DIMENSIONS[dimension]}"]
        same(found.file, file)
        same(found.people, people)
        both = frame[file.notna() & people.notna()]
        gap = (both[people.name] - both[file.name]).round(4)
        assert found.both == len(both)
        assert found.different == (gap.abs() >= 1).sum()
        if len(both) > 2:
            assert found.mean_difference == pytest.approx(gap.mean())
            assert found.correlation == pytest.approx(both[file.name].corr(both[people.name]))


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize(
    ("by", "column"),
    [("persona", "persona_key"), ("arc", "emotional_arc_key"), ("topic", "topic_key"), ("tier", "tier"),
     ("status", "status"), ("source", "source_name")],
)  # fmt: skip
def test_breakdown(demo_module_store: ConvStore, name: str, by: str, column: str) -> None:
    frame = chosen(rows(demo_module_store), name)
    found = demo_module_store.statistics.breakdown(by, "empathy", FILTERS[name])  # type: ignore[arg-type]
    groups = dict(list(frame.groupby(frame[column].fillna(""))))
    assert len(found.groups) + found.left_out == len(groups)
    for group in found.groups:
        part = groups[str(group.key or "")]
        same(group.file, part["empathy_score"])
        same(group.people, part["human_empathy_score"])


def test_breakdown_by_month_is_in_order(demo_module_store: ConvStore) -> None:
    with demo_module_store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations SET created_at = now() - (abs(hashtext(conversation_id)) % 200) * interval '1 day'"
        )
    demo_module_store.refresh()
    frame = rows(demo_module_store)
    months = frame.created_at.dt.tz_convert("UTC").dt.strftime("%Y-%m")
    found = demo_module_store.statistics.breakdown("month")
    assert [group.key.strftime("%Y-%m") for group in found.groups] == sorted(months.unique())  # type: ignore[union-attr]
    for group in found.groups:
        same(group.file, frame[months == group.key.strftime("%Y-%m")]["quality_score"])  # type: ignore[union-attr]


def test_breakdown_by_reviewer_counts_reviews(demo_module_store: ConvStore) -> None:
    with demo_module_store.database.admin() as connection:
        expected = connection.execute(
            "SELECT p.name, count(*), avg(r.quality_score)::float8"
            " FROM reviews r JOIN profiles p ON p.id = r.reviewer_id"
            " JOIN conversations c ON c.id = r.conversation_id AND c.turns_sha256 = r.turns_sha256 GROUP BY 1"
        ).fetchall()
    found = demo_module_store.statistics.breakdown("reviewer")
    assert [(group.key, group.total, pytest.approx(group.people.mean)) for group in found.groups] == expected


@pytest.mark.parametrize("name", FILTERS)
def test_correlations(demo_module_store: ConvStore, name: str) -> None:
    frame = chosen(rows(demo_module_store), name)
    found = demo_module_store.statistics.correlations(FILTERS[name])
    assert len(found) == 10
    for pair in found:
        one, other = frame[DIMENSIONS[pair.one]], frame[DIMENSIONS[pair.other]]
        assert pair.conversations == (one.notna() & other.notna()).sum()
        expected = one.corr(other)
        assert pair.value == (None if expected != expected else pytest.approx(expected))


@pytest.mark.parametrize("name", FILTERS)
def test_emotion_flow(demo_module_store: ConvStore, name: str) -> None:
    frame = chosen(rows(demo_module_store), name)
    fold = [
        frame[column].map(lambda label: normalise_emotion(label) if label else None)
        for column in ("starting_emotion", "ending_emotion")
    ]
    pairs = pd.Series(list(zip(*fold, strict=True))).value_counts().to_dict()
    found = demo_module_store.statistics.emotion_flow(FILTERS[name])
    assert found.flows == pairs
    labels = pd.concat([frame.starting_emotion, frame.ending_emotion]).dropna().value_counts().to_dict()
    assert {label: n for spellings in found.spellings.values() for label, n in spellings.items()} == labels


def test_intensities_are_those_of_the_turns(demo_module_store: ConvStore) -> None:
    with demo_module_store.database.admin() as connection:
        turns = pd.DataFrame(
            connection.execute(
                "SELECT c.emotional_arc_key, t.turn_number, t.emotional_intensity FROM conversation_turns t"
                " JOIN conversations c ON c.id = t.conversation_id AND c.is_active"
                " WHERE t.emotional_intensity IS NOT NULL"
            ).fetchall(),
            columns=["arc", "turn", "intensity"],
        )
    turns["intensity"] = pd.to_numeric(turns["intensity"])
    found = demo_module_store.statistics.intensities()
    assert sum(len(one.turns) for one in found) == len(turns.groupby(["arc", "turn"], dropna=False)) > 20
    for one in found:
        of_arc = turns[turns.arc.isna()] if one.arc is None else turns[turns.arc == one.arc]
        for number, distribution in one.turns.items():
            same(distribution, of_arc[of_arc.turn == number].intensity)


def test_texts(demo_module_store: ConvStore) -> None:
    frame = rows(demo_module_store)
    found = demo_module_store.statistics.texts()
    same(found.turns, frame.turn_count)
    with demo_module_store.database.admin() as connection:
        words = pd.Series(
            [row[0] for row in connection.execute(
                "SELECT sum(word_count) FROM conversation_turns GROUP BY conversation_id"
            )]
        )  # fmt: skip
    same(found.words, words.astype(int))
    assert found.total_words == words.sum()


@pytest.mark.parametrize("name", FILTERS)
def test_cells(demo_module_store: ConvStore, name: str) -> None:
    frame = chosen(rows(demo_module_store), name)
    found = demo_module_store.statistics.cells(("persona", "arc", "topic", "tier"), FILTERS[name])
    columns = ["persona_key", "emotional_arc_key", "topic_key", "tier"]
    groups = dict(iter(frame.groupby(columns, dropna=False)))
    assert len(found) == len(groups)
    for cell in found:
        part = groups[tuple(float("nan") if key is None else key for key in cell.keys)] if None not in cell.keys else (
            frame[[all((pd.isna(v) if k is None else v == k) for k, v in zip(cell.keys, row, strict=True))
                   for row in frame[columns].itertuples(index=False)]]
        )  # fmt: skip
        assert (cell.conversations, cell.approved) == (len(part), (part.status == "approved").sum())
        scored = part[part.effective_quality > 0].effective_quality
        assert cell.scored == len(scored)
        assert cell.quality == (pytest.approx(scored.mean() / 10) if len(scored) else None)


def test_findings(demo_module_store: ConvStore) -> None:
    with demo_module_store.database.admin() as connection:
        expected = {
            row[0]: row[1:]
            for row in connection.execute(
                "SELECT code, count(DISTINCT conversation_id) FILTER (WHERE dismissed_at IS NULL),"
                " count(*) FILTER (WHERE dismissed_at IS NULL), count(dismissed_at) FROM findings GROUP BY code"
            )
        }
    found = {
        one.code: (one.conversations, one.findings, one.dismissed) for one in demo_module_store.statistics.findings()
    }
    assert found == expected
    assert found


@pytest.mark.parametrize("side", ["file", "people", "difference"])
def test_every_bar_leads_to_as_many_conversations_as_it_counts(demo_module_store: ConvStore, side: str) -> None:
    found = demo_module_store.statistics.scores()["quality"]
    if side == "difference":
        wanted = Filter(scores=(ScoreRange("difference.quality", Decimal(1), Decimal(4)),))
        assert demo_module_store.count(wanted) == (found.different, True)
        return
    for half, count in halves(getattr(found, side)).items():
        limits = (half - Decimal("0.25"), half + Decimal("0.24"))
        wanted = Filter(scores=(ScoreRange(f"{side}.quality", *limits),))
        assert demo_module_store.count(wanted) == (count, True)


def test_unknown_groupings_are_refused(demo_module_store: ConvStore) -> None:
    with pytest.raises(UsageError, match="empathy by zodiac"):
        demo_module_store.statistics.breakdown("zodiac", "empathy")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="persona and persona"):
        demo_module_store.statistics.cells(("persona", "persona"))


def test_answers_are_kept_and_say_when_they_were_found(demo_module_store: ConvStore) -> None:
    first = demo_module_store.statistics
    first.scores()
    again = demo_module_store.statistics
    assert again.scores() is first.scores()
    assert again.as_of == first.as_of
    demo_module_store.refresh()
    anew = demo_module_store.statistics
    anew.scores()
    assert anew.as_of > first.as_of


def test_findings_beside_the_filter_form(demo_module_store: ConvStore) -> None:
    statistics = demo_module_store.statistics
    for wanted in FILTERS.values():
        expected = {one.code: one.conversations for one in statistics.findings(wanted) if one.conversations}
        assert statistics.finding_facet(wanted) == expected
    # As if the filter named none: the other findings can still be chosen.
    assert statistics.finding_facet(Filter(findings=("truncated_reply",))) == statistics.finding_facet()


def test_every_spot_leads_to_as_many_conversations_as_it_counts(demo_module_store: ConvStore) -> None:
    quality = demo_module_store.statistics.scores()["quality"]
    spots = agreement(quality)
    assert sum(spots.values()) == quality.both
    for spot, count in spots.items():
        assert demo_module_store.count(agreeing(Filter(), spot)) == (count, True)


def test_every_flow_leads_to_as_many_conversations_as_it_counts(demo_module_store: ConvStore) -> None:
    flows = demo_module_store.statistics.emotion_flow().flows
    for (start, end), count in flows.items():
        assert demo_module_store.count(Filter(emotions=(f"{start}>{end}",))) == (count, True)
