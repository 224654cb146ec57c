"""Which deliveries name a text: every one is found, and a look-up reads no more of a large store."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import units
from cases.errors import TraceNotFoundError, UnitNotFoundError
from cases.intake import intake, prepare
from data import named, queries
from data.clock import micros
from data.errors import StoreUnavailableError
from data.migrate import migrate
from data.store import FILE_NAME, Store
from tests.telemetry import at, batch, log, span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from data.transaction import Tx

ROW_GROUP = 122_880
SPANS = 4 * ROW_GROUP


def received(store: Store, *texts: str) -> list[datetime]:
    """Return the deliveries that name one of these texts."""
    return named.deliveries(store, texts)


def moment(second: float) -> datetime:
    """Return a second of the tests' time as the store keeps it."""
    return at(second).replace(tzinfo=None)


def count(store: Store, table: str) -> int:
    """Count the rows of a table."""
    sql = f"select count(*) as rows from {table}"  # noqa: S608 - a name of ours
    return int(store.act(lambda tx: tx.execute(sql)).result()[0]["rows"])


# --- every delivery is found -----------------------------------------------------------------------------


def test_a_text_has_the_same_key_in_sql() -> None:
    connection = duckdb.connect()
    migrate(connection)
    texts = ["SO-1", "so-1", "", "Zürich 17", "日本", "x" * 300, "İSTANBUL", "a\tB"]
    rows = connection.execute("select key_of(unnest($texts))", {"texts": texts}).fetchall()
    assert named.keys_of(texts) == [row[0] for row in rows]
    assert named.keys_of(["SO-1"]) == named.keys_of(["so-1"])


def test_ids_runs_requests_traces_and_mentions_are_found_in_any_case(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    trace = "c" * 32
    store.append(
        batch(
            log(1, correlation_id="SO-1", run_id="Run-1"),
            log(2, technical_id="req-1", mentions=["SO-7", "Ärger"]),
            span(2, 3, trace_id=trace, correlation_id="SO-1"),
        )
    ).result()
    assert received(store, "so-1") == [moment(1), moment(3)]
    assert received(store, "RUN-1") == [moment(1)]
    assert received(store, "REQ-1") == received(store, "so-7") == received(store, "ärger") == [moment(2)]
    assert received(store, trace.upper()) == [moment(3)]
    assert received(store, "SO-2", "hello", "test") == []
    store.close()


NAMES = st.sampled_from(["SO-1", "so-1", "Ähre", "run", "日本", None])


@given(
    commits=st.lists(
        st.lists(st.tuples(st.integers(0, 9), NAMES, NAMES, NAMES), min_size=1, max_size=4), max_size=8
    ),
    unsorted=st.sampled_from([0, 3, 1_000]),
)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_record_lies_in_a_delivery_of_what_it_names(
    tmp_path_factory: pytest.TempPathFactory, commits: list[list[tuple[Any, ...]]], unsorted: int
) -> None:
    folder = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(named, "UNSORTED", unsorted)
        store = Store.open(folder)
        expected: dict[str, set[datetime]] = {}
        for number, rows in enumerate(commits):
            made = []
            for second, correlation, run, mention in rows:
                mentions = [mention] if mention else None
                made.append(
                    log(second, f"{number}", correlation_id=correlation, run_id=run, mentions=mentions)
                )
                for text in (correlation, run, mention):
                    if text:
                        expected.setdefault(text, set()).add(moment(second))
            store.append(batch(*made)).result()
            if number == 3:
                store.close()
                store = Store.open(folder)
        for text, moments in expected.items():
            assert moments <= set(received(store, text))
        if not unsorted:
            assert count(store, "named_lately") == 0, "all is sorted"
        store.close()


def test_a_rolled_back_commit_names_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "UNSORTED", 2)
    broken = True

    def failing(_: Tx) -> None:
        if broken:
            raise OSError("disk full")

    store = Store.open(tmp_path, failing)
    with pytest.raises(StoreUnavailableError):
        store.append(batch(*(log(n, correlation_id=f"SO-{n}") for n in range(4)))).result()
    assert (count(store, "named_lately"), count(store, "named_at")) == (0, 0)
    broken = False
    store.append(batch(*(log(n, correlation_id=f"SO-{n}") for n in range(4)))).result()
    assert (count(store, "named_lately"), count(store, "named_at")) == (0, 4)
    assert received(store, "SO-3") == [moment(3)]
    store.close()


def test_a_run_is_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(named, "UNSORTED", 2_000)
    store = Store.open(tmp_path)
    store.append(batch(*(log(n, correlation_id=f"SO-{n}") for n in range(3_000)))).result()
    keys = [row["key"] for row in store.act(lambda tx: tx.execute("select key from named_at")).result()]
    assert len(keys) == 3_000
    assert keys == sorted(keys)
    store.close()


