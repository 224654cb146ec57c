"""Collectors: where telemetry comes from, how far behind it is, and what could not be read."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from collectors.sources import REPLAYED
from data.errors import UnsnagError
from views.kit import words
from views.kit.acting import say, show_messages
from views.kit.empty import empty, first_use
from views.kit.person import here, seat
from views.kit.state import go, param

PER_PAGE: Final = 25
_STATES: Final = {"running": "● running", "idle": "○ idle", "error": "▲ error"}


def page() -> None:
    """Draw the page."""
    st.title("Collectors", anchor=False)
    show_messages()
    _sources()
    _quarantine()


@st.fragment(run_every="5s")
def _sources() -> None:
    center = here()
    sources = center.sources()
    if not any(source["records"] or source["quarantined"] for source in sources):
        first_use("Here stands where telemetry comes from.")
    now = center.now()
    st.dataframe([_source(source, now) for source in sources], hide_index=True, width="stretch")


def _source(source: dict[str, Any], now: Any) -> dict[str, Any]:
    return {
        "Source": source["name"],
        "Kind": source["kind"],
        "State": _STATES.get(source["state"], source["state"]),
        "Behind": "–" if source["lag_s"] is None else words.duration(source["lag_s"]),
        "Records": f"{source['records']:,}",
        "Duplicates left out": f"{source['duplicates']:,}",
        "Quarantined": f"{source['quarantined']:,}",
        "Last record": words.ago(source["last_ingested_at"], now),
        "Last error": source["last_error"] or "",
    }


def _quarantine() -> None:
    st.subheader("Quarantine", anchor=False)
    number = int(param("page", "1")) if param("page", "1").isdecimal() else 1
    center = here()
    total, items = center.quarantine(PER_PAGE, (max(number, 1) - 1) * PER_PAGE)
    if center.reading.scope is not None:
        st.caption("Whose records these are nobody knows, so they are shown to those who may see everything.")
        return
    if not total:
        empty(
            ":material/verified:",
            "Here stand records that could not be read, with the reason.",
            "Every record so far could be read.",
            "Nothing is thrown away: what cannot be read is kept whole.",
        )
        return
    st.caption(f"{words.plural(total, 'record')} could not be read; each is kept whole.")
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
            st.caption(f"{moment} · {item['size']:,} bytes{replayed}")
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
