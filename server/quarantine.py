"""Records that could not be read: list them, read them again, see one unmasked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from access.commands import Command, Target, perform
from audit import trail
from cases.errors import InvalidActError
from cases.lifecycle import MIN_REASON
from data import paging
from data.errors import UnsnagError
from data.nouns import Page, noun
from data.paging import PageRequest
from server.container import NotRunningError
from unsnag.masking import mask_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from access.context import RequestContext
    from data.transaction import Tx
    from server.context import ServerContext


class RecordNotFoundError(UnsnagError):
    """There is no such record in quarantine."""


@dataclass(frozen=True, slots=True)
class QuarantinedRecord:
    """A record that was not taken; `sender` is its token, where that one is limited."""

    id: str
    source: str
    offset: int | None
    reason: str
    received_at: datetime
    size: int
    sender: str | None
    sample: str
    """Its beginning, masked."""
    replayed_at: datetime | None
    replay_result: str | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> QuarantinedRecord:
        """Return the record of a stored row."""
        # The bytes are kept as they came, so that they can be read again; what is shown is masked.
        sample = mask_text(row["sample"].decode("utf-8", "replace"))
        return _record(row, offset=row["source_offset"], sample=sample)


_record: Final = noun(QuarantinedRecord)
_FIRST: Final = PageRequest()


def listed(ctx: RequestContext, wanted: PageRequest = _FIRST) -> Page[QuarantinedRecord]:
    """Return a page of the records that could not be read, newest first.

    They have no tenant and no flow: only actors with access to everything see any.
    """
    reading = ctx.reading
    if reading.scope is not None:
        return Page(0, [])
    return paging.read(reading, "server/quarantine", {}, wanted, QuarantinedRecord.of)


def replay(ctx: ServerContext, record_id: str, *, key: str | None = None) -> str:
    """Read a quarantined record again and return how it went.

    Raises:
        RecordNotFoundError: there is none.
        NotRunningError: nothing is collected.
    """
    perform(ReplayRecord(record_id), ctx, key=key)
    if not ctx.reading.query("server/quarantined_bytes", {"id": record_id}):
        raise RecordNotFoundError
    collectors = ctx.container.collectors
    if collectors is None:
        raise NotRunningError
    return collectors.replay([record_id], ctx.authority.limit_of_token)[record_id]


def unmasked(ctx: RequestContext, record_id: str, reason: str) -> bytes:
    """Return a quarantined record as it came. Who saw it, and why, is recorded before.

    Raises:
        InvalidActError: no reason is given.
        RecordNotFoundError: there is none.
    """
    if len(reason.strip()) < MIN_REASON:
        raise InvalidActError(f"Say why you need to see it, in at least {MIN_REASON} characters.")
    record = perform(UnmaskRecord(record_id, reason.strip()), ctx)
    if record is None:
        raise RecordNotFoundError
    return record


@dataclass(frozen=True, slots=True)
class ReplayRecord(Command[None, None, dict[str, str]]):
    """Record that a quarantined record is read again."""

    act: ClassVar = "quarantine.replay"
    record_id: str

    def authorize(self, _loaded: None) -> Target:
        """Return the record."""
        return Target(subject=_subject(self.record_id))

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, str]:
        """Write the entry."""
        trail.write(tx, [trail.Entry("read again", ctx.actor, subject=_subject(self.record_id))], now)
        return {"id": self.record_id}


@dataclass(frozen=True, slots=True)
class UnmaskRecord(Command["bytes | None", "bytes | None", "bytes | None"]):
    """See a quarantined record as it came; None where there is none."""

    act: ClassVar = "quarantine.unmask"
    record_id: str
    reason: str

    def load(self, tx: Tx, _ctx: RequestContext) -> bytes | None:
        """Return the record."""
        rows = tx.run("server/quarantined_bytes", {"id": self.record_id, "scope": None})
        return bytes(rows[0]["bytes"]) if rows else None

    def authorize(self, _loaded: bytes | None) -> Target:
        """Return the record."""
        return Target(subject=_subject(self.record_id))

    def apply(self, tx: Tx, decided: bytes | None, ctx: RequestContext, now: datetime) -> bytes | None:
        """Write who saw it, and why."""
        details = None if decided is None else {"bytes": len(decided)}
        subject = _subject(self.record_id)
        entry = trail.Entry("seen unmasked", ctx.actor, subject=subject, reason=self.reason, details=details)
        trail.write(tx, [entry], now)
        return decided


def _subject(record_id: str) -> str:
    return f"quarantine:{record_id}"
