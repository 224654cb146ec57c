"""The store keeps what it acknowledged: once, whole, and after a restart."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from data.errors import ConflictError, StoreBusyError, StoreClosedError, StoreInUseError, StoreNewerError
from data.records import FileOffset, Quarantined
from data.store import Store
from data.writer import MAX_WAITING_ROWS
from tests.telemetry import batch, failure, log, span, success
from traces.known import ALWAYS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.transaction import Tx

ROOT = Path(__file__).parents[2]


def rows(store: Store, sql: str) -> list[dict[str, Any]]:
    return store.act(lambda tx: tx.execute(sql)).result()


def append(store: Store, *records: dict[str, Any]) -> Any:
    return store.append(batch(*records)).result()


def unit(store: Store, name: str = "SO-1") -> dict[str, Any]:
    (row,) = store.everything().query("units/unit", {"correlation_id": name, **ALWAYS})
    return row


def test_the_same_records_twice_are_one_row_each(store: Store) -> None:
    records = [log(1), log(2), span(1, 2), success(5)]
    first, again = append(store, *records), append(store, *records)
    assert (first.records, first.duplicates) == (4, 0)
    assert (again.records, again.duplicates) == (0, 4)
    assert rows(store, "select (select count(*) from log) as logs, (select count(*) from span) as spans") == [
        {"logs": 2, "spans": 2}
    ]


def test_a_record_twice_in_one_batch_is_one_row(store: Store) -> None:
    done = append(store, log(1), log(1), log(2))
    assert (done.records, done.duplicates) == (2, 1)


def test_a_foreign_span_without_a_role_is_a_record_like_any_other(store: Store) -> None:
    done = append(store, span(0, 1, correlation_id="SO-1", flow="f"))
    assert (done.records, done.quarantined) == (1, 0)
    assert unit(store)["attempts"] == 0


def test_thousands_of_unfit_rows_do_not_hold_the_others_up(store: Store) -> None:
    done = append(store, *(log(n, attributes="{" if n % 2 else "{}") for n in range(2_000)))
    assert (done.records, done.quarantined) == (1_000, 1_000)


def test_a_repeated_record_is_not_derived_twice(store: Store) -> None:
    step = span(1, 2, role="step", flow="f", step="s", correlation_id="SO-1", status="error")
    for _ in range(3):
        append(store, step, failure(2, flow="f", step="s"))
    assert {k: unit(store)[k] for k in ("attempts", "failed_attempts", "errors")} == {
        "attempts": 1,
        "failed_attempts": 1,
        "errors": 1,
    }


def test_acknowledged_rows_are_there_after_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    append(store, log(1, "before"))
    store.close()
    store = Store.open(tmp_path)
    assert rows(store, "select message from log") == [{"message": "before"}]
    store.close()


def test_a_file_offset_moves_with_its_rows_or_not_at_all(store: Store) -> None:
    good = batch(log(1))
    good.offsets.append(FileOffset("/a.jsonl", "id", 10))
    store.append(good).result()
    broken = batch(log(2))
    broken.offsets.append(FileOffset("/a.jsonl", "id", None))  # type: ignore[arg-type]
    with pytest.raises(Exception, match="Nothing was written"):
        store.append(broken).result()
    assert store.file_offsets() == {"/a.jsonl": FileOffset("/a.jsonl", "id", 10)}
    assert rows(store, "select count(*) as n from log") == [{"n": 1}]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("value_amount", Decimal("1e30")),
        ("severity_number", -1),
        ("severity_number", "nine"),
        ("attempt", 2**40),
        ("message", None),
        ("message", "\ud800"),
        ("attributes", "{broken"),
        ("time", 2**80),
    ],
)
def test_a_value_that_does_not_fit_goes_to_quarantine_and_stops_nothing(
    store: Store, column: str, value: object
) -> None:
    bad = log(2, "bad") | {column: value}
    done = append(store, log(1, "good"), bad, log(3, "good too"))
    assert (done.records, done.quarantined) == (2, 1)
    (kept,) = rows(store, "select reason, source, bytes from quarantine")
    assert kept["reason"] == "a value does not fit its column"
    assert b'"source":' in kept["bytes"]


def test_what_could_not_be_read_is_kept_whole_with_its_reason(store: Store) -> None:
    made = batch()
    made.quarantined.append(Quarantined("spool", "not JSON", 0, b"\x00\xff{", 12))
    assert store.append(made).result().quarantined == 1
    (kept,) = rows(store, "select source, source_offset, reason, bytes, size from quarantine")
    assert kept == {
        "source": "spool",
        "source_offset": 12,
        "reason": "not JSON",
        "bytes": b"\x00\xff{",
        "size": 3,
    }


def test_nul_markup_and_sql_are_kept_as_text(store: Store) -> None:
    nasty = "a\x00b <script>alert(1)</script> '); drop table log; --"
    append(store, log(1, nasty, correlation_id=nasty, flow=nasty))
    assert store.everything().query("units/unit", {"correlation_id": nasty, **ALWAYS})[0]["flow"] == nasty


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0), (1, 0, 2)])
def test_a_unit_is_the_same_in_any_order_of_arrival(store: Store, order: Iterable[int]) -> None:
    records = [
        log(
            0,
            flow="order-to-cash",
            correlation_id="SO-1",
            tenant="acme",
            value_amount=Decimal(10),
            value_currency="EUR",
        ),
        failure(5),
        success(9, value=Decimal(12)),
    ]
    for index in order:
        append(store, records[index])
    found = unit(store)
    assert found["value_amount"] == Decimal(12), "the latest value wins"
    assert (found["completed_at"] - found["opened_at"]).total_seconds() == 9
    assert (found["failed_at"] - found["opened_at"]).total_seconds() == 5
    assert found["tenant"] == "acme"


def test_an_act_that_raises_leaves_no_trace(store: Store) -> None:
    def half(tx: Tx) -> None:
        tx.execute("insert into file_offset values ('x', 'y', 1, now()::timestamp)")
        raise ConflictError

    with pytest.raises(ConflictError):
        store.act(half).result()
    assert store.file_offsets() == {}


def test_append_refuses_rather_than_filling_memory(store: Store) -> None:
    entered, leave = _blocked(store)
    entered.wait()
    big = batch(*(log(n) for n in range(1000)))
    taken = [store.append(big) for _ in range(MAX_WAITING_ROWS // 1000)]
    with pytest.raises(StoreBusyError):
        store.append(big)
    leave.set()
    assert sum(future.result().records for future in taken) == 1000


def _blocked(store: Store) -> Any:
    import threading  # noqa: PLC0415 - only here

    entered, leave = threading.Event(), threading.Event()

    def wait(_tx: Tx) -> None:
        entered.set()
        leave.wait(30)

    store.act(wait)
    return entered, leave


def test_a_closed_store_says_so(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    store.close()
    store.close()
    with pytest.raises(StoreClosedError):
        store.append(batch(log(1)))
    with pytest.raises(StoreClosedError):
        store.act(lambda _tx: None)


def test_a_second_process_is_reported_who_is_in_the_way(store: Store, tmp_path: Path) -> None:
    code = "import sys; from data.store import Store; Store.open(sys.argv[1])"
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "store")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode != 0
    assert StoreInUseError.__name__ in run.stderr
    assert store.file_offsets() == {}


def test_a_newer_store_is_refused_by_name_and_not_touched(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    rows(store, "insert into schema_migration values (9999, '9999_future.sql', now()::timestamp)")
    store.close()
    with pytest.raises(StoreNewerError, match="9999_future"):
        Store.open(tmp_path)
