"""Signing out: what one has claimed is given back first, with a note for the next person."""

from __future__ import annotations

import contextlib
from typing import Any

import streamlit as st

from access.errors import SignedOutError
from access.sessions import sign_out
from cases.holding import ReleaseAll
from cases.queries import my_claims
from data import formats
from views.kit.acting import do
from views.kit.person import context


def sign_out_button(key: str, kind: Any = "tertiary") -> None:
    """Draw the button; somebody with claims is asked what becomes of them."""
    if not st.button("Sign out", icon=":material/logout:", type=kind, key=key):
        return
    with contextlib.suppress(SignedOutError):
        ctx = context()
        if held := my_claims(ctx.reading, ctx.actor.name).cases:
            _leave(held)
            return
        sign_out(ctx)
    st.rerun()


@st.dialog("Sign out", width="medium")
def _leave(held: int) -> None:
    """Ask for a hand-over note, and give the claims back."""
    st.markdown(
        f"You hold {formats.count(held, 'claim')}. Release them so that others can go on. "
        "Claims that you keep return to the queue when their time has run out."
    )
    note = hand_over_note("leave_note")
    with st.container(horizontal=True, gap="small"):
        release = st.button("Release all and sign out", key="leave_release", type="primary")
        keep = st.button("Keep the claims and sign out", key="leave_keep")
    if release or keep:
        with contextlib.suppress(SignedOutError):
            if release and do(ReleaseAll(note or None)) is None:
                return
            sign_out(context())
        st.rerun()


@st.dialog("Release all", width="medium")
def release_all_dialog() -> None:
    """Ask for a hand-over note, and give all claims back."""
    ctx = context()
    held = my_claims(ctx.reading, ctx.actor.name).cases
    st.markdown(f"You hold {formats.count(held, 'claim')}. A retry that runs stays with you.")
    note = hand_over_note("release_all_note")
    label = f"Release {formats.count(held, 'exception')}"
    if st.button(label, key="release_all_now", type="primary", icon=":material/undo:", disabled=not held):
        do(ReleaseAll(note or None), f"{formats.count(held, 'exception')} released")
        st.rerun()


def hand_over_note(key: str) -> str:
    """Ask for a note to the next person; it stands in the history of each exception."""
    return st.text_area(
        "Hand-over note (optional)", key=key, max_chars=2000,
        placeholder="What did you find out, and what is left to do?",
    ).strip()  # fmt: skip
