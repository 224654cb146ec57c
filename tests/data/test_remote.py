"""Backups at a real S3 server: sent, compared, kept, brought back; and the words where that fails."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from data import backup
from data.backup import Beside
from data.remote import Access, Address, RemoteError
from data.store import Store
from tests.data.s3_server import SECRET, serving
from tests.journeys.serving import certificate, free_port
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.integration]
PLACE = "s3://backups/of/unsnag"


def _silent(_file: str, _done: int, _bytes: int) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three backups of one store, with settings of flows, larger than one part of an upload."""
    folder = tmp_path_factory.mktemp("made")
    (folder / "orders.yaml").write_text("flow: orders\n", encoding="utf-8")
    (folder / "large").write_bytes(bytes(range(256)) * 80_000)
    beside = Beside({"large": folder / "large"}, lambda: {"orders.yaml": folder / "orders.yaml"})
    store = Store.open(folder / "store")
    store.append(batch(failure(1, "SO-1"))).result()
    found = [store.copy_to(folder / "backups", beside) for _ in range(3)]
    store.close()
    return found


@pytest.fixture
def objects(tmp_path: Path) -> Path:
    (tmp_path / "objects" / "backups").mkdir(parents=True)
    return tmp_path / "objects"


@pytest.fixture
def access(objects: Path) -> Iterator[Access]:
    with serving(objects) as given:
        yield given


def test_a_backup_comes_back_as_it_was(made: list[Path], access: Access, tmp_path: Path) -> None:
    heard: list[tuple[str, int, int]] = []
    sent = Address(PLACE, access).upload(made[0], lambda *step: heard.append(step))
    assert sent == f"{PLACE}/{made[0].name}"
    assert heard[-1][1:] == (backup.read(made[0]).bytes,) * 2
    assert Address(PLACE, access).found() == [made[0].name]
    back = Address(sent, access).fetch(tmp_path / "back", _silent)
    assert backup.problems(back) == []
    assert {path.name: path.read_bytes() for path in back.rglob("*") if path.is_file()} == {
        path.name: path.read_bytes() for path in made[0].rglob("*") if path.is_file()
    }
    assert {path.stat().st_mode & 0o077 for path in back.rglob("*") if path.name != backup.MANIFEST} == {0}


def test_one_that_was_sent_in_part_is_none_and_goes_with_the_next(
    made: list[Path], access: Access, objects: Path
) -> None:
    place = Address(PLACE, access)
    for one in made:
        place.upload(one, _silent)
    (objects / "backups" / "of" / "unsnag" / made[1].name / backup.MANIFEST).unlink()
    assert place.found() == [made[0].name, made[2].name]
    with pytest.raises(RemoteError, match="is no backup"):
        Address(f"{PLACE}/{made[1].name}", access).read()
    assert set(place.thin(keep=1)) == {made[0].name, made[1].name}
    assert place.found() == [made[2].name]
    left = {path.name for path in objects.rglob("*") if path.is_file()}
    assert left == {"orders.yaml", "unsnag.duckdb", "large", backup.MANIFEST}


def test_an_object_that_was_altered_is_noticed(
    made: list[Path], access: Access, objects: Path, tmp_path: Path
) -> None:
    sent = Address(PLACE, access).upload(made[0], _silent)
    file = objects / "backups" / "of" / "unsnag" / made[0].name / "large"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(RemoteError, match="large is not the file that was written"):
        Address(sent, access).fetch(tmp_path / "back", _silent)


def test_each_way_to_fail_has_its_words_and_no_key(made: list[Path], access: Access) -> None:
    away = dataclasses.replace(access, endpoint=f"http://127.0.0.1:{free_port()}")
    for given, place, words in (
        (access, "s3://elsewhere/x", "There is no bucket elsewhere"),
        (dataclasses.replace(access, secret_key="wrong"), PLACE, "refuses the key"),
        (dataclasses.replace(access, access_key="NOBODYATALL"), PLACE, "refuses the key"),
        (away, PLACE, "cannot be reached"),
    ):
        for act in (lambda at: at.upload(made[0], _silent), lambda at: at.found(), lambda at: at.read("x")):
            with pytest.raises(RemoteError, match=words) as raised:
                act(Address(place, given))
            assert SECRET not in str(raised.value)
            assert "\n" not in str(raised.value)
    assert SECRET not in repr(access)
    with pytest.raises(RemoteError, match="is no S3 address"):
        Address("s3://", access)


def test_a_certificate_that_nobody_trusts_is_named_as_the_reason(tmp_path: Path) -> None:
    (tmp_path / "backups").mkdir()
    untrusted = pytest.raises(RemoteError, match=r"a certificate that is not trusted: .* SSL_CERT_FILE")
    with serving(tmp_path, tls=certificate(tmp_path)) as access, untrusted:
        Address(PLACE, access).found()
