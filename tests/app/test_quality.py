"""Quality, Coverage and Duplicates: full, empty, and what their buttons do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

import pytest
from streamlit.testing.v1 import AppTest

from convstore.checks import CHECKS
from convstore.core import ConvStore
from convstore.model import Filter
from convstore.queries.statistics.distribution import Distribution
from convstore.queries.statistics.scores import Breakdown, DimensionScores
from convstore.settings import Settings
from convstore.ui.address import filter_of, params_of
from convstore.ui.charts import cells
from convstore.ui.comparing import marked
from convstore.ui.filters import vocabulary_of
from convstore.ui.quality.standouts import WORDS, standouts
from convstore.ui.words import plain

Opener = Callable[..., AppTest]

SCREENS = ["quality", "coverage"]


def texts(app: AppTest) -> str:
    return "\n".join(str(one.value) for kind in (app.markdown, app.caption, app.text) for one in kind)


@pytest.mark.parametrize("part", ["Scores", "Feelings", "Text"])
def test_every_part_of_quality_shows_itself(open_screen: Opener, demo_store: ConvStore, part: str) -> None:
    demo_store.recheck()
    app = open_screen(demo_store.settings, "quality", part=part)
    if part != "Scores":
        app.segmented_control(key="part").set_value(part).run()
    assert not app.exception
    assert not app.error
    shown = texts(app)
    assert "240 conversations" in shown
    expected = {"Scores": "What stands out", "Feelings": "From the first feeling", "Text": "Stock phrases"}[part]
    assert expected in shown


def test_coverage_and_duplicates_show_themselves(open_screen: Opener, demo_store: ConvStore) -> None:
    demo_store.update_duplicates()
    store_targets = [{"persona": None, "arc": None, "topic": None, "tier": "template", "wanted": 100_000}]
    demo_store.set_targets(store_targets)
    app = open_screen(demo_store.settings, "coverage")
    assert not app.exception
    assert not app.error
    assert "1 target not reached" in texts(app)

    app = open_screen(demo_store.settings, "duplicates")
    assert not app.exception
    groups, conversations = demo_store.statistics.duplicate_counts()
    assert groups > 0
    assert f"{groups} groups of {conversations} conversations" in texts(app)
    app.button(key=next(b.key for b in app.button if b.key is not None and b.key.startswith("keep-"))).click().run()
    demo_store.refresh()
    assert demo_store.statistics.duplicate_counts()[0] < groups


def test_a_lead_sets_targets_and_holes_follow(open_screen: Opener, demo_store: ConvStore) -> None:
    app = open_screen(demo_store.settings, "coverage")
    app.number_input(key="everywhere").set_value(5).run()
    app.button(key="fill-targets").click().run()
    assert not app.exception
    demo_store.refresh()
    targets = demo_store.statistics.targets()
    names = demo_store.scaffolding()
    assert len(targets) == len(names["emotional_arcs"]) * len(names["training_topics"])
    assert {one.wanted for one in targets} == {5}
    holes = [one for one in targets if one.missing]
    assert holes
    assert f"{len(holes)} targets not reached, {sum(one.missing for one in holes)} conversations lacking" in texts(app)


def test_a_feeling_shows_the_spellings_that_were_folded_into_it(open_screen: Opener, demo_store: ConvStore) -> None:
    with demo_store.database.admin() as connection:
        for spelling, rest in (("Deep Worry", 0), ("deep-worry", 1)):
            connection.execute(
                "UPDATE conversations SET starting_emotion = %s WHERE abs(hashtext(conversation_id)) %% 40 = %s",
                [spelling, rest],
            )
    demo_store.refresh()
    spellings = demo_store.statistics.emotion_flow().spellings["deep_worry"]
    assert set(spellings) == {"Deep Worry", "deep-worry"}
    app = open_screen(demo_store.settings, "quality")
    app.segmented_control(key="part").set_value("Feelings").run()
    app.selectbox(key="feeling").set_value("deep_worry").run()
    assert f"Spelled {', '.join(f'{plain(label)} {count}' for label, count in spellings.items())}" in texts(app)


@pytest.mark.parametrize("screen", SCREENS)
def test_numbers_say_when_they_were_found_and_are_found_anew_at_will(
    open_screen: Opener, demo_store: ConvStore, screen: str
) -> None:
    app = open_screen(demo_store.settings, screen)
    assert "As of " in texts(app)
    shown = texts(app)
    # Behind the app's back: without triggers nobody is told, so only who asks anew can know.
    with demo_store.database.admin() as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("UPDATE conversations SET is_active = false, deleted_at = now() WHERE tier = 'template'")
    assert texts(app.run()) == shown
    app.button(key="refresh").click().run()
    assert not app.exception
    assert texts(app) != shown


def test_the_filter_form_counts_findings(open_screen: Opener, demo_store: ConvStore) -> None:
    (code, count), *_ = demo_store.statistics.finding_facet().items()
    app = open_screen(demo_store.settings, "browse")
    assert any(one.value.startswith(f"{CHECKS[code].label} {count} · ") for one in app.sidebar.caption)
    app.sidebar.multiselect(key="finding").set_value([code]).run()
    assert not app.exception
    assert any(one.value.startswith(f"{CHECKS[code].label} {count} · ") for one in app.sidebar.caption)


def test_keys_without_scaffolding_and_none_can_be_filtered_by(demo_store: ConvStore) -> None:
    with demo_store.database.admin() as connection:
        connection.execute(
            "UPDATE conversations SET persona_key = 'a_stranger'"
            " WHERE id IN (SELECT id FROM conversations WHERE is_active LIMIT 3)"
        )
    demo_store.refresh()
    vocabulary = vocabulary_of(demo_store)
    wanted = Filter(personas=("a_stranger", ""), topics=("",), emotions=("grief>calm",))
    assert params_of(wanted, vocabulary)["persona"] == ["A stranger", "No persona"]
    assert filter_of(params_of(wanted, vocabulary), vocabulary) == wanted
    assert demo_store.count(Filter(personas=("a_stranger",))) == (3, True)


@pytest.mark.parametrize("screen", [*SCREENS, "duplicates"])
def test_an_empty_store_has_a_way_out(open_screen: Opener, settings: Settings, store: ConvStore, screen: str) -> None:
    app = open_screen(settings, screen)
    assert not app.exception
    assert not app.error
    expected = "No copies" if screen == "duplicates" else "No conversations yet"
    assert expected in texts(app)


def test_what_stands_out_is_said_in_sentences() -> None:
    flat = Distribution({Decimal("3.0"): 50})
    people = Distribution({Decimal("2.0"): 50})
    scores = {
        name: DimensionScores(file=flat, people=people, pairs={(Decimal("3.0"), Decimal("2.0")): 50}) for name in WORDS
    }
    months = Breakdown(by="month", dimension="quality", groups=())
    found = standouts(Filter(), scores, (), (), months)
    assert found[0].sentence == "The file column Quality says 3.0 everywhere. It carries no information."
    assert found[0].wanted is not None
    assert found[0].wanted.scores[0].dimension == "file.quality"
    assert found[5].sentence == "People score quality 1.0 points lower than the files do."
    assert found[5].link == "50 differ by 1 or more"


def test_every_cell_of_a_heat_map_has_a_point_to_press() -> None:
    made = cells(["north", "south"], ["old", "new"], [[1, 2], [3, None]], [["1", "2"], ["3", ""]], hover="%{text}")
    points = made.data[1]
    assert list(zip(points.y, points.x, points.text, strict=True)) == [
        (0, 0, "1"), (0, 1, "2"), (1, 0, "3"), (1, 1, ""),
    ]  # fmt: skip
    assert [tuple(pair) for pair in points.customdata][:2] == [("north", "old"), ("north", "new")]
    # Wherever in a cell the press is, the nearest point is the cell's own.
    assert made.layout.hoverdistance == -1


def test_a_difference_marks_only_what_differs() -> None:
    one, other = marked("the rent went up by ten", "the rent went down by ten")
    assert one == "the rent went :orange-background[**up**] by ten"
    assert other == "the rent went :blue-background[**down**] by ten"
    hostile, _ = marked("see [this](http://example.org) now", "see that now")
    assert "http:" not in hostile
