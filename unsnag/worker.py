"""Runs retries: leases them from the server and calls the handlers that a script registered.

The life of a retry here:

1. `RetryQueue.lease` announces the handlers and hands a retry over for a limited time.
2. Flow, correlation ID, trace, attempt number and idempotency key become what they were on the first try.
3. The handler runs; a thread renews the lease at a third of its time.
4. The outcome is reported. It is no proof of recovery: that is the unit's own success signal.

A worker that dies reports nothing; its lease expires and the retry returns to the queue.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import threading
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from unsnag import client as clients
from unsnag import conventions, evidence, failures, masking, propagation, steps
from unsnag.context import Restored, entered
from unsnag.encoding import readable_str
from unsnag.handlers import Retry, announced, registered
from unsnag.retry_queue import LeaseLostError, RefusedError, RetryQueueError
from unsnag.wire import MAX_WAIT_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from unsnag.retry_queue import RetryQueue
    from unsnag.wire import Lease

_MAX_PAUSE_S: Final = 30.0
_BREATH_S: Final = 0.5
"""Between two questions, should a server answer at once that nothing is due."""


class NoHandlerError(Exception):
    """No handler is registered for this flow's step."""


class StoppedError(Exception):
    """The worker was stopped while it waited for a retry; a lease given just now expires by itself."""


class Worker:
    """Leases retries, one after the other, and runs them."""

    def __init__(self, queue: RetryQueue, flows: Sequence[str], wait_s: float = MAX_WAIT_S) -> None:
        self._queue = queue
        self._flows = list(flows)
        self._wait_s = wait_s
        self._stop = threading.Event()
        self._is_waiting = False

    def stop(self) -> None:
        """Finish the retry at hand and lease no more."""
        self._stop.set()
        if self._is_waiting:
            raise StoppedError

    def run(self) -> None:
        """Run retries until `stop` is called; wait for a server that cannot be reached."""
        pause_s = 1.0
        while not self._stop.is_set():
            try:
                if not self.run_one(self._wait_s):
                    self._stop.wait(_BREATH_S)
                pause_s = 1.0
            except StoppedError:
                return
            except RefusedError:
                raise
            except RetryQueueError as error:
                narrate(f"{error} Trying again in {pause_s:.0f} s.")
                self._stop.wait(pause_s)
                pause_s = min(pause_s * 2, _MAX_PAUSE_S)

    def run_due(self) -> None:
        """Run what is due now."""
        with suppress(StoppedError):
            while not self._stop.is_set() and self.run_one():
                pass

    def run_one(self, wait_s: float = 0.0) -> bool:
        """Lease and run one retry; False when none is due."""
        self._is_waiting = True
        try:
            lease = self._queue.lease(self._flows, wait_s, announced(self._flows))
        finally:
            self._is_waiting = False
        if lease is None:
            return False
        retry = _retry_of(lease)
        narrate(f"retry {retry.id}: {retry.step} of {retry.correlation_id}, attempt {retry.attempt}")
        with _Heart(self._queue, lease) as heart:
            error = perform(retry)
        self._report(lease, retry, error, is_lost=heart.is_lost)
        return True

    def _report(self, lease: Lease, retry: Retry, error: BaseException | None, *, is_lost: bool) -> None:
        """Report the outcome, unless the lease was lost."""
        if is_lost:
            narrate(f"retry {retry.id}: the lease was lost; its outcome is not reported.")
            return
        try:
            self._send_outcome(lease, error)
        except LeaseLostError as lost:
            narrate(f"retry {retry.id}: {lost}")
        else:
            narrate(f"retry {retry.id}: {'done' if error is None else f'failed: {readable_str(error)}'}")

    def _send_outcome(self, lease: Lease, error: BaseException | None) -> None:
        if error is None:
            self._queue.complete(lease)
            return
        message = masking.mask_text(readable_str(error)[:4000])
        self._queue.fail(lease, evidence.type_name(type(error)), message, failures.error_class(error))


