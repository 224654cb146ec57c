"""Each table has a key, and the writer keeps it; see `tests.data.keys`.

Stores that programs and people filled are checked in tests/examples/test_history.py, and killed ones in
tests/crash.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cases.intake import intake
from data.store import Store
from tests.data import keys
from tests.telemetry import batch, failure, log, span

if TYPE_CHECKING:
    from pathlib import Path

TABLES = """
select columns.table_name as name, list(columns.column_name) as columns
from duckdb_columns() as columns
inner join duckdb_tables() as tables on columns.table_name = tables.table_name
where not tables.temporary
group by columns.table_name
"""


def test_every_table_has_a_key_of_its_columns(store: Store) -> None:
    found = {r["name"]: set(r["columns"]) for r in store.act(lambda tx: tx.execute(TABLES)).result()}
    assert found.keys() == keys.KEYS.keys()
    assert {name for name, key in keys.KEYS.items() if not found[name].issuperset(key)} == set()


def test_what_comes_again_is_no_second_row(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    sent = batch(span(0, 1, correlation_id="SO-1", flow="order-to-cash"), failure(2), log(3))
    for _ in range(3):
        store.append(sent).result()
    assert keys.repeated(store) == {}
    (row,) = store.act(lambda tx: tx.execute("select count(*) as n from exception_case")).result()
    assert row["n"] == 1
    store.close()


def test_a_row_too_many_is_found(store: Store) -> None:
    twice = "insert into schema_migration select * from schema_migration order by version limit 1"
    store.act(lambda tx: tx.execute(twice)).result()
    assert keys.repeated(store) == {"schema_migration": 1}
