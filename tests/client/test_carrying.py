"""The unit goes along into processes and their pools, however the processes are started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

METHODS = ["fork", "spawn", "forkserver"]
every_method = pytest.mark.parametrize("method", METHODS)

HEAD = """
import logging, multiprocessing, sys, unsnag
from concurrent.futures import ProcessPoolExecutor

def work(item=None):
    logging.getLogger("work").warning("at work")
    return unsnag.correlation_id()

def crash(item):
    raise ConnectionError("no carrier")
"""


def script(body: str) -> str:
    lines = ["if __name__ == '__main__':", "    unsnag.init(flow='f')"]
    lines += ["    context = multiprocessing.get_context(sys.argv[1])"]
    return HEAD + "\n".join(lines + [f"    {line}" for line in body.strip().splitlines()])


def units(ran: Ran) -> list[str | None]:
    """Return the unit of each line that was logged in a worker."""
    assert (ran.returncode, ran.stderr.replace("at work\n", "")) == (0, "")
    return [log.get("unsnag.correlation_id") for log in ran.logs if log["event"] == "at work"]


@every_method
def test_a_pool_works_for_the_unit_of_each_task(run_script: Callable[..., Ran], method: str) -> None:
    ran = run_script(
        script("""
with ProcessPoolExecutor(1, mp_context=context) as pool:
    for name in ("SO-1", "SO-2"):
        with unsnag.unit(name):
            print(pool.submit(work).result(), *pool.map(work, [1]))
    print(pool.submit(work).result())
"""),
        method,
    )
    assert ran.stdout.split() == ["SO-1", "SO-1", "SO-2", "SO-2", "None"]
    expected = ["SO-1", "SO-1", "SO-2", "SO-2"]
    # A process that was started afresh records from its first task with a unit on.
    assert sorted(filter(None, units(ran))) == expected


@every_method
def test_multiprocessings_pool_does_too(run_script: Callable[..., Ran], method: str) -> None:
    ran = run_script(
        script("""
with unsnag.unit("SO-0"):
    pool = context.Pool(1)
with unsnag.unit("SO-1"):
    print(*pool.map(work, [1]), pool.apply(work), *pool.starmap(work, [(1,)]))
with unsnag.unit("SO-2"):
    print(*pool.imap(work, [1]), *pool.imap_unordered(work, [1]))
print(pool.apply(work))
pool.close(); pool.join()
"""),
        method,
    )
    assert ran.stdout.split() == [*["SO-1"] * 3, *["SO-2"] * 2, "None"]
    assert sorted(filter(None, units(ran))) == [*["SO-1"] * 3, *["SO-2"] * 2]


@every_method
def test_a_process_belongs_to_the_unit_in_which_it_is_started(
    run_script: Callable[..., Ran], method: str
) -> None:
    ran = run_script(
        script("""
with unsnag.unit("SO-1", tenant="acme"):
    process = context.Process(target=work)
    process.start(); process.join()
"""),
        method,
    )
    assert units(ran) == ["SO-1"]
    (line,) = [log for log in ran.logs if log["event"] == "at work"]
    assert (line["unsnag.tenant"], line["unsnag.flow"]) == ("acme", "f")


@every_method
def test_what_a_task_of_a_pool_raises_is_one_failure_of_its_unit(
    run_script: Callable[..., Ran], method: str
) -> None:
    ran = run_script(
        script("""
logging.disable()
with ProcessPoolExecutor(1, mp_context=context) as pool:
    try:
        with unsnag.unit("SO-1"):
            pool.submit(crash, 1).result()
    except ConnectionError:
        logging.disable(logging.NOTSET)
        logging.getLogger("work").exception("at work")
"""),
        method,
    )
    failed, logged = [log for log in ran.logs if log["level"] == "error"]
    assert {failed["unsnag.correlation_id"], logged["unsnag.correlation_id"]} == {"SO-1"}
    assert failed["unsnag.exception.id"] == logged["unsnag.exception.id"]


def test_propagation_can_be_left_out(run_script: Callable[..., Ran]) -> None:
    body = """
unsnag.init(flow="f", propagate_threads=False)
with unsnag.unit("SO-1"), ProcessPoolExecutor(1, mp_context=context) as pool:
    print(pool.submit(work).result())
"""
    assert run_script(script(body), "spawn").stdout.split() == ["None"]
