"""Backups by schedule and by command at a real S3 server, and back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from audit.actor import SYSTEM
from data.clock import utc_now
from data.errors import UnsnagError
from data.remote import RemoteError
from data.store import Store
from server import restoring, settings
from server.backups import Backups, problems
from server.remote_backups import brought
from server.settings import Settings
from tests.data.s3_server import SECRET, serving
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def _silent(_what: str, _done: int, _total: int) -> None:
    """Say nothing."""


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Settings]:
    (tmp_path / "objects" / "backups").mkdir(parents=True)
    with serving(tmp_path / "objects") as access:
        backup = {
            "address": "s3://backups/unsnag", "endpoint": access.endpoint, "access_key": access.access_key,
            "secret_key": access.secret_key, "every_hours": 1, "keep": 2,
        }  # fmt: skip
        yield Settings.model_validate({"data": tmp_path / "store", "backup": backup})


@pytest.mark.integration
def test_they_are_sent_when_they_are_due_kept_and_restored(remote: Settings, tmp_path: Path) -> None:
    assert SECRET not in repr(remote)
    store = Store.open(remote.data)
    made = Backups(store, remote)
    names: list[str] = []
    for hours in (0, 0.5, 1.1, 2.2):
        store.append(batch(failure(1, f"SO-{hours}"))).result()
        made.make_if_due(utc_now() + timedelta(hours=hours))
        names = made.remote().found()
    assert len(names) == 2
    assert Backups(store, remote).last_at() == made.last_at(), "another start knows it as well"
    last = made.make("s3://backups/by-hand").place
    with pytest.raises(RemoteError, match="There is no bucket nowhere"):
        made.make("s3://nowhere/at/all")
    assert not list(remote.data.glob(".backup-*"))
    store.close()
    other = Settings.model_validate({"data": tmp_path / "other"})
    with brought(last, remote.backup, other.data, _silent) as folder:
        assert problems(folder) == []
        assert restoring.restore(folder, other, SYSTEM, replace=False) is None
    again = Store.open(other.data)
    assert len(again.query("server/sources")) == 1
    again.close()


def test_the_secret_stands_in_no_config_file(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[backup]\naddress = "s3://b"\naccess_key = "k"\nsecret_key = "x"\n', encoding="utf-8")
    with pytest.raises(UnsnagError, match="UNSNAG_BACKUP__SECRET_KEY"):
        settings.load(["--config", str(config)], {})
    config.write_text('[backup]\naddress = "s3://b"\naccess_key = "k"\n', encoding="utf-8")
    config.chmod(0o600)
    read = settings.load(["--config", str(config)], {"UNSNAG_BACKUP__SECRET_KEY": "hidden-one"})
    assert read.backup.secret_key is not None
    assert "hidden-one" not in repr(read)
    with pytest.raises(UnsnagError, match="go together"):
        settings.load(["--config", str(config)], {})


def test_one_place_is_chosen(tmp_path: Path) -> None:
    both = {"folder": tmp_path, "address": "s3://b/p"}
    with pytest.raises(ValidationError, match="two places"):
        Settings.model_validate({"backup": both})
    with pytest.raises(ValidationError, match="address"):
        Settings.model_validate({"backup": {"address": "/mnt/backups"}})
