"""Audit: who asked for what, what was decided, what changed, and the check of the hash chain."""

from __future__ import annotations

import io
import tempfile
from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import orjson
import streamlit as st

from audit.evidence import Wanted
from data import formats
from data.clock import stored
from data.errors import UnsnagError
from data.paging import PageRequest
from server import audit
from server.audit import AuditFilter
from views.kit.acting import say, show_messages
from views.kit.empty import empty
from views.kit.markdown import escape
from views.kit.person import context, later, page_context
from views.kit.state import choose, go, param, preset
from views.kit.title import title

if TYPE_CHECKING:
    from datetime import date

    from server.audit import AuditEntry
    from server.context import ServerContext

PER_PAGE: Final = 50
KINDS: Final = {"": "All records", "effect": "Effects", "intent": "Intents", "decision": "Decisions"}
_MARKS: Final = {"effect": "●", "intent": "→", "decision": "◆"}
_FILTERS: Final = ("q", "kind", "actor", "verb", "flow", "since", "until")


def page() -> None:
    """Draw the page."""
    title("Audit")
    show_messages()
    ctx = page_context()
    _chain(ctx)
    if not ctx.may("audit.read"):
        empty(
            ":material/lock:",
            "Every request, decision and change, with who made it.",
            "Searching the audit needs the approver role.",
            "The history of one exception is in its panel and on its trace page.",
        )
        return
    chosen = _filters(ctx)
    number = int(param("page", "1")) if param("page", "1").isdecimal() else 1
    found = audit.listed(ctx, chosen, PageRequest(PER_PAGE, (max(number, 1) - 1) * PER_PAGE))
    _bar(ctx, chosen, found.total, len(found.items), max(number, 1))
    if found.items:
        _entries(ctx, found.items)
    else:
        _nothing()


# --- the proof --------------------------------------------------------------------------------


def _chain(ctx: ServerContext) -> None:
    state = ctx.container.watch.look()
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            if state.verdict.intact:
                st.markdown(
                    ":green[:material/verified: **Hash chain intact**] · "
                    f"{state.verdict.entries:,} entries · checked {formats.ago(state.checked_at, ctx.now())}"
                )
                st.caption(f"Last hash `{state.verdict.head}`")
            else:
                st.markdown(
                    f":red[:material/link_off: **Hash chain broken at entry {state.verdict.broken_at:,}**]"
                )
                st.caption(escape(state.verdict.reason or ""))
            for text in audit.differences_in_scope(ctx, state):
                st.markdown(f":red[:material/link_off: {escape(text)}]")
            for warning in (state.trouble, state.missing):
                if warning:
                    st.caption(f":orange[:material/warning: {escape(warning)}]")
        st.button("Verify all now", icon=":material/fact_check:", on_click=_check)


def _check() -> None:
    try:
        ctx = context()
        state = audit.check(ctx)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return
    if state.verdict.intact and state.differences:
        words = "the store differs from it, see above the list"
        say(
            f"{state.verdict.entries:,} entries verified: hash chain intact, but {words}",
            ":material/link_off:",
        )
    elif state.verdict.intact:
        say(f"{state.verdict.entries:,} entries verified: hash chain intact", ":material/verified:")
    else:
        say(escape(state.verdict.reason or "The hash chain is broken"), ":material/link_off:")


# --- filters ----------------------------------------------------------------------------------


def _filters(ctx: ServerContext) -> AuditFilter:
    known = audit.facets(ctx)
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom", key="filters"):
        _text("q", "Unit, reason, person", 190)
        _choice("kind", "Kind", list(KINDS), KINDS.get)
        _choice("actor", "Actor", ["", *known["actor"]], lambda name: name or "Every actor")
        _choice("verb", "What", ["", *known["verb"]], lambda name: name or "Everything")
        _text("flow", "Flow", 120)
        _day("since", "From")
        _day("until", "To, inclusive")
    zone = ZoneInfo(ctx.settings.zone)
    return AuditFilter(
        text=param("q") or None,
        kind=param("kind") or None,
        actor=param("actor") or None,
        verb=param("verb") or None,
        flow=param("flow") or None,
        since=_begin(_date("since"), zone),
        until=_begin(_date("until"), zone, days=1),
    )


def _text(name: str, hint: str, width: int) -> None:
    key = f"audit_{name}"
    preset(key, param(name))
    st.text_input(
        hint, key=key, placeholder=hint, label_visibility="collapsed", width=width,
        on_change=lambda: choose(name, st.session_state[key].strip(), page=None),
    )  # fmt: skip


def _choice(name: str, label: str, options: list[str], label_of: Any) -> None:
    key, chosen = f"audit_{name}", param(name)
    preset(key, chosen)
    st.selectbox(
        label, list(dict.fromkeys([*options, chosen])), key=key, format_func=label_of, width=145,
        label_visibility="collapsed", on_change=lambda: choose(name, st.session_state[key], page=None),
    )  # fmt: skip


