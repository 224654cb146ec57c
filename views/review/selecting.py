"""Which work the review is about: all flows, one flow, one segment or other part. The address holds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from kpis import scoreboard
from kpis.chosen import Chosen, Selection, parts_of_splits
from kpis.definition import ids
from unsnag.fields import SPLITS
from views.kit.markdown import escape
from views.kit.state import choose, go, param, preset

if TYPE_CHECKING:
    from server.context import ServerContext
    from views.review.shown import Shown

_FLOW: Final = "review-flow"
_PART: Final = "review-part"
_WIDTH: Final = 240


def selected() -> Selection:
    """Return what the address selects: `flow=orders`, and one of the fields that figures are split by."""
    part = next((Chosen(field, param(field)) for field in SPLITS if param(field)), None)
    return Selection(param("flow") or None, part)


def choice(ctx: ServerContext, work: Selection) -> None:
    """Draw both filters; what the address names is an option, also where no unit has it."""
    flows = dict.fromkeys([*scoreboard.flows(ctx.reading), *([work.flow] if work.flow else [])])
    parts = dict.fromkeys([*parts_of_splits(ctx.reading), *([work.part] if work.part else [])])
    preset(_FLOW, work.flow)
    preset(_PART, work.part)
    with st.container(horizontal=True, key="week_work", gap="small"):
        st.selectbox(
            "Flow", list(flows), index=None, key=_FLOW, placeholder="All flows", on_change=_keep_flow,
            label_visibility="collapsed", width=_WIDTH,
        )  # fmt: skip
        if parts:
            st.selectbox(
                "Part", list(parts), index=None, key=_PART, placeholder=f"Every {SPLITS[0]}",
                format_func=_named, on_change=_keep_part, label_visibility="collapsed", width=_WIDTH,
            )  # fmt: skip


def _named(part: Chosen) -> str:
    return f"{part.field.replace('_', ' ').capitalize()}: {part.value}"


def _keep_flow() -> None:
    choose("flow", st.session_state[_FLOW])


def _keep_part() -> None:
    part: Chosen | None = st.session_state[_PART]
    go(**{field: part.value if part and part.field == field else None for field in SPLITS})


def explain(review: Shown) -> None:
    """Draw what a part of the work shows, and what it leaves out."""
    if not review.work.is_all:
        st.info(escape(" ".join(sentences(review))), icon=":material/filter_alt:")


def sentences(review: Shown) -> list[str]:
    """Return what a part of the work shows, and what it leaves out, as sentences."""
    found = [f"Only {review.work}."]
    if review.kept:
        found.append(_of_frozen(review))
    missing = [one for one in ids() if one not in review.content.figures]
    if missing:
        found.append(f"Not kept by this part: {', '.join(missing)}.")
    found.append("What people wrote is about all flows; writing and freezing are done there.")
    return found


def _of_frozen(review: Shown) -> str:
    kept = len(review.as_frozen)
    rest = formats.count(len(review.content.figures) - kept, "figure")
    if not kept:
        return (
            "The week was frozen over all flows and keeps no figures of this part: everything here is "
            "computed now, with late records."
        )
    return (
        f"The week was frozen over all flows: {formats.count(kept, 'figure')} of this part are as of the "
        f"freeze; {rest} and all sections below the scoreboard are computed now, with late records."
    )
