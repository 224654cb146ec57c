"""Dialogs that change cases: each shows what it reaches and asks for a reason."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import streamlit as st

from cases import queries
from cases.case import Money
from cases.commands import CancelRetry, FixedOutside, Release, Resolve, RetryCase
from cases.holding import TakeOver
from cases.lifecycle import (
    MIN_REASON,
    RESOLUTION_CODES,
    needs_reason,
)
from data import formats
from views.kit import labels
from views.kit.acting import act
from views.kit.markdown import escape
from views.kit.person import page_context, who

if TYPE_CHECKING:
    from cases.case import Case


def safety(case: Case) -> tuple[str, str]:
    """Return whether a retry is safe, as text, and the colour of the answer."""
    if case.replay_safe is True:
        return "Safe to retry: the step is idempotent and gets the same key again.", "green"
    if case.replay_safe is False:
        return "Not safe to replay: the step declares that a second run has a second effect.", "red"
    return "This step does not declare whether it is safe to replay. Check its attempts first.", "orange"


@st.dialog("Retry", width="medium")
def retry_dialog(case_ids: list[str]) -> None:
    """Ask for a reason, show whether a retry is safe, and request it."""
    reading = page_context().reading
    cases = queries.named(reading, case_ids)
    shown = scope(cases)
    if refused := queries.retry_refusals(reading, cases):
        count = (
            f"{len(refused)} of {len(cases)} cannot be retried now"
            if len(cases) > 1
            else "Cannot be retried now"
        )
        st.warning(escape(f"{count}: {refused[0]}"), icon=":material/warning:")
    unsafe = [case for case in cases if case.replay_safe is not True]
    for answer, color in dict.fromkeys(safety(case) for case in cases):
        st.markdown(f":{color}[{answer}]")
    with st.form(f"retry_{'_'.join(case_ids)[:60]}", border=False):
        asks_why = any(needs_reason(case) for case in cases)
        label = "What has changed since it failed?" if asks_why else "Reason (optional)"
        reason = st.text_input(label, placeholder="What changed, or why retry now?", max_chars=400).strip()
        sure = st.text_input("Type RETRY to run it anyway") if unsafe else "RETRY"
        sent = st.form_submit_button(
            f"Retry {formats.count(len(cases), 'exception')}", type="primary", icon=":material/replay:"
        )
    if sent and sure.strip().upper() != "RETRY":
        st.error("Type RETRY to confirm. The step may take effect twice.", icon=":material/warning:")
    elif sent and asks_why and not reason:
        st.error(
            "Enter a reason. A business error fails again unless something has changed.",
            icon=":material/warning:",
        )
    elif sent:
        shown["safety"] = sorted({safety(case)[0] for case in cases})
        commands = [RetryCase(case_id, reason or None) for case_id in case_ids]
        act(commands, token=dialog_token("retry", cases), shown=shown)
        st.rerun()


@st.dialog("Cancel retry", width="medium")
def cancel_retry_dialog(case_id: str) -> None:
    """Ask for a reason and remove the retry from the workers' queue."""
    cases = [queries.one(page_context().reading, case_id).case]
    shown = scope(cases)
    st.markdown("The exception returns to the person who claimed it, or to the queue.")
    with st.form(f"cancel_retry_{case_id}", border=False):
        reason = st.text_input("Reason (optional)", max_chars=400)
        sent = st.form_submit_button("Cancel the retry", type="primary", icon=":material/block:")
    if sent:
        token = dialog_token("cancel_retry", cases)
        act([CancelRetry(case_id, reason.strip() or None)], token=token, shown=shown)
        st.rerun()


@st.dialog("Take over", width="medium")
def take_over_dialog(case_id: str) -> None:
    """Ask for a reason, and take the case from its holder."""
    case = queries.one(page_context().reading, case_id).case
    shown = scope([case])
    holder = escape(case.holder or "")
    st.markdown(f"{holder} has this exception. {holder} sees your reason on the next page that they open.")
    with st.form(f"take_over_{case_id}", border=False):
        reason = st.text_area("Reason", placeholder="Why do you take it over now?", max_chars=2000)
        sent = st.form_submit_button("Take over", type="primary", icon=":material/swap_horiz:")
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        act([TakeOver(case_id, reason)], token=dialog_token("take_over", [case]), shown=shown)
        st.rerun()


