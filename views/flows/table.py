"""The table of flows, as HTML with plain links, so that the keyboard and screen readers follow it."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from data import formats
from flows.seen import NONE, REFUSED, VALID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from flows.seen import SeenFlow

STATES: Final = {VALID: "Valid", REFUSED: "Refused", NONE: "None yet"}
STYLE: Final = """<style>
.flows {border-collapse: collapse; width: 100%; font-size: 13px;}
.flows th {text-align: left; font-weight: 400; font-size: 11.5px; opacity: 0.75; padding: 4px 12px 4px 0;}
.flows td {padding: 8px 12px 8px 0; vertical-align: top; border-top: 1px solid #80808040;}
.flows td:nth-child(n+4):nth-child(-n+7) {white-space: nowrap; font-variant-numeric: tabular-nums;}
.flows small {display: block; font-size: 11.5px; opacity: 0.75; overflow-wrap: anywhere;}
.flows a {color: inherit; font-weight: 550; text-underline-offset: 3px; overflow-wrap: anywhere;}
.flows .bad {font-weight: 600; color: #c62828;}
@media (prefers-color-scheme: dark) {.flows .bad {color: #ff8a80;}}
@media (max-width: 800px) {
    .flows thead {display: none;}
    .flows tr {display: grid; grid-template-columns: 1fr 1fr; border-top: 1px solid #80808040;}
    .flows td {border: 0; padding: 3px 10px 3px 0;}
    .flows td:first-child {grid-column: 1 / -1; padding-top: 8px;}
    .flows td[data-name]::before {
        content: attr(data-name); display: block; font-size: 11.5px; opacity: 0.75;
    }
}
</style>"""
_NAMES: Final = (
    "Flow", "Owner", "Criticality", "Touchless, 28 days", "Open exceptions", "At risk", "Last activity",
    "Settings",
)  # fmt: skip


def table(flows: Sequence[SeenFlow], now: datetime) -> str:
    """Return the flows as a table; the name of each leads to its settings."""
    head = "".join(f'<th scope="col">{name}</th>' for name in _NAMES)
    rows = "".join(_row(one, now) for one in flows)
    return f'<table class="flows"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'


def _row(one: SeenFlow, now: datetime) -> str:
    cells = (
        f"{escape(one.owner or formats.MISSING)}<small>{escape(one.contact or '')}</small>",
        (one.criticality or formats.MISSING).capitalize(),
        touchless(one),
        _waiting(one),
        at_risk(one) or formats.MISSING,
        formats.ago(one.arrived.last_at, now),
        _state(one),
    )
    named = "".join(
        f'<td data-name="{name}">{cell}</td>' for name, cell in zip(_NAMES[1:], cells, strict=True)
    )
    address = f"/flows?{urlencode({'flow': one.name})}"
    units = formats.count(one.arrived.units, "unit")
    link = f'<a href="{escape(address)}" target="_self">{escape(one.name)}</a><small>{units}</small>'
    return f"<tr><td>{link}</td>{named}</tr>"


def touchless(one: SeenFlow) -> str:
    """Return the touchless rate with how many units it is of."""
    if one.touchless is None:
        return formats.MISSING
    return f"{formats.percent(one.touchless)} <small>of {one.completed:,}</small>"


def at_risk(one: SeenFlow) -> str:
    """Return the money at risk, each currency by itself."""
    return "<br>".join(escape(formats.money(sum_.amount, sum_.currency)) for sum_ in one.at_risk)


def _waiting(one: SeenFlow) -> str:
    if not one.open_exceptions:
        return "0"
    return f'<a href="/?flow={quote(one.name, safe="")}" target="_self">{one.open_exceptions:,}</a>'


def _state(one: SeenFlow) -> str:
    version = f"<small>version {one.version.version}</small>" if one.version and one.settings else ""
    if one.state == REFUSED:
        return f'<span class="bad">Refused</span><small>{escape(one.file or "")}</small>{version}'
    return f"{STATES[one.state]}{version}"
