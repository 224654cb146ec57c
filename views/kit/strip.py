"""The strip on top of every page: how fresh the data is, what I hold, and which time zone is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import streamlit as st

from collectors import states
from data.errors import UnsnagError
from views.kit import words
from views.kit.person import here, who

if TYPE_CHECKING:
    from datetime import datetime

    from server.center import Seat

_SLOW_S: Final = 60
_CLAIM_ENDS_S: Final = 240


@st.fragment(run_every="5s")
def strip() -> None:
    """Draw the strip; it turns amber or red with the reason in words."""
    try:
        center = here()
        parts = [
            _freshness(center),
            _sources(center.sources(), center.now()),
            _claims(center),
            _chain(center),
            _zone(center),
        ]
        line = "  ·  ".join(filter(None, parts))
    except UnsnagError as error:
        line = f":red[:material/error: {words.escape(str(error))}]"
    st.caption(line)


def _freshness(center: Seat) -> str:
    moment = center.as_of()
    if moment is None:
        return ":material/schedule: no data yet"
    return f":material/schedule: data as of {words.clock(moment, center.settings.zone, center.now())}"


def _sources(sources: list[dict[str, Any]], now: datetime) -> str:
    broken = next((s for s in sources if s["state"] in states.BROKEN), None)
    if broken:
        why = f"{broken['name']} {broken['state']}: {broken['reason']}"
        return f":red[:material/error: {words.escape(why)}]"
    slow = max(sources, key=lambda s: s["lag_s"] or 0, default=None)
    if slow is None:
        return ":material/sensors_off: no sources"
    if (slow["lag_s"] or 0) >= _SLOW_S:
        behind = f"{words.escape(slow['name'])}: {words.size(slow['unread_bytes'])} unread"
        return f":orange[:material/warning: {behind}]"
    silent = next((s for s in sources if s["state"] == states.SILENT), None)
    if silent:
        last = words.ago(silent["state_since"], now)
        return f":orange[:material/warning: {words.escape(silent['name'])} silent, last record {last}]"
    running = sum(s["state"] == states.RUNNING for s in sources)
    if not running:
        return ":material/sensors: no record received yet"
    return f":material/sensors: {words.plural(running, 'source')} up to date"


def _claims(center: Seat) -> str:
    mine = center.desk.my_claims(who().name)
    if not mine["count"]:
        return ":material/front_hand: no claims of mine"
    left = (mine["soonest_lease_end"] - center.now()).total_seconds() if mine["soonest_lease_end"] else 0
    held = words.plural(mine["count"], "claim")
    told = f":material/front_hand: {held} of mine, next runs out in {words.duration(max(left, 0))}"
    return f":orange[{told}]" if left < _CLAIM_ENDS_S else told


def _chain(center: Seat) -> str:
    state = center.center.watch.state
    if state is None:
        return ":material/link: audit is being checked"
    if not state.verdict.intact:
        return f":red[:material/link_off: audit broken at entry {state.verdict.broken_at:,}]"
    if state.trouble:
        return ":orange[:material/warning: audit checkpoints cannot be written]"
    return f":material/link: audit checked {words.ago(state.checked_at, center.now())}"


def _zone(center: Seat) -> str:
    return f":material/public: times in {center.settings.zone}"
