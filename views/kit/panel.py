"""The panel of one case: the questions of an operator, in the order in which they are asked."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from desk.lifecycle import (
    CODE_NAMES,
    LIVE,
    MIN_REASON,
    RESOLUTION_CODES,
    RETRYING,
    UNPROVABLE,
    VERIFIABLE,
    is_closed_by_script,
    is_fixed_outside,
    needs_reason,
)
from views.kit import words
from views.kit.acting import act
from views.kit.person import here, who

if TYPE_CHECKING:
    from datetime import datetime

    Case = dict[str, Any]

NO_OPERATOR: Final = "You may look, not act: that takes the role operator."

_VERBS: Final = {
    "opened": "opened", "recurred": "failed again", "reopened": "came back", "claimed": "claimed by",
    "renewed": "claim renewed by", "released": "released by", "expired": "claim ran out",
    "retried": "retry asked for by", "retry_cancelled": "retry cancelled by",
    "verifying": "step ran on", "retry_failed": "retry failed on",
    "fixed_outside": "marked as fixed outside by", "verified": "verified by the unit's own success",
    "unproven": "no proof in time", "recovered": "recovered", "resolved": "resolved by",
    "rekeyed": "moved to the unit that a later record named", "merged": "merged into another exception",
    "withdrawn": "withdrawn: it was handled", "updated": "more became known",
    "closed": "ended",
}  # fmt: skip


def case_panel(case: Case, *, key: str = "panel") -> None:
    """Draw the panel of a case as `center.desk.case` returns it."""
    center = here()
    now, zone = center.now(), center.settings.zone
    _head(case, now)
    _holder_note(case, now)
    _buttons(case, key)
    st.markdown(_what_happened(case, now, zone))
    _progress(case, now, zone)
    if case["state"] in LIVE:
        _is_it_safe(case, now)
    _data(case)
    _stack(case)
    _attempts(case, zone)
    _history(case, now, zone)


# --- the parts ------------------------------------------------------------------------------


def _head(case: Case, now: datetime) -> None:
    st.markdown(f"#### {words.escape(case['title'])}")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        name, color, icon = words.state(case)
        st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]
        severity, shade, mark = words.SEVERITIES[case["severity"]]
        st.badge(severity, color=shade, icon=mark)  # type: ignore[arg-type]
        st.badge(words.CLASSES[case["class"]][0], color="gray")
        st.markdown(f"**{words.escape(words.money(case['value']))}**", help="Value at risk")
        if case["due_at"] and case["state"] in ("open", "claimed"):
            late = case["due_at"] < now
            told = words.duration((case["due_at"] - now).total_seconds())
            st.markdown(f":red[overdue by {told}]" if late else f":gray[triage due in {told}]")


def _holder_note(case: Case, now: datetime) -> None:
    if case["holder"] and case["holder"] != who().name and case["state"] == "claimed":
        left = (
            words.duration((case["lease_until"] - now).total_seconds()) if case["lease_until"] else "a while"
        )
        st.info(f"{words.escape(case['holder'])} has this for {left} more.", icon=":material/front_hand:")


def _buttons(case: Case, key: str) -> None:
    free = case["holder"] in (None, who().name)
    center = here()
    if not center.may("case.claim", case):
        st.link_button(
            "Trace", f"/trace?id={_quoted(case['correlation_id'])}", icon=":material/account_tree:"
        )
        st.caption(f":material/lock: {NO_OPERATOR}")
        return
    refusal = _retry_refusal(case)
    with st.container(horizontal=True, gap="small"):
        if case["state"] == "open":
            st.button(
                "Claim", key=f"{key}_claim", type="primary", icon=":material/front_hand:",
                on_click=_act, args=("claim", [case["id"]]), kwargs={"token": _token(case, "claim")},
            )  # fmt: skip
        if (case["state"] == "claimed" or is_fixed_outside(case)) and free:
            st.button(
                "Release", key=f"{key}_release", icon=":material/undo:",
                on_click=_act, args=("release", [case["id"]]), kwargs={"token": _token(case, "release")},
            )  # fmt: skip
        if case["state"] in ("open", "claimed") and free:
            kind: Any = "primary" if case["state"] == "claimed" else "secondary"
            if st.button(
                "Retry…", key=f"{key}_retry", type=kind, icon=":material/replay:",
                disabled=refusal is not None, help=refusal,
            ):  # fmt: skip
                retry_dialog([case["id"]])
        provable = case["state"] in ("open", "claimed") and free and case["unit_kind"] not in UNPROVABLE
        if provable and st.button("Fixed outside…", key=f"{key}_fixed_outside", icon=":material/build:"):
            fixed_outside_dialog(case["id"])
        if _waits_for_worker(case) and st.button(
            "Cancel retry…", key=f"{key}_cancel_retry", icon=":material/block:",
            help="No worker has taken it yet.",
        ):  # fmt: skip
            cancel_retry_dialog(case["id"])
        stands = case["state"] in ("open", "claimed", "retrying", "verifying") and free
        if stands and st.button("Resolve…", key=f"{key}_resolve", icon=":material/task_alt:"):
            resolve_dialog([case["id"]])
        st.link_button(
            "Trace", f"/trace?id={_quoted(case['correlation_id'])}", icon=":material/account_tree:"
        )


def _retry_refusal(case: Case) -> str | None:
    if case["replay_safe"] is False and not here().may("case.retry_unsafe", case):
        return "Not safe to replay: that takes the role approver."
    if case["retry_refusal"]:
        return words.escape(f"Cannot be retried now: {case['retry_refusal']}")
    return None


def _waits_for_worker(case: Case) -> bool:
    run = case["retries"][-1] if case["retries"] else None
    return case["state"] == RETRYING and run is not None and run["state"] == "queued"


def _act(name: str, case_ids: list[str], token: str) -> None:
    act(name, case_ids, token=token)


def _token(case: Case, verb: str) -> str:
    # The version makes the click on this very state of the case one act, however often it is sent.
    return f"{verb}:{who().name}:{case['version']}"


def _what_happened(case: Case, now: datetime, zone: str) -> str:
    step = f"Step **{words.escape(case['step'])}** of flow" if case["step"] else "Flow"
    times = "once" if case["occurrences"] == 1 else f"{case['occurrences']:,} times"
    place = f" while calling **{words.escape(case['dependency'])}**" if case["dependency"] else ""
    said = f"  \n> {words.escape(case['message'][:600])}" if case["message"].strip() != case["title"] else ""
    failed = (
        f"{step} **{words.escape(case['flow'])}** failed {times}{place}, last "
        f"{words.ago(case['last_seen'], now)} ({words.clock(case['last_seen'], zone, now)})."
    )
    return failed + said + _beside(case)


def _beside(case: Case) -> str:
    """Return what is known beside the failure: a note, what it affected, that nothing can prove it."""
    lines = [f"Note: {words.escape(case['note'])}."] if case.get("note") else []
    if places := [
        f"{place['service'] or place['flow']} {place['step']}".strip() for place in case.get("affected") or ()
    ]:
        lines.append(f"Affected: {words.escape(', '.join(places))}.")
    if case.get("unit_kind") in UNPROVABLE:
        lines.append(
            "No later success can prove it: only a trace or a request names this unit. Resolve it by hand."
        )
    return "".join(f"  \n{line}" for line in lines)


def _progress(case: Case, now: datetime, zone: str) -> None:
    """Say where a retry stands: success is never claimed before the unit's own signal."""
    if case["state"] == "retrying":
        run = case["retries"][-1] if case["retries"] else None
        leased = run and run["state"] == "leased"
        text = (
            f"A worker ({words.escape(run['worker'])}) is running the step."
            if run and leased
            else f"The retry waits for a worker. {_seen(case, now)}"
        )
        st.info(text, icon=":material/replay:")
    elif case["state"] == "verifying":
        until = words.clock(case["verify_until"], zone, now) if case["verify_until"] else "later"
        done = "The retry ran."
        if is_fixed_outside(case):
            done = f"{words.escape(case['holder'])} marked it as fixed outside."
        st.info(
            f"{done} Waiting for the unit's own success signal until {until}.",
            icon=":material/hourglass_top:",
        )
    elif case["state"] == "recovered":
        by = {"retry": "after a retry", "person": "after a person repaired it", "automatic": "by itself"}
        st.success(
            f"Recovered {by.get(case['recovered_by'] or '', '')}. Proven by the unit's own success signal "
            f"at {words.clock(case['verified_at'], zone, now)}.",
            icon=":material/verified:",
        )
    elif case["state"] == "expired":
        st.info(
            "Expired: it did not occur again, and nothing could prove that it recovered. "
            "A new failure opens it again.",
            icon=":material/timer_off:",
        )
    elif is_closed_by_script(case):
        st.info(
            "Closed by the script: its block called `unit.ok()` after this error. Counts in no figure.",
            icon=":material/task_alt:",
        )
    elif case["state"] == "resolved":
        code = CODE_NAMES.get(case["resolution_code"] or "", case["resolution_code"] or "")
        st.success(
            f"Resolved ({_proof_of_resolution(case, zone, now)}): {code}. "
            f"{words.escape(case['resolution_reason'] or '')}",
            icon=":material/task_alt:",
        )


