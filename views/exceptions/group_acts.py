"""What a person can do with a group: claim it, give it back, write the note that stands on its exceptions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import streamlit as st

from cases import group_notes
from cases.group_claims import ClaimGroup, ReleaseGroup
from cases.group_notes import NoteGroup
from cases.notes import MAX_CHARS
from data import formats
from views.exceptions.merging import merge_button, merged_parts
from views.kit.acting import do
from views.kit.leaving import hand_over_note
from views.kit.markdown import escape, written
from views.kit.panel import group_note
from views.kit.person import page_context, who

if TYPE_CHECKING:
    from cases.group_claims import GroupClaimed
    from cases.groups import Group

_ANSWER: Final = "group_claimed"
_SHOWN: Final = 20


def group_acts(group: Group) -> None:
    """Draw the note, who has claimed the group, the answer of the last claim, and the buttons."""
    ctx = page_context()
    if group.note:
        group_note(group.note, ctx.now(), ctx.settings.zone)
    _claim(group)
    answer: GroupClaimed | None = st.session_state.get(_ANSWER)
    if answer and answer.group == group.id:
        _left_out(answer)
    merged_parts(group)
    if not ctx.may("case.claim"):
        return
    with st.container(horizontal=True, gap="small"):
        _claim_button(group)
        if who().name in group.holders and st.button(
            "Release group…", key="release_group", icon=":material/undo:"
        ):
            _release_dialog(group.id)
        label = "Edit the note…" if group.note else "Write a note…"
        if st.button(label, key="group_note", icon=":material/sticky_note_2:"):
            _note_dialog(group.id)
        merge_button(group)


def _claim_button(group: Group) -> None:
    mine = group.claim is not None and group.claim.holder == who().name
    if group.live_cases and (group.claim is None or mine):
        st.button(
            "Renew the claim" if mine else "Claim group", key="claim_group", icon=":material/front_hand:",
            type="secondary" if mine else "primary", on_click=_claim_now, args=(group.id,),
            help="Claims all of its exceptions that nobody has. Those that arrive later join the claim.",
        )  # fmt: skip


def _claim_now(group_id: str) -> None:
    answer = do(ClaimGroup(group_id))
    if answer:
        st.session_state[_ANSWER] = answer


def _claim(group: Group) -> None:
    """Say who has claimed the group, and until when."""
    if group.claim is None:
        return
    ctx = page_context()
    until = formats.clock(group.claim.lease_until, ctx.settings.zone, ctx.now())
    name = "You have" if group.claim.holder == who().name else f"{escape(group.claim.holder)} has"
    st.markdown(
        f":material/front_hand: {name} claimed this group until {until}. "
        "Exceptions that arrive before then join the claim."
    )


def _left_out(answer: GroupClaimed) -> None:
    """Name what a claim reached, and each exception that it left out with the reason."""
    lines = [f"Claimed: {formats.count(len(answer.claimed), 'exception')}."]
    if answer.left_out:
        lines.append(f"Left out: {formats.count(len(answer.left_out), 'exception')}.\n")
        lines += [f"- {escape(one.correlation_id)}: {escape(one.reason)}" for one in answer.left_out[:_SHOWN]]
    more = len(answer.left_out) - _SHOWN
    if more > 0:
        lines.append(f"- and {more:,} more; the tabs list them by state")
    with st.container(border=True, gap="xxsmall"):
        st.markdown("\n".join(lines))
        st.button("OK", key="group_claimed_seen", type="tertiary", on_click=_forget)


def _forget() -> None:
    st.session_state.pop(_ANSWER, None)


@st.dialog("Release group", width="medium")
def _release_dialog(group_id: str) -> None:
    """Ask for a hand-over note, and give back what the person has of the group."""
    st.markdown(
        "All exceptions of the group that you have claimed return to the queue. A retry that runs stays."
    )
    note = hand_over_note("release_group_note")
    if st.button("Release", key="release_group_now", type="primary", icon=":material/undo:"):
        if (released := do(ReleaseGroup(group_id, note or None))) is not None:
            _forget()
            st.toast(f"{formats.count(len(released), 'exception')} released", icon=":material/check_circle:")
        st.rerun()


@st.dialog("Note of the group", width="medium")
def _note_dialog(group_id: str) -> None:
    """Show the versions, and ask for a new one."""
    ctx = page_context()
    found = group_notes.versions(ctx.reading, group_id)
    latest = found[0] if found else None
    st.markdown("It stands on every exception of the group, also on those that come later.")
    with st.form(f"group_note_{group_id}_{latest.version if latest else 0}", border=False):
        text = st.text_area(
            "Note", latest.text if latest else "", max_chars=MAX_CHARS, height=200,
            help="Plain text or Markdown. Empty takes the note away. Links stay text.",
        )  # fmt: skip
        sent = st.form_submit_button("Save", type="primary", icon=":material/save:")
    if sent:
        do(NoteGroup(group_id, text, latest.version if latest else 0), "The note is saved")
        st.rerun()
    for one in found[1:]:
        when = formats.clock(one.written_at, ctx.settings.zone, ctx.now())
        with st.expander(f"Version {one.version} · {one.author} · {when}"):
            st.markdown(written(one.text) if one.text else ":gray[The note was taken away.]")
