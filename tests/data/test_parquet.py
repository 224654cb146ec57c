"""The whole store as Parquet and back: nothing is other than it was, and damage is noticed."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import pyarrow.parquet as pq
import pytest

from data import backup, parquet
from data.backup import Beside
from data.errors import StoreNewerError
from data.manifest import BackupError
from data.store import FILE_NAME, Store
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = Store.open(tmp_path / "store")
    for number in range(5):
        opened.append(batch(failure(number + 1, f"SO-{number}"))).result()
    return opened


@pytest.fixture
def made(store: Store, tmp_path: Path) -> Path:
    try:
        return store.export_to(tmp_path / "exports", Beside())
    finally:
        store.close()


def _contents(folder: Path) -> dict[str, backup.Table]:
    with closing(duckdb.connect(str(folder / FILE_NAME), read_only=True)) as connection:
        return {
            name: parquet.digest(connection, name)
            for (name,) in connection.execute("select table_name from duckdb_tables()").fetchall()
        }


def test_what_is_imported_is_what_was_exported(made: Path, tmp_path: Path) -> None:
    assert parquet.problems(made) == []
    assert backup.found(made.parent) == [], "it is no backup"
    parquet.load(made, tmp_path / "other" / FILE_NAME)
    assert _contents(tmp_path / "other") == _contents(tmp_path / "store")
    assert (tmp_path / "other" / FILE_NAME).stat().st_mode & 0o777 == 0o600
    again = Store.open(tmp_path / "other")
    try:
        assert again.append(batch(failure(1, "SO-0"))).result().duplicates == 1, "it knows what it has"
    finally:
        again.close()


def test_other_programs_read_the_files(made: Path) -> None:
    held = parquet.read(made)
    rows = pq.read_table(made / "tables" / "log.parquet").to_pylist()
    assert len(rows) == held.tables["log"].rows == 5
    assert json.loads(rows[0]["attributes"]) is not None
    assert {path.stat().st_mode & 0o777 for path in made.rglob("*") if path.is_file()} == {0o600}


def _altered(made: Path) -> None:
    file = made / "tables" / "log.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def _missing(made: Path) -> None:
    (made / "tables" / "log.parquet").unlink()


def _no_manifest(made: Path) -> None:
    (made / "export.json").unlink()


def _one_more_row(made: Path) -> None:
    """Write a manifest that is true of the files and not of what was read."""
    values = json.loads((made / "export.json").read_text(encoding="utf-8"))
    values["tables"]["log"]["rows"] += 1
    (made / "export.json").write_text(json.dumps(values), encoding="utf-8")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (_altered, "log.parquet is not the file that was written"),
        (_missing, "log.parquet is missing"),
        (_no_manifest, "is no export"),
        (_one_more_row, "does not hold what it says, in: log"),
    ],
)
def test_damage_is_refused_and_nothing_is_left(
    made: Path, tmp_path: Path, damage: object, words: str
) -> None:
    assert callable(damage)
    damage(made)
    with pytest.raises(BackupError, match=words):
        parquet.load(made, tmp_path / "other" / FILE_NAME)
    assert not (tmp_path / "other" / FILE_NAME).exists()


def test_a_newer_schema_is_refused(made: Path, tmp_path: Path) -> None:
    values = json.loads((made / "export.json").read_text(encoding="utf-8"))
    (made / "export.json").write_text(json.dumps(values | {"schema": "9999_later.sql"}), encoding="utf-8")
    with pytest.raises(StoreNewerError, match="newer version"):
        parquet.load(made, tmp_path / "other" / FILE_NAME)


def test_each_table_is_heard_of(store: Store, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    try:
        store.export_to(tmp_path / "exports", Beside(), lambda *step: heard.append(step))
    finally:
        store.close()
    tables, done, totals = zip(*heard, strict=True)
    assert "log" in tables
    assert sorted(done) == list(done)
    assert set(totals) == {done[-1]}
