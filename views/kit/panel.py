"""The panel of one case: an operator's questions, in the order they ask them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import streamlit as st

from cases import snoozing
from cases.case import RetryState
from cases.escalation import TEAM
from cases.levels import due_state
from cases.lifecycle import (
    CODE_NAMES,
    EXPIRED,
    LIVE,
    PENDING,
    RECOVERED,
    RESOLVED,
    RETRYING,
    UNPROVABLE,
    VERIFIABLE,
    VERIFYING,
    WAITING,
    is_closed_by_script,
    is_fixed_outside,
)
from cases.notes import NOTED
from data import formats
from unsnag.fields import shown_on
from views.kit import labels
from views.kit.approvals import approval_panel
from views.kit.case_acts import buttons, holder_note, is_free, retry_refusal
from views.kit.classes import class_badge, class_question
from views.kit.dialogs import safety
from views.kit.markdown import escape, written
from views.kit.person import page_context

if TYPE_CHECKING:
    from datetime import datetime

    from cases.case import Case
    from cases.group_notes import GroupNote
    from cases.notes import Note
    from cases.queries import CaseDetail
    from cases.tasks import Tasks
    from cases.victims import Evidence

_INDEXES: Final = 30
"""Indexes of failed tasks that the panel names."""


def case_panel(detail: CaseDetail, *, key: str = "panel") -> None:
    """Draw the panel of a case as `cases.queries.one` returns it."""
    case, ctx = detail.case, page_context()
    now, zone = ctx.now(), ctx.settings.zone
    _head(case, now)
    _owner(detail)
    if case.approval_id is not None:
        approval_panel(case, key, now)
    else:
        _failure(detail, key, now)
    _data(case)
    _stack(case)
    _attempts(detail, zone)
    _notes(detail.notes, now, zone)
    _history(detail, now, zone)


def _failure(detail: CaseDetail, key: str, now: datetime) -> None:
    """Draw what went wrong, and what can be done about it."""
    case, zone = detail.case, page_context().settings.zone
    holder_note(case, now)
    buttons(detail, key)
    if is_free(case):
        class_question(case, key)
    st.markdown(_what_happened(case, now, zone))
    if detail.caused_by:
        _cause(detail.caused_by)
    if detail.group_note:
        group_note(detail.group_note, now, zone)
    _progress(detail, now, zone)
    if case.state in LIVE:
        _is_it_safe(detail, now)


def _head(case: Case, now: datetime) -> None:
    st.markdown(f"#### {escape(case.title)}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        name, color, icon = labels.state(case)
        st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]
        severity, shade, mark = labels.SEVERITIES[case.severity]
        st.badge(severity, color=shade, icon=mark)  # type: ignore[arg-type]
        class_badge(case)
        if case.approval_id is None:
            st.markdown(f"**{escape(labels.amount(case.value))}**", help="Value at risk")
        if case.is_snoozed:
            until = snoozing.described(case, now, page_context().settings.zone)
            st.markdown(f":gray[{escape(until)}]", help=f"Snoozed by {escape(case.snoozed_by or '')}")
        elif (stands := due_state(case, now)) and case.next_due_at:
            left = formats.duration(abs((case.next_due_at - now).total_seconds()), coarse=True)
            st.markdown(labels.due(case, stands, left), help=_both_due(case, now))
        if case.assignee:
            to = "the team " if case.assignee_kind == TEAM else ""
            st.markdown(f":gray[assigned to {to}{escape(case.assignee)}]")
        if case.escalation_level and case.state in PENDING:
            st.markdown(f":orange[escalated, level {case.escalation_level}]")


def _owner(detail: CaseDetail) -> None:
    """Show which team looks after the case, and how it is reached."""
    team = detail.case.owner_team
    if not team:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", key="owner_of_case"):
        st.markdown(f"Owner: **{escape(team)}**")
        if detail.owner_contact:
            st.link_button("Contact", detail.owner_contact, icon=":material/forum:", type="tertiary")


def _both_due(case: Case, now: datetime) -> str:
    """Return both due times, as the help of the one that counts."""
    zone = page_context().settings.zone
    if case.approval_id is not None:
        return f"Answer due {formats.clock(case.due_at, zone, now) if case.due_at else formats.MISSING}."
    taken = f"taken up {formats.clock(case.triaged_at, zone, now)}" if case.triaged_at else "not taken up"
    triage = formats.clock(case.triage_due_at, zone, now) if case.triage_due_at else formats.MISSING
    end = formats.clock(case.due_at, zone, now) if case.due_at else formats.MISSING
    return f"Triage due {triage}, {taken}. End due {end}."


def _what_happened(case: Case, now: datetime, zone: str) -> str:
    step = f"Step **{escape(case.step)}** of flow" if case.step else "Flow"
    times = "once" if case.occurrences == 1 else f"{case.occurrences:,} times"
    place = f" while calling **{escape(case.dependency)}**" if case.dependency else ""
    quote_ = (
        f"  \n> {escape(case.message[:600])}" if case.message.strip().lower() != case.title.lower() else ""
    )
    failed = (
        f"{step} **{escape(case.flow)}** failed {times}{place}, last "
        f"{formats.ago(case.last_seen, now)} ({formats.clock(case.last_seen, zone, now)})."
    )
    return failed + quote_ + _beside(case)


def _cause(found: Evidence) -> None:
    """Show what the failure comes from, with the link to that exception."""
    title_ = escape(found.title or found.case_id)
    st.markdown(f"Comes from [{title_}](/?case={quote(found.case_id, safe='')}): {escape(found.words)}.")


def _beside(case: Case) -> str:
    """Return what else is known: a note, affected steps, whether a success can prove a recovery."""
    lines = [f"Note: {escape(case.note)}."] if case.note else []
    if places := [f"{place.service or place.flow} {place.step}".strip() for place in case.affected]:
        lines.append(f"Affected: {escape(', '.join(places))}.")
    if case.tasks:
        lines += _task_lines(case.tasks)
    elif case.unit_kind in UNPROVABLE:
        lines.append(
            "No later success can prove a recovery: only a trace or a request names this unit. "
            "Resolve it by hand."
        )
    # A paragraph of its own: lines right behind a quoted message would belong to the quote.
    return "\n\n" + "  \n".join(lines) if lines else ""


def _task_lines(tasks: Tasks) -> list[str]:
    """Return which of several tasks failed, and which of these have succeeded since."""
    if tasks.is_one:
        return []
    failing = [item.index for item in tasks.items if item.index and item.succeeded_at is None]
    done = [item.index for item in tasks.items if item.index and item.succeeded_at is not None]
    total = f" of {tasks.total:,}" if tasks.total else ""
    lines = [f"Failed tasks: {tasks.failing:,}{total}: {_first_of(failing)}."] if tasks.failing else []
    return lines + ([f"Succeeded since: {_first_of(done)}."] if done else [])


def _first_of(indexes: list[str]) -> str:
    shown = [escape(index) for index in indexes[:_INDEXES]]
    rest = len(indexes) - len(shown)
    return ", ".join(shown) + (f" and {rest:,} more" if rest else "")


def _progress(detail: CaseDetail, now: datetime, zone: str) -> None:
    """Show how far a retry is; only the unit's own signal counts as success."""
    case = detail.case
    if case.state == RETRYING:
        run = detail.retries[-1] if detail.retries else None
        text = f"The retry is waiting for a worker. {_seen(detail, now)}"
        if run and run.state == RetryState.LEASED:
            text = f"A worker ({escape(run.worker or '')}) is running the step."
        st.info(text, icon=":material/replay:")
    elif case.state == VERIFYING:
        until = formats.clock(case.verify_until, zone, now) if case.verify_until else "later"
        done = "The retry ran."
        if is_fixed_outside(case):
            done = "It was marked as fixed outside."
        st.info(
            f"{done} Waiting for the unit's own success signal until {until}.",
            icon=":material/hourglass_top:",
        )
    elif case.state == RECOVERED:
        by = {"retry": "after a retry", "person": "after a person repaired it", "automatic": "by itself"}
        proven = f" at {formats.clock(case.verified_at, zone, now)}" if case.verified_at else ""
        st.success(
            f"Recovered {by.get(case.recovered_by or '', '')}. "
            f"Proven by the unit's own success signal{proven}.",
            icon=":material/verified:",
        )
    elif case.state == EXPIRED:
        st.info(
            "Expired: the exception did not occur again and no signal proved its recovery. "
            "A new failure reopens it.",
            icon=":material/timer_off:",
        )
    elif is_closed_by_script(case):
        st.info(
            "Closed by the script: its block called `unit.ok()` after this error. No KPI counts it.",
            icon=":material/task_alt:",
        )
    elif case.state == RESOLVED:
        code = CODE_NAMES.get(case.resolution_code or "", case.resolution_code or "")
        st.success(
            f"Resolved ({_proof_of_resolution(case, zone, now)}): {code}. "
            f"{escape(case.resolution_reason or '')}",
            icon=":material/task_alt:",
        )