def _proof_of_resolution(case: Case, zone: str, now: datetime) -> str:
    if case["verified_at"]:
        return f"verified by the unit's own success at {words.clock(case['verified_at'], zone, now)}"
    if case["resolution_code"] in VERIFIABLE:
        return "not verified yet: the unit's next success will"
    return "not proven by a signal"


def safety(case: Case) -> tuple[str, str]:
    """Return whether a retry is safe, in words, and the colour of that answer."""
    if case["replay_safe"] is True:
        return "Safe to retry: the step is idempotent and gets the same key again.", "green"
    if case["replay_safe"] is False:
        return "Not safe to replay: the step says that running it twice has two effects.", "red"
    return "Nobody said whether this step is safe to replay. Look at the attempts first.", "orange"


def _seen(case: Case, now: datetime) -> str:
    """Say when a worker that can do the step was last there."""
    if not case["workers"]:
        return "No worker has announced this step."
    last = case["workers"][0]
    name = words.escape(last["name"].removeprefix("service/"))
    return f"Worker {name} was last seen {words.ago(last['last_seen'], now)}."


def _is_it_safe(case: Case, now: datetime) -> None:
    told, color = safety(case)
    with st.container(border=True, gap="xxsmall"):
        st.markdown(f":{color}[**Is it safe to retry?**]  \n{told}")
        facts = [
            f"idempotency key `{case['idempotency_key']}`",
            words.plural(case["attempts_made"], "attempt"),
        ]
        done = [a for a in case["attempts"] if a["outcome"] == "ok"]
        facts.append(
            f"{words.plural(len(done), 'attempt')} went well" if done else "no attempt went well so far"
        )
        st.caption(" · ".join(facts))
        if case["state"] not in ("open", "claimed") or case["unit_kind"] in UNPROVABLE:
            return
        if case["retry_refusal"]:
            st.markdown(f":orange[{_retry_refusal(case)}]")
        else:
            st.caption(_seen(case, now))


