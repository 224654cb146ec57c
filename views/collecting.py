"""Collectors: where telemetry comes from, how far behind it is, and what could not be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from collectors import states
from collectors.sources import REPLAYED
from data.errors import UnsnagError
from views.kit import words
from views.kit.acting import say, show_messages
from views.kit.empty import empty, first_use
from views.kit.person import here, seat
from views.kit.state import go, param

if TYPE_CHECKING:
    from datetime import datetime

PER_PAGE: Final = 25
_LARGE_BYTES: Final = 1_000_000
_LATE_S: Final = 10
_MOST_FILES: Final = 5
_MARKS: Final = {
    states.RUNNING: "●",
    states.NEVER_RECEIVED: "○",
    states.NOT_COLLECTED: "○",
    states.SILENT: "◐",
    states.STALLED: "▲",
    states.FAILED: "▲",
}
_RARE: Final = ("Duplicates left out", "Dropped by a mapping", "Last error")
"""Columns that are shown once they say something, so that the others fit a tablet."""
_NOTHING: Final = ("0", "")
_NAME: Final = 12
_COLOURS: Final = {states.STALLED: "red", states.FAILED: "red", states.SILENT: "orange"}


def page() -> None:
    """Draw the page."""
    st.title("Collectors", anchor=False)
    show_messages()
    _sources()
    _quarantine()


@st.fragment(run_every="2s")
def _sources() -> None:
    center = here()
    sources = sorted(center.sources(), key=lambda source: states.STATES.index(source["state"]))
    if not any(source["records"] or source["quarantined"] or source["unread_bytes"] for source in sources):
        first_use("Where telemetry comes from, and what of it is still unread.")
    zone, now = center.settings.zone, center.now()
    for source in sources:
        if _needs_attention(source):
            _card(source, zone, now)
    rows = [_row(source, zone, now) for source in sources]
    silent = {name for name in _RARE if all(row[name] in _NOTHING for row in rows)}
    shown = [{name: text for name, text in row.items() if name not in silent} for row in rows]
    st.dataframe(shown, hide_index=True, width="stretch")
    for source in sources:
        if source["next_step"] and not _needs_attention(source):
            st.caption(f"**{words.escape(source['name'])}**: {_advice(source)}")
    _clocks(sources, zone, now)


def _clocks(sources: list[dict[str, Any]], zone: str, now: datetime) -> None:
    """List the clocks that are off: times of their records are less certain."""
    found = [(source["name"], clock) for source in sources for clock in source["clocks"]]
    if not found:
        return
    st.subheader("Clocks that are off", anchor=False)
    st.caption(
        "A success that is closer to a failure than these clocks differ proves nothing. Set the clock, for "
        "example by NTP. Where all hosts are listed, check this server's clock."
    )
    rows = [
        {
            "Source": source,
            "Host": clock["name"] if clock["is_host"] else f"process {_short(clock['name'])}",
            "Clock": _off(clock["fast_s"]),
            "Requests": f"{clock['arrivals']:,}",
            "Measured": words.clock(clock["measured_at"], zone, now),
        }
        for source, clock in found
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _short(name: str) -> str:
    """Return the beginning of a process's name: SDKs give each a random one of 36 letters."""
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"


def _off(fast_s: float) -> str:
    """Return how far a clock is off: `clock 30 s fast`."""
    amount = words.duration(abs(fast_s))
    return f"clock {amount} fast" if fast_s > 0 else f"clock {amount} slow, or records late"


def _needs_attention(source: dict[str, Any]) -> bool:
    late = source["unread_bytes"] >= _LARGE_BYTES or (source["lag_s"] or 0) >= _LATE_S
    return late or source["state"] in states.BROKEN


def _card(source: dict[str, Any], zone: str, now: datetime) -> None:
    """Draw what a source is reading, or why it does not."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{words.escape(source['name'])}** · {_state(source, zone, now, colour=True)}")
        if source["state"] in states.BROKEN:
            st.markdown(words.escape(source["reason"]))
            st.caption(source["next_step"])
        files = _unread(source)
        if source["unread_bytes"]:
            st.progress(_share(files), _left(source, zone, now))
        if len(files) > 1:
            for file in files[:_MOST_FILES]:
                st.progress(_share([file]), _file_left(file))
        if len(files) > _MOST_FILES:
            st.caption(f"and {words.plural(len(files) - _MOST_FILES, 'more file', 'more files')}")


def _unread(source: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the files that are being read; what is left of broken ones is given up."""
    return [file for file in source["files"] if file["unread_bytes"] and file["state"] != states.FAILED]


def _share(files: list[dict[str, Any]]) -> float:
    """Return how much of the files is read, from 0 to 1."""
    size = sum(file["size_bytes"] for file in files)
    return sum(file["read_bytes"] for file in files) / size if size else 1.0


def _left(source: dict[str, Any], zone: str, now: datetime) -> str:
    """Say how much is unread, how long that takes, and how old it is."""
    parts = [f"{_share(_unread(source)) * 100:.0f} % read", words.plural(source["unread_files"], "file")]
    parts.append(f"{words.size(source['unread_bytes'])} unread")
    if source["seconds_left"] is not None:
        parts.append(f"about {words.duration(source['seconds_left'])} at the current rate")
    text = ", ".join(parts)
    if source["oldest_unread_at"] is None:
        return text
    return f"{text}; oldest unread record {words.clock(source['oldest_unread_at'], zone, now)}"


