"""Arrow tables that statements of a transaction read: each sees its own, whatever became of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pytest

from data.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.transaction import Tx

READ = "select * from shown order by all"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path)
    yield opened
    opened.close()


def read(store: Store, table: pa.Table, *, fails: bool = False) -> list[dict[str, object]]:
    """Show a table in a transaction of its own and read it there."""

    def work(tx: Tx) -> list[dict[str, object]]:
        tx.view("shown", table)
        rows = tx.execute(READ)
        if fails:
            raise OSError("disk full")
        return rows

    return store.act(work).result()


def test_each_transaction_reads_its_own_table(store: Store) -> None:
    for number in range(3):
        assert read(store, pa.table({"a": [number, 7]})) == [{"a": number}, {"a": 7}]
    assert read(store, pa.table({"a": pa.array([], pa.int64())})) == []
    assert read(store, pa.concat_tables([pa.table({"a": [2]}), pa.table({"a": [1]})])) == [{"a": 1}, {"a": 2}]


def test_a_table_of_other_columns_takes_the_name(store: Store) -> None:
    assert read(store, pa.table({"a": [1]})) == [{"a": 1}]
    assert read(store, pa.table({"a": ["x"], "b": [None]})) == [{"a": "x", "b": None}]

    def both(tx: Tx) -> list[object]:
        found: list[object] = []
        for table in (pa.table({"a": [1]}), pa.table({"b": [True]}), pa.table({"b": [False]})):
            tx.view("shown", table)
            found += tx.execute(READ)
        return found

    assert store.act(both).result() == [{"a": 1}, {"b": True}, {"b": False}]


@pytest.mark.parametrize("times", [1, 2])
def test_a_name_is_there_again_after_a_rollback(store: Store, times: int) -> None:
    for _ in range(times):
        with pytest.raises(OSError, match="disk full"):
            read(store, pa.table({"a": [1]}), fails=True)
    assert read(store, pa.table({"a": [2]})) == [{"a": 2}]
    with pytest.raises(OSError, match="disk full"):
        read(store, pa.table({"a": [3]}), fails=True)
    assert read(store, pa.table({"a": [4]})) == [{"a": 4}]


def test_a_table_is_gone_with_its_transaction(store: Store) -> None:
    read(store, pa.table({"a": [1]}))
    with pytest.raises(duckdb.Error):
        store.act(lambda tx: tx.execute(READ)).result()
    assert read(store, pa.table({"a": [2]})) == [{"a": 2}]