def test_a_store_of_an_earlier_version_is_looked_up_as_well(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    rows = [log(1, "named", correlation_id="SO-1"), log(2, "mentions", mentions=["SO-7"])]
    store.append(batch(*rows, span(2, 3, trace_id="c" * 32))).result()
    store.close()
    connection = duckdb.connect(str(tmp_path / FILE_NAME))
    for statement in (
        "drop table named_at",
        "drop table named_lately",
        "drop macro key_of",
        "drop macro table delivery",
        "drop macro unit_state",
        "delete from schema_migration where name like '%_named.sql'",
    ):
        connection.execute(statement)
    connection.close()
    store = Store.open(tmp_path, intake)
    assert received(store, "so-1") == [moment(1)]
    assert received(store, "SO-7") == [moment(2)]
    assert len(units.trace(store.everything(), "c" * 32).spans) == 1
    store.close()


# --- a look-up reads no more of a large store ------------------------------------------------------------

_FILL = (
    """
    insert into span by name
    select
        i as record_id, md5('trace ' || i // 2) as trace_id, printf('%016x', i) as span_id, 'work' as name,
        'internal' as kind, make_timestamp($now + i * 1_000_000) as time, time as end_time, 0 as duration_ns,
        make_timestamp($now + (i // 512 + 1) * 512_000_000) as ingested_at, 'unset' as status,
        'shop' as service, 'orders' as flow, 'SO-' || i // 2 as correlation_id, 'otlp' as source,
    from range($spans) as numbers (i)
    """,
    """
    insert into unit by name
    select
        correlation_id, flow, min(time) as first_seen, max(end_time) as last_seen, min(time) as opened_at,
        0 as attempts, 0 as failed_attempts, 0 as errors,
    from span
    group by correlation_id, flow
    order by first_seen
    """,
    """
    insert into unit_trace by name
    select correlation_id, flow, trace_id, time as first_seen, time as last_seen, false as joined
    from span
    order by record_id
    """,
    """
    insert into named_at
    select distinct key_of(words) as key, ingested_at
    from (
        select correlation_id as words, ingested_at from span union all select trace_id, ingested_at from span
    )
    order by key, ingested_at
    """,
)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("large")
    Store.open(folder).close()
    connection = duckdb.connect(str(folder / FILE_NAME))
    values = {"spans": SPANS, "now": micros(at(0))}
    for statement in _FILL:
        connection.execute(statement, {k: v for k, v in values.items() if f"${k}" in statement})
    connection.close()
    store = Store.open(folder, intake)
    store.act(prepare).result()
    yield store
    store.close()


def rows_read(store: Store, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> Counter[str]:
    """Return how many rows of each table the statements of some work read at most, as DuckDB counts them."""
    asked: list[tuple[str, dict[str, Any]]] = []
    query = Store.query

    def noted(self: Store, name: str, params: dict[str, Any] | None = None, **options: Any) -> Any:
        asked.append((name, params or {}))
        return query(self, name, params, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "query", noted)
        work()
    most: Counter[str] = Counter()
    for name, params in asked:
        sql = f"explain (analyze, format json) {queries.text(name)}"
        ((_, plan),) = store._cursor().execute(sql, params).fetchall()
        read: Counter[str] = Counter()
        for table, rows in _scans(json.loads(plan)["operator"]):
            read[table] += rows
        most |= read
    return most


def _scans(operators: list[dict[str, Any]]) -> Iterator[tuple[str, int]]:
    for operator in operators:
        if "rows_scanned" in operator:
            yield operator["extra_info"].get("Table", "").rpartition(".")[2], operator["rows_scanned"]
        yield from _scans(operator.get("children", []))


def refused(work: Callable[[], object]) -> None:
    with pytest.raises((UnitNotFoundError, TraceNotFoundError)):
        work()


def test_a_look_up_of_a_known_id_reads_one_row_group_of_each_table(
    large: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = large.everything()
    for name in ("SO-1", f"SO-{SPANS // 4}", f"SO-{SPANS // 2 - 2}", f"so-{SPANS // 3}"):
        read = rows_read(large, monkeypatch, lambda name=name: units.unit(reading, name))
        assert len(units.unit(reading, name).spans) == 2
        assert read.pop("named_at") <= 2 * ROW_GROUP, "keys of three texts, in one sorted run"
        assert max(read.values()) <= ROW_GROUP, (name, read)


def test_a_trace_by_its_id_reads_one_row_group(large: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    reading = large.everything()
    (trace,) = {one.trace_id for one in units.unit(reading, "SO-77777").spans}
    read = rows_read(large, monkeypatch, lambda: units.trace(reading, trace))
    assert len(units.trace(reading, trace).spans) == 2
    assert max(read.values()) <= ROW_GROUP, read
    unknown = rows_read(large, monkeypatch, lambda: refused(lambda: units.trace(reading, "f" * 32)))
    assert (unknown["span"], unknown["log"]) == (0, 0)


def test_an_id_that_nobody_sent_reads_the_newest_records_only(
    large: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading = large.everything()
    read = rows_read(large, monkeypatch, lambda: refused(lambda: units.unit(reading, "XY-1")))
    assert 20_000 <= read["span"] <= 2 * ROW_GROUP < SPANS, read
    assert read["unit"] == read["unit_trace"] == read["log"] == 0
    everywhere = rows_read(
        large, monkeypatch, lambda: refused(lambda: units.unit(reading, "XY-1", everywhere=True))
    )
    assert everywhere["span"] >= SPANS, "this is how the test knows that it counts what is read"


def test_a_search_of_a_whole_id_finds_it_at_any_age_and_reads_the_newest_units(
    large: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "NEWEST_UNITS", 1_000)
    reading = large.everything()
    read = rows_read(large, monkeypatch, lambda: units.search(reading, "so-1"))
    assert [hit.id for hit in units.search(reading, "so-1")] == ["SO-1"], "no other old one begins so"
    assert read["span"] <= ROW_GROUP, read
    # The whole one, its beginning, and the customer each read a part of the newest.
    assert read["unit"] <= 3 * ROW_GROUP, read
    newest = SPANS // 2 - 1
    assert f"SO-{newest}" in {hit.id for hit in units.search(reading, f"SO-{newest}"[:-1])}
