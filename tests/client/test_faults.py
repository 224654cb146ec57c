from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.client.conftest import clean_environment
from unsnag.encoding import encode, encode_within
from unsnag.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.client.conftest import Ran

HOOK = """
    import logging, sys, unsnag
    logging.basicConfig(level="INFO", handlers=[logging.NullHandler()])
    log = logging.getLogger("x")
    unsnag.init(flow="f", service="s")
"""


@pytest.mark.fault
def test_a_folder_that_cannot_be_written_is_stated_once_and_the_script_goes_on(
    run_script: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    ran = run_script(
        HOOK + '    with unsnag.unit("SO-1"): log.info("a")\n    print("done")',
        spool=tmp_path / "file" / "spool",
    )
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    assert ran.stderr.count("\n") == 1
    assert "telemetry cannot be written" in ran.stderr


@pytest.mark.fault
def test_a_full_disk_loses_events_counts_them_and_leaves_whole_lines(
    run_script: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unsnag.spool.PAUSE_S", 0)
    ran = run_script(
        """
    import resource, time
    import unsnag.spool; unsnag.spool.PAUSE_S = 0.1
    """
        + HOOK
        + """
    log.info("first"); unsnag.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
    for number in range(500): log.info("lost %d", number)
    unsnag.flush()
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    time.sleep(0.2)
    log.info("last"); unsnag.flush()
    print("done")
    """
    )
    assert (ran.returncode, ran.stdout) == (0, "done\n")
    assert "telemetry cannot be written" in ran.stderr
    (report,) = ran.named("client.dropped")
    kept = sum(event.startswith("lost") for event in ran.events)
    assert kept + report["unsnag.client.dropped"] == 500
    assert 0 < kept < 500
    assert ran.events[-1] == "last"


def test_a_spool_takes_back_a_line_that_was_cut(tmp_path: Path) -> None:
    spool = Spool(str(tmp_path), "s", 10**9)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        assert spool.write((b"x" * 299 + b"\n") * 5) == 900
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    (file,) = tmp_path.iterdir()
    assert file.stat().st_size == 900


def test_files_are_rotated_and_all_kept(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import logging, unsnag
    unsnag.init(flow="f", service="we/ird näme", rotate_bytes=5000)
    for number in range(100):
        logging.getLogger().error("n%d", number); unsnag.flush()
    """)
    assert len(list(ran.spool.iterdir())) > 3
    assert sorted(ran.events) == sorted(f"n{number}" for number in range(100))


def test_a_file_that_somebody_removed_is_started_again(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    import os, pathlib
    log.info("a"); unsnag.flush()
    for file in pathlib.Path(os.environ["UNSNAG_SPOOL"]).iterdir(): file.unlink()
    log.info("b")
    """
    )
    assert ran.events == ["b"]


def test_a_full_queue_drops_counts_and_reports(run_script: Callable[..., Ran]) -> None:
    ran = run_script("""
    import logging, unsnag
    from unsnag.client import active
    unsnag.init(flow="f", queue_events=50)
    with active().output._lock:
        for number in range(80): logging.error("n%d", number)
    """)
    assert ran.named("client.dropped")[0]["unsnag.client.dropped"] == 30
    assert len(ran.named("n49")) == 1


HOSTILE = """
    class Rude:
        def __repr__(self): raise RuntimeError("no repr")
        __str__ = __repr__
    class RudeError(Exception):
        def __str__(self): raise RuntimeError("no str")
    circular = {}; circular["self"] = circular
    log.info("a", extra={"rude": Rude(), "circular": circular, "huge": 10**5000,
        "big": 2**70, "nan": float("nan")})
    log.info("b \\ud800 lone \\x00 nul", extra={"key\\ud800": "\\udfff",
        "inner": {1: 2, None: 3, (1, 2): {4}}})
    log.info("x" * 10_000_000)
    log.info("many", extra={"list": list(range(200_000))})
    log.info(Rude())
    log.info("bytes", extra={"raw": b"\\xff\\x00", "set": {1}, "obj": object(), "type": int})
    try:
        with unsnag.unit(Rude(), value=Rude(), tenant=Rude()):
            with unsnag.step("s"):
                raise RudeError
    except RudeError: print("raised")
    try: raise RudeError
    except RudeError: log.exception("rude")
    print("done")
"""


def test_nothing_that_a_script_logs_breaks_it_or_is_lost(run_script: Callable[..., Ran]) -> None:
    ran = run_script(HOOK + HOSTILE)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "raised\ndone\n", "")
    assert not ran.named("client.dropped")
    assert len(ran.logs) == 10
    assert max(len(json.dumps(log)) for log in ran.logs) < 70_000
    big = next(log for log in ran.logs if log["event"].startswith("xxx"))
    assert "10000000 characters" in big["event"]
    assert big["unsnag.client.original_bytes"] > 10_000_000
    assert ran.named("unit.failed")[0]["exception.type"].endswith("RudeError")
    assert "cannot be printed" in ran.named("unit.failed")[0]["exception.message"]


def test_sixteen_threads_lose_nothing(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    import threading
    def work(name):
        with unsnag.unit(f"SO-{name}"):
            for number in range(200): log.info("n", extra={"number": number})
    threads = [threading.Thread(target=work, args=(n,)) for n in range(16)]
    [thread.start() for thread in threads]; [thread.join() for thread in threads]
    """
    )
    assert len({(log["unsnag.correlation_id"], log["number"]) for log in ran.named("n")}) == 3200
    assert len({log["unsnag.record_id"] for log in ran.logs}) == len(ran.logs) == 3216


@pytest.mark.fault
def test_forked_children_write_files_of_their_own(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    import multiprocessing, os
    def work(number): log.info("child", extra={"number": number})
    with unsnag.unit("SO-1"):
        log.info("before")
        processes = [multiprocessing.get_context("fork").Process(target=work, args=(n,)) for n in range(4)]
        [process.start() for process in processes]; [process.join() for process in processes]
        if os.fork() == 0:
            log.info("bare fork"); unsnag.flush(); os._exit(0)
        os.wait()
        log.info("after")
    """
    )
    assert sorted(ran.events) == sorted(["unit.started", "before", "after", "bare fork", *["child"] * 4])
    assert {log["unsnag.correlation_id"] for log in ran.logs} == {"SO-1"}
    assert len({log["unsnag.record_id"] for log in ran.logs}) == 8
    assert len(list(ran.spool.iterdir())) == 6


@pytest.mark.fault
def test_what_a_killed_script_had_logged_a_moment_ago_is_there(tmp_path: Path) -> None:
    source = """
import logging, time, unsnag
unsnag.init(flow="f")
with unsnag.unit("SO-1"): logging.error("one")
print("ready", flush=True); time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        env=clean_environment(UNSNAG_SPOOL=str(tmp_path)),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.5)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == 3


@pytest.mark.fault
def test_a_signal_handler_may_log_at_any_moment(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        HOOK
        + """
    import signal
    signal.signal(signal.SIGALRM, lambda *_: log.info("signal"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for number in range(20_000): log.info("n")
    signal.setitimer(signal.ITIMER_REAL, 0)
    print("done")
    """
    )
    assert ran.stdout == "done\n"
    dropped = sum(log["unsnag.client.dropped"] for log in ran.named("client.dropped"))
    assert len(ran.named("n")) + len(ran.named("signal")) + dropped >= 20_000


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters())
    | st.binary()
    | st.decimals()
    | st.datetimes()
    | st.complex_numbers(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.dictionaries(st.integers() | st.text() | st.none(), inner)
        | st.sets(st.integers())
    ),
    max_leaves=20,
)


@pytest.mark.slow
@given(st.dictionaries(st.text(st.characters()), ANYTHING))
def test_anything_becomes_json(fields: dict[str, object]) -> None:
    assert isinstance(json.loads(encode(fields)), dict)


@given(st.text(), st.integers(200, 5000))
def test_an_event_is_never_larger_than_its_limit(text: str, limit: int) -> None:
    raw, _ = encode_within({"event": text * 100, "list": [text] * 1000, "deep": {text: text * 50}}, limit)
    assert len(raw) <= limit
    assert isinstance(json.loads(raw), dict)
