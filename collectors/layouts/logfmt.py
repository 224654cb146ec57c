"""logfmt: lines of `key=value` pairs, as Go's slog, logrus, Heroku's router and many others write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from collectors.layouts import pairs
from collectors.layouts.layout import LETTERS, SEVERITY, Layout

if TYPE_CHECKING:
    from collectors.fields import Fields

_TELLING: Final = frozenset(
    {"level", "lvl", "severity", "msg", "message", "event", "time", "ts", "at", "log.level"}
)
"""Keys of which a line has at least one: other lines may begin with a pair, too."""
_HEROKU: Final = {"info": "info", "error": "error", "warning": "warning"}


def read(line: str) -> Fields | None:
    """Read a line of at least two pairs."""
    space = line.find(" ")
    equals = line.find("=", 0, space) if space > 0 else -1
    if equals < 1:
        return None
    fields = pairs.read(line)
    if fields is None or len(fields) < 2 or _TELLING.isdisjoint(fields):  # noqa: PLR2004 - one is chance
        return None
    return finish(fields)


def finish(fields: Fields) -> Fields:
    """Return pairs with Heroku's names under those that everybody uses, and with a message."""
    if fields.get("at") in _HEROKU and "level" not in fields:
        fields[SEVERITY] = _HEROKU[fields["at"]]
        if "code" in fields:
            fields["error.code"] = fields.pop("code")
        if "status" in fields:
            fields["http.response.status_code"] = fields.pop("status")
        fields.setdefault(
            "msg", fields.pop("desc", None) or f"{fields.get('method', '')} {fields.get('path', '')}".strip()
        )
    if "source" in fields:
        fields["code.file.path"] = fields.pop("source")
    return fields


LAYOUTS: Final = (
    Layout(
        "logfmt",
        LETTERS + "_@",
        read,
        (
            'time=2026-11-29T21:00:00.123+01:00 level=ERROR msg="payment declined" err="card refused"',
            'time="2026-11-29T21:00:00+01:00" level=error msg="payment declined" order=SO-17',
            'at=error code=H12 desc="Request timeout" method=GET path="/" dyno=web.1 status=503',
            "level=info ts=2026-11-29T20:00:00.123Z caller=main.go:12 msg=started",
        ),
    ),
)