def _proof_of_resolution(case: Case, zone: str, now: datetime) -> str:
    if case.verified_at:
        return f"verified by the unit's own success at {formats.clock(case.verified_at, zone, now)}"
    if case.resolution_code in VERIFIABLE:
        return "not verified yet: the unit's next success verifies it"
    return "not proven by a signal"


def _seen(detail: CaseDetail, now: datetime) -> str:
    """Return when a worker that can run the step was last seen."""
    if not detail.workers:
        return "No worker has announced this step."
    last = detail.workers[0]
    name = escape(last.name.removeprefix("service/"))
    return f"Worker {name} was last seen {formats.ago(last.last_seen, now)}."


def _is_it_safe(detail: CaseDetail, now: datetime) -> None:
    case = detail.case
    answer, color = safety(case)
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f":{color}[**Is it safe to retry?**]  \n{answer}")
        facts = [
            f"idempotency key `{case.idempotency_key}`",
            formats.count(case.attempts, "attempt"),
        ]
        done = [attempt for attempt in detail.attempts if attempt.outcome == "ok"]
        facts.append(
            f"{formats.count(len(done), 'attempt')} succeeded" if done else "no attempt succeeded so far"
        )
        st.caption(" · ".join(facts))
        if case.state not in WAITING or case.unit_kind in UNPROVABLE:
            return
        if detail.retry_refusal:
            st.markdown(f":orange[{retry_refusal(detail)}]")
        else:
            st.caption(_seen(detail, now))


