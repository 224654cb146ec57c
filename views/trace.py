"""Trace: everything of one unit of work, from capture to the end, on one page.

Find it, see how it stands, see where the time went and what failed, act, read the story.
The address says what is shown: `?id=SO-1001&sel=…&show=steps,people&case=…`.
"""

from __future__ import annotations

import json
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

import streamlit as st

from desk.cases import CaseFilter
from desk.errors import TraceNotFoundError, UnitNotFoundError
from desk.lifecycle import LIVE
from desk.units import MENTIONED
from unsnag import conventions
from views import story
from views.components.live import live
from views.components.waterfall import waterfall
from views.kit import words
from views.kit.acting import show_messages
from views.kit.empty import empty, first_use
from views.kit.panel import case_panel
from views.kit.person import here
from views.kit.state import go, param, several
from views.recent import recent_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from server.center import Seat

    Row = dict[str, Any]
    Place = tuple[str, str | None]

SHOWS: Final = "Everything of one unit of work: steps, time, failures, people."
STATES: Final[dict[str, tuple[str, Any, str]]] = {
    "in_flight": ("In flight", "blue", ":material/pending:"),
    "completed": ("Completed", "green", ":material/check_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "recovered": ("Recovered", "green", ":material/verified:"),
    "partial": ("Partly failed", "orange", ":material/error:"),
    "completed_with_errors": ("Completed with errors", "orange", ":material/warning:"),
    "completed_unproven": ("Completed, unproven", "gray", ":material/help:"),
    "ended": ("Ended, no success rule", "gray", ":material/stop_circle:"),
    "mentioned": ("Only named", "gray", ":material/format_quote:"),
}
"""How a unit stands: words, colour, icon."""
HIT_KINDS: Final = {
    "unit": "Unit of work",
    "customer": "Unit of this customer",
    "trace": "Trace",
    "case": "Exception",
    "run": "Run",
}
MENTIONED_TRACES: Final = 5
"""Traces of records that carry an ID that are offered at most."""
STORY_LINES: Final = 400
DETAIL_LOGS: Final = 40
_STYLE: Final = """<style>
.st-key-trace_detail {max-height: 712px; overflow-y: auto; scrollbar-width: thin;}
.facts {display: flex; flex-wrap: wrap; gap: 10px 32px; margin: 0 !important; padding: 0 !important;}
.facts div {min-width: 0;}
.facts dt, .facts dd {margin: 0 !important; padding: 0 !important;}
.facts dt, .pairs th {font-size: 11.5px; font-weight: 400; opacity: 0.65;}
.facts dd {margin: 0; font-size: 13.5px; font-weight: 500; overflow-wrap: anywhere;}
.facts dd small {font-weight: 400; opacity: 0.7; font-size: 12px;}
.pairs {width: 100%; border-collapse: collapse; font-size: 12.5px; table-layout: fixed;}
.pairs th, .pairs td {padding: 4px 0; overflow-wrap: anywhere; vertical-align: top; text-align: left;}
.pairs th {padding-right: 10px; width: 36%;}
.pairs td {white-space: pre-wrap;}
.pairs tr + tr, .story tr + tr {border-top: 1px solid color-mix(in srgb, currentColor 9%, transparent);}
.story {width: 100%; border-collapse: collapse; font-size: 13px;}
.story td, .story th {padding: 5px 12px 5px 0; vertical-align: top; text-align: left; border: 0;}
.story th {font-size: 11.5px; font-weight: 400; opacity: 0.65;}
.story .when, .story .after {white-space: nowrap; font-variant-numeric: tabular-nums;}
.story .after, .story .lane {opacity: 0.65;}
.story .after {text-align: right;}
.story .lane {white-space: nowrap; max-width: 190px; overflow: hidden; text-overflow: ellipsis;}
.story .said {width: 100%; overflow-wrap: anywhere;}
.sign {font: 17px/1.15 "Material Symbols Rounded"; font-feature-settings: "liga"; white-space: nowrap;}
a.quiet {font-size: 13px; color: inherit; text-underline-offset: 3px;}
.line {font-size: 12.5px; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0 0 6px 0;}
.line small {opacity: 0.65; font-variant-numeric: tabular-nums;}
</style>"""
_TONES: Final = {"red": "#dc2626", "amber": "#d97706", "green": "#0d9488", "": "currentColor"}
_LEVELS: Final = {"error": "red", "warning": "amber"}


def page() -> None:
    """Draw the page."""
    st.html(_STYLE)
    _search_box()
    if param("q"):
        _search(here(), param("q"))
    elif param("id"):
        show(param("id"))
    else:
        _nothing_yet(here())


@st.fragment
def show(name: str) -> None:
    """Draw the unit or the trace of this name; runs again by itself when a case changes."""
    live("case", key="live_trace")
    show_messages()
    center = here()
    try:
        _unit(center, center.units.unit(name))
    except UnitNotFoundError:
        _trace(center, name)


def _trace(center: Seat, name: str) -> None:
    try:
        found = center.units.trace(name)
    except TraceNotFoundError:
        _search(center, name)
        return
    _trace_header(found)
    _waterfall({"state": "", "cases": [], "acts": [], **found}, name)
    _story(center, found)


def _unit(center: Seat, unit: Row) -> None:
    if unit["state"] == MENTIONED:
        _mentioned(unit)
    else:
        _header(center, unit)
    if waiting := words.settling(len(unit["settling"])):
        st.info(waiting, icon=":material/hourglass_top:")
    _waterfall(unit, unit["correlation_id"])
    _cases(center, unit["cases"])
    _story(center, unit)


# --- find -----------------------------------------------------------------------------------


def _search_box() -> None:
    st.session_state["trace_search"] = param("q") or param("id")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Trace", anchor=False)
        st.space("stretch")
        st.text_input(
            "Find an order, a trace, a case or a run",
            key="trace_search",
            placeholder="Find an order, a trace, a case or a run",
            label_visibility="collapsed",
            icon=":material/search:",
            width=420,
            on_change=_sought,
        )


def _sought() -> None:
    go(q=st.session_state["trace_search"].strip(), id=None, sel=None, case=None, all=None)


def _search(center: Seat, text: str) -> None:
    hits = center.search(text)
    places = _places(center, hits)
    exact = {place for hit, place in zip(hits, places, strict=True) if hit["id"] == text and place}
    opened = exact or {place for place in places if place}
    if len(opened) == 1 and (place := opened.pop())[0] != param("id"):
        _open(*place)
        st.rerun()
    elif hits:
        _chooser(center, text, hits, places)
    else:
        _not_found(center, text)


def _places(center: Seat, hits: Sequence[Row]) -> list[Place | None]:
    """Return for each hit which id, and which case of it, to open."""
    return [_place(center, hit) for hit in hits]


def _place(center: Seat, hit: Row) -> Place | None:
    if hit["kind"] == "case":
        return center.desk.case(hit["id"])["correlation_id"], hit["id"]
    if hit["kind"] == "run":
        return (hit["title"], None) if hit["title"] else None
    return hit["id"], None


def _open(name: str, case: str | None = None) -> None:
    go(id=name, case=case, q=None, sel=None, all=None)


def _chooser(center: Seat, text: str, hits: Sequence[Row], places: Sequence[Place | None]) -> None:
    st.markdown(f"**{words.plural(len(hits), 'record')}** of **{words.escape(text)}**. Which one?")
    with st.container(border=True, gap="xsmall"):
        for n, (hit, place) in enumerate(zip(hits, places, strict=True)):
            _hit(center, n, hit, place)


def _hit(center: Seat, n: int, hit: Row, place: Place | None) -> None:
    columns = st.columns([30, 18, 30, 12, 10], vertical_alignment="center")
    columns[0].button(
        words.escape(hit["id"]),
        key=f"hit_{n}",
        on_click=_open,
        args=place or (hit["id"],),
        disabled=place is None,
        type="tertiary",
        icon=":material/account_tree:",
        help=None if place else "None of its records carries a correlation ID.",
    )
    columns[1].caption(HIT_KINDS.get(hit["kind"], hit["kind"]))
    columns[2].text(hit["title"] or "")
    columns[3].caption(words.ago(hit["time"], center.now()))
    with columns[4]:
        _state_badge(hit)


def _state_badge(hit: Row) -> None:
    state = hit["state"]
    name, color, icon = STATES.get(state) or words.STATES.get(state) or (state, "gray", None)
    st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]