@st.dialog("Return with a note", width="medium")
def return_dialog(case_id: str) -> None:
    """Ask for a note to the next person, and give the case back."""
    case = queries.one(page_context().reading, case_id).case
    shown = scope([case])
    with st.form(f"return_{case_id}", border=False):
        note = st.text_area(
            "Note", placeholder="What did you find out, and what is left to do?", max_chars=2000
        )
        sent = st.form_submit_button("Return it", type="primary", icon=":material/undo:")
    if sent and not note.strip():
        st.error("Enter a note for the next person.", icon=":material/warning:")
    elif sent:
        act([Release(case_id, note)], token=dialog_token("return", [case]), shown=shown)
        st.rerun()


@st.dialog("Fixed outside", width="medium")
def fixed_outside_dialog(case_id: str) -> None:
    """Ask what was done, and let the case wait for its unit's own success signal."""
    cases = [queries.one(page_context().reading, case_id).case]
    shown = scope(cases)
    days = page_context().settings.cases.fixed_outside_days
    st.markdown(
        "Use this for a unit that you repaired in another system and that continues by itself. "
        f"The exception waits {days:g} days for the unit's own success signal, then returns to the queue."
    )
    with st.form(f"fixed_outside_{case_id}", border=False):
        reason = st.text_area("Reason", placeholder="What was done, and where?", max_chars=2000)
        sent = st.form_submit_button("Mark as fixed outside", type="primary", icon=":material/build:")
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        token = dialog_token("fixed_outside", cases)
        act([FixedOutside(case_id, reason)], token=token, shown=shown)
        st.rerun()


def resolve_dialog(case_ids: list[str]) -> None:
    """Ask for a code and a reason, and close the cases as they are now.

    The dialog keeps the versions that it shows: a claim that somebody makes meanwhile does not stop it.
    """
    _resolve(queries.named(page_context().reading, case_ids))


@st.dialog("Resolve", width="medium")
def _resolve(cases: list[Case]) -> None:
    shown = scope(cases)
    with st.form(f"resolve_{'_'.join(case.id for case in cases)[:60]}", border=False):
        code = st.selectbox(
            "How did it end?", list(RESOLUTION_CODES), format_func=RESOLUTION_CODES.__getitem__
        )
        reason = st.text_area(
            "Reason",
            placeholder="What was wrong, and what was done? This is read months later.",
            max_chars=2000,
        )
        sent = st.form_submit_button(
            f"Resolve {formats.count(len(cases), 'exception')}", type="primary", icon=":material/task_alt:"
        )
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        commands = [Resolve(case.id, code, reason, case.version) for case in cases]
        act(commands, token=dialog_token("resolve", cases), shown=shown)
        st.rerun()


def scope(cases: list[Case]) -> dict[str, Any]:
    """Show what the act reaches: count, value, flows and five samples. Return what was shown."""
    by_currency: dict[str, Decimal] = {}
    for case in cases:
        if case.value:
            currency = case.value.currency or ""
            by_currency[currency] = by_currency.get(currency, Decimal()) + case.value.amount
    sums = [labels.amount(Money(amount, currency)) for currency, amount in by_currency.items()]
    flows = sorted({case.flow for case in cases})
    reach = [formats.count(len(cases), "exception"), *sums, formats.count(len(flows), "flow")]
    st.markdown(f"**{escape(' · '.join(reach))}**")
    shown = [f"{case.correlation_id}: {case.title}" for case in cases[:5]]
    more = f"  \n… and {len(cases) - 5} more" if len(cases) > 5 else ""  # noqa: PLR2004 - five samples
    st.caption("  \n".join(escape(line) for line in shown) + more)
    return {
        "reach": " · ".join(reach),
        "flows": flows,
        "samples": shown,
        "cases": {case.id: case.version for case in cases},
    }


def dialog_token(verb: str, cases: list[Case]) -> str:
    """Return what stays the same for one click in a dialog about these versions of cases."""
    versions = ",".join(f"{case.id}.{case.version}" for case in cases)
    return f"{verb}:{who().name}:{uuid.uuid5(uuid.NAMESPACE_OID, versions).hex}"
