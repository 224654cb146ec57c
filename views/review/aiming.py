"""The target and the owner of a figure, set on its tile."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from kpis.targets import SetTarget
from views.review import held
from views.review.acting import do
from views.review.shown import forget

if TYPE_CHECKING:
    from kpis.weeks import Stated
    from views.review.shown import Shown


def button(kpi_id: str, one: Stated, review: Shown) -> None:
    """Draw the button that opens the target of a figure; for drafts, and for those who may set one."""
    if review.may_aim and st.button("Target…", key=f"target_{kpi_id}", type="tertiary"):
        st.dialog(f"Target of {one.name}", width="small")(_ask)(kpi_id, one)


def _ask(kpi_id: str, one: Stated) -> None:
    with st.form(f"set_target_{kpi_id}", border=False):
        aim = "at least" if one.better == "up" else "at most"
        target = st.number_input(f"Target: {aim}, in {one.unit}; empty for none", value=one.target)
        owner = st.text_input("Who answers for it: a team", one.owner or "", max_chars=200)
        more = held.ask(kpi_id)
        sent = st.form_submit_button("Set the target", type="primary", icon=":material/flag:")
    if sent:
        do(SetTarget(kpi_id, target, owner.strip() or None), f"The target of {one.name} is set")
        if more:
            do(more, f"The target of {one.name} is set, and what it is held against")
        forget()
        st.rerun()
