"""A store of the version before cursors: files go on where it stopped."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from cases.intake import intake
from collectors.jsonl import Follower
from collectors.supervisor import Supervised
from data import migrate as migration
from data.store import FILE_NAME, Store
from tests.collectors.test_files import line, messages
from tests.waiting import eventually

if TYPE_CHECKING:
    from data.records import FileOffset

BEFORE = 15
"""The last schema change before cursors."""


def written_before(folder: Path, mark: FileOffset) -> None:
    """Write a store of that version that knows how far a file was read."""
    old = folder / "migrations"
    old.mkdir(parents=True)
    for path in Path(migration.__file__).with_name("migrations").glob("*.sql"):
        if int(path.name[:4]) <= BEFORE:
            shutil.copy(path, old)
    connection = duckdb.connect(str(folder / FILE_NAME))
    migration.migrate(connection, old)
    connection.execute(
        "insert into file_offset values ($path, $identity, $offset, now()::timestamp)",
        {"path": mark.path, "identity": mark.identity, "offset": mark.byte_offset},
    )
    connection.close()


def test_files_go_on_at_the_offsets_of_an_old_store(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(line("old 1") + line("old 2"))
    before = Supervised(store, Follower("logs", [str(path)]))
    before.start()
    eventually(lambda: messages(store) == ["old 1", "old 2"])
    before.stop()
    mark = store.file_offsets()[str(path)]
    written_before(tmp_path / "old", mark)
    with path.open("ab") as file:
        file.write(line("new"))
    old = Store.open(tmp_path / "old", intake)
    try:
        assert old.file_offsets() == {str(path): mark}
        after = Supervised(old, Follower("logs", [str(path)]))
        after.start()
        eventually(lambda: after.records > 0)
        after.stop()
        assert messages(old) == ["new"]
        assert old.file_offsets()[str(path)].byte_offset == path.stat().st_size
    finally:
        old.close()


def test_the_identity_of_a_file_has_the_form_that_old_stores_hold(store: Store, tmp_path: Path) -> None:
    """Device, inode, length and hash of the first line: with another form every file would be read again."""
    path = tmp_path / "a.log"
    path.write_bytes(b'{"event":"first"}\n{"event":"second"}\n')
    follower = Supervised(store, Follower("logs", [str(path)]))
    follower.start()
    eventually(lambda: follower.records == 2)
    follower.stop()
    status = path.stat()
    expected = f"{status.st_dev}:{status.st_ino}:18:e0aa176e9c7fab5f"
    assert store.file_offsets()[str(path)].identity == expected
