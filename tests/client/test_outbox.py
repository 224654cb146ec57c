"""What waits to be sent: whose it is, who sends it later, and what becomes of lines that nobody takes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import clean_environment
from tests.client.test_otlp import Endpoint, files, line, listening, log_records, sender
from tests.waiting import eventually
from unsnag import outbox, posting
from unsnag.destination import Destination
from unsnag.destination import Endpoint as Address
from unsnag.sending import Sender

if TYPE_CHECKING:
    from pathlib import Path

DEAD = "http://127.0.0.1:9"


def texts(endpoint: Endpoint) -> list[str]:
    return sorted(record["body"]["stringValue"] for record in log_records(endpoint))


def left_behind(folder: Path, url: str, *numbers: int, resource: dict[str, str] | None = None) -> Sender:
    """Write lines as a program does whose endpoint is not there yet; its address is `url`."""
    logs, traces = (Address(f"{url}/v1/{signal}", {}) for signal in ("logs", "traces"))
    out = Sender(Destination(str(folder), logs, traces), "earlier", resource or {})
    out._files.write(b"".join(line(number) for number in numbers))
    return out


def test_a_later_process_sends_what_an_earlier_one_left(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        left_behind(tmp_path, endpoint.url, 1, 2, resource={"host.name": "h1"})._files.close()
        later = sender(endpoint.url, tmp_path)
        later.write(line(3))
        later.close()
    assert texts(endpoint) == ["e1", "e2", "e3"]
    assert not files(tmp_path)
    hosts = {
        record["body"]["stringValue"]: group["resource"]["attributes"]
        for _, body in endpoint.got
        for group in body["resourceLogs"]
        for record in group["scopeLogs"][0]["logRecords"]
    }
    assert [item["value"]["stringValue"] for item in hosts["e1"]] == ["h1"]
    assert hosts["e3"] == []


def test_a_living_process_keeps_its_file(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        owner = left_behind(tmp_path, endpoint.url, 1)
        later = sender(endpoint.url, tmp_path)
        assert later.send_left(time.monotonic() + 60) is None
        assert texts(endpoint) == []
        assert len(files(tmp_path)) == 1
        owner._files.close()
        assert later.send_left(time.monotonic() + 60) is None
    assert texts(endpoint) == ["e1"]


def test_another_address_has_another_outbox(tmp_path: Path) -> None:
    left_behind(tmp_path, DEAD, 1)._files.close()
    with listening(Endpoint()) as endpoint:
        sender(endpoint.url, tmp_path).send_left(time.monotonic() + 60)
    assert endpoint.got == []
    assert len(files(tmp_path)) == 1


def test_a_line_that_is_refused_alone_is_set_aside_with_the_reason(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with listening(Endpoint()) as endpoint:
        endpoint.refuses = '"e7"'
        out = sender(endpoint.url, tmp_path)
        out.write(b"".join(map(line, range(10))))
        out.close()
    assert texts(endpoint) == [f"e{number}" for number in range(10) if number != 7]
    assert not files(tmp_path)
    (aside,) = tmp_path.glob("outbox*/*/refused/*")
    (kept,) = [json.loads(text) for text in aside.read_text().splitlines()]
    assert kept["line"].encode() == line(7)
    assert kept["reason"].startswith("400 ")
    assert out.lost() == 1
    assert f"set aside in {aside.parent}" in capfd.readouterr().err


def test_an_endpoint_that_refuses_everything_sets_nothing_aside(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        endpoint.refuses = "resourceLogs"
        out = sender(endpoint.url, tmp_path)
        out.write(b"".join(map(line, range(100))))
        eventually(lambda: out._fault is not None)
        asked = len(endpoint.times)
        out.close()
    assert asked < 50
    (file,) = files(tmp_path)
    assert len(file.read_text().splitlines()) == 101
    assert not list(tmp_path.glob("outbox*/*/refused"))


@pytest.mark.parametrize(
    ("status", "headers", "what"),
    [
        (301, {"Location": "/login"}, posting.MISPLACED),
        (302, {"Location": "/login"}, posting.MISPLACED),
        (404, {}, posting.MISPLACED),
        (401, {}, posting.FORBIDDEN),
        (403, {}, posting.FORBIDDEN),
        (500, {}, posting.BUSY),
        (429, {"Retry-After": "7"}, posting.BUSY),
        (413, {}, posting.REFUSED),
    ],
)
def test_what_an_answer_means(status: int, headers: dict[str, str], what: str) -> None:
    with listening(Endpoint((status, headers))) as endpoint:
        answer = posting.post(Address(f"{endpoint.url}/v1/logs", {}), b"{}", 60)
    assert answer.what == what
    assert answer.reason.startswith(str(status))
    assert answer.wait_s == (7.0 if headers.get("Retry-After") else None)
    assert len(endpoint.times) == 1


def test_a_web_page_is_no_receipt() -> None:
    """A proxy that asks people to sign in answers 200 as well."""
    with listening(Endpoint((200, {"Content-Type": "text/html; charset=utf-8"}))) as endpoint:
        answer = posting.post(Address(f"{endpoint.url}/v1/logs", {}), b"{}", 60)
    assert answer.what == posting.MISPLACED


def test_the_oldest_files_make_room_and_are_counted(tmp_path: Path) -> None:
    for number in range(4):
        left_behind(tmp_path, DEAD, *range(number * 10, number * 10 + 10))._files.close()
        (new,) = [file for file in files(tmp_path) if "earlier" in file.name]
        os.utime(new, ns=(number * 10**9, number * 10**9))
        new.rename(new.with_name(f"{number}.jsonl"))
    size = (new.parent / "3.jsonl").stat().st_size
    assert outbox.trim(str(new.parent), 2 * size) == 22
    assert sorted(file.name for file in files(tmp_path)) == ["2.jsonl", "3.jsonl"]


def test_a_folder_that_cannot_be_written_costs_nothing_while_the_endpoint_answers(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with listening(Endpoint()) as endpoint:
        out = sender(endpoint.url, tmp_path / "file" / "spool")
        assert out.write(line(1) + line(2)) == len(line(1) + line(2))
        assert out.fault is None
        out.close()
    assert texts(endpoint) == ["e1", "e2"]


def test_what_can_be_kept_nowhere_is_reported_as_lost(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    out = sender(DEAD, tmp_path / "file" / "spool")
    out.write(line(1) + line(2))
    out.close()
    (reported,) = capfd.readouterr().err.splitlines()
    assert reported.startswith("unsnag: 2 events are lost: ")
    assert "Not a directory" in reported
    assert "Connection refused" in reported


def test_flush_sends_what_is_left_and_says_so(tmp_path: Path) -> None:
    with listening(Endpoint()) as endpoint:
        left_behind(tmp_path, endpoint.url, 1, 2)._files.close()
        environment = clean_environment(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=endpoint.url)
        first, second = (flush(environment) for _ in range(2))
    assert texts(endpoint) == ["e1", "e2"]
    assert (first.returncode, second.returncode) == (0, 0)
    assert first.stdout.startswith(f"Sent to {endpoint.url}: 1 of 1 files")
    assert second.stdout.startswith(f"Sent to {endpoint.url}: 0 of 0 files")


def test_flush_says_why_it_cannot_send(tmp_path: Path) -> None:
    left_behind(tmp_path, DEAD, 1)._files.close()
    done = flush(clean_environment(UNSNAG_SPOOL=str(tmp_path), UNSNAG_URL=DEAD))
    assert done.returncode == 1
    assert f"{DEAD} does not take telemetry now (Connection refused)" in done.stderr
    assert len(files(tmp_path)) == 1


def flush(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "unsnag", "flush"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)
