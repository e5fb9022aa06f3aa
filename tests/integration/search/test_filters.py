"""Every filter means the same to the database as to a few lines of Python over the same rows."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convstore.core import ConvStore
from convstore.errors import ConvstoreError, UsageError
from convstore.lifecycle import STATUSES
from convstore.model import DIMENSIONS, Conversation, Filter, ScoreRange

_EMOTIONS = ("Overwhelm", "calm ", "no such feeling", "Grief>steadiness", "doubt>", ">Resolve", "shame>calm")
#: Keys that a conversation may lack; the empty value means those that do.
_OPTIONAL = ("persona_key", "emotional_arc_key", "topic_key")


@pytest.fixture
def everything(demo_store: ConvStore) -> list[Conversation]:
    with demo_store.database.admin() as connection:
        for remainder, column in enumerate(_OPTIONAL):
            connection.execute(
                f"UPDATE conversations SET {column} = NULL WHERE abs(hashtext(conversation_id)) % 9 = {remainder}"
            )
    page = demo_store.search(limit=1000)
    assert len(page.items) == page.total == 240
    return list(page.items)


@pytest.fixture
def reviewers(demo_store: ConvStore) -> dict[UUID, set[str]]:
    found: dict[UUID, set[str]] = {}
    with demo_store.database.admin() as connection:
        for row_id, name in connection.execute(
            "SELECT r.conversation_id, p.name FROM reviews AS r JOIN profiles AS p ON p.id = r.reviewer_id"
        ):
            found.setdefault(row_id, set()).add(name)
    assert found
    return found


def effective(row: Any, dimension: str) -> Decimal | None:
    column = DIMENSIONS[dimension]
    human: Decimal | None = getattr(row, f"human_{column}")
    return human if human is not None else getattr(row, column)


def meets(row: Conversation, reviewers: set[str], wanted: Filter) -> bool:
    quality = effective(row, "quality")
    start, end = (str(e).strip().lower().replace(" ", "_") for e in (row.starting_emotion, row.ending_emotion))
    feelings = {start, end, f"{start}>{end}", f"{start}>", f">{end}"}
    return all(
        (
            not wanted.statuses or row.status in wanted.statuses,
            not wanted.tiers or row.tier in wanted.tiers,
            not wanted.personas or (row.persona_key or "") in wanted.personas,
            not wanted.arcs or (row.emotional_arc_key or "") in wanted.arcs,
            not wanted.topics or (row.topic_key or "") in wanted.topics,
            not wanted.categories or row.category in wanted.categories,
            not wanted.sources or row.source_name in wanted.sources,
            not wanted.processing or row.processing_status in wanted.processing,
            not wanted.unscored or quality is None,
            wanted.min_quality is None or (quality is not None and quality >= wanted.min_quality),
            wanted.max_quality is None or (quality is not None and quality <= wanted.max_quality),
            all(
                (score := effective(row, limits.dimension)) is not None and limits.minimum <= score <= limits.maximum
                for limits in wanted.scores
            ),
            not wanted.emotions or feelings & {e.strip().lower().replace(" ", "_") for e in wanted.emotions},
            not wanted.findings or set(row.finding_codes) & set(wanted.findings),
            not wanted.reviewers or reviewers & set(wanted.reviewers),
            wanted.since is None or row.created_at >= wanted.since,
            wanted.until is None or row.created_at < wanted.until,
            not wanted.ids or {row.conversation_id, str(row.id)} & set(wanted.ids),
        )
    )


def filters(rows: list[Conversation]) -> st.SearchStrategy[Filter]:
    """Filters over values that occur, and some that do not."""

    def some(*names: str) -> st.SearchStrategy[tuple[Any, ...]]:
        found = {str(value) for name in names for row in rows if (value := getattr(row, name))}
        values = [*sorted(found), "nowhere", *([""] if names[0] in _OPTIONAL else [])]
        return st.just(()) | st.lists(st.sampled_from(values), max_size=3).map(tuple)

    score = st.integers(10, 50).map(lambda tenths: Decimal(tenths) / 10)
    ranges = st.builds(ScoreRange, st.sampled_from(list(DIMENSIONS)), score, score)
    moment = st.sampled_from([row.created_at for row in rows]) | st.sampled_from(
        [row.created_at + timedelta(microseconds=1) for row in rows]
    )
    codes = sorted({code for row in rows for code in row.finding_codes})
    return st.builds(
        Filter,
        statuses=st.just(()) | st.lists(st.sampled_from(STATUSES), max_size=3).map(tuple),
        tiers=st.just(()) | st.lists(st.sampled_from(["template", "scenario", "edge_case"]), max_size=2).map(tuple),
        personas=some("persona_key"),
        arcs=some("emotional_arc_key"),
        topics=some("topic_key"),
        categories=some("category"),
        sources=some("source_name"),
        min_quality=st.none() | score | st.just(Decimal("3.51")),
        max_quality=st.none() | score | st.just(Decimal("3.59")),
        unscored=st.sampled_from([False, False, False, True]),
        scores=st.just(()) | st.lists(ranges, max_size=2).map(tuple),
        emotions=st.just(()) | st.lists(st.sampled_from(_EMOTIONS), max_size=2).map(tuple),
        findings=st.just(()) | st.lists(st.sampled_from([*codes, "none_such"]), max_size=2).map(tuple),
        reviewers=st.sampled_from([(), (), ("Jana",), ("Nobody",)]),
        since=st.none() | moment,
        until=st.none() | moment,
        ids=st.just(()) | some("conversation_id", "id"),
    )


def test_every_filter(demo_store: ConvStore, everything: list[Conversation], reviewers: dict[UUID, set[str]]) -> None:
    @settings(max_examples=80, deadline=None)
    @given(wanted=filters(everything))
    def check(wanted: Filter) -> None:
        expected = {row.conversation_id for row in everything if meets(row, reviewers.get(row.id, set()), wanted)}
        found = demo_store.search(wanted, limit=1000)
        assert {row.conversation_id for row in found.items} == expected
        assert demo_store.count(wanted) == (len(expected), True)

    check()


def test_release_and_group(demo_store: ConvStore, tmp_path: Any) -> None:
    report = demo_store.export("messages", tmp_path / "out.jsonl", Filter(statuses=("approved",)), name="first")
    for name in ("first", str(report.release)):
        assert demo_store.count(Filter(release=name)) == (report.conversations, True)
    assert demo_store.count(Filter(release="second")) == (0, True)

    rows = demo_store.search(limit=2).items
    with demo_store.database.admin() as connection:
        for row in rows:
            connection.execute(
                "INSERT INTO duplicate_members (workspace_id, conversation_id, group_id, similarity)"
                " SELECT workspace_id, id, %s, 0.9 FROM conversations WHERE id = %s",
                [rows[0].id, row.id],
            )
    assert demo_store.count(Filter(group=str(rows[0].id))) == (2, True)


@pytest.mark.parametrize(
    "wanted",
    [
        Filter(statuses=("aproved",)),  # type: ignore[arg-type]
        Filter(tiers=("gold",)),
        Filter(processing=("done",)),
        Filter(scores=(ScoreRange("charm", Decimal(1), Decimal(5)),)),
        Filter(group="not-an-id"),
        Filter(min_quality=Decimal("NaN")),
        Filter(max_quality=Decimal("Infinity")),
        Filter(min_quality=Decimal(-1)),
    ],
)
def test_what_no_filter_can_mean_is_refused(store: ConvStore, wanted: Filter) -> None:
    with pytest.raises(UsageError):
        store.search(wanted)


def test_any_number_of_ids(demo_store: ConvStore) -> None:
    known = [row.conversation_id for row in demo_store.search(limit=3).items]
    assert demo_store.count(Filter(ids=(*known, *(f"none-{number}" for number in range(70_000))))) == (3, True)


def test_words_phrases_and_exclusions(demo_store: ConvStore, everything: list[Conversation]) -> None:
    texts: dict[str, list[str]] = {}
    with demo_store.database.admin() as connection:
        for name, content in connection.execute(
            "SELECT c.conversation_id, lower(t.content) FROM conversation_turns AS t"
            " JOIN conversations AS c ON c.id = t.conversation_id"
        ):
            texts.setdefault(name, []).append(content)

    def found(text: str) -> set[str]:
        return {row.conversation_id for row in demo_store.search(Filter(text=text), limit=1000).items}

    pension = {name for name, turns in texts.items() if any("pension" in turn for turn in turns)}
    assert found("pension") >= {n for n in pension if any(" pension " in turn for turn in texts[n])} != set()
    assert found("pensions") == found("pension"), "words are compared by their stem"
    phrase = "the pension"
    assert found(f'"{phrase}"') <= pension
    assert found("pension OR redundancy") == found("pension") | found("redundancy")
    assert found("pension -pension") == set()
    assert found("nosuchword") == set()
    assert found("   ") == set(texts)
    approved = {row.conversation_id for row in everything if row.status == "approved"}
    both = demo_store.search(Filter(text="pension", statuses=("approved",)), limit=1000).items
    assert {row.conversation_id for row in both} == found("pension") & approved


HOSTILE = [
    "'",
    '"',
    "\\",
    "& | !",
    "a:*",
    "((((",
    "<->",
    "%",
    "'; DROP TABLE conversations; --",
    "x" * 5000,
    "-",
    "the",
]


@pytest.mark.parametrize("text", [*HOSTILE, "💥", "\x1f"])
def test_hostile_text_finds_or_does_not_but_never_fails(store: ConvStore, text: str) -> None:
    assert store.count(Filter(text=text)) == (0, True)


@pytest.mark.parametrize("text", ["a\x00b", "half \ud800"])
def test_text_that_no_database_holds_is_refused_in_words(store: ConvStore, text: str) -> None:
    with pytest.raises(ConvstoreError):
        store.search(Filter(text=text))


def test_naive_times_mean_utc(demo_store: ConvStore) -> None:
    newest = demo_store.search(limit=1).items[0].created_at
    assert isinstance(newest, datetime)
    assert demo_store.count(Filter(since=newest)) == demo_store.count(Filter(since=newest.replace(tzinfo=None)))


def test_none_is_counted_as_it_is_found(demo_store: ConvStore, everything: list[Conversation]) -> None:
    without = sum(row.topic_key is None for row in everything)
    assert demo_store.count(Filter(topics=("",))) == (without, True)
    assert 0 < without < len(everything)
    assert demo_store.facets(Filter(topics=("",))).counts["tier"] == dict(
        Counter(row.tier for row in everything if row.topic_key is None)
    )
