"""Audit: who asked for what, what was decided, what changed; and the proof that no line was altered."""

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
from data.clock import stored
from data.errors import UnsnagError
from server.trails import AuditFilter, Trails
from views.kit import words
from views.kit.acting import say, show_messages
from views.kit.empty import empty
from views.kit.person import here, later, seat
from views.kit.state import go, param

if TYPE_CHECKING:
    from datetime import date

    from server.center import Seat

    Row = dict[str, Any]

PER_PAGE: Final = 50
KINDS: Final = {"": "All records", "effect": "Effects", "intent": "Intents", "decision": "Decisions"}
_MARKS: Final = {"effect": "●", "intent": "→", "decision": "◆"}
_FILTERS: Final = ("q", "kind", "actor", "verb", "flow", "since", "until")


def page() -> None:
    """Draw the page."""
    st.title("Audit", anchor=False)
    show_messages()
    center = here()
    _chain(center)
    if not center.may("audit.read"):
        empty(
            ":material/lock:",
            "Here stands who did what.",
            "You may not search it: that takes the role approver.",
            "What happened to an exception stands in its panel and on its trace.",
        )
        return
    chosen = _filters(center)
    number = int(param("page", "1")) if param("page", "1").isdecimal() else 1
    total, items = Trails(center.center, center.actor).listed(
        chosen, PER_PAGE, (max(number, 1) - 1) * PER_PAGE
    )
    _bar(center, chosen, total, len(items), max(number, 1))
    if items:
        _entries(center, items)
    else:
        _nothing()


# --- the proof --------------------------------------------------------------------------------


def _chain(center: Seat) -> None:
    state = center.center.watch.look()
    with st.container(border=True, horizontal=True, vertical_alignment="center", gap="small"):
        with st.container(width="stretch", gap="xxsmall"):
            if state.verdict.intact:
                st.markdown(
                    f":green[:material/verified: **The chain holds**] · {state.verdict.entries:,} entries · "
                    f"checked {words.ago(state.checked_at, center.now())}"
                )
                st.caption(f"Last hash `{state.verdict.head}`")
            else:
                st.markdown(
                    f":red[:material/link_off: **The chain is broken at entry {state.verdict.broken_at:,}**]"
                )
                st.caption(words.escape(state.verdict.reason or ""))
            if state.trouble:
                st.caption(f":orange[:material/warning: {words.escape(state.trouble)}]")
        st.button("Check all now", icon=":material/fact_check:", on_click=_check)


def _check() -> None:
    try:
        center = seat()
        state = Trails(center.center, center.actor).check()
    except UnsnagError as error:
        say(words.escape(str(error)), ":material/warning:")
        return
    if state.verdict.intact:
        say(f"{state.verdict.entries:,} entries checked: the chain holds", ":material/verified:")
    else:
        say(words.escape(state.verdict.reason or "The chain is broken"), ":material/link_off:")


# --- filters ----------------------------------------------------------------------------------


def _filters(center: Seat) -> AuditFilter:
    known = Trails(center.center, center.actor).facets()
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        _text("q", "Unit, reason, person", 190)
        _choice("kind", "Kind", list(KINDS), KINDS.get)
        _choice("actor", "Actor", ["", *known["actor"]], lambda name: name or "Every actor")
        _choice("verb", "What", ["", *known["verb"]], lambda name: name or "Everything")
        _text("flow", "Flow", 120)
        _day("since", "From")
        _day("until", "To, inclusive")
    zone = ZoneInfo(center.settings.zone)
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
    st.session_state[key] = param(name)
    st.text_input(
        hint, key=key, placeholder=hint, label_visibility="collapsed", width=width,
        on_change=lambda: go(**{name: st.session_state[key].strip(), "page": None}),
    )  # fmt: skip


def _choice(name: str, label: str, options: list[str], told: Any) -> None:
    key, chosen = f"audit_{name}", param(name)
    st.session_state[key] = chosen
    st.selectbox(
        label, list(dict.fromkeys([*options, chosen])), key=key, format_func=told, width=145,
        label_visibility="collapsed", on_change=lambda: go(**{name: st.session_state[key], "page": None}),
    )  # fmt: skip