def _data(case: Case) -> None:
    facts = {
        "unit": case["correlation_id"],
        **{n: case[n] for n in ("tenant", "segment", "customer") if case[n]},
    }
    facts |= {str(name): value for name, value in case["data"].items()}
    st.markdown("**Data**")
    st.code("\n".join(f"{name}: {value}" for name, value in facts.items()), language=None, wrap_lines=True)


def _stack(case: Case) -> None:
    if case["stacktrace"]:
        with st.expander("Stack trace", icon=":material/code:"):
            st.code(case["stacktrace"], language="python")


def _attempts(case: Case, zone: str) -> None:
    if not case["attempts"]:
        return
    with st.expander(f"Attempts ({len(case['attempts'])})", icon=":material/format_list_numbered:"):
        rows = [
            {
                "Attempt": a["attempt"],
                "Started": words.clock(a["started_at"], zone),
                "Took": words.duration((a["ended_at"] - a["started_at"]).total_seconds()),
                "Outcome": a["outcome"] if a["outcome"] == "ok" else f"failed: {a['error_type'] or 'error'}",
                "By": "retry" if a["retry_id"] else "automation",
            }
            for a in case["attempts"]
        ]
        st.dataframe(rows, hide_index=True)


def _history(case: Case, now: datetime, zone: str) -> None:
    st.markdown("**History**")
    lines = []
    for entry in reversed(case["acts"][-30:]):
        named = f" {words.escape(entry['actor'])}" if entry["actor_type"] != "system" else ""
        reason = f": {words.escape(entry['reason'])}" if entry["reason"] else ""
        told = f"{_VERBS.get(entry['verb'], entry['verb'])}{named}{reason}"
        lines.append(f":gray[{words.clock(entry['at'], zone, now)}]  {told}")
    st.markdown("  \n".join(lines))


# --- dialogs --------------------------------------------------------------------------------


@st.dialog("Retry", width="medium")
def retry_dialog(case_ids: list[str]) -> None:
    """Ask for a reason, say what is safe, and send the retry."""
    cases = [here().desk.case(case_id) for case_id in case_ids]
    shown = _scope(cases)
    if refused := [case["retry_refusal"] for case in cases if case["retry_refusal"]]:
        count = (
            f"{len(refused)} of {len(cases)} cannot be retried now"
            if len(cases) > 1
            else "Cannot be retried now"
        )
        st.warning(words.escape(f"{count}: {refused[0]}"), icon=":material/warning:")
    unsafe = [case for case in cases if case["replay_safe"] is not True]
    for told, color in dict.fromkeys(safety(case) for case in cases):
        st.markdown(f":{color}[{told}]")
    with st.form(f"retry_{'_'.join(case_ids)[:60]}", border=False):
        asks_why = any(needs_reason(case) for case in cases)
        label = "Why should it end differently now?" if asks_why else "Reason (optional)"
        reason = st.text_input(label, placeholder="What has changed since it failed?", max_chars=400).strip()
        sure = st.text_input("Type RETRY to run it all the same") if unsafe else "RETRY"
        sent = st.form_submit_button(
            f"Retry {words.plural(len(cases), 'exception')}", type="primary", icon=":material/replay:"
        )
    if sent and sure.strip().upper() != "RETRY":
        st.error("Type RETRY to confirm: the step may have its effect twice.", icon=":material/warning:")
    elif sent and asks_why and not reason:
        st.error(
            "A business error ends the same way again unless something has changed: say what.",
            icon=":material/warning:",
        )
    elif sent:
        shown["safety"] = sorted({safety(case)[0] for case in cases})
        act("retry", case_ids, token=_dialog_token("retry", cases), reason=reason or None, shown=shown)
        st.rerun()


