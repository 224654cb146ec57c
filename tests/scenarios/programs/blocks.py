"""One order, worked on inside our client's block; the argument says how the block goes."""

import asyncio
import logging
import sys

import tenacity
import urllib3

import unsnag

logging.basicConfig(level=logging.INFO)
log = logging.getLogger("orders")
unsnag.init(flow="orders", service="worker")
ORDER = {"value": "129.90", "currency": "EUR"}


def broken():
    raise ConnectionError("stock system unreachable")


def works():
    with unsnag.unit("SO-1", **ORDER):
        log.info("packed")


def exception():
    with unsnag.unit("SO-1", **ORDER), unsnag.step("reserve"):
        broken()


def exit_3():
    with unsnag.unit("SO-1", **ORDER):
        sys.exit(3)


def exit_0():
    with unsnag.unit("SO-1", **ORDER):
        sys.exit(0)


def interrupt():
    with unsnag.unit("SO-1", **ORDER):
        raise KeyboardInterrupt


def cancellation():
    async def work():
        async with unsnag.unit("SO-1", **ORDER):
            await asyncio.sleep(60)

    async def main():
        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        task.cancel()
        await task

    asyncio.run(main())


def generator():
    def orders():
        with unsnag.unit("SO-1", **ORDER):
            yield 1
            yield 2

    for _ in orders():
        break


def swallowed():
    """The script goes on after an error that it has logged with its exception."""
    with unsnag.unit("SO-1", **ORDER):
        try:
            broken()
        except ConnectionError:
            log.exception("could not reserve")


def status_in_text():
    with unsnag.unit("SO-1", **ORDER):
        log.error("payment service answered with HTTP status 502")


def status_in_attribute():
    with unsnag.unit("SO-1", **ORDER):
        log.error("payment refused", extra={"http.response.status_code": 502})


def unproven():
    with unsnag.unit("SO-1", **ORDER):
        log.error("the label looks odd")


def step_again():
    """The first try fails and is logged; the second works."""
    with unsnag.unit("SO-1", **ORDER):
        for number in (1, 2):
            try:
                with unsnag.step("reserve"):
                    if number == 1:
                        broken()
            except ConnectionError:
                log.exception("could not reserve, trying again")


def tenacity_again():
    """A retry library tries again, and leaves a record of it."""
    tries = []

    @tenacity.retry(
        wait=tenacity.wait_fixed(0.01), before_sleep=tenacity.before_sleep_log(log, logging.WARNING)
    )
    def reserve():
        tries.append(1)
        try:
            if len(tries) == 1:
                broken()
        except ConnectionError:
            log.exception("could not reserve")
            raise

    with unsnag.unit("SO-1", **ORDER):
        reserve()


def urllib3_again():
    """The library below tries again when the connection breaks."""
    http = urllib3.PoolManager(retries=urllib3.Retry(3, backoff_factor=0.01))
    with unsnag.unit("SO-1", **ORDER):
        http.request("GET", sys.argv[2])


def ok():
    with unsnag.unit("SO-1", **ORDER) as unit:
        log.error("could not print, HTTP status 503")
        unit.ok()


def ok_then_error():
    with unsnag.unit("SO-1", **ORDER) as unit:
        unit.ok()
        log.error("could not print, HTTP status 503")


def ok_then_exception():
    with unsnag.unit("SO-1", **ORDER) as unit:
        unit.ok()
        broken()


def fail():
    with unsnag.unit("SO-1", **ORDER) as unit:
        unit.fail("the customer is blocked")


def fail_then_ok():
    with unsnag.unit("SO-1", **ORDER) as unit:
        unit.fail("the customer is blocked")
        unit.ok()


def partial():
    with unsnag.unit("BATCH-1") as unit:
        unit.partial(failed=3, total=40)


def failed_inside():
    with unsnag.unit("BATCH-1"):
        for number in (1, 2, 3):
            try:
                with unsnag.unit(f"SO-{number}", **ORDER):
                    if number == 3:
                        broken()
            except ConnectionError:
                pass


def progress():
    with unsnag.unit("SO-1", **ORDER, completes=False):
        log.info("packed")


def killed():
    """The machine loses the process in the middle of its work."""
    import os
    import signal

    with unsnag.unit("SO-1", **ORDER):
        unsnag.flush()
        os.kill(os.getpid(), signal.SIGKILL)


def loop_logs():
    """The loop around the block logs what left it."""
    for number in (1, 2, 3):
        try:
            with unsnag.unit(f"SO-{number}", **ORDER), unsnag.step("reserve"):
                broken()
        except ConnectionError:
            log.exception("order %s failed", number)


def twice_here():
    """The order fails, and works when the same process takes it again."""
    for stock in (0, 1):
        try:
            with unsnag.unit("SO-1", **ORDER), unsnag.step("reserve"):
                if not stock:
                    broken()
        except ConnectionError:
            pass


def tenants():
    """Two tenants number their orders alike; one of them fails."""
    for tenant in ("acme", "beta"):
        try:
            with unsnag.unit("SO-1", **ORDER, tenant=tenant):
                if tenant == "acme":
                    broken()
        except ConnectionError:
            pass


globals()[sys.argv[1]]()