def _day(name: str, label: str) -> None:
    key = f"audit_{name}"
    st.session_state[key] = _date(name)
    st.date_input(
        label, key=key, value=None, width=135, format="YYYY-MM-DD",
        on_change=lambda: go(**{name: str(st.session_state[key] or ""), "page": None}),
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


def _bar(center: Seat, chosen: AuditFilter, total: int, shown: int, number: int) -> None:
    first = (number - 1) * PER_PAGE
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        span = f"{first + 1:,}–{first + shown:,} of {total:,}" if shown else f"0 of {total:,}"
        st.markdown(f"{span} · :gray[newest first, times in {center.settings.zone}]", width="stretch")
        if center.may("audit.export"):
            st.download_button(
                "CSV", data=later(lambda center: _csv(center, chosen)), file_name="unsnag-audit.csv",
                mime="text/csv", icon=":material/download:", on_click="ignore",
                help="All entries that the filter shows. That you took them is recorded.",
            )  # fmt: skip
            st.download_button(
                "Evidence pack", data=later(lambda center: _pack(center, chosen)),
                file_name="unsnag-evidence.zip", mime="application/zip", on_click="ignore",
                icon=":material/verified_user:",
                help="Period and flow of the filter, with proof and a verifier that needs nothing of ours. "
                "That you took it is recorded.",
            )  # fmt: skip
        if total > PER_PAGE:
            pages = -(-total // PER_PAGE)
            st.pagination(pages, key="audit_page", default=min(number, pages), on_change=_turn)


def _turn() -> None:
    go(page=str(st.session_state["audit_page"]))


def _csv(center: Seat, chosen: AuditFilter) -> bytes:
    out = io.BytesIO()
    Trails(center.center, center.actor).export(chosen, out)
    return out.getvalue()


def _pack(center: Seat, chosen: AuditFilter) -> bytes:
    with tempfile.TemporaryFile() as out:
        Trails(center.center, center.actor).pack(Wanted(chosen.since, chosen.until, chosen.flow), out)
        out.seek(0)
        return out.read()


def _entries(center: Seat, items: list[Row]) -> None:
    zone = ZoneInfo(center.settings.zone)
    st.dataframe(
        [_shown(row, zone) for row in items],
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


def _shown(row: Row, zone: ZoneInfo) -> Row:
    moment = datetime.fromisoformat(row["time"]).astimezone(zone)
    unit = row["correlation_id"]
    return {
        "No.": row["seq"],
        "Time": f"{moment:%d %b %H:%M:%S}",
        "Record": f"{_MARKS.get(row['kind'], '')} {row['kind']}",
        "Actor": row["actor"] + (" (service)" if row["actor_type"] == "service" else ""),
        "Did": row["verb"],
        "Unit": f"/trace?id={quote(unit, safe='')}#{unit}" if unit else "",
        "About": row["subject"] or " ▸ ".join(filter(None, (row["flow"], row["step"]))),
        "State": " → ".join(filter(None, (row["from_state"], row["to_state"]))),
        "Reason": row["reason"] or "",
        "More": _more(row["details"]),
        "Door": row["door"] or "",
        "Hash": row["hash"][:12],
    }


def _more(details: str | None) -> str:
    told: dict[str, Any] = orjson.loads(details) if details else {}
    return " · ".join(f"{name}: {_plain(value)}" for name, value in told.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _nothing() -> None:
    filtered = any(param(name) for name in _FILTERS)
    empty(
        ":material/history:",
        "Here stands who asked for what, what was decided, and what changed.",
        "No entry matches these filters." if filtered else "Nothing has happened yet.",
        "Take a filter away." if filtered else "The first exception writes the first line.",
    )
    if filtered:
        st.button(
            "Clear filters",
            icon=":material/filter_alt_off:",
            on_click=lambda: go(**dict.fromkeys((*_FILTERS, "page"))),
        )
