"""The waterfall, and what is selected in it."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from cases.unit import UnitDetail, UnitState
from data import formats
from unsnag import conventions
from views.components.waterfall import waterfall
from views.kit import labels
from views.kit.markdown import escape as escape_md
from views.kit.person import page_context
from views.kit.state import go, param
from views.trace import bars, records

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from cases.unit import Records, Totals
    from traces.telemetry import LogRecord, Span


DETAIL_LOGS: Final = 40


TONES: Final = {"red": "#dc2626", "amber": "#d97706", "green": "#0d9488", "": "currentColor"}


_LEVELS: Final = {"error": "red", "warning": "amber"}


@st.fragment
def waterfall_and_detail(found: Records, name: str) -> None:
    """Draw the waterfall, and beside it what is selected."""
    if not found.spans and not found.logs:
        return
    if found.truncated:
        _note_truncated(found, found.truncated)
    key = f"waterfall_{name}"
    selected = param("sel") or records.first_look(found)
    left, right = st.columns([65, 35], gap="small")
    with left:
        waterfall(bars.waterfall(found), key=key, selected=selected, on_select=lambda: _selected(key))
        st.caption("↑ ↓ move · ← → fold · l next log · e next error · z unfold all gaps")
    with right, st.container(border=True, key="trace_detail", gap="small"):
        _detail(found, selected)


def _selected(key: str) -> None:
    go(sel=st.session_state[key].selected)


def _note_truncated(found: Records, totals: Totals) -> None:
    counts = " and ".join(
        f"{len(shown):,} of {total:,} {name}"
        for name, shown, total in zip(("spans", "logs"), (found.spans, found.logs), totals, strict=True)
        if total > len(shown)
    )
    which = "newest" if isinstance(found, UnitDetail) and found.state is UnitState.MENTIONED else "first"
    rest = ""
    if isinstance(found, UnitDetail) and found.state is not UnitState.MENTIONED:
        rest = " `GET /api/v1/units/ID/spans` and `/logs` have all of them."
    st.info(f"Showing the {which} {counts}.{rest}", icon=":material/content_cut:")


def _detail(found: Records, selected: str | None) -> None:
    for span in found.spans:
        if records.span_key(span) == selected:
            _span_detail(found, span)
            return
    for key, log in zip(records.log_keys(found.logs), found.logs, strict=True):
        if key == selected:
            _log_detail(log)
            return
    st.markdown("**Nothing selected**")
    st.caption("Click a span or a dot, or move with ↑ and ↓.")


def _span_detail(found: Records, span: Span) -> None:
    st.markdown(f"**{escape_md(span.name)}**")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if span.is_failed:
            st.badge("Failed", color="red", icon=":material/error:")
        else:
            st.badge("Succeeded", color="green", icon=":material/check_circle:")
        st.caption(escape_md(span.service or ""))
    if span.id_reused:
        st.caption(
            "Another span has the same ID. Both are kept; the spans below may belong to the other one."
        )
    if span.status_message:
        st.code(span.status_message, language=None, wrap_lines=True)
    st.html(_pairs(_span_facts(found, span)))
    _attributes("Attributes", span.attributes)
    _events(span)
    _logs_of(found, span)
    if span.resource:
        with st.expander("Where it ran"):
            st.html(_pairs(span.resource.items()))


def _span_facts(found: Records, span: Span) -> list[tuple[str, Any]]:
    zone = page_context().settings.zone
    known = {one.place for one in found.spans}
    parent = span.parent_span_id
    absent = parent and (span.trace_id, parent) not in known
    shown = [
        ("Started", formats.clock(span.start, zone)),
        ("Time as sent", _original_time(span)),
        ("Took", formats.duration(span.duration_ns / 1e9)),
        ("Flow", span.flow),
        ("Step", span.step),
        ("Attempt", span.attempt),
        ("Outcome", span.outcome),
        ("Called", span.dependency),
        ("Error", span.error_type),
        ("Class", labels.CLASSES.get(span.error_class or "", ("",))[0]),
        ("Retry", span.retry_id),
        ("Kind", span.kind),
        ("Trace", span.trace_id),
        ("Span", span.span_id),
        ("Parent", f"{parent} (not among these)" if absent else parent),
    ]
    return [(name, value) for name, value in shown if value]


def _attributes(title: str, attributes: Mapping[str, Any]) -> None:
    if attributes:
        st.markdown(f"**{title}**")
        st.html(_pairs(attributes.items()))


def _events(span: Span) -> None:
    for event in span.events:
        attributes = dict(event.get("attributes") or {})
        stack = attributes.pop("exception.stacktrace", None)
        st.markdown(f"**Event: {escape_md(str(event.get('name', '')))}**")
        st.html(_pairs(attributes.items()))
        if stack:
            st.code(str(stack), language="python")
    for link in span.links:
        st.caption("Linked to")
        st.code(f"{link.get('trace_id')} {link.get('span_id')}", language=None, wrap_lines=True)


def _logs_of(found: Records, span: Span) -> None:
    logs = [log for log in found.logs if (log.trace_id, log.span_id) == span.place]
    if not logs:
        return
    st.markdown(f"**{formats.count(len(logs), 'log')}**")
    st.html("".join(_log_line(log) for log in logs[:DETAIL_LOGS]))
    if len(logs) > DETAIL_LOGS:
        st.caption(f"… and {len(logs) - DETAIL_LOGS:,} more in the story")
    for log in logs[:DETAIL_LOGS]:
        _stack(log)


def _log_line(log: LogRecord) -> str:
    zone, how = page_context().settings.zone, log.level
    color = TONES[_LEVELS.get(how, "")]
    return (
        f'<p class="line"><small>{time_of_day(log.time, zone)}</small> '
        f'<b style="color:{color}">{escape(log.severity)}</b> {escape(log.message)}</p>'
    )


def _original_time(record: Span | LogRecord) -> str | None:
    """Return the time in the record itself, where the time of arrival replaced it."""
    sent = record.attributes.get(conventions.ORIGINAL_TIME)
    if sent is None:
        return None
    return " – ".join(map(str, sent)) if isinstance(sent, list) else str(sent)


def _log_detail(log: LogRecord) -> None:
    zone = page_context().settings.zone
    st.markdown("**Log**")
    st.html(_log_line(log))
    shown = [
        ("Time", formats.clock(log.time, zone)),
        ("Time as sent", _original_time(log)),
        ("Service", log.service),
        ("Logger", log.logger),
        ("Flow", log.flow),
        ("Step", log.step),
        ("Source", log.source),
        ("Trace", log.trace_id),
        ("Span", log.span_id),
        ("Also mentions", ", ".join(log.mentions)),
    ]
    st.html(_pairs((name, value) for name, value in shown if value))
    _stack(log)
    _attributes("Fields", log.attributes)


def _stack(log: LogRecord) -> None:
    exception = log.exception
    if not exception:
        return
    text = ": ".join(part for part in (exception.type, exception.message) if part)
    language = "python" if exception.stacktrace else None
    st.code(exception.stacktrace or text, language=language, wrap_lines=language is None)


def _pairs(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return a table of names and values; every value stays text."""
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(_plain(value))}</td></tr>" for name, value in pairs
    )
    return f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def time_of_day(moment: datetime, zone: str) -> str:
    """Return the time of day of a moment, in the business time zone."""
    return formats.clock(moment, zone, moment)