def _day(name: str, label: str) -> None:
    key = f"audit_{name}"
    preset(key, _date(name))
    st.date_input(
        label, key=key, value=None, width=135, format="YYYY-MM-DD",
        on_change=lambda: choose(name, str(st.session_state[key] or ""), page=None),
    )  # fmt: skip


def _date(name: str) -> date | None:
    try:
        return datetime.fromisoformat(param(name)).date()
    except ValueError:
        return None


def _begin(day: date | None, zone: ZoneInfo, days: int = 0) -> datetime | None:
    if day is None:
        return None
    return stored(datetime.combine(day + timedelta(days=days), time(), zone).astimezone(UTC))


# --- the list ---------------------------------------------------------------------------------


def _bar(ctx: ServerContext, chosen: AuditFilter, total: int, shown: int, number: int) -> None:
    first = (number - 1) * PER_PAGE
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        span = f"{first + 1:,}–{first + shown:,} of {total:,}" if shown else f"0 of {total:,}"
        st.markdown(f"{span} · :gray[newest first, times in {ctx.settings.zone}]", width="stretch")
        if ctx.may("audit.export"):
            st.download_button(
                "CSV", data=later(lambda ctx: _csv(ctx, chosen)), file_name="unsnag-audit.csv",
                mime="text/csv", icon=":material/download:", on_click="ignore",
                help="All entries that match the filters. The export is recorded in the audit.",
            )  # fmt: skip
            st.download_button(
                "Evidence pack", data=later(lambda ctx: _pack(ctx, chosen)),
                file_name="unsnag-evidence.zip", mime="application/zip", on_click="ignore",
                icon=":material/verified_user:",
                help="All entries of the chosen period and flow, with proof and a verifier that runs alone. "
                "The export is recorded in the audit.",
            )  # fmt: skip
        if total > PER_PAGE:
            pages = -(-total // PER_PAGE)
            st.pagination(pages, key="audit_page", default=min(number, pages), on_change=_turn)


def _turn() -> None:
    go(page=str(st.session_state["audit_page"]))


def _csv(ctx: ServerContext, chosen: AuditFilter) -> bytes:
    out = io.BytesIO()
    audit.export(ctx, chosen, out)
    return out.getvalue()


def _pack(ctx: ServerContext, chosen: AuditFilter) -> bytes:
    with tempfile.TemporaryFile() as out:
        audit.pack(ctx, Wanted(chosen.since, chosen.until, chosen.flow), out)
        out.seek(0)
        return out.read()


def _entries(ctx: ServerContext, items: list[AuditEntry]) -> None:
    zone = ctx.settings.zone
    st.dataframe(
        [_shown(entry, zone) for entry in items],
        hide_index=True,
        height="content",
        column_config={
            "No.": st.column_config.NumberColumn("No.", width=70),
            "Time": st.column_config.TextColumn("Time", width=150),
            "Record": st.column_config.TextColumn("Record", width=100),
            "Unit": st.column_config.LinkColumn("Unit", display_text=r"#(.+)$", help="Open the trace"),
            "Reason": st.column_config.TextColumn("Reason", width="medium"),
            "More": st.column_config.TextColumn("More", width="large"),
            "Hash": st.column_config.TextColumn("Hash", width=110),
        },
    )


def _shown(entry: AuditEntry, zone: str) -> dict[str, Any]:
    moment = datetime.fromisoformat(entry.time)
    unit = entry.correlation_id
    return {
        "No.": entry.seq,
        "Time": formats.clock(moment, zone),
        "Record": f"{_MARKS.get(entry.kind, '')} {entry.kind}",
        "Actor": entry.actor + (" (service)" if entry.actor_type == "service" else ""),
        "Action": entry.verb,
        "Unit": f"/trace?id={quote(unit, safe='')}#{unit}" if unit else "",
        "About": entry.subject or " ▸ ".join(filter(None, (entry.flow, entry.step))),
        "State": " → ".join(filter(None, (entry.from_state, entry.to_state))),
        "Reason": entry.reason or "",
        "More": _more(entry.details),
        "Channel": entry.door or "",
        "Hash": entry.hash[:12],
    }


def _more(details: str | None) -> str:
    values: dict[str, Any] = orjson.loads(details) if details else {}
    return " · ".join(f"{name}: {_plain(value)}" for name, value in values.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _nothing() -> None:
    filtered = any(param(name) for name in _FILTERS)
    empty(
        ":material/history:",
        "Every request, decision and change, with who made it.",
        "No entry matches these filters." if filtered else "No entry yet.",
        "Remove a filter." if filtered else "The first exception or sign-in writes the first entry.",
    )
    if filtered:
        st.button(
            "Clear filters",
            icon=":material/filter_alt_off:",
            on_click=lambda: go(**dict.fromkeys((*_FILTERS, "page"))),
        )
