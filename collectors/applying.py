"""A mapping applied to what was stored before: asked for by a person, done in the background, page by page.

1. `ApplyMapping` notes the request: which sources, from which day on. What comes later is mapped as it comes.
2. The worker reads a page of records, finds what is understood differently now, and writes it in some
   transactions, each with how far it is: the commits of others come between. A server that is stopped or
   killed goes on there: nothing is done twice.
3. Then the sources' records in quarantine are read again.
4. The end is audited, with how many records changed.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, ClassVar, Final

import orjson

from access.commands import Command, Target
from audit import trail
from audit.actor import Actor
from collectors import again, kept_mappings, mapping_text
from collectors.again import Again
from collectors.mapping import Mapping, chosen
from collectors.replay import REPLAYED
from collectors.sections import MappingSettings
from data.background import Background
from data.clock import stored, utc_now
from data.errors import UnsnagError
from data.logs import event_log
from data.nouns import noun
from data.removed import whole_since

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from access.context import RequestContext
    from access.sending import SenderLimit
    from collectors.mapping_book import MappingBook
    from collectors.sources import Sources
    from data.store import Reading, Store
    from data.transaction import Tx

_LOG: Final = event_log("collectors")
PAGE: Final = 10_000
"""Records that are read at once: in a large store that costs as much as writing some thousand."""
_MOST: Final = 2_000
"""Records of one transaction, which all other commits wait for. Half of its time is the same for 100."""
_QUARANTINE_PAGE: Final = 20
_EVERY_S: Final = 0.5
_AGAIN_S: Final = 5.0
"""After an error."""
MOST_DAYS: Final = 400
RUNNING, DONE, FAILED = "running", "done", "failed"


class NothingToApplyError(UnsnagError):
    """No source uses this mapping, so there are no records to apply it to."""


class IsAppliedError(UnsnagError):
    """This mapping is being applied already. Wait until that is done."""


@dataclass(frozen=True, slots=True)
class MappingJob:
    """A request to apply a mapping, and how far it is."""

    id: str
    name: str
    sources: list[str]
    since: datetime
    until: datetime
    requested_by: str
    state: str
    """`running`, `done` or `failed`."""
    error: str | None
    after_time: datetime
    after_record: int
    total: int
    looked_at: int
    changed: int
    quarantined: int
    taken: int
    finished_at: datetime | None


_job: Final = noun(MappingJob)


def jobs(reading: Reading, name: str) -> list[MappingJob]:
    """Return the requests to apply a mapping, the newest first."""
    return reading.query("collectors/mapping_jobs", {"name": name}, into=_job)


@dataclass(frozen=True, slots=True)
class ApplyMapping(Command["list[MappingJob]", None, dict[str, Any]]):
    """Ask that a mapping is applied to the records of the last days, and to quarantine.

    Raises, when performed:
        NothingToApplyError: no source uses it.
        IsAppliedError: that is being done already.
    """

    act: ClassVar = "mapping.change"
    name: str
    sources: tuple[str, ...]
    days: int

    def load(self, tx: Tx, _ctx: RequestContext) -> list[MappingJob]:
        """Return what is being applied."""
        return tx.run("collectors/mapping_jobs", {"name": None}, into=_job)

    def authorize(self, _loaded: list[MappingJob]) -> Target:
        """Return the mapping."""
        return Target(subject=f"mapping:{self.name}")

    def decide(self, loaded: list[MappingJob], _ctx: RequestContext, _now: datetime) -> None:
        """Refuse what cannot be done."""
        if not self.sources:
            raise NothingToApplyError
        if any(job.name == self.name for job in loaded):
            raise IsAppliedError

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> dict[str, Any]:
        """Note the request."""
        row = {"id": uuid.uuid4().hex, "name": self.name, "sources": list(self.sources)}
        since = now - timedelta(days=self.days)
        among = {"sources": list(self.sources), "since": since, "now": now}
        (total,) = tx.run("collectors/count_earlier_logs", among, into=itemgetter("records"))
        tx.run("collectors/insert_mapping_job", {**row, **among, "total": total, "author": ctx.actor.name})
        details = {"days": self.days, "sources": list(self.sources)}
        entry = trail.Entry(
            "mapping applied", ctx.actor, subject=f"mapping:{self.name}", to_state="started", details=details
        )
        trail.write(tx, [entry], now)
        tx.topics.add("mapping")
        return row


@dataclass(frozen=True, slots=True)
class _Chosen:
    """Maps records again: all of a source alike, or those of OTLP by their resource."""

    plain: Again | None
    book: MappingBook | None = None
    known: Sequence[Mapping] = ()

    def changed(self, row: dict[str, Any]) -> dict[str, Any] | None:
        """Return a row as it is understood now; None where nothing changes."""
        if self.plain is not None or self.book is None:
            return self.plain.changed(row) if self.plain else None
        resource = orjson.loads(row.get("resource") or "{}")
        known = [one for one in self.known if one.matches(resource)]
        if not known:
            return None  # it is for other records
        return Again(chosen(self.book.of_resources, resource), [*known, None]).changed(row)


class Applying(Background):
    """The worker: one thread that does what was asked for, one request after the other.

    It looks at the store when a mapping or a request has changed, and otherwise does nothing.
    """

    def __init__(
        self,
        store: Store,
        sources: Sources,
        limit_of: Callable[[str], SenderLimit | None],
        revision: Callable[[], int],
    ) -> None:
        self._store = store
        self._sources = sources
        self._limit_of = limit_of
        self._revision = revision
        super().__init__("mappings-applied")

    def _run(self) -> None:
        seen = -1
        while not self._stopping.wait(_EVERY_S):
            revision = self._revision()
            if revision == seen:
                continue
            try:
                while not self._stopping.is_set() and self.step():
                    pass
                seen = revision
            except Exception:  # noqa: BLE001 - the next request must not suffer
                _LOG.exception("mapping.apply_failed")
                self._stopping.wait(_AGAIN_S)

    def step(self) -> bool:
        """Do the next page of the oldest request; say whether there was one."""
        running = self._store.query("collectors/mapping_jobs", {"name": None}, into=_job)
        if not running:
            return False
        job = running[-1]
        try:
            if not self._records(job) and not self._quarantine(job):
                self._end(job, DONE)
        except Exception as error:
            self._end(job, FAILED, f"{type(error).__name__}: {error}")
            raise
        return True

    def _records(self, job: MappingJob) -> bool:
        """Map the next page of records again; say whether there was one."""
        after = {"after_time": stored(job.after_time), "after_record": job.after_record}
        since = whole_since(self._store.everything(), job.since)
        asked = {"sources": job.sources, "since": stored(since), "until": stored(job.until)}
        rows = self._store.query("collectors/logs_of_sources", {**asked, **after, "limit": PAGE})
        if not rows:
            return False
        of_source = {source: self._again(job.name, source) for source in job.sources}
        for first in range(0, len(rows), _MOST):
            if self._stopping.is_set():
                break
            self._write(job, rows[first : first + _MOST], of_source)
        return True

    def _write(self, job: MappingJob, rows: Sequence[dict[str, Any]], of_source: dict[str, _Chosen]) -> None:
        """Map some records again, in one transaction."""
        changed = [
            found for row in rows if (found := of_source[row.get("source", "")].changed(row)) is not None
        ]
        last = {f"after_{name}": rows[-1].get(column) for name, column in _PLACE.items()}

        def write(tx: Tx) -> None:
            again.write(tx, changed)
            _move(tx, job, **last, records=len(rows), changed=len(changed))

        self._store.act(write).result()

    def _again(self, name: str, source: str) -> _Chosen:
        """Return what maps the records of a source again, with all that may have mapped them before."""
        reading = self._store.everything()
        texts = [one.text for one in kept_mappings.versions(reading, name)]
        known = [settings for text in texts if (settings := _readable(text)) is not None]
        in_file = self._sources.book.in_file.get(name)
        known += [in_file] if in_file is not None else []
        if source not in self._sources.mappable():
            return _Chosen(None, self._sources.book, [Mapping.of(one) for one in known])
        current = self._sources.mapping_of(source)
        # Also what the section alone gives.
        with_section = [self._sources.with_section(source, one) for one in (*known, MappingSettings())]
        made = [Mapping.of(one) for one in with_section]
        return _Chosen(Again(Mapping.of(current) if current else None, [*made, None]))

    def _quarantine(self, job: MappingJob) -> bool:
        """Read the next records in quarantine again; say whether there were any."""
        asked = {"sources": job.sources, "since": stored(job.since), "until": stored(job.until)}
        rows = self._store.query("collectors/quarantined_of_sources", {**asked, "limit": _QUARANTINE_PAGE})
        if not rows:
            return False
        results = self._sources.replay([row.get("id", "") for row in rows], self._limit_of)
        taken = sum(result == REPLAYED for result in results.values())
        self._store.act(lambda tx: _move(tx, job, quarantined=len(rows), taken=taken)).result()
        return True

    def _end(self, job: MappingJob, state: str, error: str | None = None) -> None:
        def write(tx: Tx) -> None:
            _move(tx, job, state=state, error=error)
            (now,) = [one for one in tx.run("collectors/mapping_jobs", {"name": job.name}, into=_job)
                      if one.id == job.id]  # fmt: skip
            details = {"changed": now.changed, "of": now.looked_at, "from quarantine": now.taken}
            entry = trail.Entry(
                "mapping applied", Actor(job.requested_by), subject=f"mapping:{job.name}", to_state=state,
                reason=error, details=details,
            )  # fmt: skip
            trail.write(tx, [entry], stored(utc_now()))

        self._store.act(write).result()


_PLACE: Final = {"time": "time", "record": "record_id"}


def _move(tx: Tx, job: MappingJob, **more: Any) -> None:
    usual: dict[str, Any] = dict.fromkeys(("records", "changed", "quarantined", "taken"), 0)
    usual |= dict.fromkeys(("after_time", "after_record", "state", "error"))
    tx.run("collectors/move_mapping_job", {**usual, **more, "id": job.id, "now": stored(utc_now())})
    tx.topics.add("mapping")


def _readable(text: str) -> MappingSettings | None:
    try:
        return mapping_text.read(text)
    except mapping_text.BadMappingError:
        return None
