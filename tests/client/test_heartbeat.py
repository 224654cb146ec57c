"""A unit's block that stays open says so, at no cost to the others."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from tests.client.conftest import Ran, clean_environment
from tests.waiting import eventually
from unsnag import heartbeat, testing
from unsnag.heartbeat import Heartbeats

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HOOK = """
import asyncio, os, sys, threading, time, unsnag
unsnag.init(flow="f", service="s")
def wait_for(number):
    # The spool is what a collector sees: look there for heartbeats.
    folder, until = os.environ["UNSNAG_SPOOL"], time.monotonic() + 30
    os.makedirs(folder, exist_ok=True)
    while time.monotonic() < until:
        text = "".join(open(os.path.join(folder, name)).read() for name in os.listdir(folder))
        if text.count('"unit.heartbeat"') >= number: return
        time.sleep(0.02)
    sys.exit("no heartbeat in 30 s")
"""


def beats_of(ran: Ran) -> list[dict[str, Any]]:
    return ran.named("unit.heartbeat")


def test_a_long_block_says_that_it_is_alive(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK + 'with unsnag.unit("SO-1", tenant="acme", part="shop"), unsnag.step("s"): wait_for(3)',
        UNSNAG_HEARTBEAT_S="0.1",
    )
    assert ran.returncode == 0, ran.stderr
    first, *_ = found = beats_of(ran)
    (started,) = ran.named("unit.started")
    same = ("unsnag.correlation_id", "unsnag.tenant", "unsnag.part", "span_id", "process.pid", "host.name")
    assert {key: first[key] for key in same} == {key: started[key] for key in same}
    assert first["level"] == "info"
    assert "unsnag.step" not in first
    assert len(found) >= 3
    end = next(span for span in ran.spans if span.get("unsnag.kind") == "unit")
    assert max(int(beat["unsnag.seq"]) for beat in found) < int(end["unsnag.seq"])


def test_a_block_that_has_ended_says_nothing_more(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
with unsnag.unit("SO-1"): pass
with unsnag.unit("SO-2"), unsnag.unit("SO-2"): wait_for(4)
""",
        UNSNAG_HEARTBEAT_S="0.1",
    )
    assert {beat["unsnag.correlation_id"] for beat in beats_of(ran)} == {"SO-2"}


def test_short_blocks_start_no_thread(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
for number in range(500):
    with unsnag.unit(f"SO-{number}"): pass
print(sorted(thread.name for thread in threading.enumerate()))
"""
    )
    assert ran.stdout == "['MainThread', 'unsnag-writer']\n"
    assert not beats_of(ran)


def test_tasks_and_threads_have_heartbeats_each(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
async def work(name):
    async with unsnag.unit(name): await asyncio.sleep(1)
async def main(): await asyncio.gather(work("SO-1"), work("SO-2"))
def thread():
    with unsnag.unit("SO-3"): time.sleep(1)
other = threading.Thread(target=thread); other.start()
asyncio.run(main()); other.join()
""",
        UNSNAG_HEARTBEAT_S="0.2",
    )
    assert {beat["unsnag.correlation_id"] for beat in beats_of(ran)} == {"SO-1", "SO-2", "SO-3"}


@pytest.mark.fault
def test_a_forked_child_speaks_for_its_own_blocks_only(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
with unsnag.unit("SO-1"):
    if os.fork() == 0:
        with unsnag.unit("SO-2"): time.sleep(1)
        unsnag.flush(); os._exit(0)
    os.wait(); wait_for(4)
""",
        UNSNAG_HEARTBEAT_S="0.1",
    )
    (started,) = [log for log in ran.named("unit.started") if log["unsnag.correlation_id"] == "SO-1"]
    pids = {
        (beat["unsnag.correlation_id"], beat["process.pid"] == started["process.pid"])
        for beat in beats_of(ran)
    }
    assert pids == {("SO-1", True), ("SO-2", False)}


def test_an_open_block_does_not_keep_the_process(tmp_path: Path) -> None:
    code = "import unsnag; unsnag.init(flow='f'); unsnag.unit('SO-1').__enter__(); print('end')"
    environment = clean_environment(UNSNAG_SPOOL=str(tmp_path), UNSNAG_HEARTBEAT_S="0.05")
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True, timeout=30
    )
    assert (done.stdout, done.stderr) == ("end\n", "")


def test_a_killed_process_is_silent(tmp_path: Path) -> None:
    code = """
import unsnag, time
unsnag.init(flow="f")
with unsnag.unit("SO-1"):
    print("up", flush=True); time.sleep(60)
"""
    environment = clean_environment(UNSNAG_SPOOL=str(tmp_path), UNSNAG_HEARTBEAT_S="0.05")
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        eventually(lambda: "unit.heartbeat" in _written(tmp_path))
        process.kill()
        process.wait()
        left = _written(tmp_path)
    assert "unit.heartbeat" in left
    assert "resourceSpans" not in left


def _written(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.iterdir())


@pytest.mark.parametrize("asked", ["soon", "", "nan", "inf"])
def test_an_interval_that_is_none_counts_as_a_minute(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv("UNSNAG_HEARTBEAT_S", asked)
    assert heartbeat.interval_from_environment() == 60


@pytest.mark.slow
def test_blocks_that_end_while_their_heartbeat_is_written_leave_nothing_behind() -> None:
    """The writer takes a block away, records it and notes it again: its own end may happen in between."""
    open_blocks = Heartbeats()
    open_blocks.interval_s = 1e-6
    stop = threading.Event()
    with testing.captured("f") as events:

        def write() -> None:
            while not stop.is_set():
                open_blocks.record_due(events._client)

        writer = threading.Thread(target=write)
        writer.start()
        before = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        for _ in range(300):
            beat = open_blocks.begin(events._client.root)
            while id(beat) in open_blocks._open:
                pass
            open_blocks.end(beat)
        sys.setswitchinterval(before)
        stop.set()
        writer.join()
    assert open_blocks._open == {}
    assert open_blocks.next_in() is None


def test_a_block_that_was_open_before_says_nothing_to_captured_events(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat.beats, "interval_s", 0.05)
    opened = unsnag.unit("SO-1")
    ended = unsnag.unit("SO-2")
    with testing.captured("f"):
        opened.__enter__()
        ended.__enter__()
        with testing.captured("f") as events, unsnag.unit("SO-3"):
            eventually(lambda: len(events.named("unit.heartbeat")) >= 3)
            ended.__exit__(None, None, None)
            eventually(lambda: len(events.named("unit.heartbeat")) >= 6)
        assert {beat["unsnag.correlation_id"] for beat in events.named("unit.heartbeat")} == {"SO-3"}
        assert [beat.scope.correlation_id for beat in heartbeat.beats._open.values()] == ["SO-1"]
        opened.__exit__(None, None, None)
