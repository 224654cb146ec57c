"""How much one sender and one tenant may bring in a day, so that none of them fills the store alone.

A sender is a token, an address where nobody signs in, or a source that reads files. The use of a day stands
in the table `quota_use`, moved in the transaction of the records, so a restart forgets nothing. Days are of
UTC.

1. An OTLP request over a quota is refused as a whole (429, or 413 where it is more than the quota of a day):
   its sender keeps it and sends it again. Nothing is taken and lost.
2. A source that reads files pauses: what is unread stays where it is.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict, Field

from collectors.admission import MB, TooManySentError
from data.clock import utc_now
from data.errors import UnsnagError
from data.nouns import noun, shallow
from data.records import Batch, Used

if TYPE_CHECKING:
    from datetime import date

    from data.store import Store

SENDER, TENANT = "sender", "tenant"
_TEXTS: Final = ("message", "name", "attributes", "resource", "data", "events", "links", "stacktrace")
_LONGEST_WAIT_S: Final = 900
"""A sender asks again at least so often: an operator may have raised the quota."""
_FLUSH_S: Final = 5.0
"""How often refusals alone make a commit, at most."""


class QuotaSettings(BaseModel):
    """The section [collectors.quotas]: what one sender, one tenant may bring in a day. None: any amount."""

    model_config = ConfigDict(extra="forbid")

    sender_records: int | None = Field(None, ge=1)
    sender_mb: int | None = Field(None, ge=1)
    tenant_records: int | None = Field(None, ge=1)
    tenant_mb: int | None = Field(None, ge=1)

    @property
    def is_set(self) -> bool:
        """Return whether there is any quota."""
        return any(value is not None for value in self.model_dump().values())


class QuotaUsedError(TooManySentError):
    """A quota of today is used up."""


class OverQuotaError(UnsnagError):
    """One request brings more than the quota of a whole day."""


@dataclass(frozen=True, slots=True)
class Quota:
    """What one of a kind may bring in a day. None: any amount."""

    records: int | None
    bytes: int | None

    def refuses(self, used: Used, more: Used) -> bool:
        """Return whether so much more is too much."""
        return _over(used.records + more.records, self.records) or _over(used.bytes + more.bytes, self.bytes)

    def is_used_up(self, used: Used) -> bool:
        """Return whether nothing more may come today."""
        return _over(used.records + 1, self.records) or _over(used.bytes + 1, self.bytes)

    def __str__(self) -> str:
        parts = [f"{self.records:,} records"] if self.records is not None else []
        parts += [f"{self.bytes // MB:,} MB"] if self.bytes is not None else []
        return " or ".join(parts)


def _over(value: int, limit: int | None) -> bool:
    return limit is not None and value > limit


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """What a sender or a tenant has brought today, of what it may."""

    kind: str
    name: str
    records: int
    bytes: int
    refused_requests: int
    refused_records: int
    max_records: int | None
    max_bytes: int | None
    is_used_up: bool


class Quotas:
    """The quotas of one store. Any thread may ask."""

    def __init__(self, store: Store, settings: QuotaSettings) -> None:
        self._store = store
        self.is_set = settings.is_set
        self._quotas = {
            SENDER: Quota(settings.sender_records, _bytes(settings.sender_mb)),
            TENANT: Quota(settings.tenant_records, _bytes(settings.tenant_mb)),
        }
        self._lock = threading.Lock()
        self._day: date | None = None
        self._used: dict[tuple[str, str], Used] = {}
        self._waiting: list[Used] = []
        """Refusals that no commit has counted yet."""
        self._flushed = float("-inf")

    def take(self, sender: str, batch: Batch) -> Batch:
        """Count a batch of a request against its quotas; return it with what is to be committed of that.

        Raises:
            QuotaUsedError: it does not fit any more today. It is counted as refused.
            OverQuotaError: it would not fit on any day.
        """
        if not self.is_set or not len(batch):
            return batch
        with self._lock:
            wanted = self._wanted(sender, batch)
            for one in wanted:
                if self._quotas[one.kind].refuses(self._now(one), one):
                    self._refuse(wanted, one)
            return self._taken(batch, wanted)

    def count(self, sender: str, batch: Batch) -> Batch:
        """Count a batch of a source that reads files, which was let in by `pause`."""
        if not self.is_set or not len(batch):
            return batch
        with self._lock:
            return self._taken(batch, self._wanted(sender, batch))

    def give_back(self, batch: Batch) -> None:
        """Take back what was counted of a batch that was not committed."""
        with self._lock:
            for one in batch.used:
                self._add(
                    replace(
                        one, records=-one.records, bytes=-one.bytes, refused_requests=0, refused_records=0
                    )
                )
                if one.refused_requests:
                    self._waiting.append(replace(one, records=0, bytes=0))

    def pause(self, sender: str, batch: Batch) -> str | None:
        """Return why a source must wait before it hands this batch over, as a sentence; None: it need not."""
        if not self.is_set or not len(batch):
            return None
        with self._lock:
            for one in self._wanted(sender, batch):
                if self._quotas[one.kind].is_used_up(self._now(one)):
                    return f"{self._words(one)}: reading pauses until 00:00 UTC"
        return None

    def uses(self) -> list[QuotaUse]:
        """Return what was used and refused today, by kind and name."""
        with self._lock:
            self._turn_day()
            return [self._use(one) for _, one in sorted(self._used.items())]

    def _use(self, one: Used) -> QuotaUse:
        quota = self._quotas[one.kind]
        shown = shallow(one, _SHOWN)
        return QuotaUse(
            **shown, max_records=quota.records, max_bytes=quota.bytes, is_used_up=quota.is_used_up(one)
        )

    # --- with the lock held --------------------------------------------------------------------------

    def _wanted(self, sender: str, batch: Batch) -> list[Used]:
        """Return what a batch takes: of its sender, and of each tenant that its records name."""
        self._turn_day()
        day = self._day or utc_now().date()
        batch = batch.by_row()
        whole = Used(day, SENDER, sender, len(batch), _size(batch))
        return [whole, *(Used(day, TENANT, name, *sums) for name, sums in _by_tenant(batch).items())]

    def _turn_day(self) -> None:
        today = utc_now().astimezone(UTC).date()
        if today != self._day:
            rows = self._store.query("collectors/quota_use", {"day": today}, into=_used)
            self._day, self._used = today, {(one.kind, one.name): one for one in rows}

    def _now(self, one: Used) -> Used:
        return self._used.get((one.kind, one.name)) or replace(one, records=0, bytes=0)

    def _add(self, one: Used) -> None:
        if one.day == self._day:
            known = self._used.get((one.kind, one.name))
            self._used[one.kind, one.name] = one if known is None else known.plus(one)

    def _taken(self, batch: Batch, wanted: list[Used]) -> Batch:
        for one in wanted:
            self._add(one)
        waiting, self._waiting = self._waiting, []
        return replace(batch, used=[*wanted, *waiting])

    def _refuse(self, wanted: list[Used], over: Used) -> None:
        """Count a request as refused, with its sender and with the tenant that is over its quota."""
        for one in {(one.kind, one.name): one for one in (wanted[0], over)}.values():
            refused = replace(one, records=0, bytes=0, refused_requests=1, refused_records=one.records)
            self._add(refused)
            self._waiting.append(refused)
        self._flush()
        quota = self._quotas[over.kind]
        if quota.refuses(replace(over, records=0, bytes=0), over):
            words = f"the quota of {quota} a day for one {over.kind}"
            raise OverQuotaError(f"This request brings more than {words}. Send less in each.")
        raise QuotaUsedError(
            f"{self._words(over)}. Send it again after 00:00 UTC; nothing of this request was stored.",
            max(1, min(_LONGEST_WAIT_S, _left_of_day_s())),
        )

    def _words(self, one: Used) -> str:
        whose = "this sender" if one.kind == SENDER else f"tenant {one.name}"
        return f"The quota of {self._quotas[one.kind]} a day for {whose} is used up"

    def _flush(self) -> None:
        """Write refusals down where no batch carries them; the store is not waited for."""
        if time.monotonic() - self._flushed < _FLUSH_S:
            return
        self._flushed = time.monotonic()
        waiting, self._waiting = self._waiting, []
        try:
            self._store.append(Batch(_SOURCE, _SOURCE, used=waiting))
        except UnsnagError:
            self._waiting += waiting


_SOURCE: Final = "otlp"
_SHOWN: Final = ("kind", "name", "records", "bytes", "refused_requests", "refused_records")
_used = noun(Used)


def _bytes(mb: int | None) -> int | None:
    return None if mb is None else mb * MB


def _left_of_day_s() -> int:
    now = utc_now().astimezone(UTC)
    midnight = datetime(now.year, now.month, now.day, tzinfo=UTC) + timedelta(days=1)
    return int((midnight - now).total_seconds())


def _size(batch: Batch) -> int:
    """Return about how many bytes the records of a batch are: characters of their texts."""
    columns = [c[name] for c in (batch.logs, batch.spans) for name in _TEXTS if name in c]
    return sum(len(text) for column in columns for text in column if text) + _raw(batch)


def _raw(batch: Batch) -> int:
    return sum(len(record.raw) for record in batch.quarantined)


def _by_tenant(batch: Batch) -> dict[str, tuple[int, int]]:
    """Return how many records and bytes each tenant has that records of a batch name."""
    records: Counter[str] = Counter()
    sizes: Counter[str] = Counter()
    for columns in (batch.logs, batch.spans):
        texts = [columns[name] for name in _TEXTS if name in columns]
        for place, tenant in enumerate(columns["tenant"]):
            if tenant:
                records[tenant] += 1
                sizes[tenant] += sum(len(column[place] or "") for column in texts)
    return {name: (count, sizes[name]) for name, count in sorted(records.items())}
