"""Mapping: the page reads, tries and saves; who may not change it reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from streamlit.testing.v1 import AppTest

from access.commands import perform
from audit.actor import Actor
from collectors.kept_mappings import SaveMapping
from collectors.sources import Sources
from server import container as containers
from server.container import Container
from server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _page() -> None:
    from views.mapping.page import page  # noqa: PLC0415 - runs inside Streamlit's script

    page()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    (tmp_path / "press.log").write_text('{"event":"lost SO-1","mail":"ann@example.com"}\n{"event":\n')
    settings = Settings.model_validate({
        "data": tmp_path / "store", "spool": tmp_path / "spool",
        "collectors": {
            "jsonl": [
                {"name": "press", "paths": [str(tmp_path / "press.log")]},
                {"name": "van", "paths": [str(tmp_path / "van.log")], "mapping": "vans"},
            ],
            "mappings": {"vans": {"step": "action"}},
        },
    })  # fmt: skip
    opened = Container.open(settings)
    opened.collectors = Sources(opened.store, settings.collectors, (), "", opened.mappings)
    containers.install(opened)
    yield opened
    containers.install(None)
    opened.close()


def visited(**address: str) -> AppTest:
    app = AppTest.from_function(_page, default_timeout=60)
    for name, value in address.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


def everything(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.code, *app.warning]
    return "\n".join(str(part.value) for part in parts)


def button(app: AppTest, label: str) -> bool:
    """Return whether a button can be pressed."""
    (found,) = (one for one in app.button if one.label == label)
    return not found.disabled


def test_it_begins_with_a_proposal_and_says_what_cannot_be_read(container: Container) -> None:
    app = visited(source="press")
    shown = everything(app)
    assert "No mapping counts yet" in shown
    assert "ann@example.com" not in shown
    assert "1 line not readable" in shown
    assert "Line 2 cannot be read" in shown
    assert button(app, "Save as version 1")
    assert container.collectors is not None


def test_it_saves_reverts_and_switches_off(container: Container) -> None:
    app = visited(source="press")
    app.text_input(key="mapping_note").set_value("first").run()
    next(one for one in app.button if one.label == "Save as version 1").click().run()
    assert not app.exception
    assert "press" in container.mappings.kept
    shown = everything(app)
    assert "Version 1 counts" in shown
    assert "first" in shown
    assert not button(app, "Save as version 2")
    next(one for one in app.button if one.label == "Switch off").click().run()
    assert "press" not in container.mappings.kept
    next(one for one in app.button if one.label == "Revert to version 1").click().run()
    assert "press" in container.mappings.kept


def test_a_mapping_of_the_file_is_shown_and_can_be_copied(container: Container) -> None:
    app = visited(name="vans")
    assert "The config file's mapping counts" in everything(app)
    assert "This source has brought nothing yet." in everything(app)
    assert button(app, "Save as version 1")
    assert container.mappings.kept == {}


def test_a_change_of_somebody_else_is_shown(container: Container) -> None:
    app = visited(source="press")
    perform(SaveMapping("press", 0, text="step = 'theirs'"), container.context(Actor("bob")))
    app.run()
    assert "bob changed this mapping meanwhile" in everything(app)
    assert not button(app, "Save as version 2")
    next(one for one in app.button if one.label == "Load theirs").click().run()
    assert "meanwhile" not in everything(app)


def test_who_may_not_change_it_reads_only(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    may = type(container.authority).may
    monkeypatch.setattr(
        type(container.authority), "may",
        lambda self, actor, act, *on, **more: act != "mapping.change" and may(self, actor, act, *on, **more),
    )  # fmt: skip
    app = visited(source="press")
    assert "needs the approver role" in everything(app)
    assert [one.label for one in app.button if one.label.startswith("Save")] == []


def test_a_name_that_nothing_has_says_what_to_do(container: Container) -> None:
    assert container.mappings.in_file
    assert "There is no mapping" in everything(visited(name="nobody"))
