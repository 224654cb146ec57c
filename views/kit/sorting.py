"""Dialogs that put a case aside or in front of somebody: a note, a snooze, an assignment, an escalation."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import streamlit as st

from cases import assigning, queries
from cases.assigning import Assign
from cases.escalating import Escalate
from cases.escalation import PERSON, TEAM
from cases.lifecycle import MIN_REASON
from cases.notes import MAX_CHARS, AddNote
from cases.snoozing import LONGEST, Snooze
from data import formats
from views.kit.acting import act
from views.kit.dialogs import dialog_token, scope
from views.kit.person import page_context

_HOURS: Final = {"1 hour": 1, "4 hours": 4}
_TOMORROW: Final = "Tomorrow at 8:00"
_TIME: Final = "A time of my own"
_NEVER: Final = "No time: only more failures"
_WAKES_AT: Final = 8


@st.dialog("Note", width="medium")
def note_dialog(case_id: str) -> None:
    """Ask for a note; it stays as it is written."""
    case = queries.one(page_context().reading, case_id).case
    shown = scope([case])
    with st.form(f"note_{case_id}", border=False):
        text = st.text_area(
            "Note", max_chars=MAX_CHARS, placeholder="What did you find out? Nobody can change it later.",
            help="Plain text or Markdown: **bold**, lists, `code`. Links stay text.",
        )  # fmt: skip
        sent = st.form_submit_button("Add the note", type="primary", icon=":material/sticky_note_2:")
    if sent and not text.strip():
        st.error("The note is empty.", icon=":material/warning:")
    elif sent:
        act([AddNote(case_id, text)], token=dialog_token("note", [case]), shown=shown)
        st.rerun()


@st.dialog("Snooze", width="medium")
def snooze_dialog(case_ids: list[str]) -> None:
    """Ask until when the cases are left out of the open ones."""
    cases = queries.named(page_context().reading, case_ids)
    shown = scope(cases)
    st.markdown(
        "If you have claimed it, the claim is released. The exception comes back at the time or after the "
        "failures that you choose, whichever comes first."
    )
    until, more = snoozed_until()
    reason = st.text_input("Reason (optional)", max_chars=400, key="snooze_reason").strip()
    label = f"Snooze {formats.count(len(cases), 'exception')}"
    nothing = until is None and more is None
    if st.button(label, key="snooze_now", type="primary", icon=":material/snooze:", disabled=nothing):
        commands = [Snooze(case_id, until, more, reason or None) for case_id in case_ids]
        act(commands, token=dialog_token("snooze", cases), shown=shown)
        st.rerun()


def snoozed_until() -> tuple[datetime | None, int | None]:
    """Ask until when, and after how many more failures; the time is naive UTC."""
    until = _until(st.selectbox("Until", [*_HOURS, _TOMORROW, _TIME, _NEVER], key="snooze_until"))
    more = st.number_input(
        "Or after so many more failures (0: not by failures)", min_value=0, max_value=100_000, value=0,
        key="snooze_more",
    )  # fmt: skip
    return until, int(more) or None


def _until(chosen: str) -> datetime | None:
    """Return the chosen time as naive UTC; None where only failures bring the case back."""
    zone = ZoneInfo(page_context().settings.zone)
    now = page_context().now().astimezone(zone)
    if chosen in _HOURS:
        return _stored(now + timedelta(hours=_HOURS[chosen]))
    tomorrow = (now + timedelta(days=1)).replace(hour=_WAKES_AT, minute=0, second=0, microsecond=0)
    if chosen == _TOMORROW:
        return _stored(tomorrow)
    if chosen != _TIME:
        return None
    with st.container(horizontal=True, gap="small"):
        latest = (now + LONGEST).date()
        day = st.date_input("Day", tomorrow.date(), min_value=now.date(), max_value=latest, key="snooze_day")
        clock = st.time_input(f"Time ({zone})", tomorrow.time(), key="snooze_clock")
    return _stored(datetime.combine(day, clock, zone))


def _stored(moment: datetime) -> datetime:
    # Whole minutes: each run of the dialog computes the time again, and a click must stay one act.
    return moment.astimezone(UTC).replace(tzinfo=None, second=0, microsecond=0)


@st.dialog("Escalate", width="medium")
def escalate_dialog(case_ids: list[str]) -> None:
    """Ask why, and to whom; without a name they go to the next level of the rules."""
    cases = queries.named(page_context().reading, case_ids)
    shown = scope(cases)
    st.markdown("Those to whom it goes get a notice. Who has claimed it keeps it.")
    label = "Escalate" if len(cases) == 1 else f"Escalate {formats.count(len(cases), 'exception')}"
    with st.form(f"escalate_{'_'.join(case_ids)}", border=False):
        reason = st.text_area("Reason", placeholder="Why does it need somebody else now?", max_chars=2000)
        name = st.text_input("To (without a name, the rules decide)", max_chars=assigning.MAX_CHARS)
        kind = st.radio("The name is that of a", [PERSON, TEAM], horizontal=True)
        sent = st.form_submit_button(label, type="primary", icon=":material/north_east:")
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        commands = [Escalate(case_id, reason, name.strip() or None, kind) for case_id in case_ids]
        act(commands, token=dialog_token(f"escalate:{kind}:{name}", cases), shown=shown)
        st.rerun()


@st.dialog("Assign", width="medium")
def assign_dialog(case_ids: list[str]) -> None:
    """Ask who should look at the cases."""
    cases = queries.named(page_context().reading, case_ids)
    shown = scope(cases)
    st.markdown("Who should look at it? Only a claim makes somebody its holder. A person gets a notice.")
    able = [set(assigning.people_for(page_context(), case)) for case in cases]
    kind, name = assigned_to(sorted(set.intersection(*able)))
    with st.container(horizontal=True, gap="small"):
        label = "Assign" if len(cases) == 1 else f"Assign {formats.count(len(cases), 'exception')}"
        assigned = st.button(
            label, key="assign_now", type="primary", icon=":material/assignment_ind:", disabled=not name
        )
        has_one = any(case.assignee is not None for case in cases)
        nobody = has_one and st.button("Assign to nobody", key="assign_nobody")
    if assigned or nobody:
        commands = [Assign(case_id, name if assigned else None, kind) for case_id in case_ids]
        act(commands, token=dialog_token(f"assign:{kind}:{commands[0].to}", cases), shown=shown)
        st.rerun()


def assigned_to(people: list[str]) -> tuple[str, str | None]:
    """Ask for a person, one of those who may act where people sign in, or for any team."""
    kind = st.segmented_control(
        "To", [PERSON, TEAM], default=PERSON, format_func=str.capitalize, key="assign_kind"
    ) or PERSON  # fmt: skip
    if kind == PERSON and people:
        return kind, st.selectbox(
            "Person", people, index=None, key="assign_person", placeholder="Choose a person"
        )
    if kind == PERSON and not page_context().authority.local:
        st.caption("Nobody may act on all of them. Assign them to a team.")
        return kind, None
    label = "Person" if kind == PERSON else "Team"
    typed = st.text_input(label, max_chars=assigning.MAX_CHARS, key=f"assign_{kind}_name").strip()
    return kind, typed or None
