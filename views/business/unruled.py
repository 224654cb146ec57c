"""The line about units that are in no rate, because their flow has no success rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from kpis.unruled import unruled
from views.kit.markdown import escape

if TYPE_CHECKING:
    from data.store import Reading
    from kpis.periods import Period

_NAMED: Final = 3
"""Flows that the line names."""


def without_rule(reading: Reading, period: Period, flow: str | None) -> None:
    """State how many units ended without a success rule, and how to add one; nothing where there is none."""
    found = unruled(reading, period, flow)
    if not found:
        return
    units = formats.count(sum(one.units for one in found), "unit")
    flows = "a flow" if len(found) == 1 else f"{len(found)} flows"
    named = ", ".join(escape(one.flow) for one in found[:_NAMED])
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    st.info(
        f"**{units} ended in {flows} without a success rule**: {named}{more}. "
        "They are in no rate, because nothing says whether they succeeded. "
        "Say it with `success` in a mapping, on the page [Mapping](/mapping).",
        icon=":material/rule:",
    )
