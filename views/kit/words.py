"""Values in words, the same on every page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from datetime import datetime

_MARKDOWN: Final = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_{}[]()#+-.!|<>~$:&"})
_UNLINKED: Final = (("://", ":\u200b//"), ("www.", "www\u200b."), ("@", "\u200b@"))
"""A zero-width space keeps an address from becoming a link that somebody else wrote."""
_SYMBOLS: Final = {"EUR": "€", "USD": "$", "GBP": "£", "CHF": "CHF "}
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("min", 60))

CLASSES: Final = {
    "business": ("Business", "The rule said no"),
    "infrastructure": ("Infra", "A system did not answer"),
    "data": ("Data", "The record broke its contract"),
    "unknown": ("Unknown", "Not classified"),
}
STATES: Final = {
    "open": ("Open", "red", ":material/error:"),
    "claimed": ("Claimed", "blue", ":material/front_hand:"),
    "retrying": ("Retrying", "orange", ":material/replay:"),
    "verifying": ("Verifying", "orange", ":material/hourglass_top:"),
    "recovered": ("Recovered", "green", ":material/check_circle:"),
    "resolved": ("Resolved", "gray", ":material/task_alt:"),
    "expired": ("Expired", "gray", ":material/timer_off:"),
}
VERIFIED: Final = ("Resolved, verified", "green", ":material/verified:")
"""A person resolved it as repaired, and a later success of the unit says so too."""
SEVERITIES: Final = {
    "critical": ("Critical", "red", ":material/priority_high:"),
    "high": ("High", "orange", ":material/keyboard_double_arrow_up:"),
    "medium": ("Medium", "yellow", ":material/drag_handle:"),
    "low": ("Low", "gray", ":material/keyboard_arrow_down:"),
}


def escape(text: str) -> str:
    """Return text that came from telemetry so that Markdown shows it as it is, on one line."""
    text = " ".join(text.split())
    for address, unlinked in _UNLINKED:
        text = text.replace(address, unlinked)
    return text.translate(_MARKDOWN)


def state(case: dict[str, Any]) -> tuple[str, str, str]:
    """Return the state of a case as it is shown: its name, colour and icon."""
    is_verified = case["state"] == "resolved" and case["verified_at"] is not None
    return VERIFIED if is_verified else STATES[case["state"]]


def money(value: dict[str, Any] | None) -> str:
    """Return an amount with its currency; `?` when nobody knows it, never a nought."""
    if value is None or value["amount"] is None:
        return "?"
    currency = value["currency"] or ""
    symbol = _SYMBOLS.get(currency)
    amount = f"{value['amount']:,.2f}"
    return f"{symbol}{amount}" if symbol else f"{amount} {currency}".strip()


def duration(seconds: float) -> str:
    """Return a length of time in its two largest units: `3 h 12 min`."""
    seconds = abs(seconds)
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds) < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004 - two digits are enough
    parts: list[str] = []
    rest = round(seconds)
    for name, size in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2])


def ago(moment: datetime | None, now: datetime) -> str:
    """Return how long ago, or in how long, in its largest unit."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    words = " ".join(duration(seconds).split()[:2])
    return f"{words} ago" if seconds > 0 else f"in {words}"


def clock(moment: datetime, zone: str, now: datetime | None = None) -> str:
    """Return a moment in the business time zone; the day is left out when it is today's."""
    local = moment.astimezone(ZoneInfo(zone))
    today = now is not None and local.date() == now.astimezone(ZoneInfo(zone)).date()
    return f"{local:%H:%M:%S}" if today else f"{local:%d %b %H:%M:%S}"


def size(count: float) -> str:
    """Return a number of bytes in its largest unit: `1.2 GB`."""
    for name in ("B", "kB", "MB", "GB"):
        if count < 1_000:  # noqa: PLR2004 - decimal units, as disks are sold
            return f"{count:.0f} {name}" if name in {"B", "kB"} else f"{count:.1f} {name}"
        count /= 1_000
    return f"{count:,.1f} TB"


def plural(count: int, one: str, many: str | None = None) -> str:
    """Return a count with its noun."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def settling(count: int) -> str:
    """Return how many failures wait for the end of the work around them; nothing where none does."""
    if not count:
        return ""
    settle, they = ("is settling", "It opens") if count == 1 else ("are settling", "They open")
    return f"{plural(count, 'failure')} {settle}. {they} within 30 s unless the work around ends well."
