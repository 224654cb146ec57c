"""The history of a mapping: who changed it when and why, how versions differ, and the way back."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

import streamlit as st

from collectors.kept_mappings import OFF, RevertMapping, SwitchOffMapping
from data import formats
from server.mappings import SAVED
from views.kit.markdown import escape
from views.mapping.acting import change

if TYPE_CHECKING:
    from collectors.kept_mappings import MappingUse, MappingVersion
    from server.context import ServerContext
    from server.mappings import MappingHistory
    from views.mapping.draft import Draft


def history(ctx: ServerContext, found: MappingHistory, draft: Draft) -> None:
    """Draw the versions, the newest first, each with its difference to what stands in the editor."""
    if not found.uses:
        return
    st.subheader("History", anchor=False)
    versions = {one.version: one for one in found.versions}
    with st.container(key="mapping_history", gap="xxsmall"):
        for use in found.uses[:20]:
            st.markdown(_line(ctx, use, found))
    chosen = st.selectbox(
        "Compare with what stands in the editor",
        list(versions),
        format_func=lambda number: _named(versions[number]),
        key=f"mapping_version_{found.now.name}",
    )
    if chosen is not None:
        _compared(ctx, versions[chosen], found, draft)


def _line(ctx: ServerContext, use: MappingUse, found: MappingHistory) -> str:
    what = f"{use.act} version {use.version}" if use.version else OFF
    now = " · :green[**counts now**]" if use == found.uses[0] and use.version else ""
    note = f": {escape(use.note)}" if use.note else ""
    moment = formats.clock(use.changed_at, ctx.settings.zone, ctx.now())
    return f":gray[{moment}] **{escape(use.changed_by)}** {what}{note}{now}"


def _named(version: MappingVersion) -> str:
    note = f": {version.note}" if version.note else ""
    return f"Version {version.version} by {version.author}{note}"


def _compared(ctx: ServerContext, version: MappingVersion, found: MappingHistory, draft: Draft) -> None:
    diff = difflib.unified_diff(
        version.text.splitlines(), draft.current().splitlines(),
        f"version {version.version}", "the editor", lineterm="",
    )  # fmt: skip
    text = "\n".join(diff)
    if text:
        st.code(text, language="diff", wrap_lines=True)
    else:
        st.caption(f"The editor holds version {version.version} as it was saved.")
    if not ctx.may("mapping.change"):
        return
    now = found.now
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Load into the editor", on_click=draft.load, args=(version.text,), icon=":material/edit_note:"
        )
        st.button(
            f"Revert to version {version.version}",
            icon=":material/undo:",
            disabled=now.version == version.version,
            on_click=_revert,
            args=(draft, version, now.revision),
        )
        st.button(
            "Switch off",
            icon=":material/block:",
            disabled=now.counts != SAVED,
            on_click=_switch_off,
            args=(draft, now.revision),
            help="The config file's mapping of this name counts then, or none",
        )


def _revert(draft: Draft, version: MappingVersion, revision: int) -> None:
    command = RevertMapping(draft.name, revision, None, version.version)
    if change(draft, command, f"Version {version.version} counts again"):
        draft.load(version.text)


def _switch_off(draft: Draft, revision: int) -> None:
    change(draft, SwitchOffMapping(draft.name, revision, None), "What was saved counts no more")
