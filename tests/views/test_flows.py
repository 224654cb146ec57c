"""Flows: the table and the editor over a real store; who may not change settings reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest  # noqa: TC002 - the fixtures need it while they run
from streamlit.testing.v1 import AppTest

from audit.actor import Actor
from server.flow_files import save
from tests.telemetry import batch, failure, success

if TYPE_CHECKING:
    from server.container import Container

OWN = Actor("ann")


def _page() -> None:
    from views.flows.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


def visited(**address: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.code, *app.warning, *app.error, *app.get("html")]
    return "\n".join(str(getattr(part, "value", None) or part.proto.body) for part in parts)


def press(app: AppTest, label: str) -> AppTest:
    """Press a button that can be pressed."""
    (found,) = (one for one in app.button if one.label == label)
    assert not found.disabled
    found.click().run()
    assert not app.exception
    return app


def test_an_empty_store_says_what_to_do(container: Container) -> None:
    assert container.flows.settings == {}
    assert "No records yet." in everything(visited())


def test_flows_seen_in_telemetry_are_listed_with_what_their_settings_say(container: Container) -> None:
    container.store.append(batch(failure(1), success(30, "SO-2"))).result()
    container.store.append(batch(failure(5, "R-1", flow="<b>returns</b>"))).result()
    text = "flow: order-to-cash\nowner: eve\ncriticality: high\n"
    save(container.context(OWN), "order-to-cash", text, 0, None)
    shown = everything(visited())
    assert "2 flows" in shown
    assert "1 without settings" in shown
    assert "&lt;b&gt;returns&lt;/b&gt;" in shown
    assert "<b>returns" not in shown
    assert "eve" in shown


def test_settings_are_made_from_what_was_observed_and_saved(container: Container) -> None:
    container.store.append(batch(success(30, "SO-2"))).result()
    app = visited(flow="order-to-cash")
    assert "There are none yet." in everything(app)
    press(app, "Make settings from what was observed")
    assert container.flows.settings == {}
    assert "Not saved yet." in everything(app)
    assert "not used yet" not in everything(app), "every key that is proposed has an effect"
    app.text_input(key="flow_note").set_value("a beginning").run()
    press(app, "Save as version 1")
    assert container.flows.settings["order-to-cash"].criticality == "medium"
    shown = everything(app)
    assert "Version 1 counts" in shown
    assert "a beginning" in shown
    assert [one.disabled for one in app.button if one.label == "Save as version 2"] == [True]


def test_a_change_of_somebody_else_is_shown_and_nothing_is_overwritten(container: Container) -> None:
    container.store.append(batch(success(30, "SO-2"))).result()
    app = visited(flow="order-to-cash")
    press(app, "Make settings from what was observed")
    save(container.context(Actor("bob")), "order-to-cash", "flow: order-to-cash\nowner: bob\n", 0, None)
    app.run()
    assert "bob changed these settings meanwhile" in everything(app)
    press(app, "Load theirs")
    assert "meanwhile" not in everything(app)
    assert "The editor holds version 1" in everything(app)


def test_a_broken_file_is_shown_with_its_line(container: Container) -> None:
    save(container.context(OWN), "order-to-cash", "flow: order-to-cash\nowner: eve\n", 0, None)
    container.flow_files._ctx = container.as_system()
    container.flow_files.look()
    (container.flow_files.folder / "order-to-cash.yaml").write_text("flow: order-to-cash\nownr: eve\n")
    container.flow_files.look()
    container.flow_files.look()
    assert "Do you mean owner?" in everything(visited())
    shown = everything(visited(flow="order-to-cash"))
    assert "Line 2: The key ownr is not known" in shown.replace("\\", "")
    assert "Version 1 counts" in shown


def test_who_may_not_change_them_reads_only(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    may = type(container.authority).may
    monkeypatch.setattr(
        type(container.authority), "may",
        lambda self, actor, act, *on, **more: act != "flow.settings" and may(self, actor, act, *on, **more),
    )  # fmt: skip
    container.store.append(batch(success(30, "SO-2"))).result()
    app = visited(flow="order-to-cash")
    assert "needs the approver role" in everything(app)
    assert [one.label for one in app.button if one.label.startswith("Save")] == []


def test_a_flow_that_is_none_says_what_to_do(container: Container) -> None:
    assert container.flows.settings == {}
    assert "There is no flow" in everything(visited(flow="nobody"))
