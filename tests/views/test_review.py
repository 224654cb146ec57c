"""The page Weekly review, drawn over a real store."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from data.clock import utc_now
from kpis import periods
from kpis.chosen import Chosen, Selection
from kpis.definition import ids
from kpis.freezing import freeze
from kpis.objectives import SetBaseline, SetObjective, baseline
from kpis.periods import Period, week_of
from kpis.review.actions import AddAction, CloseAction
from kpis.review.entries import SECTIONS, AddEntry, WriteNote
from kpis.targets import SetTarget
from kpis.weeks import CommentOnFigure
from server import container
from server.settings import Settings
from tests.kpis.tables import START, Tables
from views.review import acting, export, held
from views.review.shown import shown

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from access.commands import Command
    from server.context import ServerContext

WEEK, BEFORE = "2026-W10", "2026-W09"
HOURS = 7 * 24
HOSTILE = "<img src=x onerror=alert(1)>**[x](http://evil.example)"


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Tables]:
    running = container.Container.open(Settings(data=tmp_path))
    container.install(running)
    st.cache_data.clear()
    yield Tables(running.store)
    container.install(None)
    running.store.close()


def ctx(name: str = "ann") -> ServerContext:
    return container.current().context(Actor(name))


def do(command: Command[Any, Any, Any]) -> Any:
    return perform(command, ctx())


def fill(tables: Tables, flow: str = "orders") -> None:
    """Write two weeks: 39 of 40 units succeed, then 20 of 40; the others are stuck with 10 EUR each."""
    for n in range(40):
        end = {"failed": 3 - HOURS} if n == 0 else {"done": 3 - HOURS}
        tables.unit(f"A-{n}", flow=flow, opened=1 - HOURS, segment="b2b" if n % 2 else "shop", **end)
        end = {"failed": 3} if n % 2 else {"done": 3}
        tables.unit(f"B-{n}", flow=flow, opened=1, segment="b2b" if n % 2 else "shop", **end)
        if n % 2:
            tables.case(f"C{n}", f"B-{n}", flow=flow, opened=3, value="10 EUR", title=HOSTILE)
            tables.attempt(f"B-{n}", "ship", 3, "infrastructure", flow=flow)


def opened(**address: str) -> AppTest:
    def script() -> None:
        from views.review import page as review  # noqa: PLC0415 - the script is run from its source

        review.page()

    app = AppTest.from_function(script, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error, *app.get("html")]
    found = (str(getattr(one, "value", None) or one.proto.body) for one in elements)
    return "\n".join(found).replace("\\", "")  # what escapes Markdown


def buttons(app: AppTest) -> set[str]:
    return {one.label for one in app.button}


def comment_on_all() -> None:
    for kpi in shown(ctx(), WEEK).content.uncommented:
        do(CommentOnFigure(WEEK, kpi, "The carrier was down for a day."))


def test_all_sections_are_there_in_their_order_each_with_its_headline(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    headings = [one.value for one in app.markdown if str(one.value).startswith("### ")]
    assert headings == [f"### {name}" for name in SECTIONS.values()]
    text = texts(app)
    for line in (
        "No promises open.",
        "No figure has a target yet. Set one on a tile.",
        "40 units finished, 20 without a person. The week before: 40, 39 without a person.",
        "Open backlog, Errors per 1,000, Success rate. 3 comments missing.",
        "Most units failed at ship: 20; 0 the week before.",
        "€0.00 recovered, €0.00 of it automatically; €200.00 still at risk.",
        "20 open, the oldest for 6 d 21 h. 20 came in, 0 went out.",
        "0 wins, 0 misses. Write at least one of each.",
        "0 decisions, 0 actions.",
    ):
        assert line in text, line


def test_a_draft_shows_what_moved_and_who_made_it_move(tables: Tables) -> None:
    fill(tables)
    text = texts(opened(week=WEEK))
    assert "▼ -47.5 pt" in text
    assert "Own rates moved it by -47.50 pt, the mix of work by 0.00 pt." in text
    assert re.search(r"<td>b2b</td>.*?100 %.*?0 %.*?-50\.00 pt", text)


def test_a_comment_is_asked_for_and_then_shown(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    app.text_area(key="comment_text_K19").set_value("The carrier was down.")
    saves = [one for one in app.button if one.label == "Save the comment"]
    saves[-1].click().run()
    assert "2 comments missing" in texts(app)
    assert shown(ctx(), WEEK).content.figures["K19"].comment == "The carrier was down."


def test_the_dialog_names_what_is_frozen_and_refuses_without_comments(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    app.button(key="week_freeze").click().run()
    assert app.button(key="week_freeze_now").disabled
    assert "A comment is missing on Open backlog, Errors per 1,000, Success rate" in texts(app)
    comment_on_all()
    app = opened(week=WEEK)
    app.button(key="week_freeze").click().run()
    assert f"{len(ids())} figures, 3 comments, 0 wins, misses and decisions, 0 actions and 0 notes" in texts(
        app
    )
    assert not app.button(key="week_freeze_now").disabled
    freeze(ctx(), WEEK, "UTC")  # tests/journeys clicks it
    app = opened(week=WEEK)
    assert ":blue-badge[Frozen]" in texts(app)
    assert "week_freeze" not in {one.key for one in app.button}


def test_a_frozen_week_stays_and_what_is_known_later_stands_beside_it(tables: Tables) -> None:
    fill(tables)
    comment_on_all()
    do(AddAction(BEFORE, "Call the carrier", "ann"))
    do(AddEntry(WEEK, "win", "No order was lost"))
    do(WriteNote(WEEK, "money", "Ask finance"))
    freeze(ctx(), WEEK, "UTC")
    for n in range(10):
        tables.unit(f"late {n}", opened=1, done=6)
    st.cache_data.clear()
    app = opened(week=WEEK)
    text = texts(app)
    assert "50.0 %" in text
    assert "Restated: 60.0 %, n 50 (late records)" in text
    assert "figures would be different now" in text
    for written in (
        "Call the carrier",
        "No order was lost",
        "Ask finance",
        "The carrier was down for a day.",
    ):
        assert written in text
    assert not buttons(app) & {"Save the comment", "Note…", "Add a win…", "Add an action…", "Done", "Remove"}


def test_an_altered_week_is_named(tables: Tables) -> None:
    fill(tables)
    comment_on_all()
    freeze(ctx(), WEEK, "UTC")
    altered = "update frozen_week set content = replace(content, 'for a day', 'for an hour')"
    tables.store.act(lambda tx: tx.execute(altered)).result()
    assert "was altered after it was frozen" in texts(opened(week=WEEK))


def test_promises_are_carried_over_overdue_first(tables: Tables) -> None:
    fill(tables)
    late = do(AddAction(BEFORE, "Overdue one", "ann", (utc_now() - timedelta(days=2)).date(), "K19"))
    do(AddAction(BEFORE, "No date", "marek"))
    app = opened(week=WEEK)
    text = texts(app)
    assert "2 open, 1 overdue" in text
    assert text.index("Overdue one") < text.index("No date")
    assert "Success rate 97.5 % → 50.0 % since 2026-W09" in text
    app.button(key=f"done_{late['id']}").click().run()
    assert "1 open, none overdue, 1 ended since the week began" in texts(app)
    assert f"reopen_{late['id']}" in {one.key for one in app.button}


def test_targets_are_judged_in_words(tables: Tables) -> None:
    fill(tables)
    for kpi, target in (("K19", 95.0), ("K20", 10.0)):
        do(SetTarget(kpi, target, "ann"))
    text = texts(opened(week=WEEK))
    assert "1 of 2 targets reached; off target: Success rate" in text
    assert "✗ off target" in text
    assert "✓ on target" in text


def test_a_sum_is_not_held_against_its_target_while_the_week_runs(tables: Tables) -> None:
    this = periods.week(week_of(utc_now(), "UTC"), "UTC")
    begun = (this.start - START).total_seconds() / 3600
    for n in range(30):
        tables.unit(f"SO-{n}", opened=begun - 2, done=begun + 0.001)
        tables.unit(f"before {n}", opened=begun - HOURS * 3, done=begun - HOURS + 0.001)
    for kpi, target in (("K20", 1_000.0), ("K19", 99.0)):
        do(SetTarget(kpi, target, "ann"))
    text = texts(opened(week=week_of(utc_now(), "UTC")))
    assert "target 1,000 for the whole week" in text
    assert "1 figure with a target, none off target." in text
    last = texts(opened(week=week_of(this.earlier(1).start, "UTC")))
    assert "1 of 2 targets reached; off target: Throughput." in last


def test_a_frozen_week_has_its_tiles_in_the_usual_order(tables: Tables) -> None:
    fill(tables)
    comment_on_all()
    draft = [kpi for kpi, _ in shown(ctx(), WEEK).stated]
    freeze(ctx(), WEEK, "UTC")
    assert [kpi for kpi, _ in shown(ctx(), WEEK).stated] == draft == ids()


def test_telemetry_and_words_are_shown_as_they_are(tables: Tables) -> None:
    fill(tables, flow=HOSTILE)
    do(AddAction(BEFORE, HOSTILE, HOSTILE))
    do(AddEntry(WEEK, "miss", HOSTILE))
    do(WriteNote(WEEK, "money", HOSTILE))
    for kpi in shown(ctx(), WEEK).content.uncommented:
        do(CommentOnFigure(WEEK, kpi, HOSTILE))
    made = export.as_html(shown(ctx(), WEEK), utc_now())
    for text in (made, *(str(one.proto.body) for one in opened(week=WEEK).get("html"))):
        assert "<img src=x" not in text
    assert made.count("&lt;img src=x onerror=alert(1)&gt;") >= 6


def test_the_exported_file_needs_no_network(tables: Tables) -> None:
    fill(tables)
    made = export.as_html(shown(ctx(), WEEK), utc_now())
    assert not re.findall(r'(?:src|href)="(?!data:image/svg)', made)
    assert "<script" not in made
    assert "url(" not in made
    for name in SECTIONS.values():
        assert f"<h2>{name}</h2>" in made


def test_the_scoreboard_as_csv_has_raw_numbers_and_restatements(tables: Tables) -> None:
    fill(tables)
    comment_on_all()
    freeze(ctx(), WEEK, "UTC")
    tables.unit("late", opened=1, done=6)
    st.cache_data.clear()
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(export.as_csv(shown(ctx(), WEEK)).decode()))}
    assert list(rows) == list(ids())
    one = rows["K19"]
    assert (one["value"], one["n"], one["state"], one["restated_n"]) == ("50.0", "40", "frozen", "41")
    assert (rows["K8"]["value"], rows["K8"]["unit"]) == ("200.0000", "EUR")


def test_the_first_weeks_are_explained(tables: Tables) -> None:
    fill(tables)
    text = texts(opened(week=WEEK))
    assert "The trend starts after 3 weeks, usual ranges after 12" in text
    assert "trend after 3 weeks" in text
    first = texts(opened(week=BEFORE))
    assert "no full week before" in first
    assert "Nothing is off target or has clearly moved" in first


def test_an_empty_store_says_what_the_page_will_show(tables: Tables) -> None:
    del tables
    assert "No records yet" in texts(opened(week=WEEK))


@pytest.mark.parametrize("name", ["2026-W54", "week", "2026-W1", "<b>"])
def test_an_address_that_names_no_week_is_explained(tables: Tables, name: str) -> None:
    fill(tables)
    assert "There is no week" in texts(opened(week=name))


def test_a_week_to_come_is_explained(tables: Tables) -> None:
    fill(tables)
    assert "has not begun" in texts(opened(week=week_of(utc_now() + timedelta(days=8), "UTC")))


def test_without_an_address_the_last_week_is_shown_and_this_one_when_it_is_frozen(tables: Tables) -> None:
    fill(tables)
    this = week_of(utc_now(), "UTC")
    last = week_of(periods.week(this, "UTC").earlier(1).start, "UTC")
    assert f"**{last}**" in texts(opened())
    freeze(ctx(), last, "UTC")
    app = opened()
    assert f"**{this}**" in texts(app)
    assert "still runs" in texts(app)
    app.button(key="week_-1").click().run()
    assert app.query_params["week"] in (last, [last])


def test_a_week_across_the_turn_of_the_year_has_its_neighbours(tables: Tables) -> None:
    for n in range(3):
        tables.unit(
            f"SO-{n}", opened=(periods.week("2020-W53", "UTC").start - START).total_seconds() / 3600 + 5
        )
    app = opened(week="2020-W53")
    app.button(key="week_1").click().run()
    assert app.query_params["week"] in ("2021-W01", ["2021-W01"])


def test_a_figure_opens_its_rows(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK, figure="K8")
    assert "1 to 20 of 20" in texts(app)


def test_a_closed_action_of_before_is_no_promise(tables: Tables) -> None:
    fill(tables)
    made = do(AddAction(BEFORE, "Old one", "ann"))
    do(CloseAction(made["id"], "done"))
    tables.store.act(lambda tx: tx.execute("update week_action set time = '2026-02-25'")).result()
    assert "Old one" not in texts(opened(week=WEEK))


def test_a_target_is_asked_for_on_the_tile(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    app.button(key="target_K19").click().run()
    assert [one.label for one in app.number_input] == ["Target: at least, in percent; empty for none"]
    do(SetTarget("K19", 99.5, "ann"))
    st.cache_data.clear()
    assert "target 99.5 %" in texts(opened(week=WEEK))


@pytest.mark.parametrize(
    ("kpi", "labels"),
    [
        ("K14", ["Objective: a unit takes at most, in seconds; empty for none"]),
        (
            "K32",
            [
                "Name of the baseline; empty for none",
                "Its first ISO week, such as 2026-W05",
                "Its last ISO week",
            ],
        ),
    ],
)
def test_what_a_figure_is_held_against_is_asked_for_beside_its_target(
    tables: Tables, kpi: str, labels: list[str]
) -> None:
    fill(tables)
    do(SetObjective("K14", 90.0))
    do(
        SetBaseline(
            "K32", "Winter", Period(*(periods.week(name, "UTC").start for name in ("2026-W05", "2026-W09")))
        )
    )
    app = opened(week=WEEK)
    app.button(key=f"target_{kpi}").click().run()
    fields = {one.label: one.value for one in (*app.number_input, *app.text_input)}
    assert [fields[label] for label in labels] == (
        [90.0] if kpi == "K14" else ["Winter", "2026-W05", "2026-W08"]
    )


def test_weeks_of_a_baseline_are_read_when_it_is_set(tables: Tables) -> None:
    fill(tables)
    made = held._of_weeks("Winter", "2026-W05", "2026-W08", "Europe/Berlin")
    assert do(made)["end"] == periods.week("2026-W08", "Europe/Berlin").end
    acting.do(partial(held._of_weeks, "Winter", "2026-W55", "2026-W08", "UTC"), "done")
    assert baseline(ctx().reading, None).name == "Winter"
    assert held._of_weeks("", "", "", "UTC").period is None


def test_a_week_draws_where_it_hurts_its_money_and_its_backlog(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    titles = [str(one.value) for one in app.markdown]
    for title in ("Failed units by step", "Money at risk in EUR", "Open backlog and next week"):
        assert f"**{title}**" in titles
    assert len(app.get("plotly_chart")) == 3
    assert "n 20 failed units; 1 of 1 make 100 % of them." in texts(app)
    assert "A forecast takes 8 weeks; 2 so far." in texts(app)
    assert "ship · orders" in texts(app)


def test_one_flow_and_one_segment_are_shown_in_all_sections(tables: Tables) -> None:
    fill(tables)
    fill(tables, flow="invoices")
    orders = opened(week=WEEK, flow="orders")
    b2b = opened(week=WEEK, flow="orders", segment="b2b")
    assert "40 units finished, 20 without a person." in texts(orders)
    text = texts(b2b)
    for line in (
        "Only orders · segment b2b.",
        "20 units finished, 0 without a person. The week before: 20, 20 without a person.",
        "Most units failed at ship: 20; 0 the week before.",
        "Not kept by this part: K28.",
        "What people wrote is about all flows",
    ):
        assert line in text, line
    assert "20 units finished, 20 without a person." in texts(
        opened(week=WEEK, segment="shop", flow="orders")
    )
    assert not buttons(b2b) & {"Save the comment", "Freeze…", "Add a win…", "Target…"}
    assert "1 to 20 of 20" in texts(opened(week=WEEK, flow="orders", segment="b2b", figure="K19"))
    assert "No rows in this period." in texts(opened(week=WEEK, segment="nobody", figure="K8"))


def test_the_filters_stand_in_the_address(tables: Tables) -> None:
    fill(tables)
    app = opened(week=WEEK)
    app.selectbox(key="review-flow").set_value("orders").run()
    part = next(one for one in app.selectbox(key="review-part").options if "b2b" in one)
    app.selectbox(key="review-part").set_value(part).run()
    assert app.query_params["flow"] in ("orders", ["orders"])
    assert app.query_params["segment"] in ("b2b", ["b2b"])
    assert "Only orders · segment b2b." in texts(app)


def test_a_part_of_a_frozen_week_says_what_is_as_of_the_freeze(tables: Tables) -> None:
    fill(tables)
    comment_on_all()
    freeze(ctx(), WEEK, "UTC")
    for n in range(10):
        tables.unit(f"late {n}", opened=1, done=6, segment="b2b")
    st.cache_data.clear()
    b2b = Selection(part=Chosen("segment", "b2b"))
    part = shown(ctx(), WEEK, b2b)
    one = part.content.figures["K19"]
    assert (one.value, one.n, one.previous, part.as_of("K19")) == (0.0, 20, 100.0, "freeze")
    assert part.restated["K19"].n == 30
    assert part.as_of("K25") == "freeze"
    text = texts(opened(week=WEEK, segment="b2b"))
    assert f"{len(part.as_frozen)} figures of this part are as of the freeze" in text
    assert "as of the freeze" in text
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(export.as_csv(part).decode()))}
    assert (rows["K19"]["of"], rows["K19"]["as_of"], rows["K19"]["value"]) == ("segment b2b", "freeze", "0.0")
    both = shown(ctx(), WEEK, replace(b2b, flow="orders"))
    assert (both.content.figures["K19"].n, both.as_of("K19")) == (30, "now")
    words = "keeps no figures of this part: everything here is computed now"
    made = export.as_html(both, utc_now())
    assert words in made
    assert "computed now</span>" in made
    assert "Only segment b2b." in export.as_html(part, utc_now())
    assert words in texts(opened(week=WEEK, segment="b2b", flow="orders"))