@st.dialog("Cancel retry", width="medium")
def cancel_retry_dialog(case_id: str) -> None:
    """Ask for a reason, and take the retry out of the queue of workers."""
    cases = [here().desk.case(case_id)]
    shown = _scope(cases)
    st.markdown("The exception goes back to the person who had claimed it, else to the queue.")
    with st.form(f"cancel_retry_{case_id}", border=False):
        reason = st.text_input("Reason (optional)", max_chars=400)
        sent = st.form_submit_button("Cancel the retry", type="primary", icon=":material/block:")
    if sent:
        token = _dialog_token("cancel_retry", cases)
        act("cancel_retry", [case_id], token=token, reason=reason.strip() or None, shown=shown)
        st.rerun()


@st.dialog("Fixed outside", width="medium")
def fixed_outside_dialog(case_id: str) -> None:
    """Ask what was done, and let the case wait for its unit's own success signal."""
    cases = [here().desk.case(case_id)]
    shown = _scope(cases)
    days = here().settings.desk.fixed_outside_days
    st.markdown(
        "For a unit that you repaired in another system and that runs again by itself. It waits for the "
        f"unit's own success signal for {days:g} days, then returns to the queue."
    )
    with st.form(f"fixed_outside_{case_id}", border=False):
        reason = st.text_area("Reason", placeholder="What was done, and where?", max_chars=2000)
        sent = st.form_submit_button("Mark as fixed outside", type="primary", icon=":material/build:")
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        token = _dialog_token("fixed_outside", cases)
        act("fixed_outside", [case_id], token=token, reason=reason, shown=shown)
        st.rerun()


@st.dialog("Resolve", width="medium")
def resolve_dialog(case_ids: list[str]) -> None:
    """Ask for a code and a reason, and close the cases."""
    cases = [here().desk.case(case_id) for case_id in case_ids]
    shown = _scope(cases)
    with st.form(f"resolve_{'_'.join(case_ids)[:60]}", border=False):
        code = st.selectbox(
            "How did it end?", list(RESOLUTION_CODES), format_func=RESOLUTION_CODES.__getitem__
        )
        reason = st.text_area(
            "Reason", placeholder="It is read months later: what was wrong, what was done?", max_chars=2000
        )
        sent = st.form_submit_button(
            f"Resolve {words.plural(len(cases), 'exception')}", type="primary", icon=":material/task_alt:"
        )
    if sent and len(reason.strip()) < MIN_REASON:
        st.error(f"The reason needs at least {MIN_REASON} characters.", icon=":material/warning:")
    elif sent:
        act("resolve", case_ids, token=_dialog_token("resolve", cases), code=code, reason=reason, shown=shown)
        st.rerun()


def _scope(cases: list[Case]) -> dict[str, Any]:
    """Say what the act reaches: how many, how much, which flows, and five of them; return what was said."""
    by_currency: dict[str, Any] = {}
    for case in cases:
        if case["value"]:
            currency = case["value"]["currency"] or ""
            by_currency[currency] = by_currency.get(currency, 0) + case["value"]["amount"]
    sums = [words.money({"amount": amount, "currency": name}) for name, amount in by_currency.items()]
    flows = sorted({case["flow"] for case in cases})
    told = [words.plural(len(cases), "exception"), *sums, words.plural(len(flows), "flow")]
    st.markdown(f"**{words.escape(' · '.join(told))}**")
    shown = [f"{case['correlation_id']}: {case['title']}" for case in cases[:5]]
    more = f"  \n… and {len(cases) - 5} more" if len(cases) > 5 else ""  # noqa: PLR2004 - five samples
    st.caption("  \n".join(words.escape(line) for line in shown) + more)
    return {
        "reach": " · ".join(told),
        "flows": flows,
        "samples": shown,
        "cases": {case["id"]: case["version"] for case in cases},
    }


def _dialog_token(verb: str, cases: list[Case]) -> str:
    versions = ",".join(f"{case['id']}.{case['version']}" for case in cases)
    return f"{verb}:{who().name}:{uuid.uuid5(uuid.NAMESPACE_OID, versions).hex}"


def _quoted(text: str) -> str:
    return quote(text, safe="")
