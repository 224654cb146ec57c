"""The versions of a flow's settings: who changed them when and why, and how they differ."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from flows import kept
from views.kit.markdown import escape

if TYPE_CHECKING:
    from flows.kept import Version
    from server.context import ServerContext
    from views.flows.draft import Draft

_SHOWN: Final = 20


def history(ctx: ServerContext, draft: Draft) -> None:
    """Draw the versions, the newest first, each with its difference to what stands in the editor."""
    found = kept.versions(ctx.reading, draft.flow)
    if not found:
        return
    st.subheader("Versions", anchor=False)
    with st.container(key="flow_history", gap="xxsmall"):
        for one in found[:_SHOWN]:
            st.markdown(_line(ctx, one, is_newest=one == found[0]))
    texts = {one.version: one for one in found if one.text is not None}
    chosen = st.selectbox(
        "Compare with what stands in the editor",
        list(texts),
        format_func=lambda number: f"Version {number}, {_by(texts[number])}",
        key=f"flow_version_{draft.flow}",
    )
    if chosen is not None:
        _compared(ctx, texts[chosen], draft)


def _line(ctx: ServerContext, one: Version, *, is_newest: bool) -> str:
    what = f"version {one.version}" if one.text is not None else "settings removed"
    now = " · :green[**counts now**]" if is_newest and one.text is not None else ""
    note = f": {escape(one.note)}" if one.note else ""
    moment = formats.clock(one.saved_at, ctx.settings.zone, ctx.now())
    return f":gray[{moment}] **{escape(_by(one))}** {what}{note}{now}"


def _by(one: Version) -> str:
    return "changed on the disk" if one.author == kept.FILE else one.author


def _compared(ctx: ServerContext, one: Version, draft: Draft) -> None:
    before = one.text or ""
    diff = difflib.unified_diff(
        before.splitlines(), draft.current().splitlines(), f"version {one.version}", "the editor", lineterm=""
    )
    text = "\n".join(diff)
    if text:
        st.code(text, language="diff", wrap_lines=True)
    else:
        st.caption(f"The editor holds version {one.version} as it was saved.")
    if text and ctx.may("flow.settings"):
        st.button("Load into the editor", on_click=draft.load, args=(before,), icon=":material/edit_note:")
