"""The zone of times that carry none."""

from __future__ import annotations

import os
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_LOCALTIME: Final = Path("/etc/localtime")


def local_zone() -> tzinfo:
    """Return this machine's zone, with its summer time where the machine names the zone."""
    for name in (os.environ.get("TZ", "").lstrip(":"), _linked()):
        if name:
            try:
                zone = ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                continue
            return UTC if name in {"UTC", "Etc/UTC"} else zone
    return datetime.now().astimezone().tzinfo or UTC


def _linked() -> str:
    try:
        target = str(_LOCALTIME.resolve())
    except OSError:
        return ""
    return target.partition("/zoneinfo/")[2]