def _file_left(file: dict[str, Any]) -> str:
    name = words.escape(file["path"])
    if file["last_error"]:
        return f"{name}: {words.escape(file['last_error'])}"
    return f"{name}: {words.size(file['unread_bytes'])} of {words.size(file['size_bytes'])} unread"


def _state(source: dict[str, Any], zone: str, now: datetime, *, colour: bool = False) -> str:
    """Return the state as a mark and words: `silent since 14:02`."""
    state = source["state"]
    text = f"{_MARKS[state]} {state.replace('_', ' ')}"
    if source["state_since"] is not None:
        text += f" since {words.clock(source['state_since'], zone, now)}"
    name = _COLOURS.get(state)
    return f":{name}[{text}]" if colour and name else text


def _advice(source: dict[str, Any]) -> str:
    """Return why a source is in its state and what to do next; the steps are our own Markdown."""
    return f"{words.escape(source['reason'])} {source['next_step']}"


def _row(source: dict[str, Any], zone: str, now: datetime) -> dict[str, Any]:
    oldest = source["oldest_unread_at"]
    return {
        "Source": source["name"],
        "State": _state(source, zone, now),
        "Unread": words.size(source["unread_bytes"]) if source["unread_bytes"] else "–",
        "Oldest unread": "–" if oldest is None else words.clock(oldest, zone, now),
        "Last record": words.ago(source["last_ingested_at"], now),
        "Records": f"{source['records']:,}",
        "Quarantined": f"{source['quarantined']:,}",
        "Kind": source["kind"],
        "Duplicates left out": f"{source['duplicates']:,}",
        "Dropped by a mapping": f"{source['dropped']:,}",
        "Last error": source["last_error"] or "",
    }


def _quarantine() -> None:
    st.subheader("Quarantine", anchor=False)
    number = int(param("page", "1")) if param("page", "1").isdecimal() else 1
    center = here()
    total, items = center.quarantine(PER_PAGE, (max(number, 1) - 1) * PER_PAGE)
    if center.reading.scope is not None:
        st.caption("Only users with access to everything can see quarantined records.")
        return
    if not total:
        empty(
            ":material/verified:",
            "Records that could not be read or that their sender may not send, with the reason.",
            "No record is in quarantine.",
            "Nothing is thrown away: a record that cannot be stored is kept here whole.",
        )
        return
    st.caption(f"{words.plural(total, 'record')} could not be taken; each is kept whole.")
    for item in items:
        _item(item)
    if total > PER_PAGE:
        st.pagination(-(-total // PER_PAGE), key="quarantine_page", default=number, on_change=_turn)


def _replay(record_id: str) -> None:
    try:
        result = seat().replay(record_id)
    except UnsnagError as error:
        say(words.escape(str(error)), ":material/warning:")
        return
    well = result == REPLAYED
    say(
        "The record could be read and is stored" if well else f"Kept: {words.escape(result)}",
        ":material/check_circle:" if well else ":material/warning:",
    )


def _turn() -> None:
    go(page=str(st.session_state["quarantine_page"]))


def _item(item: dict[str, Any]) -> None:
    center = here()
    place = f" at byte {item['offset']:,}" if item["offset"] is not None else ""
    replayed = f" · replayed: {words.escape(item['replay_result'] or '')}" if item["replayed_at"] else ""
    with st.expander(f"{words.escape(item['reason'])} · {words.escape(item['source'])}{place}"):
        moment = words.clock(item["received_at"], center.settings.zone, center.now())
        with st.container(horizontal=True, vertical_alignment="center"):
            sent = f" · sent with the token {words.escape(item['sender'])}" if item["sender"] else ""
            st.caption(f"{moment} · {item['size']:,} bytes{sent}{replayed}")
            st.space("stretch")
            st.button(
                "Read again",
                key=f"replay_{item['id']}",
                icon=":material/replay:",
                on_click=_replay,
                args=(item["id"],),
                disabled=item["replay_result"] == REPLAYED or not center.may("quarantine.replay"),
                help="As the collectors and their mappings read today",
            )
            if center.may("quarantine.unmask") and st.button(
                "Show unmasked…", key=f"unmask_{item['id']}", icon=":material/visibility:"
            ):
                _unmask(item["id"])
        st.code(item["sample"], language=None, wrap_lines=True)


@st.dialog("Show unmasked", width="large")
def _unmask(record_id: str) -> None:
    """Show a record as it came, after saying why: that somebody looked is in the audit."""
    st.caption("The record may hold personal data. Who looked, and why, is written into the audit.")
    with st.form(f"unmask_{record_id}", border=False):
        reason = st.text_input("Reason", placeholder="Why do you need to see it?", max_chars=400)
        asked = st.form_submit_button("Show", type="primary", icon=":material/visibility:")
    if asked:
        try:
            raw = seat().unmasked(record_id, reason)
        except UnsnagError as error:
            st.error(words.escape(str(error)), icon=":material/warning:")
        else:
            st.code(raw.decode("utf-8", "replace"), language=None, wrap_lines=True)
