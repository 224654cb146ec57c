"""Merging groups on the page: the dialogs, what is listed then, the old address, and moving one exception."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from cases import groups, queries
from cases.merging import MergeGroups
from cases.queries import CaseFilter
from tests.gates import local_context
from tests.telemetry import at
from tests.views.test_groups import HOSTILE, container, html_of, opened, two_causes

if TYPE_CHECKING:
    from cases.groups import Group
    from server.container import Container

__all__ = ["container"]
WHY = "Both are the outage of the gateway"


def merged(container: Container) -> tuple[Group, Group]:
    outage, other = two_causes(container)
    perform(MergeGroups(other.id, outage.id, WHY), local_context(container.store, Actor("ann")))
    return outage, other


def _dialog(name: str, of: str) -> None:
    from cases import groups  # noqa: PLC0415 - runs inside Streamlit's script
    from views.exceptions import merging  # noqa: PLC0415
    from views.kit import moving  # noqa: PLC0415
    from views.kit.person import page_context  # noqa: PLC0415

    ctx = page_context()
    if name == "move":
        moving.move_dialog(of)
    elif name == "merge":
        merging.merge_dialog(groups.one(ctx.reading, of, ctx.now()))
    else:
        (part,) = groups.one(ctx.reading, of, ctx.now()).merged
        merging.unmerge_dialog(part)


def dialog(name: str, of: str) -> AppTest:
    """Return an open dialog; it draws itself again with each run, as in a browser."""
    app = AppTest.from_function(_dialog, default_timeout=60, args=(name, of)).run()
    assert not app.exception
    return app


def listed(container: Container) -> dict[str, int]:
    found = groups.listed(container.store.everything(), CaseFilter(), at(60)).items
    return {group.id: group.all_cases for group in found}


def test_the_dialog_merges_a_group_into_the_one_that_is_chosen(container: Container) -> None:
    outage, other = two_causes(container)
    app = dialog("merge", other.id)
    assert app.button(key="merge_now").disabled, "no group is chosen yet"
    assert [name.split(" · ")[0] for name in app.selectbox(key="merge_into").options] == [outage.title]
    app.selectbox(key="merge_into").select(outage.id).run()
    app.button(key="merge_now").click().run()
    assert "at least 10 characters" in app.error[0].value
    assert listed(container) == {outage.id: 3, other.id: 1}
    app.text_area(key="merge_reason").input(WHY).run()
    app.button(key="merge_now").click().run()
    assert listed(container) == {outage.id: 4}


def test_a_merged_group_says_what_is_part_of_it_and_takes_it_apart(container: Container) -> None:
    outage, other = merged(container)
    assert "2 causes merged" in html_of(opened(view="groups"))
    app = opened(group=other.id)
    shown = "\n".join(part.value for part in [*app.markdown, *app.caption])
    assert "The group of this address was merged" in shown
    assert "merged by ann" in shown
    assert HOSTILE not in shown, "foreign text is escaped"
    assert {f"unmerge_{other.id}", "merge_group"} <= {button.key for button in app.button}
    app = dialog("unmerge", outage.id)
    app.text_area(key="unmerge_reason").input(WHY).run()
    app.button(key="unmerge_now").click().run()
    assert listed(container) == {outage.id: 3, other.id: 1}


def test_an_exception_is_moved_from_its_panel(container: Container) -> None:
    outage, other = two_causes(container)
    case = queries.listed(container.store.everything(), CaseFilter(group=[other.id])).items[0]
    assert "panel_move" in {button.key for button in opened(case=case.id).button}
    app = dialog("move", case.id)
    app.selectbox(key="move_to").select(outage.id).run()
    app.text_area(key="move_reason").input(WHY).run()
    app.button(key="move_now").click().run()
    assert queries.one(container.store.everything(), case.id).case.group == outage.id
    app = dialog("move", case.id)
    app.text_area(key="move_reason").input(WHY).run()
    app.button(key="move_back").click().run()
    assert queries.one(container.store.everything(), case.id).case.group == other.id
