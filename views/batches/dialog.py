"""“Act on all”: the dialog that freezes a list, shows what it reaches, and starts a batch."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from access.commands import perform
from cases import assigning, batch_queries
from cases.batch_commands import FreezeBatch, StartBatch
from cases.batch_terms import NOTHING, Terms
from cases.batches import ItemState
from cases.lifecycle import LIVE, MIN_REASON, RESOLUTION_CODES
from data import formats
from data.errors import UnsnagError
from views.batches.labels import ACTS, reasons, sums
from views.batches.page import page
from views.kit.markdown import escape
from views.kit.person import page_context
from views.kit.sorting import assigned_to, snoozed_until
from views.kit.state import go, param

if TYPE_CHECKING:
    from datetime import datetime

    from cases.batches import Batch, CauseCount
    from cases.queries import CaseFilter

_OPENED: Final = "batch_dialog"
OPEN: Final = "all"
"""The parameter of the address that opens the dialog, for what is not closed whatever the tab."""


@dataclass(slots=True)
class _Opened:
    """The dialog while it is open: what it is about, and the lists that were frozen in it."""

    chosen: CaseFilter
    token: str
    frozen: dict[str, Batch] = field(default_factory=dict)


def act_on_all(listed: CaseFilter, count: int, whole: CaseFilter) -> None:
    """Offer to act on all cases that a list shows, on whatever page of it they are.

    `whole` is the filter without the tab: what a link that opens the dialog means.

    The dialog stays open while the page behind it runs again.
    """
    if not _narrows(listed) or not page_context().may("batch.run"):
        return
    if count > 1 and st.button(f"Act on all {count:,}…", key="act_on_all", icon=":material/stacks:"):
        _open(listed)
    if param(OPEN):
        go(**{OPEN: None})
        _open(whole)
    if _OPENED in st.session_state:
        _dialog()


def _open(chosen: CaseFilter) -> None:
    st.session_state.pop("batch_act", None)
    st.session_state[_OPENED] = _Opened(chosen, uuid.uuid4().hex)


def _narrows(chosen: CaseFilter) -> bool:
    return (chosen.state is None or set(chosen.state) <= LIVE) and chosen.narrows()


def _close() -> None:
    st.session_state.pop(_OPENED, None)


@st.dialog("Act on all", width="medium", on_dismiss=_close)
def _dialog() -> None:
    verb = st.segmented_control(
        "What to do", list(ACTS), format_func=lambda name: f"{ACTS[name][1]} {ACTS[name][0]}", key="batch_act"
    )
    if verb is None:
        st.caption("Choose what to do. Nothing happens before you have seen the list and confirmed.")
        return
    undeclared = verb == "retry" and st.checkbox(
        "Also steps that do not declare whether they are safe to replay", key="batch_undeclared"
    )
    try:
        batch = _frozen(verb, undeclared=undeclared)
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        return
    shown = _scope(batch, batch_queries.causes(page_context(), batch.id))
    if batch.total:
        _form(batch, shown)


def _frozen(verb: str, *, undeclared: bool) -> Batch:
    """Return the list, frozen when this act was chosen first."""
    opened: _Opened = st.session_state[_OPENED]
    key = f"{verb}:{undeclared}"
    if key not in opened.frozen:
        command = FreezeBatch(verb, opened.chosen, undeclared=undeclared)
        opened.frozen[key] = perform(command, page_context(), key=f"{opened.token}:{key}")
    return opened.frozen[key]


def _scope(batch: Batch, causes: list[CauseCount]) -> dict[str, Any]:
    """Show what the batch reaches and what it leaves out. Return what was shown."""
    ctx = page_context()
    now = ctx.now()
    frozen = formats.clock(batch.created_at.replace(tzinfo=now.tzinfo), ctx.settings.zone, now)
    reach = _reach(batch, now)
    st.markdown(f"**{escape(reach)}** :gray[· frozen {frozen}]")
    samples = [f"{sample.correlation_id}: {sample.title}" for sample in batch.samples]
    more = f"  \n… and {batch.total - len(samples):,} more" if batch.total > len(samples) else ""
    if samples:
        st.caption("  \n".join(escape(line) for line in samples) + more)
    left = reasons(causes, ItemState.LEFT_OUT)
    if left:
        st.markdown(f"**Not included: {batch.left_out:,}** ({left})")
    if not batch.total:
        st.warning("No exception is left to act on.", icon=":material/info:")
    return {"reach": reach, "flows": list(batch.flows), "samples": samples, "left out": left}


def _reach(batch: Batch, now: datetime) -> str:
    """Return how many exceptions a batch reaches, their money, their flows and the oldest of them."""
    parts = [formats.count(batch.total, "exception")]
    if batch.value:
        parts.append(sums(batch.value))
    if batch.oldest:
        oldest = formats.ago(batch.oldest.replace(tzinfo=now.tzinfo), now)
        parts += [formats.count(len(batch.flows), "flow"), f"oldest {oldest}"]
    return " · ".join(parts)


def _form(batch: Batch, shown: dict[str, Any]) -> None:
    name, icon = ACTS[batch.act]
    terms = _terms(batch)
    with st.form(f"batch_{batch.id}", border=False):
        code = None
        if batch.act == "resolve":
            code = st.selectbox(
                "How did they end?", list(RESOLUTION_CODES), format_func=RESOLUTION_CODES.__getitem__
            )
        needs = batch.act in ("resolve", "retry", "escalate")
        reason = st.text_area(
            "Reason" if needs else "Reason (optional)", placeholder=_HINTS[batch.act], max_chars=2000
        ).strip()
        sure = st.text_input("Type RETRY to run them anyway") if batch.undeclared else "RETRY"
        sent = st.form_submit_button(f"{name} {batch.total:,}", type="primary", icon=icon)
    if not sent:
        return
    if problem := _problem(batch, terms, reason, sure):
        st.error(problem, icon=":material/warning:")
        return
    _start(StartBatch(batch.id, code, reason or None, terms), shown)


_HINTS: Final = {
    "claim": "Who works on them, and on what?",
    "release": "What should the next person know?",
    "retry": "What has changed since they failed?",
    "resolve": "What was wrong, and what was done? This is read months later.",
    "assign": "Why do they look at these?",
    "snooze": "What are they waiting for?",
    "escalate": "Why do they need somebody else now?",
}


def _terms(batch: Batch) -> Terms:
    """Ask whom the exceptions go to, or until when they are snoozed."""
    if batch.act == "assign":
        kind, name = assigned_to(assigning.people_anywhere(page_context()))
        return Terms(to=name, kind=kind)
    if batch.act == "escalate":
        st.caption("Without a name each goes to the next step of the rules, else to the team that owns it.")
        kind, name = assigned_to(assigning.people_anywhere(page_context()))
        return Terms(to=name, kind=kind)
    if batch.act == "snooze":
        until, more = snoozed_until()
        return Terms(until=until, more=more)
    return NOTHING


def _problem(batch: Batch, terms: Terms, reason: str, sure: str) -> str | None:
    if batch.act == "assign" and not terms.to:
        return "Choose a person or a team."
    if batch.act == "snooze" and terms == NOTHING:
        return "Choose a time, or how many failures bring them back."
    if batch.act in ("resolve", "escalate") and len(reason) < MIN_REASON:
        return f"The reason needs at least {MIN_REASON} characters."
    if batch.act == "retry" and not reason:
        return "Enter a reason: what has changed since they failed?"
    if sure.strip().upper() != "RETRY":
        return "Type RETRY to confirm. Their steps may take effect twice."
    return None


def _start(command: StartBatch, shown: dict[str, Any]) -> None:
    try:
        perform(command, page_context(), key=f"start:{command.batch_id}", shown=shown)
    except UnsnagError as error:
        st.error(escape(str(error)), icon=":material/warning:")
        return
    _close()
    st.switch_page(st.Page(page, url_path="batches"), query_params={"batch": command.batch_id})
