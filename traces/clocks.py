"""How far senders' clocks are off, measured by when their records arrive (semantics 4, "Order in time").

Of each request, the lag is its arrival minus its newest event time, and a clock's lag is the smallest of the
last five to ten minutes:

1. Below zero, the clock is fast: no record arrives before it is written. This is certain.
2. Above zero, the clock is slow, or the records came late; nothing distinguishes the two. Exporters gather
   records for some seconds before they send, so the first ten seconds count as the records' way. Of many
   requests one is fast: from twenty on, it is two seconds.

A clock that is off makes times less certain. It never moves them.

Files are read at any time, so a late line says nothing of a clock; one read before it was written does.
Jaeger moves a child span into its parent; that shows clocks only of traces that cross hosts, and moves times.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from data.clock import micros
from unsnag.conventions import ORIGINAL_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from data.transaction import Tx


TRUSTED: Final = timedelta(seconds=2)
"""Clocks are taken to be right by this much."""
WAY: Final = timedelta(seconds=10)
"""What the way of records may take, where few requests arrived. OpenTelemetry's exporters wait up to 5 s."""
MANY: Final = 20
"""From so many requests on, the fastest took no longer than `TRUSTED`."""
REPLACED: Final = timedelta(minutes=5)
"""An event time that is further ahead of its arrival was replaced by it (`collectors.values.AHEAD_US`)."""
WINDOW: Final = timedelta(minutes=5)
"""Lags are forgotten after one to two of these: a clock may be corrected."""
SHOWN: Final = timedelta(days=1)
"""For how long a clock that was found to be off is shown without a new measurement."""
_STEP_US: Final = 500_000
"""A row is written again only when the lag differs by more."""
_REFRESHED: Final = timedelta(hours=1)
_KEPT: Final = timedelta(days=90)
_MOST: Final = 10_000
"""Clocks that are remembered while they are right."""
_MOST_REPLACED: Final = 100
"""Replaced times that are read of one commit: each costs Python."""
_MEASURED: Final = "traces.clocks.measured"
_KNOWN: Final = "traces.clocks"
_OTLP: Final = "otlp"
_US: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock that is off, as the table `clock` keeps it."""

    clock: str
    host: str | None
    source: str
    lag_us: int
    arrivals: int
    first_at: datetime
    measured_at: datetime
    right_since: datetime | None = None

    @property
    def name(self) -> str:
        """Return what a person knows it by."""
        return f"host {self.host}" if self.host else f"process {self.clock}"

    @property
    def fast(self) -> timedelta:
        """Return how far it is fast at most: the way of its fastest record is not known."""
        if self.lag_us >= 0:
            return timedelta()
        return min(-self.lag_us * _US, REPLACED) + _way(self.arrivals)

    @property
    def slow(self) -> timedelta:
        """Return how far it is slow at most."""
        return max(self.lag_us * _US, timedelta())

    def timed(self, time: datetime) -> bool:
        """Return whether it may have been off when it gave this time."""
        return self.right_since is None or time <= self.right_since + abs(self.lag_us) * _US


def _way(arrivals: int) -> timedelta:
    return TRUSTED if arrivals >= MANY else WAY


def _is_off(lag_us: int, arrivals: int) -> bool:
    return not -TRUSTED <= lag_us * _US <= _way(arrivals)


@dataclass(frozen=True, slots=True)
class Doubt:
    """How far a success's clock may be ahead of a failure's, and behind it, as far as measured."""

    ahead: timedelta = timedelta()
    behind: timedelta = timedelta()
    clocks: tuple[Clock, ...] = ()


@dataclass(frozen=True, slots=True)
class Clocks:
    """What is known of all clocks at one moment."""

    off: Mapping[str, Clock] = field(default_factory=dict)
    hosts: Mapping[str, str | None] = field(default_factory=dict)
    """The host of each clock that was measured lately."""

    def doubt(self, success: tuple[str | None, datetime], failure: tuple[str | None, datetime]) -> Doubt:
        """Return how far the clock of a success may differ from that of a failure; each with its time."""
        if self._on_one_host(success[0], failure[0]):
            return Doubt()
        ours, theirs = self._of(*success), self._of(*failure)
        return Doubt(
            ahead=_sum(ours.fast if ours else None, theirs.slow if theirs else None),
            behind=_sum(ours.slow if ours else None, theirs.fast if theirs else None),
            clocks=tuple(clock for clock in (theirs, ours) if clock),
        )

    def _of(self, name: str | None, time: datetime) -> Clock | None:
        found = self.off.get(name) if name else None
        return found if found and found.timed(time) else None

    def _on_one_host(self, one: str | None, other: str | None) -> bool:
        host = self._host(one)
        return host is not None and host == self._host(other)

    def _host(self, name: str | None) -> str | None:
        if name is None:
            return None
        return self.off[name].host if name in self.off else self.hosts.get(name)


def _sum(*lengths: timedelta | None) -> timedelta:
    return sum((length for length in lengths if length), timedelta())


# --- measuring -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Arrival:
    """What one commit brought of one clock. Times are microseconds since the epoch."""

    clock: str
    host: str | None
    source: str
    at: int
    lag: int
    requests: int = 1


@dataclass(frozen=True, slots=True)
class _Measure:
    """The smallest lag of two neighbouring spans of time, and by how many arrivals."""

    host: str | None
    source: str
    since: int
    lags: tuple[int, ...] = ()
    counts: tuple[int, ...] = ()

    @property
    def lag(self) -> int:
        return min(self.lags)

    @property
    def arrivals(self) -> int:
        return sum(self.counts)

    def with_arrival(self, arrival: _Arrival) -> _Measure:
        host = arrival.host or self.host
        age = arrival.at - self.since
        if self.lags and age * _US < WINDOW:
            lags = (min(self.lags[0], arrival.lag), *self.lags[1:])
            return replace(
                self, host=host, lags=lags, counts=(self.counts[0] + arrival.requests, *self.counts[1:])
            )
        kept = 1 if age * _US < 2 * WINDOW else 0
        return _Measure(
            host, arrival.source, arrival.at,
            (arrival.lag, *self.lags[:kept]), (arrival.requests, *self.counts[:kept]),
        )  # fmt: skip


@dataclass(slots=True)
class _Memory:
    """The clocks that were measured lately."""

    measures: dict[str, _Measure] = field(default_factory=dict)
    hosts: dict[str, str | None] = field(default_factory=dict)

    def remember(self, measures: Mapping[str, _Measure]) -> None:
        for name, measure in measures.items():
            self.measures.pop(name, None)
            self.measures[name] = measure
            self.hosts[name] = measure.host
        for name in list(self.measures)[: max(len(self.measures) - _MOST, 0)]:
            del self.measures[name], self.hosts[name]


def known(tx: Tx) -> Clocks:
    """Return what is known of the clocks in the running transaction."""
    if _KNOWN not in tx.memo:
        rows = [Clock(**row) for row in tx.run("traces/clocks")]
        tx.memo[_KNOWN] = Clocks({row.clock: row for row in rows})
    found: Clocks = tx.memo[_KNOWN]
    return found


def learn(tx: Tx, now: datetime) -> set[str]:
    """Measure clocks by the incoming records; return those that are off in another way than before."""
    memory: _Memory = tx.memo.setdefault(_MEASURED, _Memory())
    measures: dict[str, _Measure] = {}
    for arrival in (*_arrivals(tx), *_replaced(tx)):
        before = measures.get(arrival.clock) or memory.measures.get(arrival.clock)
        before = before or _Measure(arrival.host, arrival.source, arrival.at)
        measures[arrival.clock] = before.with_arrival(arrival)
    off = known(tx).off
    rows = {name: _row(name, measure, off.get(name), now) for name, measure in measures.items()}
    changes = {name: row for name, row in rows.items() if row != off.get(name)}
    if changes:
        _write(tx, changes, now)
    hosts = ChainMap({name: measure.host for name, measure in measures.items()}, memory.hosts)
    kept = {name: row for name, row in {**off, **changes}.items() if row} if changes else off
    tx.memo[_KNOWN] = Clocks(kept, hosts)
    tx.after_commit.append(lambda: memory.remember(measures))
    return {name for name, row in changes.items() if not _same(row, off.get(name))}


def _row(name: str, measure: _Measure, old: Clock | None, now: datetime) -> Clock | None:
    """Return a clock's row after a measurement; None while it is right."""
    if not _is_off(measure.lag, measure.arrivals):
        if old is None or now - old.first_at < WINDOW:
            return None  # the first of its records were late: that says nothing of the clock
        return old if old.right_since else replace(old, right_since=now)
    fresh = Clock(
        name, measure.host, measure.source, measure.lag, measure.arrivals, old.first_at if old else now, now
    )
    is_recent = old is not None and now - old.measured_at < _REFRESHED
    return old if is_recent and _same(fresh, old) else fresh


