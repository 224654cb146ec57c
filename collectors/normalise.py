"""One parsed record, of any dialect, to one row of the store's columns.

A record's way:

1. Known names fill their columns; what is left goes to `attributes` as JSON.
2. A mapping of the config file fills columns that are still empty; then common aliases do.
3. What no name told is concluded: time of ingest, severity, error class, the unit's outcome.
4. Text that a person could read is masked.

This is the hot path: 10 to 15 µs a record. Rows are lists that are turned into columns at the end,
because one `copy` of a template costs less than 40 `append`s.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final

import orjson

from access.sending import OutsideError
from collectors import fields as names
from collectors import tracebacks, values
from collectors.mapping import only, text
from data.records import LOG_COLUMNS, SPAN_COLUMNS, Batch, Quarantined
from unsnag import conventions as words
from unsnag.classification import classify
from unsnag.masking import mask_text, mask_value, suspicious

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from access.sending import SenderLimit
    from collectors.mapping import Mapping
    from data.records import FileOffset

    Fields = dict[str, Any]
    Row = list[Any]
    Special = Callable[["Normaliser", Row, Fields, str, Any], None]

SAMPLE_BYTES: Final = 64 * 1024
ERROR: Final = 17
_INFO: Final = 9
_MASK64: Final = 2**64 - 1

_L: Final = names.LOG_INDEX
_TIME: Final = _L["time"]
_NUMBER: Final = _L["severity_number"]
_MESSAGE: Final = _L["message"]
_LOGGER: Final = _L["logger"]
_CORRELATION: Final = _L["correlation_id"]
_EXCEPTION_MESSAGE: Final = _L["exception_message"]
_STACKTRACE: Final = _L["stacktrace"]
_ERROR_TYPE: Final = _L["error_type"]
_ERROR_CLASS: Final = _L["error_class"]
_OUTCOME: Final = _L["outcome"]
_TECHNICAL: Final = _L["technical_id"]
_ACTOR: Final = _L["actor_type"]
_MENTIONS: Final = _L["mentions"]
_PEER: Final = _L["peer"]
_STATUS: Final = _L["http_status"]
_DATA: Final = _L["data"]
_RECORD_ID: Final = _L["record_id"]
_SEVERITY: Final = _L["severity"]
_ATTRIBUTES: Final = _L["attributes"]
_SOURCE_OFFSET: Final = _L["source_offset"]


class RejectedError(ValueError):
    """A record that is not taken, with the reason as its message."""


def hash64(*parts: bytes) -> int:
    """Return a stable 64-bit hash."""
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return int.from_bytes(digest.digest())


class Normaliser:
    """Collects the rows of one batch of one source."""

    def __init__(
        self,
        source: str,
        kind: str,
        now: int,
        *,
        mapping: Mapping | None = None,
        zone: tzinfo | None = None,
        local_zone: tzinfo = UTC,
        limit: SenderLimit | None = None,
    ) -> None:
        self.source = source
        self.kind = kind
        self.now = now
        self.latest = now + values.AHEAD_US
        self.mapping = mapping
        self.limit = limit
        self.zone = zone or UTC
        self.local_zone = zone or local_zone
        self.logs: list[Row] = []
        self.spans: list[Row] = []
        self.quarantined: list[Quarantined] = []
        self.dropped: list[int | None] = []
        """Where the records stood that a mapping leaves out."""
        self.offsets: list[FileOffset] = []
        self._log_base = _base(LOG_COLUMNS, source, now)
        self.record_id: int | None = None

    def __len__(self) -> int:
        """Count what is in the batch so far."""
        return len(self.logs) + len(self.spans) + len(self.quarantined)

    def batch(self) -> Batch:
        """Return everything as columns."""
        sender = self._sender
        made = Batch(
            self.source,
            self.kind,
            quarantined=self.quarantined,
            offsets=self.offsets,
            sender=sender,
            dropped=len(self.dropped),
        )
        if self.logs:
            made.logs = dict(zip(LOG_COLUMNS, map(list, zip(*self.logs, strict=True)), strict=True))
        if self.spans:
            made.spans = dict(zip(SPAN_COLUMNS, map(list, zip(*self.spans, strict=True)), strict=True))
        return made

    def quarantine(
        self,
        raw: bytes,
        reason: str,
        offset: int | None = None,
        size: int | None = None,
        source: str | None = None,
    ) -> None:
        """Keep a record that cannot be read, with the reason."""
        self.quarantined.append(
            Quarantined(
                source=source or self.source,
                reason=reason,
                received_at=self.now,
                raw=raw[:SAMPLE_BYTES],
                source_offset=offset,
                size=size if size is not None else len(raw),
                sender=self._sender,
            )
        )

    @property
    def _sender(self) -> str | None:
        return self.limit.name if self.limit is not None else None

    def place(self, row: Row, index: dict[str, int]) -> None:
        """Give a row the tenant and flow of a limited sender, where it has none.

        Raises:
            RejectedError: its sender may not send for its tenant and flow.
        """
        if self.limit is None:
            return
        tenant, flow = index["tenant"], index["flow"]
        try:
            row[tenant], row[flow] = self.limit.place(row[tenant], row[flow])
        except OutsideError as error:
            raise RejectedError(str(error)) from None

    def base(self, resource: Fields, resource_json: str) -> Row:
        """Return the template of log rows of one OTLP resource."""
        row = self._log_base.copy()
        row[_L["resource"]] = resource_json
        _fill_from_resource(row, _L, resource)
        return row

    # --- logs ----------------------------------------------------------------------------------

    def log(
        self,
        fields: Fields,
        record_id: int,
        offset: int | None = None,
        *,
        base: Row | None = None,
        mapping: Mapping | None = None,
        resource: Fields | None = None,
        logger: str | None = None,
    ) -> None:
        """Append one log record, unless its mapping leaves it out.

        `record_id` is its identity and `logger` its logger, unless it carries one itself.

        Raises:
            RejectedError: its sender may not send it.
        """
        row = (base or self._log_base).copy()
        row[_RECORD_ID] = record_id
        row[_SOURCE_OFFSET] = offset
        rest: Fields = {}
        slot_of = _SLOTS.get
        for key, value in fields.items():
            slot = slot_of(key)
            if slot is None:
                if value.__class__ is dict and key in names.NESTED:
                    self._nested(row, rest, key, value)
                else:
                    rest[key] = value
            elif slot.__class__ is int:
                if value.__class__ is str and value and row[slot] is None:
                    row[slot] = value
                else:
                    self._misfit(row, rest, key, value, slot)
            else:
                slot(self, row, rest, key, value)
        where, mapping = (fields, resource or {}), mapping or self.mapping
        self._conclude(row, rest, where, mapping)
        if mapping is not None and mapping.leaves_out(where, row[_MESSAGE]):
            self.dropped.append(offset)
            return
        if row[_LOGGER] is None and logger:
            row[_LOGGER] = mask_text(logger)
        self.place(row, _L)
        self._mask(row, rest)
        self.logs.append(row)

    def _misfit(self, row: Row, rest: Fields, key: str, value: Any, slot: int) -> None:
        """Place a value that its text column does not take at once."""
        if value.__class__ is dict and key in names.NESTED:
            self._nested(row, rest, key, value)
        elif value is None or value == "":
            return
        elif row[slot] is not None:
            if key in _OUTRANKING and value.__class__ is str:
                rest[_outranked(key)], row[slot] = row[slot], value
            elif row[slot] != value:
                rest[key] = value
        elif (plain := text(value)) is not None:
            row[slot] = plain
        elif slot == _MESSAGE:
            row[slot] = _json(value)
        else:
            rest[key] = value

    def _nested(self, row: Row, rest: Fields, key: str, value: Fields) -> None:
        """Place the members of an object one by one, under dotted names."""
        for name, item in value.items():
            dotted = f"{key}.{name}"
            slot = _SLOTS.get(dotted)
            if slot is None:
                rest[dotted] = item
            elif slot.__class__ is int:
                if item.__class__ is str and item and row[slot] is None:
                    row[slot] = item
                else:
                    self._misfit(row, rest, dotted, item, slot)
            else:
                slot(self, row, rest, dotted, item)

    def _conclude(
        self, row: Row, rest: Fields, where: tuple[Fields, Fields], mapping: Mapping | None
    ) -> None:
        if row[_TIME] is None:
            self._weak_time(row, rest)
        if row[_MESSAGE] is None:
            _weak_message(row, rest)
        if row[_LOGGER] is None and "name" in rest:
            _weak_logger(row, rest, where[0])
        self._identify(row, rest, where, mapping)
        if mapping is not None:
            if row[_ACTOR] is None and mapping.by_person(where):
                row[_ACTOR] = words.ACTOR_HUMAN
            if mapping.succeeded(where, row[_MESSAGE], None):
                row[_OUTCOME] = words.OUTCOME_SUCCESS
            elif mapping.failed(where, row[_MESSAGE]):
                row[_OUTCOME] = words.OUTCOME_FAILED
        self._conclude_severity(row, rest)

    def _identify(
        self, row: Row, rest: Fields, where: tuple[Fields, Fields], mapping: Mapping | None
    ) -> None:
        """Find out which ID the record belongs to; a text that names several names none for it."""
        # An ID that our client names is complete; others may need the mapping's prefix.
        prefix = mapping.prefix if mapping is not None and row[_CORRELATION] is None else ""
        mentions: list[str] = []
        if mapping is not None:
            mapping.fill(row, where, None)
            mentions = mapping.ids_in(row[_MESSAGE])
        if row[_CORRELATION] is None and len(mentions) == 1:
            row[_CORRELATION], prefix = mentions[0], ""
        if row[_CORRELATION] is None:
            row[_CORRELATION] = _alias(rest, names.CORRELATION_ALIASES)
            row[_TECHNICAL] = None if row[_CORRELATION] else _alias(rest, names.TECHNICAL_IDS)
        if prefix and row[_CORRELATION] is not None:
            row[_CORRELATION] = prefix + row[_CORRELATION]
        if mentions:
            row[_MENTIONS] = [name for name in mentions if name != row[_CORRELATION]] or None

    def _conclude_severity(self, row: Row, rest: Fields) -> None:
        number = row[_NUMBER]
        if number is None:
            number = row[_NUMBER] = ERROR if row[_ERROR_TYPE] and row[_STACKTRACE] else _INFO
        row[_SEVERITY] = values.SEVERITIES[number]
        if number >= ERROR:
            row[_PEER] = _alias(rest, names.PEERS)
            row[_STATUS] = _http_status(rest)
            if row[_ERROR_CLASS] is None:
                row[_ERROR_CLASS] = _class(row[_ERROR_TYPE], row[_EXCEPTION_MESSAGE] or row[_MESSAGE], rest)

    def _weak_time(self, row: Row, rest: Fields) -> None:
        for name in names.WEAK_TIME:
            if name in rest:
                micros = self.micros(rest[name], self.local_zone)
                if micros is not None:
                    self._set_time(row, rest, rest.pop(name), micros)
                    return
        row[_TIME] = self.now

    def micros(self, value: Any, zone: tzinfo) -> int | None:
        """Return a time of any form as microseconds, or None."""
        if value.__class__ is str:
            return values.iso_micros(value, zone)
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        return values.number_micros(value) if known else None

    def _set_time(self, row: Row, rest: Fields, value: Any, micros: int | None) -> None:
        if micros is not None and 0 <= micros <= self.latest:
            row[_TIME] = micros
        else:
            rest[words.ORIGINAL_TIME] = _readable(value, micros)
            row[_TIME] = self.now

    def _mask(self, row: Row, rest: Fields) -> None:
        dumped = _dumped(rest) if rest else b"{}"
        message = row[_MESSAGE]
        if suspicious(dumped + message.encode()):
            row[_MESSAGE] = mask_text(message)
            dumped = _dumped({mask_text(key): mask_value(key, value) for key, value in rest.items()})
        row[_ATTRIBUTES] = dumped.decode()
        if row[_EXCEPTION_MESSAGE] is not None:
            row[_EXCEPTION_MESSAGE] = mask_text(row[_EXCEPTION_MESSAGE])
        if row[_STACKTRACE] is not None:
            row[_STACKTRACE] = mask_text(row[_STACKTRACE])

    # --- values with a treatment of their own ----------------------------------------------------

    def take_time(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take the record's time."""
        if row[_TIME] is not None:
            rest[key] = value
        elif value is not None:
            self._set_time(row, rest, value, self._gcp_micros(value) or self.micros(value, self.zone))

    def _gcp_micros(self, value: Any) -> int | None:
        """Read Google's `{"seconds": ..., "nanos": ...}`."""
        if value.__class__ is not dict or not isinstance(value.get("seconds"), int):
            return None
        nanos = value.get("nanos")
        return int(value["seconds"] * 1_000_000 + (nanos if isinstance(nanos, int) else 0) // 1000)

    def take_level(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take a level's name or number."""
        number = values.level(value)
        if number is None:
            self._take_odd(row, rest, key, value)
        elif row[_NUMBER] is None:
            row[_NUMBER] = number

    def _take_odd(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        if value.__class__ is dict:
            self._nested(row, rest, key, value)
        elif value is not None:
            rest[key] = value

    def take_exception(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take an exception told as text or as an object."""
        if value is None or value.__class__ is bool:
            return
        if value.__class__ is str and key in {"error", "err"} and "\n" not in value:
            rest[key] = value
            if row[_EXCEPTION_MESSAGE] is None:
                row[_EXCEPTION_MESSAGE] = value
            return
        told = tracebacks.of_value(value)
        if told == (None, None, None):
            rest[key] = value
            return
        for column, part in zip((_ERROR_TYPE, _EXCEPTION_MESSAGE, _STACKTRACE), told, strict=True):
            if row[column] is None:
                row[column] = part
        if value.__class__ is dict:
            self._nested(row, rest, key, {k: v for k, v in value.items() if v not in told})

    def take_data(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take what an operator needs to know of a failed unit."""
        if value.__class__ is dict:
            row[_DATA] = _dumped(mask_value("", value) if suspicious(_dumped(value)) else value).decode()
        elif value is not None:
            rest[key] = value

    def take_outcome(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take the unit's own signal."""
        if value in (words.OUTCOME_SUCCESS, words.OUTCOME_PROGRESS, words.OUTCOME_FAILED):
            row[_OUTCOME] = value
        else:
            rest[key] = value

    def take_record_id(self, row: Row, rest: Fields, key: str, value: Any) -> None:
        """Take the identity that the client gave."""
        number = values.record_id(value)
        if number is None:
            rest[key] = value
        else:
            row[_RECORD_ID] = number

    def take_renamed(self, row: Row, rest: Fields, key: str, value: Any) -> None:  # noqa: ARG002 - as the others
        """Take a deprecated name under today's."""
        rest[names.RENAMED[key]] = value


def _converted(column: int, convert: Callable[[Any], Any]) -> Special:
    def take(_: Normaliser, row: Row, rest: Fields, key: str, value: Any) -> None:
        fit = convert(value) if row[column] is None else None
        if fit is not None:
            row[column] = fit
        elif value is not None and value != "":
            rest[key] = value

    return take


def _slots() -> dict[str, Any]:
    """Return what becomes of each known name: a text column's number, or a function."""
    slots: dict[str, Any] = {}
    for column, known in (names.TEXT | names.LOG_TEXT).items():
        slots |= dict.fromkeys(known, _L[column])
    for name, (column, convert) in (names.CONVERTED | names.LOG_CONVERTED).items():
        slots[name] = _converted(_L[column], convert)
    slots |= dict.fromkeys(names.LEVEL_NUMBER, _converted(_NUMBER, values.severity_number))
    slots |= dict.fromkeys(names.PYTHON_LEVEL, _converted(_NUMBER, values.python_level))
    slots |= dict.fromkeys(names.SYSLOG_LEVEL, _converted(_NUMBER, values.syslog_priority))
    slots |= dict.fromkeys(names.TIME, Normaliser.take_time)
    slots |= dict.fromkeys(names.LEVEL, Normaliser.take_level)
    slots |= dict.fromkeys(names.EXCEPTION, Normaliser.take_exception)
    slots |= dict.fromkeys(names.RENAMED, Normaliser.take_renamed)
    slots[words.DATA] = Normaliser.take_data
    slots[words.OUTCOME] = Normaliser.take_outcome
    slots[words.RECORD_ID] = Normaliser.take_record_id
    return slots


_SLOTS: Final = _slots()
_OUTRANKING: Final = frozenset({"event", words.ERROR_TYPE, words.SERVICE_NAME})
"""Names that take their column from an alias that came before them."""


def _outranked(key: str) -> str:
    return {"event": "message", words.ERROR_TYPE: words.EXCEPTION_TYPE}.get(key, "service")


def _readable(value: Any, micros: int | None) -> Any:
    """Return a time that was replaced as a person can read it: OTLP sends nanoseconds."""
    if micros is None or micros < 0 or value.__class__ is str:
        return value
    return values.iso(micros) or value


def _base(columns: dict[str, Any], source: str, now: int) -> Row:
    given = {"source": source, "ingested_at": now}
    return [given.get(name) for name in columns]


def _fill_from_resource(row: Row, index: dict[str, int], resource: Fields) -> None:
    for column, known in names.TEXT.items():
        value = next((resource[name] for name in known if resource.get(name)), None)
        if value is not None:
            row[index[column]] = text(value)
    row[index["host"]] = next((text(resource[name]) for name in names.HOSTS if resource.get(name)), None)


def _weak_message(row: Row, rest: Fields) -> None:
    for name in names.WEAK_MESSAGE:
        value = rest.get(name)
        if value is not None and value != "":
            row[_MESSAGE] = value if value.__class__ is str else _json(value)
            del rest[name]
            return
    row[_MESSAGE] = row[_EXCEPTION_MESSAGE] or row[_ERROR_TYPE] or ""


def _weak_logger(row: Row, rest: Fields, fields: Fields) -> None:
    if rest["name"].__class__ is str and not names.NAMED_LOGGERS.isdisjoint(fields):
        row[_LOGGER] = rest.pop("name")


def _alias(rest: Fields, known: tuple[str, ...]) -> str | None:
    for name in known:
        if name in rest:
            return text(only(rest[name]))
    return None


def _class(kind: str | None, message: str, rest: Fields) -> str:
    return classify(kind or "", message or "", _http_status(rest))


def _http_status(rest: Fields) -> int | None:
    return next((values.int32(rest[name]) for name in names.HTTP_STATUS if name in rest), None)


def _json(value: Any) -> str:
    return _dumped(value).decode()


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:
        return orjson.dumps(values.clean(value), default=str)


def error_class_of(kind: str | None, message: str | None, attributes: Iterable[tuple[str, Any]]) -> str:
    """Return the class of an error that nobody classified."""
    return _class(kind, message or "", dict(attributes))
