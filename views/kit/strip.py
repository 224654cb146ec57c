"""The strip on top of every page: how fresh the data is, which claims I hold, and the time zone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import streamlit as st

from cases.queries import my_claims
from collectors.states import BROKEN, SourceState
from data import formats
from data.errors import UnsnagError
from views.kit.case_acts import WARN_AT
from views.kit.markdown import escape
from views.kit.notices import show_notices
from views.kit.person import page_context, who

if TYPE_CHECKING:
    from datetime import datetime

    from cases.queries import Claims
    from collectors.status import SourceStatus
    from server.context import ServerContext

_ICON: Final = re.compile(r"(:material/\w+:) ")
"""An icon and the space before its words: a narrow page does not break the line there."""
_SLOW_S: Final = 60
_LOST_S: Final = 3600
"""For how long a loss that programs report is shown."""


@st.fragment(run_every="5s")
def strip() -> None:
    """Draw the strip; it turns amber or red and names the reason."""
    ctx = None
    try:
        ctx = page_context()
        parts = [
            *_store(ctx),
            _freshness(ctx),
            _sources(ctx.sources(), ctx.now()),
            _claims(ctx),
            _chain(ctx),
            _zone(ctx),
        ]
        line = "  ·  ".join(filter(None, parts))
    except UnsnagError as error:
        line = f":red[:material/error: {escape(str(error))}]"
    st.caption(_ICON.sub("\\1\N{NO-BREAK SPACE}", line))
    if ctx:
        show_notices(ctx)


def _store(ctx: ServerContext) -> list[str]:
    """Name what keeps the store from writing, else what needs an operator soon."""
    if troubles := ctx.store.troubles():
        return [f":red[:material/error: {escape(_first_sentence(trouble))}]" for trouble in troubles]
    warnings = ctx.container.warnings()
    return [f":orange[:material/warning: {escape(_first_sentence(warning))}]" for warning in warnings]


def _first_sentence(text: str) -> str:
    """Return what happened; what to do about it stands in `/readyz` and on the console."""
    return text.split(". ", maxsplit=1)[0].removesuffix(".")


def _freshness(ctx: ServerContext) -> str:
    moment = ctx.as_of()
    if moment is None:
        return ":material/schedule: no data yet"
    return f":material/schedule: data as of {formats.clock(moment, ctx.settings.zone, ctx.now())}"


def _sources(sources: list[SourceStatus], now: datetime) -> str:
    broken = next((s for s in sources if s.state in BROKEN), None)
    if broken:
        why = f"{broken.name} {broken.state}: {broken.reason}"
        return f":red[:material/error: {escape(why)}]"
    slow = max(sources, key=lambda s: s.lag_s or 0, default=None)
    if slow is None:
        return ":material/sensors_off: no sources"
    if (slow.lag_s or 0) >= _SLOW_S:
        behind = f"{escape(slow.name)}: {formats.size(slow.unread_bytes)} unread"
        return f":orange[:material/warning: {behind}]"
    silent = next((s for s in sources if s.state == SourceState.SILENT), None)
    if silent:
        last = formats.ago(silent.state_since, now)
        return f":orange[:material/warning: {escape(silent.name)} silent, last record {last}]"
    return _drifts(sources) or _lost(sources, now) or _up_to_date(sources)


def _drifts(sources: list[SourceStatus]) -> str:
    """Name the first field that vanished; all are on the page Collectors."""
    found = [drift for source in sources for drift in source.drifts]
    if not found:
        return ""
    more = f" and {formats.count(len(found) - 1, 'more field', 'more fields')}" if found[1:] else ""
    words = f"{found[0].source}: {found[0].field} ({found[0].names}){more} vanished from its records"
    return f":orange[:material/warning: {escape(words)}]"


def _lost(sources: list[SourceStatus], now: datetime) -> str:
    """Name the source whose programs lost events last; how many is on the page Collectors."""
    lossy = [
        source for source in sources if source.lost_at and (now - source.lost_at).total_seconds() < _LOST_S
    ]
    if not lossy:
        return ""
    latest = max(lossy, key=lambda s: s.lost_at or now)
    words = f"programs of {escape(latest.name)} lost events, last {formats.ago(latest.lost_at, now)}"
    return f":orange[:material/warning: {words}]"


def _up_to_date(sources: list[SourceStatus]) -> str:
    running = sum(s.state == SourceState.RUNNING for s in sources)
    if not running:
        return ":material/sensors: no record received yet"
    return f":material/sensors: {formats.count(running, 'source')} up to date"


def _claims(ctx: ServerContext) -> str:
    return _held(my_claims(ctx.reading, who().name), ctx.now(), WARN_AT * ctx.limits.claim_s)


def _held(claims: Claims, now: datetime, warn_s: float) -> str:
    if not claims.cases:
        return ":material/front_hand: no claims held"
    ends = claims.soonest_lease_end
    left = (ends - now).total_seconds() if ends else 0
    held = formats.count(claims.cases, "claim")
    until = formats.duration(max(left, 0), coarse=True)
    text = f":material/front_hand: {held} held, next expires in {until}"
    return f":orange[{text}]" if left < warn_s else text


def _chain(ctx: ServerContext) -> str:
    state = ctx.container.watch.state
    if state is None:
        return ":material/link: audit check running"
    if not state.verdict.intact:
        return f":red[:material/link_off: audit broken at entry {state.verdict.broken_at:,}]"
    if state.differences:
        return (
            f":red[:material/link_off: {formats.count(len(state.differences), 'difference')} from the audit]"
        )
    if state.missing:
        return ":orange[:material/warning: audit checkpoints were missing at the start]"
    if state.trouble:
        return ":orange[:material/warning: audit checkpoints cannot be written]"
    return f":material/link: audit checked {formats.ago(state.checked_at, ctx.now())}"


def _zone(ctx: ServerContext) -> str:
    return f":material/public: times in {ctx.settings.zone}"
