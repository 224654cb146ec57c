"""The editor of a flow's settings: faults at their lines as one types, saving, and a first text."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import streamlit as st

from data import formats
from data.errors import UnsnagError
from flows import proposal
from flows.kept import MOST_NOTE
from server import flow_files
from views.components.editor import editor
from views.flows.draft import EDITOR
from views.kit.acting import say
from views.kit.markdown import escape
from views.kit.person import context
from views.kit.saving import saving_row, written

if TYPE_CHECKING:
    from flows.seen import SeenFlow
    from server.context import ServerContext
    from views.flows.draft import Draft

_NOTE: Final = "flow_note"


def editing(ctx: ServerContext, seen: SeenFlow, draft: Draft) -> None:
    """Draw the editor with what counts now above it and what is wrong below it."""
    may, found = ctx.may("flow.settings"), draft.looked_at()
    empty = not draft.current().strip()
    _origin(ctx, seen, draft, may=may)
    _meanwhile(seen, draft)
    faults = [] if empty else found.faults
    editor(
        draft.text, key=EDITOR, token=draft.token, faults=faults, read_only=not may, label="Settings, as YAML"
    )
    _saving(seen, draft, may=may, is_good=found.settings is not None)


def _origin(ctx: ServerContext, seen: SeenFlow, draft: Draft, *, may: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**Settings**  \n:gray[{_counts(ctx, seen)}]", width="stretch")
        st.button(
            "Make settings from what was observed",
            icon=":material/auto_awesome:",
            type="primary" if may and not draft.current().strip() else "tertiary",
            disabled=not may,
            on_click=_propose,
            args=(draft,),
            help="Puts a text into the editor, made from the newest completed units. Nothing is saved yet.",
        )


def _counts(ctx: ServerContext, seen: SeenFlow) -> str:
    if seen.version is None or seen.settings is None:
        return "There are none yet."
    version = seen.version
    moment = formats.clock(version.saved_at, ctx.settings.zone, ctx.now())
    by = "changed on the disk" if version.author == "file" else f"by {escape(version.author)}"
    return f"Version {version.version} counts, {by}, {moment}, in the file {escape(version.file)}."


def _meanwhile(seen: SeenFlow, draft: Draft) -> None:
    """Name a broken file, and somebody who was faster."""
    if seen.faults:
        what = " ".join(escape(str(one)) for one in seen.faults[:3])
        st.error(
            f"The file {escape(seen.file or '')} is refused. {what} The last good version counts. "
            "Fix the file, or save here to replace it.",
            icon=":material/error:",
        )
    version = seen.version
    if version is not None and version.version != draft.version:
        who = "The file on the disk" if version.author == "file" else escape(version.author)
        st.warning(
            f"{who} changed these settings meanwhile. Your text is still here.", icon=":material/group:"
        )
        with st.container(horizontal=True, gap="small"):
            st.button("Load theirs", on_click=draft.load, args=(version.text or "", version.version))
            st.button("Keep mine", on_click=draft.rest_on, args=(version.version,))


def _propose(draft: Draft) -> None:
    ctx = context()
    draft.load(proposal.propose(ctx.reading, draft.flow, ctx.actor.name))


def _saving(seen: SeenFlow, draft: Draft, *, may: bool, is_good: bool) -> None:
    if not may:
        st.caption(":material/lock: Changing settings needs the approver role. You can look at them here.")
        return
    number = seen.version.version if seen.version else 0
    is_new = draft.current() != (seen.version.text if seen.version else None) or bool(seen.faults)
    saving_row(
        number + 1,
        _save,
        (draft,),
        note=_NOTE,
        longest=MOST_NOTE,
        can_save=is_good and is_new and number == draft.version,
    )
    if is_good and is_new:
        st.caption("Not saved yet. What is saved counts at once, and is written to the file.")


def _save(draft: Draft) -> None:
    text, note = draft.current(), written(_NOTE)
    try:
        done = flow_files.save(context(), draft.flow, text, draft.version, note, key=uuid.uuid4().hex)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return
    draft.load(text, done["version"])
    st.session_state[_NOTE] = ""
    say(f"Version {draft.version} counts now", ":material/check_circle:")