def _not_found(center: Seat, text: str) -> None:
    cases = center.desk.cases(CaseFilter(text=text), 20).items
    own = [case for case in cases if case["correlation_id"] == text]
    empty(
        ":material/search_off:",
        f"No record carries {words.escape(text)}.",
        "The exceptions below belong to it; no unit of work does." if own else _freshness(center),
        "Look for another part of the number: the search takes its beginning.",
    )
    _cases(center, own)


def _freshness(center: Seat) -> str:
    moment = center.as_of()
    if moment is None:
        return "Nothing has arrived since the start."
    return f"The newest data arrived {words.ago(moment, center.now())}; what is not here may still come."


def _nothing_yet(center: Seat) -> None:
    if not any(source["records"] for source in center.sources()):
        first_use(SHOWS)
        return
    empty(
        ":material/account_tree:",
        SHOWS,
        "No unit is chosen yet.",
        "Type an order's number above, press Trace beside an exception, or choose one below.",
    )
    recent_units(center, _open, STATES)


# --- header ---------------------------------------------------------------------------------


def _header(center: Seat, unit: Row) -> None:
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(unit["correlation_id"], language=None, width="content")
            name, color, icon = STATES[unit["state"]]
            st.badge(name, color=color, icon=icon)
            st.caption(_how_it_stands(center, unit))
        st.html(_facts(_header_facts(center, unit)))


