"""Saved views on the page: choose one, and the address is what it keeps; save what the address chooses."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import saved_views
from cases.saved_views import MAX_NAME, PARAMETERS, RemoveView, SavedView, SaveView
from views.kit.acting import do
from views.kit.markdown import escape
from views.kit.person import page_context, who
from views.kit.state import choose, go, param, preset

if TYPE_CHECKING:
    from server.context import ServerContext

_KEY: Final = "saved_view"
_CLICK: Final = "save_view_click"
_WANTED: Final = "save_view_wanted"
_SAVE: Final = "+"
"""The option that saves a view: no ID is like it."""
SAVED: Final = "saved"
"""The parameter of the address that names the view; what it chooses stands in the address as well."""


def saved_views_box() -> None:
    """Draw the selector of views, which also saves one."""
    ctx = page_context()
    seen = {view.id: view for view in saved_views.seen_by(ctx.reading, who().name)}
    current = seen.get(param(SAVED))
    options = [*seen, *([_SAVE] if ctx.may("view.save") else [])]
    if not options:
        return
    preset(_KEY, current and current.id, label=current and _label(current, current))
    st.selectbox(
        "View of the queue", options, index=None, key=_KEY, label_visibility="collapsed", width=130,
        placeholder="Views",
        format_func=lambda name: "Save this view…" if name == _SAVE else _label(seen[name], current),
        on_change=lambda: _chose(seen),
    )  # fmt: skip
    if st.session_state.pop(_WANTED, False):
        _save_dialog(current)


def _chose(seen: dict[str, SavedView]) -> None:
    chosen = st.session_state[_KEY]
    if chosen == _SAVE:
        st.session_state[_WANTED] = True
        st.session_state[_CLICK] = uuid.uuid4().hex
    elif chosen is None or chosen in seen:  # else a label of before, which nobody chose
        _open(seen.get(chosen))


def _label(view: SavedView, current: SavedView | None) -> str:
    shared = f" · shared by {view.author}" if view.shared and view.author != who().name else ""
    changed = " · changed" if view is current and dict(view.chosen) != _chosen() else ""
    return f"{view.name}{shared}{changed}"


def _open(view: SavedView | None) -> None:
    """Put what a view chooses into the address; without one, nothing is chosen any more."""
    own = dict(view.chosen) if view else {}
    others = dict.fromkeys(("group", "case", "page", "after"))
    choose(SAVED, view.id if view else None, **{name: own.get(name) for name in PARAMETERS}, **others)


def _chosen() -> dict[str, str]:
    return {name: param(name) for name in PARAMETERS if param(name)}


@st.dialog("Save this view", width="medium")
def _save_dialog(current: SavedView | None) -> None:
    """Ask for the name of a new view; offer to change or remove the one that is open."""
    ctx, chosen = page_context(), _chosen()
    what = ", ".join(f"{name}: {value}" for name, value in chosen.items()) or "all open exceptions"
    st.markdown(f"It keeps what is chosen now: {escape(what)}.")
    with st.form("save_view_form", border=False):
        name = st.text_input("Name", max_chars=MAX_NAME, placeholder="Large invoices that nobody has")
        shared = st.checkbox(
            "Share it with everybody",
            disabled=not ctx.may("view.share"),
            help="Everybody who uses the queue sees its name, search and filters. "
            "All who may share can change it.",
        )
        sent = st.form_submit_button("Save", type="primary", icon=":material/bookmark_add:")
    if sent and not name.strip():
        st.error("Enter a name.", icon=":material/warning:")
    elif sent:
        _save(SaveView(name=name, shared=shared, chosen=chosen), f"The view {escape(name)} is saved")
    if current is not None and _may_change(ctx, current):
        _change(current, chosen)


def _may_change(ctx: ServerContext, view: SavedView) -> bool:
    return ctx.may("view.share") if view.shared else True


def _change(current: SavedView, chosen: dict[str, str]) -> None:
    everybody = ", for everybody" if current.shared else ""
    with st.container(horizontal=True, gap="small"):
        if st.button(
            f"Change “{current.name}” to this{everybody}", key="change_view", icon=":material/save:"
        ):
            command = SaveView(
                view_id=current.id, name=current.name, shared=current.shared, chosen=chosen,
                expected=current.version,
            )  # fmt: skip
            _save(command, f"The view {escape(current.name)} is changed")
        if st.button(f"Remove it{everybody}", key="remove_view", icon=":material/delete:"):
            if do(RemoveView(view_id=current.id), f"The view {escape(current.name)} is removed"):
                go(**{SAVED: None})
            st.rerun()


def _save(command: SaveView, done: str) -> None:
    saved = do(command, done, token=f"{st.session_state[_CLICK]}:{command.view_id}:{command.name}")
    if saved:
        go(**{SAVED: saved.id})
    st.rerun()
