"""The head of the page: what is shown, its state, its facts."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING, Final

import streamlit as st

from cases.unit import UnitState
from data import formats
from unsnag.fields import shown_on
from views.kit import labels
from views.kit.markdown import escape as escape_md
from views.trace import records, story
from views.trace import times as unit_times
from views.trace.find import STATES, open_unit

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cases.unit import TraceDetail, UnitDetail
    from server.context import ServerContext

MENTIONED_TRACES: Final = 5
"""Traces of records that carry an ID that are offered at most."""


def header(ctx: ServerContext, unit: UnitDetail) -> None:
    """Draw the head of a unit."""
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(unit.correlation_id, language=None, width="content")
            name, color, icon = STATES[unit.state]
            st.badge(name, color=color, icon=icon)
            st.caption(_state_line(ctx, unit))
        st.html(_facts(_header_facts(ctx, unit)))


def _state_line(ctx: ServerContext, unit: UnitDetail) -> str:
    now = ctx.now()
    if unit.state is UnitState.IN_FLIGHT and (last := story.last_lane(unit)):
        who, when = last
        return f"Last heard from {escape_md(who or 'it')} {formats.ago(when, now)}"
    if unit.state is UnitState.FAILED:
        return f"{formats.count(story.live_cases(unit.cases), 'exception')} still open"
    done = unit.completed_at
    return f"Finished {formats.ago(done, now)}" if done else ""


def _header_facts(ctx: ServerContext, unit: UnitDetail) -> list[tuple[str, str]]:
    zone, times = ctx.settings.zone, unit_times.times(unit, ctx.now())
    attempts, failures = _attempts(unit)
    failed = f" <small>({failures:,} failed)</small>" if failures else ""
    shown = [
        ("Flow", escape(", ".join(unit.flows))),
        ("Value", escape(labels.amount(unit.value)) if unit.value else ""),
        *((field.label, _text(unit.context[field.name])) for field in shown_on("unit page")),
        ("Opened", escape(formats.clock(unit.opened_at, zone))),
        ("Total time", _total(times)),
        ("Attempts", f"{attempts:,}{failed}"),
        ("Exceptions", f"{len(unit.cases):,} <small>({story.live_cases(unit.cases):,} open)</small>"),
        ("People", escape(", ".join(story.people(unit.acts))) or "none"),
    ]
    return [(name, value) for name, value in shown if value]


def _attempts(unit: UnitDetail) -> tuple[int, int]:
    """Return how many attempts of steps there were, and how many failed.

    What is stored counts a retry twice where worker and service both record the step.
    """
    if unit.truncated:
        return unit.attempts, unit.failed_attempts
    found = records.attempts(unit.spans)
    return len(found), sum(span.is_failed for span in found)


def _total(times: unit_times.Times) -> str:
    parts = f"{formats.duration(times.working)} working + {formats.duration(times.waiting)} waiting"
    return f"{formats.duration(times.total)} <small>= {parts}</small>"


def mentioned_header(unit: UnitDetail) -> None:
    """Show which records mention an ID that no record belongs to, and how to make it a unit."""
    traces = list(dict.fromkeys(one.trace_id for one in unit.records if one.trace_id))
    shown = [("Spans", f"{len(unit.spans):,}"), ("Logs", f"{len(unit.logs):,}")]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(unit.correlation_id, language=None, width="content")
            name, color, icon = STATES[UnitState.MENTIONED]
            st.badge(name, color=color, icon=icon)
            st.caption("These records mention this ID; none belongs to it.")
        st.html(_facts(shown))
        with st.container(horizontal=True, gap="small"):
            for trace_id in traces[:MENTIONED_TRACES]:
                st.button(
                    trace_id,
                    key=f"of_{trace_id}",
                    icon=":material/account_tree:",
                    on_click=open_unit,
                    args=(trace_id,),
                    help="Open this trace",
                )
            if len(traces) > MENTIONED_TRACES:
                st.caption(f"and {len(traces) - MENTIONED_TRACES:,} more traces")
        if example := _mapping(unit):
            st.caption(
                "To make this ID a unit of work with steps, exceptions and proof, name its attribute in a "
                "mapping of the config file. The mapping applies to records that arrive after a restart:"
            )
            st.code(example, language="toml")


def _mapping(unit: UnitDetail) -> str | None:
    """Return a mapping that names the attribute of which the ID is the value, as the first record has it."""
    wanted = unit.correlation_id.lower()
    for record in unit.records:
        for attribute, value in record.attributes.items():
            if str(value).lower() == wanted:
                service = json.dumps(record.service or "", ensure_ascii=False)
                return (
                    "[collectors.mappings.orders]\n"
                    f'match = {{ "service.name" = {service} }}   # log files name their mapping instead\n'
                    f"correlation_id = {json.dumps(attribute, ensure_ascii=False)}"
                )
    return None


def trace_header(trace: TraceDetail) -> None:
    """Draw the head of a trace that belongs to no one unit."""
    services = list(dict.fromkeys(span.service for span in trace.spans if span.service))
    units = list(dict.fromkeys(span.correlation_id for span in trace.spans if span.correlation_id))
    known = unit_times.bounds(trace)
    length = (known[1] - known[0]).total_seconds() if known else 0.0
    shown = [
        ("Spans", f"{len(trace.spans):,}"),
        ("Logs", f"{len(trace.logs):,}"),
        ("Took", formats.duration(length)),
        ("Services", escape(", ".join(services))),
    ]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(trace.trace_id, language=None, width="content")
            st.badge("Trace", color="gray", icon=":material/account_tree:")
            for name in units[:5]:
                st.button(escape_md(name), icon=":material/package_2:", on_click=open_unit, args=(name,))
        st.html(_facts([(name, value) for name, value in shown if value]))


def _text(text: str | None) -> str:
    return escape(text or "")


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a line of facts; the values are HTML already."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{cells}</dl>'