def _how_it_stands(center: Seat, unit: Row) -> str:
    now = center.now()
    if unit["state"] == "in_flight" and (last := story.last_lane(unit)):
        who, when = last
        return f"Last heard from {words.escape(who or 'it')} {words.ago(when, now)}"
    if unit["state"] == "failed":
        return f"{words.plural(story.live_cases(unit), 'exception')} still open"
    done = unit["completed_at"]
    return f"Finished {words.ago(done, now)}" if done else ""


def _header_facts(center: Seat, unit: Row) -> list[tuple[str, str]]:
    zone, times = center.settings.zone, story.times(unit, center.now())
    failed = f" <small>({unit['failed_attempts']:,} failed)</small>" if unit["failed_attempts"] else ""
    shown = [
        ("Flow", escape(", ".join(unit["flows"]))),
        ("Value", escape(words.money(unit["value"])) if unit["value"] else ""),
        ("Tenant", _said(unit["tenant"])),
        ("Business unit", _said(unit["business_unit"])),
        ("Customer", _said(unit["customer"])),
        ("Segment", _said(unit["segment"])),
        ("Opened", escape(words.clock(unit["opened_at"], zone))),
        ("Total time", _total(times)),
        ("Attempts", f"{unit['attempts']:,}{failed}"),
        ("Exceptions", f"{len(unit['cases']):,} <small>({story.live_cases(unit):,} open)</small>"),
        ("People", escape(", ".join(story.people(unit))) or "nobody"),
    ]
    return [(name, value) for name, value in shown if value]


def _total(times: story.Times) -> str:
    parts = f"{words.duration(times.working)} working + {words.duration(times.waiting)} waiting"
    return f"{words.duration(times.total)} <small>= {parts}</small>"


def _mentioned(unit: Row) -> None:
    """Say what carries an ID that no record belongs to, and how it becomes a unit."""
    traces = list(
        dict.fromkeys(one["trace_id"] for one in (*unit["spans"], *unit["logs"]) if one["trace_id"])
    )
    shown = [("Spans", f"{len(unit['spans']):,}"), ("Logs", f"{len(unit['logs']):,}")]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(unit["correlation_id"], language=None, width="content")
            name, color, icon = STATES[MENTIONED]
            st.badge(name, color=color, icon=icon)
            st.caption("No record belongs to this ID; these carry it.")
        st.html(_facts(shown))
        with st.container(horizontal=True, gap="small"):
            for trace_id in traces[:MENTIONED_TRACES]:
                st.button(
                    trace_id,
                    key=f"of_{trace_id}",
                    icon=":material/account_tree:",
                    on_click=_open,
                    args=(trace_id,),
                    help="Open this trace",
                )
            if len(traces) > MENTIONED_TRACES:
                st.caption(f"and {len(traces) - MENTIONED_TRACES:,} more traces")
        if example := _mapping(unit):
            st.caption(
                "To give the ID a unit of work, with steps, exceptions and proof, name its attribute "
                "in a mapping of the config file. It counts for what arrives after the next start:"
            )
            st.code(example, language="toml")


