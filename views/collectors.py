"""Collectors: where telemetry comes from, how far behind it is, what was taken and what refused."""

from __future__ import annotations

from html import escape as html
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import streamlit as st

from collectors.replay import REPLAYED
from collectors.states import BROKEN, SourceState
from collectors.status import brings_only_info
from data import formats
from data.errors import UnsnagError
from data.paging import PageRequest
from server import quarantine
from server.context import taken_items
from views import quotas
from views.kit.acting import say, show_messages
from views.kit.empty import empty, first_use
from views.kit.markdown import escape
from views.kit.person import context, page_context
from views.kit.state import go, param
from views.kit.table import table
from views.kit.title import title

if TYPE_CHECKING:
    from datetime import datetime

    from collectors.drift import Drift
    from collectors.status import FileStatus, SourceStatus, TakenItem
    from server.context import ServerContext
    from server.quarantine import QuarantinedRecord

PER_PAGE: Final = 25
_LARGE_BYTES: Final = 1_000_000
_LATE_S: Final = 10
_MOST_FILES: Final = 5
_MOST_UNREADABLE: Final = 20
_MARKS: Final = {
    SourceState.RUNNING: "●",
    SourceState.NEVER_RECEIVED: "○",
    SourceState.NOT_COLLECTED: "○",
    SourceState.SILENT: "◐",
    SourceState.STALLED: "▲",
    SourceState.FAILED: "▲",
}
_RARE: Final = ("Unread", "Oldest unread")
"""Columns that are hidden while they are empty."""
_NOTHING: Final = "–"
_NAME: Final = 12
_COLOURS: Final = {SourceState.STALLED: "red", SourceState.FAILED: "red", SourceState.SILENT: "orange"}


def page() -> None:
    """Draw the page."""
    title("Collectors")
    show_messages()
    _sources()
    _items()
    _quarantine()


@st.fragment(run_every="2s")
def _sources() -> None:
    ctx = page_context()
    sources = sorted(ctx.sources(), key=lambda source: list(SourceState).index(source.state))
    if not any(source.records or source.quarantined or source.unread_bytes for source in sources):
        first_use("Sources of telemetry, and how much of each is unread.")
    zone, now = ctx.settings.zone, ctx.now()
    for source in sources:
        if _needs_attention(source):
            _card(source, zone, now)
    rows = [_row(source, zone, now) for source in sources]
    if rows:
        names = [name for name in rows[0] if name not in _RARE or any(row[name] != _NOTHING for row in rows)]
        st.html(table(names, [[row[name] for name in names] for row in rows]))
    _mappings(ctx)
    for source in sources:
        if text := _about(source, now):
            st.caption(f"**{escape(source.name)}**: {text}")
    _drifts(sources, zone, now)
    _unreadable_files(sources)
    _unread_lines(sources, now)
    _clocks(sources, zone, now)
    quotas.section(ctx)


def _drifts(sources: list[SourceStatus], zone: str, now: datetime) -> None:
    """Name the fields that mappings rely on and that do not come any more."""
    found = [drift for source in sources for drift in source.drifts]
    if not found:
        return
    st.subheader("Fields that vanished", anchor=False)
    st.caption(
        "A mapping relies on them. Ask who writes these records what the field is called now, "
        "and correct the mapping. A notice ends when the field comes again."
    )
    st.markdown("\n".join(f"- {_drift(drift, zone, now)}" for drift in found))


def _drift(drift: Drift, zone: str, now: datetime) -> str:
    part = f", {escape(drift.part)}" if drift.part else ""
    owner = f" Owner: **{escape(drift.owner)}**." if drift.owner else ""
    since = formats.clock(drift.since, zone, now)
    return f"**{escape(drift.source)}**{part}: {escape(drift.sentence)}. Since {since}.{owner}"


