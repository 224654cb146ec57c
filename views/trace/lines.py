"""The story of a unit as a table."""

from __future__ import annotations

from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

import streamlit as st

from data import formats
from views.kit.state import choose, go, param, preset, several
from views.trace import story
from views.trace.detail import TONES, time_of_day

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cases.case import Case
    from cases.queries import AuditEntry
    from cases.unit import Records
    from server.context import ServerContext


STORY_LINES: Final = 400


def story_section(
    ctx: ServerContext, found: Records, acts: Sequence[AuditEntry] = (), cases: Sequence[Case] = ()
) -> None:
    """Draw the story, and the choice of what it shows."""
    lines = story.story(found, acts, cases)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### Story")
        st.space("stretch")
        kinds = _kinds()
    chosen = story.chosen(lines, kinds)
    if not chosen:
        st.caption(f"No lines of these kinds. {formats.count(len(lines), 'line')} of other kinds.")
        return
    shown = chosen if param("all") else chosen[:STORY_LINES]
    st.html(_story_table(shown, ctx.settings.zone))
    if len(shown) < len(chosen):
        st.button(
            f"Show all {len(chosen):,} lines", on_click=go, kwargs={"all": "1"}, icon=":material/unfold_more:"
        )


def _kinds() -> list[str]:
    chosen_kinds = [kind for kind in several("show") if kind in story.KINDS]
    kinds = chosen_kinds or ([] if param("show") else list(story.USUAL))
    preset("story_kinds", kinds)
    st.pills(
        "Show",
        list(story.KINDS),
        key="story_kinds",
        selection_mode="multi",
        format_func=story.KINDS.__getitem__,
        label_visibility="collapsed",
        on_change=_show_kinds,
    )
    return kinds


def _show_kinds() -> None:
    kinds = [kind for kind in story.KINDS if kind in st.session_state["story_kinds"]]
    choose("show", None if kinds == list(story.USUAL) else kinds or "none")


def _story_table(lines: Sequence[story.Line], zone: str) -> str:
    after = [0.0, *((later.time - earlier.time).total_seconds() for earlier, later in pairwise(lines))]
    days = [line.time.astimezone(ZoneInfo(zone)).date() for line in lines]
    rows = []
    for n, (line, gap) in enumerate(zip(lines, after, strict=True)):
        names_day = n == 0 or days[n] != days[n - 1]
        when = formats.clock(line.time, zone) if names_day else time_of_day(line.time, zone)
        rows.append(_story_row(line, when, gap if n else None))
    head = "<tr><th>Time</th><th>After</th><th>Where</th><th></th><th>What happened</th></tr>"
    return f'<table class="story"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _story_row(line: story.Line, when: str, gap: float | None) -> str:
    delta = "" if gap is None else f"+{formats.duration(gap)}"
    return (
        f'<tr><td class="when">{when}</td><td class="after">{delta}</td>'
        f'<td class="lane">{escape(line.lane)}</td>'
        f'<td><span class="sign" aria-hidden="true" style="color:{TONES[line.tone]}">{line.icon}</span></td>'
        f'<td class="what">{escape(line.words)}</td></tr>'
    )
