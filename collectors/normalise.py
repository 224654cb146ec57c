"""One parsed record, of any dialect, to one row of the store's columns.

A record's way:

1. Known names fill their columns; what is left goes to `attributes` as JSON.
2. A mapping of the config file fills columns that are still empty; then common aliases do.
3. What no name filled is concluded: time of ingest, severity, error class, the unit's outcome.
4. Text that a person could read is masked.

This is the hot path: 10 to 15 µs a record. Rows are lists that are turned into columns at the end,
because one `copy` of a template costs less than 40 `append`s.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, tzinfo
from typing import TYPE_CHECKING, Any, Final

from access.sending import OutsideError
from collectors import drift, orchestrators, values
from collectors import fields as names
from collectors.log_columns import (
    ACTOR,
    ATTRIBUTES,
    CLASS_RULE,
    CORRELATION,
    ERROR_CLASS,
    ERROR_CODE,
    ERROR_TYPE,
    EXCEPTION_MESSAGE,
    LOGGER,
    MENTIONS,
    MESSAGE,
    NUMBER,
    OUTCOME,
    PEER,
    RECORD_ID,
    SEVERITY,
    SOURCE_OFFSET,
    STACKTRACE,
    STATUS,
    TECHNICAL,
    TIME,
    L,
)
from collectors.seen import Seen
from collectors.slots import SLOTS, alias, dumped, http_status, verdict_of, weak_logger, weak_message
from collectors.values import text
from data.records import LOG_COLUMNS, SPAN_COLUMNS, Batch, Quarantined
from unsnag import conventions as words
from unsnag.glance import suspicious
from unsnag.masking import mask_text, mask_value

if TYPE_CHECKING:
    from access.sending import SenderLimit
    from collectors.drift import Mark
    from collectors.fields import Fields
    from collectors.mapping import Mapping
    from data.records import FileOffset

    Row = list[Any]

SAMPLE_BYTES: Final = 64 * 1024
ERROR: Final = 17
_INFO: Final = 9


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
        path: str | None = None,
    ) -> None:
        self.source = source
        self.kind = kind
        self.now = now
        self.latest = now + values.AHEAD_US
        self.mapping = mapping
        self.limit = limit
        zone = (mapping.zone if mapping is not None else None) or zone
        self.zone = zone or UTC
        self.local_zone = zone or local_zone
        self.logs: list[Row] = []
        self.spans: list[Row] = []
        self.quarantined: list[Quarantined] = []
        self.dropped: list[int | None] = []
        """Where the records stood that a mapping leaves out."""
        self.seen = Seen()
        self.offsets: list[FileOffset] = []
        self._log_base = _base(LOG_COLUMNS, source, now)
        self.record_id: int | None = None
        self.path = path
        """The file that is being read, for patterns of a mapping."""

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
            text=self.seen.summary(),
            watched=drift.summary(self.seen.marks),
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
        row[L["resource"]] = resource_json
        _fill_from_resource(row, L, resource)
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
            RejectedError: its sender may not send it, or a value has a type that its column cannot hold.
        """
        row = (base or self._log_base).copy()
        row[RECORD_ID] = record_id
        row[SOURCE_OFFSET] = offset
        rest: Fields = {}
        slot_of = SLOTS.get
        for key, value in fields.items():
            slot = slot_of(key)
            if slot is None:
                if value.__class__ is dict and key in names.NESTED:
                    self.nested(row, rest, key, value)
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
        mark = self._conclude(row, rest, where, mapping)
        if mapping is not None and mapping.leaves_out(where, row[MESSAGE], self.path):
            self.dropped.append(offset)
            return
        if mark is not None:
            self._watch(row, mark)
        if row[LOGGER] is None and logger:
            row[LOGGER] = mask_text(logger)
        self.place(row, L)
        self._mask(row, rest)
        self.logs.append(row)

    def _misfit(self, row: Row, rest: Fields, key: str, value: Any, slot: int) -> None:
        """Place a value that its text column does not take at once."""
        if value.__class__ is dict and key in names.NESTED:
            self.nested(row, rest, key, value)
        elif value is None or value == "":
            return
        elif row[slot] is not None:
            if key in _OUTRANKING and value.__class__ is str:
                rest[_outranked(key)], row[slot] = row[slot], value
            elif row[slot] != value:
                rest[key] = value
        elif (plain := text(value)) is not None:
            row[slot] = plain
        elif slot == MESSAGE:
            row[slot] = dumped(value).decode()
        else:
            rest[key] = value

    def nested(self, row: Row, rest: Fields, key: str, value: Fields) -> None:
        """Place the members of an object one by one, under dotted names."""
        for name, item in value.items():
            dotted = f"{key}.{name}"
            slot = SLOTS.get(dotted)
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
    ) -> Mark | None:
        if row[TIME] is None:
            self._weak_time(row, rest)
        if row[MESSAGE] is None:
            weak_message(row, rest)
        if row[LOGGER] is None and "name" in rest:
            weak_logger(row, rest, where[0])
        wrong, mark = self.map(row, rest, where, mapping), None
        if mapping is not None:
            others = (
                (row[OUTCOME] == words.OUTCOME_SUCCESS)
                | (row[NUMBER] is not None) << 1
                | (row[TIME] != self.now) << 2
                | (row[CORRELATION] is not None or row[MENTIONS] is not None) << 3
            )
            brought = mapping.brought(row, where, others, is_span=False)
            mark = (row[SOURCE_OFFSET], mapping, False, brought, wrong)
        self.conclude_severity(row, rest)
        return mark

    def map(
        self, row: Row, rest: Fields, where: tuple[Fields, Fields], mapping: Mapping | None
    ) -> dict[int, str]:
        """Fill what a mapping says of a record: its ID and what belongs to it, its end, its level.

        Returns:
            The types of mapped values that do not fit, see `Mapping.fill`.
        """
        wrong = self._identify(row, rest, where, mapping)
        if mapping is not None:
            if row[ACTOR] is None and mapping.by_person(where):
                row[ACTOR] = words.ACTOR_HUMAN
            if mapping.succeeded(where, row[MESSAGE], None):
                row[OUTCOME] = words.OUTCOME_SUCCESS
            elif mapping.failed(where, row[MESSAGE]):
                row[OUTCOME] = words.OUTCOME_FAILED
            if (number := mapping.level(where, row[MESSAGE], self.path)) is not None:
                row[NUMBER] = number
        return wrong

    def _watch(self, row: Row, mark: Mark) -> None:
        """Note what a record brought; refuse one with a wrong type, unless it opens or ends an exception."""
        self.seen.marks.append(mark)
        _, mapping, _, _, wrong = mark
        if wrong and row[NUMBER] < ERROR and row[OUTCOME] is None:
            bad = drift.wrong_types(mapping.relied, wrong)
            if bad:
                raise RejectedError(bad)

    def _identify(
        self, row: Row, rest: Fields, where: tuple[Fields, Fields], mapping: Mapping | None
    ) -> dict[int, str]:
        """Find out which ID the record belongs to; a text that names several names none for it.

        Returns:
            The types of mapped values that do not fit, see `Mapping.fill`.
        """
        # An ID that our client names is complete; others may need the mapping's prefix.
        prefix = mapping.prefix if mapping is not None and row[CORRELATION] is None else ""
        mentions: list[str] = []
        wrong = drift.FITS
        if mapping is not None:
            wrong = mapping.fill(row, where, None, self.path)
            mentions = mapping.ids_in(row[MESSAGE])
        if orchestrators.is_airflow(rest):
            orchestrators.read_log(row, rest)
        if row[CORRELATION] is None and len(mentions) == 1:
            row[CORRELATION], prefix = mentions[0], ""
        if row[CORRELATION] is None:
            row[CORRELATION] = alias(rest, names.CORRELATION_ALIASES)
            row[TECHNICAL] = None if row[CORRELATION] else alias(rest, names.TECHNICAL_IDS)
        if prefix and row[CORRELATION] is not None:
            row[CORRELATION] = prefix + row[CORRELATION]
        if mentions:
            row[MENTIONS] = [name for name in mentions if name != row[CORRELATION]] or None
        return wrong

    def conclude_severity(self, row: Row, rest: Fields) -> None:
        """Fill what follows from the level: its name, and of an error its class and the system called."""
        number = row[NUMBER]
        if number is None:
            number = row[NUMBER] = ERROR if row[ERROR_TYPE] and row[STACKTRACE] else _INFO
        row[SEVERITY] = values.SEVERITIES[number]
        if number >= ERROR:
            row[PEER] = alias(rest, names.PEERS)
            row[STATUS] = http_status(rest)
            if row[ERROR_CLASS] is None:
                found = verdict_of(row[ERROR_TYPE], row[EXCEPTION_MESSAGE] or row[MESSAGE], rest)
                row[ERROR_CLASS], row[CLASS_RULE] = found.error_class, found.why

    def _weak_time(self, row: Row, rest: Fields) -> None:
        for name in names.WEAK_TIME:
            if name in rest:
                micros = self.micros(rest[name], self.local_zone)
                if micros is not None:
                    self.set_time(row, rest, rest.pop(name), micros)
                    return
        row[TIME] = self.now

    def micros(self, value: Any, zone: tzinfo) -> int | None:
        """Return a time of any form as microseconds, or None."""
        if value.__class__ is str:
            return values.iso_micros(value, zone)
        known = isinstance(value, (int, float)) and not isinstance(value, bool)
        return values.number_micros(value) if known else None

    def set_time(self, row: Row, rest: Fields, value: Any, micros: int | None) -> None:
        """Take a time; one of the future is kept beside, and the time of arrival taken."""
        if micros is not None and 0 <= micros <= self.latest:
            row[TIME] = micros
        else:
            rest[words.ORIGINAL_TIME] = _readable(value, micros)
            row[TIME] = self.now

    def _mask(self, row: Row, rest: Fields) -> None:
        written = dumped(rest) if rest else b"{}"
        message = row[MESSAGE]
        if suspicious(written + message.encode()):
            row[MESSAGE] = mask_text(message)
            written = dumped({mask_text(key): mask_value(key, value) for key, value in rest.items()})
        row[ATTRIBUTES] = written.decode()
        for column in (ERROR_TYPE, ERROR_CODE):
            if row[column] is not None:
                row[column] = values.masked_name(row[column])
        if row[EXCEPTION_MESSAGE] is not None:
            row[EXCEPTION_MESSAGE] = mask_text(row[EXCEPTION_MESSAGE])
        if row[STACKTRACE] is not None:
            row[STACKTRACE] = mask_text(row[STACKTRACE])


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
            row[index[column]] = names.READ[column](value)
    row[index["host"]] = next((text(resource[name]) for name in names.HOSTS if resource.get(name)), None)