def _unreadable_files(sources: list[SourceStatus]) -> None:
    """Name the files that cannot be read, each with the reason."""
    found = [(source.name, file) for source in sources for file in source.unreadable_files]
    if not found:
        return
    st.subheader("Files that cannot be read", anchor=False)
    lines = [
        f"- **{escape(file.path)}** ({escape(name)}): {escape(file.reason)}"
        for name, file in found[:_MOST_UNREADABLE]
    ]
    st.markdown("\n".join(lines))
    if len(found) > _MOST_UNREADABLE:
        more = formats.count(len(found) - _MOST_UNREADABLE, "more file", "more files")
        st.caption(f"and {more}; `GET /api/v1/sources` has all.")


def _mappings(ctx: ServerContext) -> None:
    """Link to the mapping of each source that may have one."""
    collectors = ctx.container.collectors
    names = collectors.mappable() if collectors is not None else []
    links = [
        f'<a href="/mapping?source={quote(name, safe="")}" target="_self">{html(name)}</a>' for name in names
    ]
    if links:
        # Not Markdown: its links open another window.
        st.html(f"<p>Mappings of {' · '.join(links)}</p>")


def _unread_lines(sources: list[SourceStatus], now: datetime) -> None:
    """Show what of the text lines is not understood, and which files nobody reads."""
    for source in sources:
        name = escape(source.name)
        if source.unknown_lines:
            with st.expander(
                f"{source.name}: {formats.count(source.unknown_lines, 'line')} of no known layout",
                icon=":material/help:",
            ):
                st.caption("Each became the message of an info record: none of them opens an exception.")
                st.code("\n".join(source.unknown_sample), language=None, wrap_lines=True)
        if source.untaken_files:
            st.caption(
                f"**{name}**: no pattern of `paths` takes "
                + ", ".join(escape(path) for path in source.untaken_files)
                + ". Add a pattern if these should be read."
            )
        if brings_only_info(source, now):
            layout = f" of the layout {escape(source.layouts[0])}" if source.layouts else ""
            st.caption(
                f"**{name}**: it has brought nothing but info{layout} for a day or longer. "
                "Check that its errors carry a level."
            )


