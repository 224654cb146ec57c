"""Backups by schedule, who may name a folder, and the copy before an upgrade."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import duckdb
import pytest

from access import roles
from access.roles import Grant
from data import backup
from data.clock import utc_now
from data.store import FILE_NAME, Store
from server.backups import Backups, problems
from server.settings import Settings
from tests.data.test_migration import written_by_the_first_version
from tests.server.team import team
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from pathlib import Path


def test_backups_are_made_when_they_are_due_and_the_oldest_are_removed(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    wanted = {"folder": folder, "every_hours": 1, "keep": 2}
    made = Backups(store, Settings.model_validate({"data": tmp_path / "store", "backup": wanted}))
    kept: list[list[str]] = []
    for hours in (0, 0.5, 1.1, 2.2, 3.3):
        store.append(batch(failure(1, f"SO-{hours}"))).result()
        made.make_if_due(utc_now() + timedelta(hours=hours))
        kept.append([path.name for path in backup.found(folder)])
    assert [len(names) for names in kept] == [1, 1, 2, 2, 2]
    assert kept[2][0] == kept[0][0]
    assert kept[3][0] == kept[2][1], "the oldest goes"
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]
    assert all(problems(path) == [] for path in backup.found(folder))
    assert made.last_at() is not None


def test_only_a_command_on_the_servers_machine_names_a_folder(tmp_path: Path) -> None:
    body = {"folder": str(tmp_path / "elsewhere")}
    with team(tmp_path) as crew, crew.holder("root", Grant(roles.ADMIN)) as admin:
        refused = admin.post("/api/v1/store/backups", json=body, headers={"Origin": crew.address})
        assert refused.status_code == 400
        assert not (tmp_path / "elsewhere").exists()
        crew.container.settings.backup.folder = tmp_path / "set"
        made = admin.post("/api/v1/store/backups", headers={"Origin": crew.address})
        assert made.status_code == 200, made.text
        assert [str(path) for path in backup.found(tmp_path / "set")] == [made.json()["folder"]]


def test_a_store_is_copied_before_its_schema_changes(tmp_path: Path) -> None:
    written_by_the_first_version(tmp_path / "old")
    with duckdb.connect(str(tmp_path / "old" / FILE_NAME)) as before:
        held = backup.contents(before)
    Store.open(tmp_path / "old", upgrades=tmp_path / "copies").close()
    (copy,) = backup.found(tmp_path / "copies")
    assert backup.read(copy).schema.startswith("0006")
    assert backup.read(copy).tables == held
    assert problems(copy) == []
    Store.open(tmp_path / "old", upgrades=tmp_path / "copies").close()
    assert backup.found(tmp_path / "copies") == [copy], "nothing changes, nothing is copied"


def test_an_upgrade_that_cannot_be_copied_before_does_not_happen(tmp_path: Path) -> None:
    written_by_the_first_version(tmp_path / "old")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(backup.BackupError):
        Store.open(tmp_path / "old", upgrades=tmp_path / "file")
    with duckdb.connect(str(tmp_path / "old" / FILE_NAME)) as after:
        (last,) = after.execute("select max(version) from schema_migration").fetchall()
    assert last == (6,)
