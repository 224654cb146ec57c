"""Sends lines as OTLP/HTTP with JSON instead of leaving them in the spool folder.

While the endpoint does not answer, or asks to be left alone (``Retry-After``), lines go to the spool.
When it answers again, what this process spooled is sent and its files are removed.
What was sent twice on the way is one row for the receiver: records and spans have identities.
"""

from __future__ import annotations

import gzip
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import orjson

from unsnag.conventions import ENVIRONMENT, SERVICE_INSTANCE, SERVICE_NAME, SEVERITY_NUMBERS
from unsnag.records import otlp_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from unsnag.spool import Spool

TIMEOUT_S: Final = 5.0
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
BATCH: Final = 500
_NOT_ATTRIBUTES: Final = frozenset(
    {"timestamp", "level", "event", "trace_id", "span_id", SERVICE_NAME, ENVIRONMENT, SERVICE_INSTANCE}
)
_OF_RESOURCE: Final = (SERVICE_NAME, ENVIRONMENT, SERVICE_INSTANCE)
_BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})


class Sender:
    """A sink that posts to a collector or to the exception center, with the spool as its fallback."""

    def __init__(
        self,
        spool: Spool,
        logs_url: str | None,
        traces_url: str | None,
        headers: Mapping[str, str],
        resource: Mapping[str, str],
    ) -> None:
        self._spool = spool
        self._logs_url = logs_url
        self._traces_url = traces_url
        self._headers = headers
        self._resource = resource
        self._not_before = 0.0
        self._pause_s = FIRST_PAUSE_S
        self.fault: OSError | None = None

    def write(self, lines: Sequence[bytes]) -> int:
        """Send lines, or spool them; return how many are safe."""
        if self._may_try() and self._send(lines):
            self._send_spooled()
            return len(lines)
        safe = self._spool.write(lines)
        self.fault = self._spool.fault
        return safe

    def sync(self) -> None:
        """Make what was spooled last."""
        self._spool.sync()

    def close(self) -> None:
        """Close the spool."""
        self._spool.close()

    def forget(self) -> None:
        """Leave the spool to the parent process, after a fork."""
        self._spool.forget()

    def _may_try(self) -> bool:
        return time.monotonic() >= self._not_before

    def _send(self, lines: Sequence[bytes]) -> bool:
        spans = [line for line in lines if line.startswith(b'{"resourceSpans"')]
        logs = [line for line in lines if not line.startswith(b'{"resourceSpans"')]
        return self._send_kind(self._traces_url, spans, _traces) and self._send_kind(
            self._logs_url, logs, self._logs
        )

    def _send_kind(self, url: str | None, lines: Sequence[bytes], make: Any) -> bool:
        if not lines:
            return True
        return url is not None and self._post(url, orjson.dumps(make(lines)))

    def _post(self, url: str, body: bytes) -> bool:
        """Post once; a refusal for good (400) is not retried, its lines stay in the spool."""
        from urllib.error import HTTPError  # noqa: PLC0415 - 40 ms that a script with a spool never pays
        from urllib.request import Request, urlopen  # noqa: PLC0415

        request = Request(url, gzip.compress(body, 1), self._request_headers(), method="POST")  # noqa: S310
        try:
            with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the user's own endpoint
                answer.read()
        except HTTPError as error:
            with error:
                self._wait(_retry_after(error.headers.get("Retry-After")) if error.code in _BUSY else None)
            return False
        except Exception:  # noqa: BLE001 - whatever the network or the address does, lines go to the spool
            self._wait(None)
            return False
        self._pause_s = FIRST_PAUSE_S
        return True

    def _request_headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", "Content-Encoding": "gzip", **self._headers}

    def _wait(self, asked_s: float | None) -> None:
        """Leave the endpoint alone for as long as it asks, else longer each time."""
        self._not_before = time.monotonic() + (self._pause_s if asked_s is None else asked_s)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)

    def _send_spooled(self) -> None:
        """Send what was spooled meanwhile; a file that is sent in whole is removed."""
        if not self._spool.paths:
            return
        self._spool.close()
        while self._spool.paths:
            path = self._spool.paths[0]
            with suppress(OSError):
                if not all(self._send(lines) for lines in _batches(path)):
                    return
                os.unlink(path)  # noqa: PTH108
            self._spool.paths.pop(0)

    def _logs(self, lines: Sequence[bytes]) -> dict[str, Any]:
        groups: dict[tuple[str, ...], list[dict[str, Any]]] = {}
        for line in lines:
            fields = orjson.loads(line)
            key = tuple(str(fields.get(name, "")) for name in _OF_RESOURCE)
            groups.setdefault(key, []).append(_log_record(fields))
        return {"resourceLogs": [self._resource_logs(key, records) for key, records in groups.items()]}

    def _resource_logs(self, key: tuple[str, ...], records: list[dict[str, Any]]) -> dict[str, Any]:
        named = {name: text for name, text in zip(_OF_RESOURCE, key, strict=True) if text}
        fields = {**self._resource, **named}
        return {
            "resource": {"attributes": _attributes(fields)},
            "scopeLogs": [{"scope": {"name": "unsnag"}, "logRecords": records}],
        }


def _traces(lines: Sequence[bytes]) -> dict[str, Any]:
    return {"resourceSpans": [span for line in lines for span in orjson.loads(line)["resourceSpans"]]}


def _log_record(fields: dict[str, Any]) -> dict[str, Any]:
    level = str(fields.get("level", "info"))
    time_ns = _nanoseconds(str(fields["timestamp"]))
    return {
        "timeUnixNano": time_ns,
        "observedTimeUnixNano": time_ns,
        "severityNumber": SEVERITY_NUMBERS.get(level, 9),
        "severityText": level,
        "body": otlp_value(fields.get("event")),
        "traceId": fields.get("trace_id", ""),
        "spanId": fields.get("span_id", ""),
        "attributes": _attributes({key: item for key, item in fields.items() if key not in _NOT_ATTRIBUTES}),
    }


def _attributes(fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": otlp_value(item)} for key, item in fields.items() if item is not None]


def _nanoseconds(timestamp: str) -> str:
    from calendar import timegm  # noqa: PLC0415

    seconds = timegm(time.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S"))
    return f"{seconds}{timestamp[20:26]}000"


def _retry_after(text: str | None) -> float | None:
    """Return the seconds that an endpoint asks for, from seconds or from a date."""
    if not text:
        return None
    with suppress(ValueError):
        return max(float(text), 0.0)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415

    with suppress(ValueError, TypeError):
        return max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0)
    return None


def _batches(path: str) -> Iterator[list[bytes]]:
    with open(path, "rb") as file:  # noqa: PTH123
        lines: list[bytes] = []
        for line in file:
            lines.append(line)
            if len(lines) >= BATCH:
                yield lines
                lines = []
        if lines:
            yield lines