def _mapping(unit: Row) -> str | None:
    """Return a mapping that names the attribute of which the ID is the value, as the first record has it."""
    wanted = unit["correlation_id"].lower()
    for record in (*unit["spans"], *unit["logs"]):
        for attribute, value in record["attributes"].items():
            if str(value).lower() == wanted:
                service = json.dumps(record["service"] or "", ensure_ascii=False)
                return (
                    "[collectors.mappings.orders]\n"
                    f'match = {{ "service.name" = {service} }}   # log files name their mapping instead\n'
                    f"correlation_id = {json.dumps(attribute, ensure_ascii=False)}"
                )
    return None


def _trace_header(trace: Row) -> None:
    services = list(dict.fromkeys(span["service"] for span in trace["spans"] if span["service"]))
    units = list(dict.fromkeys(span["correlation_id"] for span in trace["spans"] if span["correlation_id"]))
    known = story.bounds(trace)
    length = (known[1] - known[0]).total_seconds() if known else 0.0
    shown = [
        ("Spans", f"{len(trace['spans']):,}"),
        ("Logs", f"{len(trace['logs']):,}"),
        ("Took", words.duration(length)),
        ("Services", escape(", ".join(services))),
    ]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.code(trace["trace_id"], language=None, width="content")
            st.badge("Trace", color="gray", icon=":material/account_tree:")
            for name in units[:5]:
                st.button(words.escape(name), icon=":material/package_2:", on_click=_open, args=(name,))
        st.html(_facts([(name, value) for name, value in shown if value]))


def _said(text: str | None) -> str:
    return escape(text or "")


