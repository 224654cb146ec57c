"""Which of the names that a machine may set decides where events go, and which secret goes where."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from server.settings import load
from unsnag import destination, folders

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

OURS = {"UNSNAG_URL": "https://ours.example/", "UNSNAG_TOKEN": "t0ken"}
OTEL = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://otel:4318/", "OTEL_EXPORTER_OTLP_HEADERS": "x-key=a%20b"}
LOGS = {"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/v1/logs"}
BEARER = {"Authorization": "Bearer t0ken"}
KEY = {"x-key": "a b"}


@pytest.mark.parametrize(
    ("environment", "logs", "traces"),
    [
        ({}, None, None),
        ({"UNSNAG_TOKEN": "t0ken"}, None, None),
        (OURS, ("https://ours.example/v1/logs", BEARER), ("https://ours.example/v1/traces", BEARER)),
        (OTEL, ("http://otel:4318/v1/logs", KEY), ("http://otel:4318/v1/traces", KEY)),
        (OURS | OTEL, ("https://ours.example/v1/logs", BEARER), ("https://ours.example/v1/traces", BEARER)),
        (OURS | OTEL | LOGS, ("http://logs/v1/logs", KEY), ("https://ours.example/v1/traces", BEARER)),
        (LOGS, ("http://logs/v1/logs", {}), ("http://logs/v1/traces", {})),
        ({"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT": "http://logs/in"}, ("http://logs/in", {}), None),
    ],
)
def test_the_more_particular_name_wins_and_no_secret_goes_elsewhere(
    environment: dict[str, str], logs: tuple[str, object] | None, traces: tuple[str, object] | None
) -> None:
    goes = destination.read("/spool", environment)
    assert (goes.logs, goes.traces) == (logs, traces)
    assert goes.is_remote == (logs is not None)


def test_each_address_and_user_has_an_outbox() -> None:
    first, second = (
        destination.read("/spool", {"UNSNAG_URL": url}).outbox for url in ("http://a:1", "http://a:2")
    )
    assert first != second
    assert Path(first).parent == Path(f"/spool/outbox-{os.getuid()}")


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"XDG_STATE_HOME": "/state"}, "/state/unsnag/spool"),
        ({"XDG_STATE_HOME": "relative"}, "~/.local/state/unsnag/spool"),
        ({}, "~/.local/state/unsnag/spool"),
    ],
)
def test_the_users_own_folder(environment: dict[str, str], folder: str) -> None:
    assert folders.user_spool(environment) == str(Path(folder).expanduser())


def test_without_a_home_no_folder_is_relative(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.path.expanduser", lambda path: path)
    assert folders.user_spool({}) == folders.SHARED


def test_the_shared_folder_is_taken_where_it_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    monkeypatch.setattr(folders, "SHARED", str(shared))
    assert folders.default_spool({"XDG_STATE_HOME": "/state"}) == "/state/unsnag/spool"
    shared.mkdir()
    assert folders.default_spool({"XDG_STATE_HOME": "/state"}) == str(shared)


def test_a_script_without_settings_writes_where_a_server_without_settings_reads(
    run_script: Callable[..., Ran], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("UNSNAG_SPOOL", raising=False)
    followed = load([], {}).spools
    assert load(["--spool", "/only/this"], {}).spools == [Path("/only/this")]
    own = f"SO-{uuid.uuid4().hex}"  # a demo of this working copy may have left files
    ran = run_script(
        f"import unsnag\nunsnag.init(flow='f')\nwith unsnag.unit('{own}'): pass",
        spool=Path(),
        XDG_STATE_HOME=str(tmp_path / "state"),
        UNSNAG_SPOOL="",
    )
    assert ran.stderr == ""
    written = [file for folder in followed for file in folder.glob("*.jsonl") if own in file.read_text()]
    assert len(written) == 1
    assert {entry.name for entry in tmp_path.iterdir()} == {"script.py", "state"}
    if written[0].is_relative_to(tmp_path):
        assert written[0].parent.stat().st_mode & 0o777 == 0o700