def _clocks(sources: list[SourceStatus], zone: str, now: datetime) -> None:
    """List the clocks that are off: times of their records are less certain."""
    found = [(source.name, clock) for source in sources for clock in source.clocks]
    if not found:
        return
    st.subheader("Clocks that are off", anchor=False)
    st.caption(
        "A success does not prove a recovery if it is closer to the failure than these clocks differ. "
        "Synchronise the clocks, for example with NTP. If all hosts are listed, check this server's clock."
    )
    rows = [
        {
            "Source": source,
            "Host": clock.name if clock.is_host else f"process {_short(clock.name)}",
            "Clock": _off(clock.fast_s),
            "Requests": f"{clock.arrivals:,}",
            "Measured": formats.clock(clock.measured_at, zone, now),
        }
        for source, clock in found
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _short(name: str) -> str:
    """Return the beginning of a process's name: SDKs give each a random one of 36 letters."""
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"


def _off(fast_s: float) -> str:
    """Return how far a clock is off: `clock 30 s fast`."""
    amount = formats.duration(abs(fast_s))
    return f"clock {amount} fast" if fast_s > 0 else f"clock {amount} slow, or records late"


def _needs_attention(source: SourceStatus) -> bool:
    late = source.unread_bytes >= _LARGE_BYTES or (source.lag_s or 0) >= _LATE_S
    return late or source.state in BROKEN


def _card(source: SourceStatus, zone: str, now: datetime) -> None:
    """Draw what a source is reading, or why it does not."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{escape(source.name)}** · {_state(source, zone, now, colour=True)}")
        if source.state in BROKEN:
            st.markdown(escape(source.reason))
            st.caption(source.next_step)
        files = _unread(source)
        if source.unread_bytes:
            st.progress(_share(files), _left(source, zone, now))
        if len(files) > 1:
            for file in files[:_MOST_FILES]:
                st.progress(_share([file]), _file_left(file))
        if len(files) > _MOST_FILES:
            st.caption(f"and {formats.count(len(files) - _MOST_FILES, 'more file', 'more files')}")


def _unread(source: SourceStatus) -> list[FileStatus]:
    """Return the files that are being read; broken files are left out."""
    return [file for file in source.files if file.unread_bytes and file.state is not SourceState.FAILED]


def _share(files: list[FileStatus]) -> float:
    """Return how much of the files is read, from 0 to 1."""
    size = sum(file.size_bytes for file in files)
    return sum(file.read_bytes for file in files) / size if size else 1.0


def _left(source: SourceStatus, zone: str, now: datetime) -> str:
    """Say how much is unread, how long that takes, and how old it is."""
    parts = [
        f"{formats.percent(_share(_unread(source)) * 100)} read",
        formats.count(source.unread_files, "file"),
    ]
    parts.append(f"{formats.size(source.unread_bytes)} unread")
    if source.seconds_left is not None:
        parts.append(f"about {formats.duration(source.seconds_left, coarse=True)} at the current rate")
    text = ", ".join(parts)
    if source.oldest_unread_at is None:
        return text
    return f"{text}; oldest unread record {formats.clock(source.oldest_unread_at, zone, now)}"


def _file_left(file: FileStatus) -> str:
    name = escape(file.path)
    if file.last_error:
        return f"{name}: {escape(file.last_error)}"
    return f"{name}: {formats.size(file.unread_bytes)} of {formats.size(file.size_bytes)} unread"


def _state(source: SourceStatus, zone: str, now: datetime, *, colour: bool = False) -> str:
    """Return the state as a mark and words: `silent since 14:02`."""
    state = source.state
    text = f"{_MARKS[state]} {state.replace('_', ' ')}"
    if source.state_since is not None:
        text += f" since {formats.clock(source.state_since, zone, now)}"
    name = _COLOURS.get(state)
    return f":{name}[{text}]" if colour and name else text


def _about(source: SourceStatus, now: datetime) -> str:
    """Return what a source's card does not state: what to do next, in our own Markdown, and rare counts."""
    has_card = _needs_attention(source)
    advice = f"{escape(source.reason)} {source.next_step}" if source.next_step and not has_card else ""
    trouble = escape(source.last_error) + "." if source.last_error and not has_card and not advice else ""
    return " ".join(filter(None, (advice, trouble, _counts(source, now))))


def _counts(source: SourceStatus, now: datetime) -> str:
    """Return what few sources have, as text: a table of all of it fits no tablet."""
    counts = (
        (source.quarantined, "in quarantine"),
        (source.unknown_lines, "of no layout"),
        (source.duplicates, "duplicates left out"),
        (source.dropped, "dropped by a mapping"),
        (source.lost, f"lost before they came here, last {formats.ago(source.lost_at, now)}"),
    )
    found = [f"{count:,} {what}" for count, what in counts if count]
    return f"Records: {', '.join(found)}." if found else ""


def _row(source: SourceStatus, zone: str, now: datetime) -> dict[str, str]:
    """Return the cells of a source, as HTML."""
    oldest = source.oldest_unread_at
    return {
        "Source": f"<b>{html(source.name)}</b>",
        "State": _state(source, zone, now),
        "Records": f"{source.records:,}",
        "Last record": formats.ago(source.last_ingested_at, now),
        "Unread": formats.size(source.unread_bytes) if source.unread_bytes else _NOTHING,
        "Oldest unread": _NOTHING if oldest is None else formats.clock(oldest, zone, now),
    }


def _items() -> None:
    """List the files that sources took as a whole, with what came of each."""
    ctx = page_context()
    found = taken_items(ctx.reading, None, PageRequest(PER_PAGE))
    if not found.items:
        return
    st.subheader("Files taken", anchor=False)
    zone, now = ctx.settings.zone, ctx.now()
    st.dataframe([_item_row(item, zone, now) for item in found.items], hide_index=True, width="stretch")
    if found.total > len(found.items):
        st.caption(
            f"The newest {len(found.items)} of {found.total:,}; `GET /api/v1/sources/NAME/items` has all."
        )


def _item_row(item: TakenItem, zone: str, now: datetime) -> dict[str, Any]:
    return {
        "Source": item.source,
        "File": item.name,
        "Taken": formats.clock(item.taken_at, zone, now),
        "Rows": f"{item.records:,}",
        "Rejected": f"{item.rejected:,}",
        "Size": formats.size(item.size),
        "Note": _item_note(item),
        "SHA-256": item.digest,
    }


def _item_note(item: TakenItem) -> str:
    if item.error:
        return item.error
    if item.same_as:
        return f"same content as {item.same_as}: not read"
    again = item.deliveries - 1
    return f"came {formats.count(again, 'more time', 'more times')}: not read again" if again else ""


def _quarantine() -> None:
    st.subheader("Quarantine", anchor=False)
    number = int(param("page", "1")) if param("page", "1").isdecimal() else 1
    ctx = page_context()
    found = quarantine.listed(ctx, PageRequest(PER_PAGE, (max(number, 1) - 1) * PER_PAGE))
    if ctx.reading.scope is not None:
        st.caption("Only users with access to everything can see quarantined records.")
        return
    if not found.total:
        empty(
            ":material/verified:",
            "Records that could not be read, or that their sender may not send, with the reason.",
            "No records in quarantine.",
            "A record that cannot be stored is kept here in full and can be read again.",
        )
        return
    st.caption(f"{formats.count(found.total, 'record')} could not be stored. Each is kept in full.")
    for item in found.items:
        _item(item)
    if found.total > PER_PAGE:
        st.pagination(-(-found.total // PER_PAGE), key="quarantine_page", default=number, on_change=_turn)


def _replay(record_id: str) -> None:
    try:
        result = quarantine.replay(context(), record_id)
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
        return
    well = result == REPLAYED
    say(
        "The record was read and stored" if well else f"Kept: {escape(result)}",
        ":material/check_circle:" if well else ":material/warning:",
    )


def _turn() -> None:
    go(page=str(st.session_state["quarantine_page"]))


def _item(item: QuarantinedRecord) -> None:
    ctx = page_context()
    place = f" at byte {item.offset:,}" if item.offset is not None else ""
    replayed = f" · replayed: {escape(item.replay_result or '')}" if item.replayed_at else ""
    with st.expander(f"{escape(item.reason)} · {escape(item.source)}{place}"):
        moment = formats.clock(item.received_at, ctx.settings.zone, ctx.now())
        with st.container(horizontal=True, vertical_alignment="center"):
            sent = f" · sent with the token {escape(item.sender)}" if item.sender else ""
            st.caption(f"{moment} · {item.size:,} bytes{sent}{replayed}")
            st.space("stretch")
            st.button(
                "Read again",
                key=f"replay_{item.id}",
                icon=":material/replay:",
                on_click=_replay,
                args=(item.id,),
                disabled=item.replay_result == REPLAYED or not ctx.may("quarantine.replay"),
                help="Read with the current mappings",
            )
            if ctx.may("quarantine.unmask") and st.button(
                "Show unmasked…", key=f"unmask_{item.id}", icon=":material/visibility:"
            ):
                _unmask(item.id)
        st.code(item.sample, language=None, wrap_lines=True)


@st.dialog("Show unmasked", width="large")
def _unmask(record_id: str) -> None:
    """Show a record as it came, after asking for a reason; the audit records the request."""
    st.caption("The record may contain personal data. Your name and reason are recorded in the audit.")
    with st.form(f"unmask_{record_id}", border=False):
        reason = st.text_input("Reason", placeholder="Why do you need to see it?", max_chars=400)
        asked = st.form_submit_button("Show", type="primary", icon=":material/visibility:")
    if asked:
        try:
            raw = quarantine.unmasked(context(), record_id, reason)
        except UnsnagError as error:
            st.error(escape(str(error)), icon=":material/warning:")
        else:
            st.code(raw.decode("utf-8", "replace"), language=None, wrap_lines=True)
