"""The panel asks for a class that is a guess, and states where any other comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamlit.testing.v1 import AppTest

from cases import queries
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from cases.case import Case
    from server.container import Container


def _panel() -> None:
    import streamlit as st  # noqa: PLC0415 - runs inside Streamlit's script

    from cases import queries  # noqa: PLC0415
    from views.kit.panel import case_panel  # noqa: PLC0415
    from views.kit.person import page_context  # noqa: PLC0415

    case_panel(queries.one(page_context().reading, st.query_params["case"]))


def case_of(container: Container) -> Case:
    (case,) = queries.listed(container.store.everything(), queries.CaseFilter(), 10, 0).items
    return case


def panel(container: Container) -> AppTest:
    app = AppTest.from_function(_panel, default_timeout=30)
    app.query_params["case"] = case_of(container).id
    app.run()
    assert not app.exception
    return app


def text_of(app: AppTest) -> str:
    return "\n".join(part.value for part in (*app.markdown, *app.caption)).replace("\\", "")


def test_a_guess_needs_a_person_and_their_answer_settles_it(container: Container) -> None:
    container.store.append(batch(failure(0, class_rule="type.IndexError 0.60 2"))).result()
    app = panel(container)
    assert "Needs you" in text_of(app)
    assert "Who can do something about this?" in text_of(app)
    assert "Rule type.IndexError, 60 % sure" in text_of(app)
    app.checkbox[0].check()
    app.button(key="panel_class_business").click()
    app.run()
    assert not app.exception
    case = case_of(container)
    assert (case.error_class, case.class_rule) == ("business", "person")
    container.store.append(batch(failure(9, "SO-2", class_rule="type.IndexError 0.60 2"))).result()
    found = queries.listed(container.store.everything(), queries.CaseFilter(text="SO-2"), 10, 0).items
    assert [(one.error_class, one.class_rule) for one in found] == [("business", "group")]


def test_a_sure_class_states_its_rule_and_can_be_corrected(container: Container) -> None:
    container.store.append(batch(failure(0, class_rule="http.503 0.95 2"))).result()
    app = panel(container)
    assert "Needs you" not in text_of(app)
    assert "Rule http.503, 95" in text_of(app)
    app.button(key="panel_class_data").click()
    app.run()
    assert case_of(container).class_rule == "person"
