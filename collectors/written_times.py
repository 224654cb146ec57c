"""Times as people and their programs write them: month names, day first, no year, no date.

- Month names are English, German or French, long or short, in any case.
- `29.11.2026` is day, month. `11/29/2026` is month first only where the day could be no month, or where the
  clock has AM or PM; else the day comes first.
- A time without a year is of the newest year in which it is not ahead of its arrival, one without a date of
  the newest such day.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Final, NamedTuple
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collectors.fields import Fields

_MONTHS: Final = {
    "jan": 1, "feb": 2, "fev": 2, "fév": 2, "mar": 3, "mär": 3, "mrz": 3, "apr": 4, "avr": 4, "may": 5,
    "mai": 5, "jun": 6, "juin": 6, "jul": 7, "juil": 7, "aug": 8, "aou": 8, "aoû": 8, "sep": 9, "oct": 10,
    "okt": 10, "nov": 11, "dec": 12, "dez": 12, "déc": 12,
}  # fmt: skip
_WEEKDAY: Final = r"(?:[^\W\d_]{2,12}+\.?,? )?"
_CLOCK: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}+))?)?"
    r"(?: ?(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE: Final = r"(?: ?(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d|[A-Z][A-Za-z]{1,20}/[A-Za-z_]{2,40}))?"
_FORMS: Final = (
    re.compile(
        rf"{_WEEKDAY}(?P<day>\d{{1,2}})\.?[ /-](?P<month>[^\W\d_]{{3,12}}+)\.?[ /-](?P<year>\d{{4}})"
        rf"[ T,:]{{1,2}}{_CLOCK}{_ZONE}"
    ),
    re.compile(
        rf"{_WEEKDAY}(?P<month>[^\W\d_]{{3,12}}+)\.? {{1,2}}(?P<day>\d{{1,2}}),? (?P<year>\d{{4}})"
        rf",? {_CLOCK}{_ZONE}"
    ),
    re.compile(
        rf"{_WEEKDAY}(?P<month>[^\W\d_]{{3,12}}+)\.? {{1,2}}(?P<day>\d{{1,2}}) {_CLOCK}{_ZONE} "
        rf"(?P<year>\d{{4}})"
    ),
    re.compile(
        rf"(?P<first>\d{{1,2}})(?P<between>[./-])(?P<then>\d{{1,2}})(?P=between)(?P<year>\d{{4}})"
        rf"[ T,]{{1,2}}{_CLOCK}{_ZONE}"
    ),
)
_NO_YEAR: Final = "--"
_NO_DATE: Final = "T"
_TIMES: Final = ("asctime", "eventTime")
_AHEAD: Final = timedelta(minutes=5)
_MONTHS_OF_A_YEAR: Final = 12
_LONGEST: Final = 100


class _Parts(NamedTuple):
    """What a pattern found; every pattern has some of these groups."""

    hour: str
    minute: str
    second: str | None
    part: str | None
    half: str | None
    zone: str | None
    year: str
    month: str = ""
    day: str = ""
    first: str = ""
    then: str = ""
    between: str = ""


def moment(text: str) -> datetime | None:
    """Return the time that a text of at most 100 characters is, without a zone where it states none."""
    if len(text) > _LONGEST:
        return None
    for form in _FORMS:
        found = form.fullmatch(text)
        if found is not None:
            try:
                return _moment(_Parts(**found.groupdict()))
            except (ValueError, KeyError):
                return None
    return None


def _moment(parts: _Parts) -> datetime:
    hour, half = int(parts.hour), (parts.half or "").lower()
    if half:
        hour = hour % 12 + (12 if half == "p" else 0)
    month, day = _day(parts, is_american=bool(half))
    micros = int((parts.part or "0").ljust(6, "0")[:6])
    second = int(parts.second or 0)
    return datetime(
        int(parts.year),
        month,
        day,
        hour,
        int(parts.minute),
        second,
        micros,
        _zone(parts.zone),
    )


def _day(parts: _Parts, *, is_american: bool) -> tuple[int, int]:
    """Return month and day."""
    name = parts.month
    if name:
        folded = name.lower()
        return _MONTHS.get(folded[:4]) or _MONTHS[folded[:3]], int(parts.day)
    first, then = int(parts.first), int(parts.then)
    slashed = parts.between == "/"
    if then > _MONTHS_OF_A_YEAR or (slashed and is_american and first <= _MONTHS_OF_A_YEAR):
        return first, then
    return then, first


def _zone(text: str | None) -> tzinfo | None:
    if not text:
        return None
    if text in {"Z", "UTC", "GMT"}:
        return UTC
    if "/" in text:
        return ZoneInfo(text)
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-offset if text[0] == "-" else offset)


def complete(fields: Fields, now_us: int, zone: tzinfo) -> None:
    """Put the year or the day on the times of a record that lack it; `now_us` is its arrival."""
    for name in _TIMES:
        time = fields.get(name)
        if isinstance(time, str) and time.startswith((_NO_YEAR, _NO_DATE)):
            fields[name] = completed(time, datetime.fromtimestamp(now_us / 1_000_000, UTC).astimezone(zone))


def completed(text: str, now: datetime) -> str:
    """Return a time that lacks its year (`--11-29T21:00:00`) or its date (`T21:00:00`) with both.

    `now` is the time of arrival, in the zone of the time.
    """
    limit = now.replace(tzinfo=None) + _AHEAD
    try:
        if text.startswith(_NO_YEAR):
            return _newest_year(text.removeprefix(_NO_YEAR), limit)
        if text.startswith(_NO_DATE):
            return _newest_day(text, limit)
    except ValueError:
        return text
    return text


def _newest_year(text: str, limit: datetime) -> str:
    for year in range(limit.year, limit.year - 5, -1):  # the 29th of February comes every four years
        try:
            moment = datetime.fromisoformat(f"{year}-{text}")
        except ValueError:
            continue
        if moment.replace(tzinfo=None) <= limit:
            return moment.isoformat()
    return text


def _newest_day(text: str, limit: datetime) -> str:
    moment = datetime.fromisoformat(f"{limit:%Y-%m-%d}{text}")
    return (moment if moment <= limit else moment - timedelta(days=1)).isoformat()