def _facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a line of facts; the values are HTML already."""
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{value}</dd></div>" for name, value in pairs)
    return f'<dl class="facts">{cells}</dl>'


# --- waterfall and what is selected in it -----------------------------------------------------


@st.fragment
def _waterfall(unit: Row, name: str) -> None:
    if not unit["spans"] and not unit["logs"]:
        return
    if unit["truncated"]:
        _say_truncated(unit)
    key = f"waterfall_{name}"
    selected = param("sel") or story.first_look(unit)
    left, right = st.columns([65, 35], gap="small")
    with left:
        waterfall(story.waterfall(unit), key=key, selected=selected, on_select=lambda: _selected(key))
        st.caption("↑ ↓ move · ← → fold · l next log · e next error · z unfold all gaps")
    with right, st.container(border=True, key="trace_detail", gap="small"):
        _detail(unit, selected)


def _selected(key: str) -> None:
    go(sel=st.session_state[key].selected)


def _say_truncated(unit: Row) -> None:
    told = " and ".join(
        f"{len(unit[name]):,} of {total:,} {name}"
        for name, total in unit["truncated"].items()
        if total > len(unit[name])
    )
    which = "newest" if unit.get("state") == MENTIONED else "first"
    st.info(f"Showing the {which} {told}.", icon=":material/content_cut:")


def _detail(unit: Row, selected: str | None) -> None:
    for span in unit["spans"]:
        if story.span_key(span) == selected:
            _span_detail(unit, span)
            return
    for key, log in zip(story.log_keys(unit["logs"]), unit["logs"], strict=True):
        if key == selected:
            _log_detail(log)
            return
    st.markdown("**Nothing is selected**")
    st.caption("Click a span or a dot, or walk with ↑ and ↓.")


def _span_detail(unit: Row, span: Row) -> None:
    st.markdown(f"**{words.escape(span['name'])}**")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if story.failed(span):
            st.badge("Failed", color="red", icon=":material/error:")
        else:
            st.badge("Went well", color="green", icon=":material/check_circle:")
        st.caption(words.escape(span["service"] or ""))
    if span["id_reused"]:
        st.caption(
            "Another span has the same id. Both are kept; the spans below this one may be the other's."
        )
    if span["status_message"]:
        st.code(span["status_message"], language=None, wrap_lines=True)
    st.html(_pairs(_span_facts(unit, span)))
    _attributes("Attributes", span["attributes"])
    _events(span)
    _logs_of(unit, span)
    if span["resource"]:
        with st.expander("Where it ran"):
            st.html(_pairs(span["resource"].items()))


def _span_facts(unit: Row, span: Row) -> list[tuple[str, Any]]:
    zone = here().settings.zone
    known = {(s["trace_id"], s["span_id"]) for s in unit["spans"]}
    parent = span["parent_span_id"]
    absent = parent and (span["trace_id"], parent) not in known
    shown = [
        ("Started", words.clock(span["start"], zone)),
        ("Time as sent", _original_time(span)),
        ("Took", words.duration(span["duration_ns"] / 1e9)),
        ("Flow", span["flow"]),
        ("Step", span["step"]),
        ("Attempt", span["attempt"]),
        ("Outcome", span["outcome"]),
        ("Called", span["dependency"]),
        ("Error", span.get("error_type")),
        ("Class", words.CLASSES.get(span.get("error_class") or "", ("",))[0]),
        ("Retry", span.get("retry_id")),
        ("Kind", span["kind"]),
        ("Trace", span["trace_id"]),
        ("Span", span["span_id"]),
        ("Parent", f"{parent} (not among these)" if absent else parent),
    ]
    return [(name, value) for name, value in shown if value]


def _attributes(title: str, attributes: Row) -> None:
    if attributes:
        st.markdown(f"**{title}**")
        st.html(_pairs(attributes.items()))


def _events(span: Row) -> None:
    for event in span["events"]:
        attributes = dict(event.get("attributes") or {})
        stack = attributes.pop("exception.stacktrace", None)
        st.markdown(f"**Event: {words.escape(str(event.get('name', '')))}**")
        st.html(_pairs(attributes.items()))
        if stack:
            st.code(str(stack), language="python")
    for link in span["links"]:
        st.caption("Linked to")
        st.code(f"{link.get('trace_id')} {link.get('span_id')}", language=None, wrap_lines=True)


def _logs_of(unit: Row, span: Row) -> None:
    place = span["trace_id"], span["span_id"]
    logs = [log for log in unit["logs"] if (log["trace_id"], log["span_id"]) == place]
    if not logs:
        return
    st.markdown(f"**{words.plural(len(logs), 'log')}**")
    st.html("".join(_log_line(log) for log in logs[:DETAIL_LOGS]))
    if len(logs) > DETAIL_LOGS:
        st.caption(f"… and {len(logs) - DETAIL_LOGS:,} more in the story")
    for log in logs[:DETAIL_LOGS]:
        _stack(log)


def _log_line(log: Row) -> str:
    zone, how = here().settings.zone, story.level(log)
    color = _TONES[_LEVELS.get(how, "")]
    return (
        f'<p class="line"><small>{_time_of_day(log["time"], zone)}</small> '
        f'<b style="color:{color}">{escape(log["severity"])}</b> {escape(log["message"])}</p>'
    )


def _original_time(record: Row) -> str | None:
    """Return the time that a record gave itself, where its arrival took the place of it."""
    told = record["attributes"].get(conventions.ORIGINAL_TIME)
    if told is None:
        return None
    return " – ".join(map(str, told)) if isinstance(told, list) else str(told)


def _log_detail(log: Row) -> None:
    zone = here().settings.zone
    st.markdown("**Log**")
    st.html(_log_line(log))
    shown = [
        ("Time", words.clock(log["time"], zone)),
        ("Time as sent", _original_time(log)),
        ("Service", log["service"]),
        ("Logger", log["logger"]),
        ("Flow", log["flow"]),
        ("Step", log["step"]),
        ("Source", log["source"]),
        ("Trace", log["trace_id"]),
        ("Span", log["span_id"]),
        ("Also names", ", ".join(log.get("mentions", ()))),
    ]
    st.html(_pairs((name, value) for name, value in shown if value))
    _stack(log)
    _attributes("Fields", log["attributes"])


def _stack(log: Row) -> None:
    exception = log["exception"]
    if not exception:
        return
    told = ": ".join(part for part in (exception["type"], exception["message"]) if part)
    language = "python" if exception["stacktrace"] else None
    st.code(exception["stacktrace"] or told, language=language, wrap_lines=language is None)


def _pairs(pairs: Iterable[tuple[str, Any]]) -> str:
    """Return a table of names and values; whatever they hold stays text."""
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(_plain(value))}</td></tr>" for name, value in pairs
    )
    return f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


# --- cases ------------------------------------------------------------------------------------


def _cases(center: Seat, cases: Sequence[Row]) -> None:
    if not cases:
        return
    st.markdown(f"#### {words.plural(len(cases), 'exception')}")
    for case in cases:
        _case(center, case)


def _case(center: Seat, case: Row) -> None:
    opened = param("case") == case["id"]
    with st.container(border=True, gap="small"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            name, color, icon = words.state(case)
            st.badge(name, color=color, icon=icon)  # type: ignore[arg-type]
            st.markdown(f"**{words.escape(case['title'])}**")
            st.caption(_case_line(center, case))
            st.space("stretch")
            st.button(
                "Close" if opened else "Act on it" if case["state"] in LIVE else "Details",
                key=f"case_{case['id']}",
                icon=":material/expand_less:" if opened else ":material/expand_more:",
                on_click=go,
                kwargs={"case": None if opened else case["id"]},
            )
            st.html(
                f'<a class="quiet" href="/?case={quote(case["id"], safe="")}" target="_self">'
                "Open in Exceptions</a>",
                width="content",
            )
        if opened:
            case_panel(center.desk.case(case["id"]), key=f"panel_{case['id']}")


def _case_line(center: Seat, case: Row) -> str:
    parts = [
        f"at {case['step']}" if case["step"] else "",
        f"opened {words.ago(case['opened_at'], center.now())}",
        f"seen {words.plural(case['occurrences'], 'time')}",
        f"held by {case['holder']}" if case["holder"] else "",
    ]
    return words.escape(" · ".join(part for part in parts if part))


# --- story ------------------------------------------------------------------------------------


def _story(center: Seat, unit: Row) -> None:
    lines = story.story(unit)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown("#### Story")
        st.space("stretch")
        kinds = _kinds()
    chosen = story.chosen(lines, kinds)
    if not chosen:
        st.caption(f"None of these happened; {words.plural(len(lines), 'line')} of other kinds.")
        return
    shown = chosen if param("all") else chosen[:STORY_LINES]
    st.html(_story_table(shown, center.settings.zone))
    if len(shown) < len(chosen):
        st.button(
            f"Show all {len(chosen):,} lines", on_click=go, kwargs={"all": "1"}, icon=":material/unfold_more:"
        )


def _kinds() -> list[str]:
    asked = [kind for kind in several("show") if kind in story.KINDS]
    kinds = asked or ([] if param("show") else list(story.USUAL))
    st.session_state["story_kinds"] = kinds
    st.pills(
        "Show",
        list(story.KINDS),
        key="story_kinds",
        selection_mode="multi",
        format_func=story.KINDS.__getitem__,
        label_visibility="collapsed",
        on_change=_show_kinds,
    )
    return kinds


def _show_kinds() -> None:
    kinds = [kind for kind in story.KINDS if kind in st.session_state["story_kinds"]]
    go(show=None if kinds == list(story.USUAL) else kinds or "none")


def _story_table(lines: Sequence[story.Line], zone: str) -> str:
    after = [0.0, *((later.time - earlier.time).total_seconds() for earlier, later in pairwise(lines))]
    days = [line.time.astimezone(ZoneInfo(zone)).date() for line in lines]
    rows = []
    for n, (line, gap) in enumerate(zip(lines, after, strict=True)):
        day = f"{days[n]:%d %b} " if n == 0 or days[n] != days[n - 1] else ""
        rows.append(_story_row(line, f"{day}{_time_of_day(line.time, zone)}", gap if n else None))
    head = "<tr><th>Time</th><th>After</th><th>Where</th><th></th><th>What happened</th></tr>"
    return f'<table class="story"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'


def _story_row(line: story.Line, when: str, gap: float | None) -> str:
    delta = "" if gap is None else f"+{words.duration(gap)}"
    return (
        f'<tr><td class="when">{when}</td><td class="after">{delta}</td>'
        f'<td class="lane">{escape(line.lane)}</td>'
        f'<td><span class="sign" aria-hidden="true" style="color:{_TONES[line.tone]}">{line.icon}</span></td>'
        f'<td class="said">{escape(line.words)}</td></tr>'
    )


def _time_of_day(moment: datetime, zone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(zone)):%H:%M:%S}"
