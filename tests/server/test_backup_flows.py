"""The settings of flows are in a backup, and come back with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.actor import SYSTEM
from data import backup
from data.manifest import BackupError
from data.store import Store
from server import restoring
from server.backups import Backups, problems
from server.settings import Settings

TEXT = "flow: orders\nowner: ann\n"
BROKEN = "flow: [half a file"


def _settings(folder: Path) -> Settings:
    made = Settings.model_validate({"data": folder})
    made.flow_folder.mkdir(parents=True)
    return made


@pytest.fixture
def made(tmp_path: Path) -> Path:
    settings = _settings(tmp_path / "store")
    (settings.flow_folder / "orders.yaml").write_text(TEXT, encoding="utf-8")
    (settings.flow_folder / "broken.yaml").write_text(BROKEN, encoding="utf-8")
    (settings.flow_folder / "notes.txt").write_text("no settings", encoding="utf-8")
    store = Store.open(settings.data)
    try:
        return Path(Backups(store, settings).make(str(tmp_path / "backups")).place)
    finally:
        store.close()


def test_a_backup_holds_the_settings_of_flows_and_knows_their_hashes(made: Path) -> None:
    held = backup.read(made).files
    assert {name for name in held if "/" in name} == {"flows/broken.yaml", "flows/orders.yaml"}
    assert problems(made) == []
    assert {path.stat().st_mode & 0o777 for path in made.rglob("*") if path.is_file()} == {0o600}
    (made / "flows" / "orders.yaml").write_text("flow: other\n", encoding="utf-8")
    (made / "flows" / "broken.yaml").unlink()
    assert problems(made) == [
        "flows/broken.yaml is missing",
        "flows/orders.yaml is not the file that was written",
    ]


def test_they_are_restored_and_what_was_there_is_moved_aside(made: Path, tmp_path: Path) -> None:
    settings = _settings(tmp_path / "other")
    (settings.flow_folder / "orders.yaml").write_text("flow: orders\nowner: joe\n", encoding="utf-8")
    (settings.flow_folder / "later.yaml").write_text("flow: later\n", encoding="utf-8")
    with pytest.raises(BackupError, match=r"later\.yaml"):
        restoring.restore(made, settings, SYSTEM, replace=False)
    assert not restoring.files_of(settings)
    aside = restoring.restore(made, settings, SYSTEM, replace=True)
    assert aside is not None
    assert (settings.flow_folder / "orders.yaml").read_text(encoding="utf-8") == TEXT
    assert (settings.flow_folder / "broken.yaml").read_text(encoding="utf-8") == BROKEN
    assert not (settings.flow_folder / "later.yaml").exists()
    assert {path.name for path in (aside / "flows").iterdir()} == {"later.yaml", "orders.yaml"}


def test_a_backup_of_before_leaves_them_as_they_are(made: Path, tmp_path: Path) -> None:
    manifest = made / backup.MANIFEST
    values = json.loads(manifest.read_text(encoding="utf-8"))
    values["form"] = 1
    values["files"] = {name: file for name, file in values["files"].items() if "/" not in name}
    manifest.write_text(json.dumps(values), encoding="utf-8")
    for path in (made / "flows").iterdir():
        path.unlink()
    (made / "flows").rmdir()
    settings = _settings(tmp_path / "other")
    (settings.flow_folder / "later.yaml").write_text("flow: later\n", encoding="utf-8")
    assert restoring.restore(made, settings, SYSTEM, replace=False) is None
    assert (settings.flow_folder / "later.yaml").exists()


def test_a_backup_of_a_newer_form_is_refused_by_name(made: Path, tmp_path: Path) -> None:
    manifest = made / backup.MANIFEST
    values = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(values | {"form": 99, "unheard": 1}), encoding="utf-8")
    with pytest.raises(BackupError, match="newer version"):
        restoring.restore(made, _settings(tmp_path / "other"), SYSTEM, replace=False)
    assert not (tmp_path / "other" / "unsnag.duckdb").exists()
