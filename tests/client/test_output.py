"""The queue between a script and the disk: what waits for whom, and what is never dropped."""

from __future__ import annotations

import logging
import signal
import threading
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from tests.waiting import eventually
from unsnag import testing
from unsnag.client import active
from unsnag.output import MANY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.conftest import Ran
    from unsnag.output import Output
    from unsnag.testing import Events


@pytest.fixture
def events() -> Iterator[Events]:
    with testing.captured("f", service="test", queue_events=10) as captured:
        yield captured


def output() -> Output:
    client = active()
    assert client is not None
    return client.output


def outcomes(events: Events) -> list[str]:
    return [span["unsnag.outcome"] for span in events.spans if span.get("unsnag.kind") == "unit"]


def test_an_outcome_is_written_when_its_block_is_left(events: Events) -> None:
    with unsnag.unit("SO-1"):
        pass
    assert any(b'"unsnag.outcome"' in line for line in events._sink.lines)


def test_a_step_is_written_when_it_is_left(events: Events) -> None:
    with unsnag.unit("SO-1"):
        with unsnag.step("pay"):
            pass
        assert any(b'"name":"step pay"' in line for line in events._sink.lines)


def test_a_full_queue_takes_outcomes(events: Events) -> None:
    with output()._lock:
        for number in range(30):
            logging.getLogger("x").error("n%d", number)
        output().put(unit_end())
    assert outcomes(events) == ["success"]
    assert events.named("client.dropped")[0]["unsnag.client.dropped"] == 20


def test_much_that_waits_wakes_the_writer_once() -> None:
    with testing.captured("f", service="test", queue_events=10_000) as many:
        writer, woken = output(), []
        writer.wake = lambda: woken.append(None)  # type: ignore[method-assign]
        writer._is_idle = False  # as if it waited for its next turn
        for number in range(2 * MANY):
            logging.getLogger("x").warning("n%d", number)
            assert len(woken) == (number >= MANY)
        del writer.wake
        writer.wake()
        eventually(lambda: len(many._sink.lines) == 2 * MANY and not writer._is_called)


def unit_end() -> Any:
    """Return the record of a unit's end, as a block makes it."""
    with testing.captured("f") as other:
        kept: list[Any] = []
        writer = output()
        put = writer.put
        writer.put = lambda record: (kept.append(record), put(record))[1]  # type: ignore[method-assign]
        with unsnag.unit("SO-1"):
            pass
        assert other.spans
    return kept[-1]


def test_while_another_thread_writes_the_end_of_a_unit_is_waited_for(events: Events) -> None:
    writer = output()
    with unsnag.unit("SO-0"):
        pass  # the writer thread is there
    writer._lock.acquire()
    threading.Timer(0.2, writer._lock.release).start()
    with unsnag.unit("SO-1"):
        pass
    assert sum(b'"unsnag.outcome"' in line for line in events._sink.lines) == 2


def test_what_an_interrupt_keeps_from_being_written_is_written_later(events: Events) -> None:
    sink, write = events._sink, events._sink.write

    def interrupted(lines: bytes) -> int:
        if threading.current_thread() is not threading.main_thread():
            return write(lines)
        sink.write = write  # type: ignore[method-assign]
        raise KeyboardInterrupt

    sink.write = interrupted  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt), unsnag.unit("SO-1"):
        pass
    assert outcomes(events) == ["success"]


def test_a_signal_that_interrupts_the_writing_neither_hangs_nor_loses(events: Events) -> None:
    """A handler that ends a unit and flushes runs inside of the write that it interrupted."""
    sink, write = events._sink, events._sink.write
    flushed: list[bool] = []

    def handler(*_: Any) -> None:
        with unsnag.unit("SO-2"):
            pass
        flushed.append(unsnag.flush(60))

    def interrupted(lines: bytes) -> int:
        if threading.current_thread() is threading.main_thread():
            sink.write = write  # type: ignore[method-assign]
            signal.raise_signal(signal.SIGUSR1)
        return write(lines)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        sink.write = interrupted  # type: ignore[method-assign]
        with unsnag.unit("SO-1"):
            pass
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert flushed == [False]
    assert sorted(outcomes(events)) == ["success", "success"]


@pytest.mark.fault
def test_outcomes_wait_for_a_full_disk_to_have_room(run_script: Callable[..., Ran]) -> None:
    ran = run_script(
        """
    import logging, resource, time, unsnag
    import unsnag.spool; unsnag.spool.PAUSE_S = 0.1
    unsnag.init(flow="f", service="s")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    for number in range(20):
        with unsnag.unit(f"SO-{number}"): logging.warning("plain")
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    time.sleep(0.2)
    """
    )
    ended = {span["unsnag.correlation_id"] for span in ran.spans}
    assert ended == {f"SO-{number}" for number in range(20)}
    assert ran.named("client.dropped")
    assert ran.stderr.count("telemetry cannot be written") == 1