def narrate(text: str) -> None:
    """Write what happens to stderr, for the operator; stdout stays for data."""
    sys.stderr.write(f"unsnag worker: {text}\n")
    sys.stderr.flush()


def load(path: str | None) -> None:
    """Import the file that registers handlers; its folder's parents are where its imports begin."""
    if path is None:
        raise RetryQueueError("Name a file with handlers, or commands: unsnag worker --command FLOW=COMMAND.")
    file = Path(path).resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise RetryQueueError(f"{path} is no Python file with handlers.")
    sys.path[:0] = [entry for entry in (os.getcwd(), str(file.parent)) if entry not in sys.path]  # noqa: PTH109
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    spec.loader.exec_module(module)
    if not registered:
        raise RetryQueueError(f"{path} registers no handler. Register one with @unsnag.handler(flow, step).")


# --- One retry -----------------------------------------------------------------------------------


def perform(retry: Retry) -> BaseException | None:
    """Run a retry's handler as an attempt of its step, and return what it raised."""
    scope = clients.current().continuing(propagation.parse({"traceparent": retry.traceparent or ""}))
    restored = Restored(retry.correlation_id, retry.step, retry.attempt, retry.idempotency_key)
    fields = {
        conventions.FLOW: retry.flow,
        conventions.CORRELATION_ID: retry.correlation_id,
        conventions.RETRY_ID: retry.id,
    }
    token = entered.set(scope.inner(fields, restored=restored))
    try:
        return _attempted(retry, restored)
    finally:
        entered.reset(token)


def _attempted(retry: Retry, restored: Restored) -> BaseException | None:
    attempt = steps.RetryAttempt(retry.step, restored)
    attempt.begin()
    error: BaseException | None = None
    try:
        _call(retry)
    except BaseException as raised:  # noqa: BLE001 - reported, then raised again if it stops the worker
        error = raised
    attempt.finish(error)
    if isinstance(error, (KeyboardInterrupt, SystemExit)):
        raise error
    return error


def _call(retry: Retry) -> None:
    handler = registered.get((retry.flow, retry.step))
    if handler is None:
        raise NoHandlerError(
            f"No handler is registered for step {retry.step} of {retry.flow}."
            " Register one with @unsnag.handler, or retry the unit by hand."
        )
    result = handler(retry)
    if inspect.isawaitable(result):
        import asyncio  # noqa: PLC0415 - only asynchronous handlers need it

        asyncio.run(_awaited(result))


async def _awaited(result: Any) -> None:
    await result


def _retry_of(lease: Lease) -> Retry:
    return Retry(
        id=lease.id,
        case=lease.case,
        flow=lease.flow,
        step=lease.step,
        correlation_id=lease.correlation_id,
        idempotency_key=lease.idempotency_key,
        data=lease.data,
        attempt=lease.attempt,
        traceparent=lease.traceparent,
    )


# --- The lease -----------------------------------------------------------------------------------


class _Heart:
    """Renews a lease at a third of its time while the handler runs."""

    def __init__(self, queue: RetryQueue, lease: Lease) -> None:
        self._queue = queue
        self._lease = lease
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="unsnag-heartbeat", daemon=True)
        self.is_lost = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join(1.0)

    def _beat(self) -> None:
        left_s = _remaining_s(self._lease.lease_until)
        while not self._done.wait(max(left_s / 3, 0.05)):
            try:
                until = self._queue.heartbeat(self._lease).lease_until
                left_s = _remaining_s(until) if until else left_s
            except LeaseLostError:
                self.is_lost = True
                narrate(f"retry {self._lease.id}: the lease was lost while the handler runs.")
                return
            except RetryQueueError as error:
                narrate(f"retry {self._lease.id}: no heartbeat: {error}")


def _remaining_s(until: datetime) -> float:
    return (until - datetime.now(timezone.utc)).total_seconds()