def _same(one: Clock | None, other: Clock | None) -> bool:
    """Return whether two measurements of a clock agree."""
    if one is None or other is None:
        return one is other
    return (
        abs(one.lag_us - other.lag_us) <= _STEP_US
        and (one.arrivals >= MANY) == (other.arrivals >= MANY)
        and (one.host, one.right_since) == (other.host, other.right_since)
    )


def _write(tx: Tx, changes: Mapping[str, Clock | None], now: datetime) -> None:
    tx.run("traces/delete_clocks", {"clocks": sorted(changes), "old": now - _KEPT})
    # `asdict` copies deeply: a third of a commit, where the records of many clocks come late.
    rows = [{name: getattr(row, name) for name in _FIELDS} for row in changes.values() if row]
    if rows:
        tx.view_rows("changed_clock", rows, like="clock")
        tx.run("traces/insert_clocks")


_FIELDS: Final = tuple(field.name for field in fields(Clock))
_COLUMNS: Final = ["instance", "host", "source", "ingested_at"]
_NEWEST: Final = (("incoming_span", "end_time"), ("incoming_log", "time"))


def _arrivals(tx: Tx) -> Iterable[_Arrival]:
    """Return the smallest lag of each clock, in one pass of Arrow over five columns."""
    parts = [
        tx.tables[table].select([*_COLUMNS, newest]).rename_columns([*_COLUMNS, "newest"])
        for table, newest in _NEWEST
        if tx.tables[table].num_rows
    ]
    if not parts:
        return
    rows = pa.concat_tables(parts)
    rows = rows.append_column("clock", pc.coalesce(rows["instance"], rows["host"]))
    # A time that was missing or replaced is the arrival itself.
    dated = pc.and_(pc.is_valid(rows["clock"]), pc.not_equal(rows["newest"], rows["ingested_at"]))
    requests = rows.filter(dated).group_by(["clock", "host", "source", "ingested_at"], use_threads=False)
    found = requests.aggregate([("newest", "max")])
    at = found["ingested_at"].cast(pa.int64())
    lag = pc.subtract(at, found["newest_max"].cast(pa.int64()))
    found = found.append_column("at", at).append_column("lag", lag)
    dated = pc.or_(pc.equal(found["source"], _OTLP), pc.less(lag, 0))
    clocks = found.filter(dated).group_by(["clock", "host", "source"], use_threads=False)
    made = clocks.aggregate([("at", "max"), ("lag", "min"), ("at", "count")])
    names = ("clock", "host", "source", "at_max", "lag_min", "at_count")
    for row in zip(*(made[name].to_pylist() for name in names), strict=True):
        yield _Arrival(*row)


def _replaced(tx: Tx) -> Iterable[_Arrival]:
    """Return arrivals of records whose times were too far ahead, by what the times were."""
    for table, newest in _NEWEST:
        rows = tx.tables[table]
        if not rows.num_rows:
            continue
        mask = pc.equal(rows[newest], rows["ingested_at"])
        if not pc.any(mask).as_py():
            continue
        dated = rows.filter(mask).select([*_COLUMNS, "attributes"])
        dated = dated.filter(pc.match_substring(dated["attributes"], ORIGINAL_TIME)).slice(0, _MOST_REPLACED)
        for row in dated.to_pylist():
            clock, original = row["instance"] or row["host"], _original(row["attributes"])
            at = _micros(row["ingested_at"])
            if clock and original and (original - at) * _US > REPLACED:
                yield _Arrival(clock, row["host"], row["source"], at, at - original)


def _original(attributes: str) -> int | None:
    """Return the time that a record gave itself, in microseconds, where it is in its usual form."""
    dated = orjson.loads(attributes).get(ORIGINAL_TIME)
    text = dated[-1] if isinstance(dated, list) and dated else dated
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return micros(moment) if moment and moment.tzinfo else None


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // _US  # noqa: DTZ001 - naive UTC, as stored
