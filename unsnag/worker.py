"""Runs retries: leases them from the exception center and calls the handlers that a script registered.

The life of a retry here:

1. `Center.lease` announces the handlers and hands a retry over for a limited time.
2. Flow, correlation ID, trace, attempt number and idempotency key become what they were on the first try.
3. The handler runs; a thread renews the lease at a third of its time.
4. The outcome is reported. It is no proof of recovery: that is the unit's own success signal.

A worker that dies reports nothing; its lease expires and the retry returns to the queue.
"""

from __future__ import annotations

import importlib.util
import inspect
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from unsnag import client as clients
from unsnag import conventions, failures, masking, propagation, steps
from unsnag.center import Center, CenterError, Lease, LeaseLostError, RefusedError
from unsnag.context import Restored, entered
from unsnag.encoding import readable_str
from unsnag.handlers import Retry, announced, registered

if TYPE_CHECKING:
    from collections.abc import Sequence

WAIT_S: Final = 20.0
LEASE_S: Final = 60.0
"""What a lease is taken to last when its end cannot be read."""
_MAX_PAUSE_S: Final = 30.0
_MAX_NAME: Final = 200
_BREATH_S: Final = 0.5
"""Between two questions, should a center answer at once that nothing is due."""


class NoHandlerError(Exception):
    """No handler is registered for this flow's step."""


class StoppedError(Exception):
    """The worker was told to stop while it waited for a retry; a lease given just now expires by itself."""


class Worker:
    """Leases retries, one after the other, and runs them."""

    def __init__(
        self, center: Center, flows: Sequence[str], wait_s: float = WAIT_S, name: str | None = None
    ) -> None:
        self._center = center
        self._flows = list(flows)
        self._wait_s = wait_s
        self._name = (name or f"{socket.gethostname()}-{os.getpid()}")[:_MAX_NAME]
        self._stop = threading.Event()
        self._is_waiting = False

    def stop(self) -> None:
        """Finish the retry at hand and lease no more."""
        self._stop.set()
        if self._is_waiting:
            raise StoppedError

    def run(self) -> None:
        """Run retries until told to stop; a center that is away is waited for."""
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
            except CenterError as error:
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
            lease = self._center.lease(self._flows, self._name, wait_s, announced(self._flows))
        finally:
            self._is_waiting = False
        if lease is None:
            return False
        retry = _retry_of(lease)
        narrate(f"retry {retry.id}: {retry.step} of {retry.correlation_id}, attempt {retry.attempt}")
        with _Heart(self._center, lease) as heart:
            error = perform(retry)
        self._report(lease, retry, error, is_lost=heart.is_lost)
        return True

    def _report(self, lease: Lease, retry: Retry, error: BaseException | None, *, is_lost: bool) -> None:
        """Say how it ended, unless somebody else has the retry by now."""
        if is_lost:
            narrate(f"retry {retry.id}: the lease was lost; its outcome is not reported.")
            return
        try:
            self._tell(lease, error)
        except LeaseLostError as lost:
            narrate(f"retry {retry.id}: {lost}")
        else:
            narrate(f"retry {retry.id}: {'done' if error is None else f'failed: {readable_str(error)}'}")

    def _tell(self, lease: Lease, error: BaseException | None) -> None:
        if error is None:
            self._center.complete(lease)
            return
        message = masking.mask_text(readable_str(error)[:4000])
        self._center.fail(lease, failures.type_name(type(error)), message, failures.error_class(error))


def narrate(text: str) -> None:
    """Tell the operator what happens; stdout stays for data."""
    sys.stderr.write(f"unsnag worker: {text}\n")
    sys.stderr.flush()


def load(path: str) -> None:
    """Import the file that registers handlers; its folder's parents are where its imports begin."""
    file = Path(path).resolve()
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None or not file.is_file():
        raise CenterError(f"{path} is no Python file with handlers.")
    sys.path[:0] = [entry for entry in (os.getcwd(), str(file.parent)) if entry not in sys.path]  # noqa: PTH109
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(file.stem, module)
    spec.loader.exec_module(module)
    if not registered:
        raise CenterError(f"{path} registers no handler. Register one with @unsnag.handler(flow, step).")


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
    told = lease.content
    missing = [name for name in ("id", "flow", "step", "correlation_id") if not told.get(name)]
    if missing:
        raise CenterError(f"The exception center handed over a retry without {', '.join(missing)}.")
    return Retry(
        id=lease.retry_id,
        case=str(told.get("case", "")),
        flow=str(told["flow"]),
        step=str(told["step"]),
        correlation_id=str(told["correlation_id"]),
        idempotency_key=str(told.get("idempotency_key") or _key_of(told)),
        data=told.get("data") or {},
        attempt=int(told.get("attempt") or 1),
        traceparent=told.get("traceparent"),
    )


def _key_of(told: Any) -> str:
    return conventions.idempotency_key(str(told["flow"]), str(told["step"]), str(told["correlation_id"]))


# --- The lease -----------------------------------------------------------------------------------


class _Heart:
    """Renews a lease at a third of its time while the handler runs."""

    def __init__(self, center: Center, lease: Lease) -> None:
        self._center = center
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
        left_s = remaining_s(self._lease.content.get("lease_until"))
        while not self._done.wait(max(left_s / 3, 0.05)):
            try:
                answer = self._center.heartbeat(self._lease)
                left_s = remaining_s(answer.get("lease_until")) if answer.get("lease_until") else left_s
            except LeaseLostError:
                self.is_lost = True
                narrate(f"retry {self._lease.retry_id}: the lease was lost while the handler runs.")
                return
            except CenterError as error:
                narrate(f"retry {self._lease.retry_id}: no heartbeat: {error}")


def remaining_s(lease_until: object) -> float:
    """Return the seconds until a lease ends; its end is an ISO 8601 text or seconds since 1970."""
    try:
        if isinstance(lease_until, (int, float)):
            return max(lease_until - time.time(), 0.0)
        end = datetime.fromisoformat(str(lease_until))
    except ValueError:
        return LEASE_S
    return max((end.replace(tzinfo=end.tzinfo or UTC) - datetime.now(UTC)).total_seconds(), 0.0)