def _data(case: Case) -> None:
    whose = {"tenant": case.tenant, **case.context}
    facts = {
        "unit": case.correlation_id,
        **{f.name: whose[f.name] for f in shown_on("exception panel") if whose.get(f.name)},
    }
    facts |= {str(name): value for name, value in case.data.items()}
    st.markdown("**Data**")
    st.code("\n".join(f"{name}: {value}" for name, value in facts.items()), language=None, wrap_lines=True)


def _stack(case: Case) -> None:
    if case.stacktrace:
        with st.expander("Stack trace", icon=":material/code:"):
            st.code(case.stacktrace, language="python")


def _attempts(detail: CaseDetail, zone: str) -> None:
    if not detail.attempts:
        return
    with st.expander(f"Attempts ({len(detail.attempts)})", icon=":material/format_list_numbered:"):
        rows = [
            {
                "Attempt": one.attempt,
                "Started": formats.clock(one.started_at, zone),
                "Took": formats.duration((one.ended_at - one.started_at).total_seconds()),
                "Outcome": one.outcome if one.outcome == "ok" else f"failed: {one.error_type or 'error'}",
                "Class": labels.CLASSES.get(one.error_class or "", ("",))[0],
                "By": "retry" if one.retry_id else "automation",
            }
            for one in detail.attempts
        ]
        st.dataframe(rows, hide_index=True)


def group_note(note: GroupNote, now: datetime, zone: str) -> None:
    """Show what people know of the cause."""
    with st.container(border=True, gap="xxsmall"):
        when = formats.clock(note.written_at, zone, now)
        st.caption(f"Note of the group · {escape(note.author)} · {when} · version {note.version}")
        st.markdown(written(note.text))


def _notes(notes: list[Note], now: datetime, zone: str) -> None:
    """Show what people wrote on the case, the newest first."""
    if not notes:
        return
    st.markdown(f"**Notes ({len(notes)})**")
    for note in reversed(notes):
        with st.container(border=True, gap="xxsmall"):
            what = " · hand-over" if note.is_hand_over else ""
            st.caption(f"{escape(note.actor)} · {formats.clock(note.at, zone, now)}{what}")
            st.markdown(written(note.text))


def _history(detail: CaseDetail, now: datetime, zone: str) -> None:
    st.markdown("**History**")
    lines = []
    for entry in reversed(detail.history[-30:]):
        is_system = entry.actor_type == "system"
        named = "" if is_system else f" {escape(entry.actor)}"
        # The text of a note stands under Notes, with its lines.
        reason = f": {escape(entry.reason)}" if entry.reason and entry.verb != NOTED else ""
        verb = labels.VERBS.get(entry.verb, entry.verb)
        text = f"{verb.removesuffix(' by') if is_system else verb}{named}{reason}"
        lines.append(f":gray[{formats.clock(entry.at, zone, now)}]  {text}")
    st.markdown("  \n".join(lines))
