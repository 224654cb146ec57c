"""Celery: ``hook(app, unit="order_id")``.

1. A task that is sent takes the sender's context along.
2. In the worker each run of a task is the block of its unit; the task's name is its part and its step.
3. A retry, and a message that is put back into its queue, end the run as an attempt. The last failure is one.
4. All tries of one task have the same parent, so a later one that succeeds makes up for an earlier one.
5. The block is around what other receivers of Celery's signals begin (OpenTelemetry's instrumentation does):
   it begins first and ends last. Otherwise each would end while the other's span is current, and the next
   task of the process would continue the trace of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from unsnag import joining
from unsnag.api import flush, headers
from unsnag.client import own_fault
from unsnag.frameworks.entry import Entry
from unsnag.frameworks.naming import Naming
from unsnag.frameworks.tasks import source_of

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from unsnag.frameworks.naming import Rule

_CARRIED: Final = ("traceparent", "tracestate", "baggage")


def hook(app: Any, unit: Rule = None, **options: Any) -> None:
    """Make each run of an application's tasks the block of its unit.

    Args:
        app: The application.
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`; a function gets the task's arguments.
            Without it, the unit in which the task was sent.
        options: What `unsnag.unit` takes beside the ID, such as ``completes=False``.
    """
    from celery import signals  # noqa: PLC0415 - only who uses it has it

    runs = _Runs(app, Naming(unit, options))
    signals.before_task_publish.connect(runs.published, weak=False)
    signals.task_prerun.connect(runs.begin, weak=False)
    _put_first(signals.task_prerun)
    signals.task_retry.connect(runs.repeated, weak=False)
    signals.task_failure.connect(runs.failed, weak=False)
    signals.task_postrun.connect(runs.finish, weak=False)
    signals.worker_process_shutdown.connect(_leave, weak=False)


class _Run:
    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.error: BaseException | None = None


class _Runs:
    """The runs of tasks that this process is at work on. Celery logs what a receiver raises, and goes on."""

    def __init__(self, app: Any, naming: Naming) -> None:
        self._app = app
        self._naming = naming
        self._open: dict[str, _Run] = {}

    def published(self, headers: MutableMapping[str, Any] | None = None, **_: Any) -> None:
        if headers is None:
            return
        run = self._open.get(str(headers.get("id")))
        for name, text in (run.entry.carrier if run else _context()).items():
            headers[name] = text

    def begin(self, task: Any, task_id: str, args: Any = (), kwargs: Any = None, **_: Any) -> None:
        if task.app.main != self._app.main:
            return
        request = task.request
        found = self._naming.find(source_of(task.run, tuple(args or ()), kwargs or {}))
        carrier = {name: text for name in _CARRIED if (text := _carried(request, name))}
        attempt, fields = (request.retries or 0) + 1, {"celery.task_id": task_id}
        entry = Entry(found, task.name, carrier, attempt=attempt, fields=fields)
        self._open[task_id] = _Run(entry)
        entry.begin()
        if joining.joined is not None:
            self._go_around(request)

    def _go_around(self, request: Any) -> None:
        """Let the spans of this task that others begin be inside of ours, and end before it."""
        from celery import signals  # noqa: PLC0415

        # A receiver that was connected later would end after ours, and send its own span along.
        _put_last(signals.task_postrun, self.finish)
        _put_last(signals.before_task_publish, self.published)
        # Instrumentation takes the parent from the message, whatever span is current.
        for name, text in headers().items():
            setattr(request, name, text)

    def repeated(self, request: Any, reason: Any = None, **_: Any) -> None:
        run = self._open.get(request.id)
        if run is not None:
            run.error = getattr(reason, "exc", None) or reason
            run.entry.try_again()

    def failed(self, task_id: str, exception: BaseException | None = None, **_: Any) -> None:
        run = self._open.get(task_id)
        if run is not None:
            run.error = exception

    def finish(self, task_id: str, retval: Any = None, state: str | None = None, **_: Any) -> None:
        run = self._open.pop(task_id, None)
        if run is None:
            return
        if state == "REJECTED" and getattr(retval, "requeue", False):
            run.entry.try_again()
        elif state == "REJECTED":
            run.entry.fail(f"The task rejected its message: {getattr(retval, 'reason', '')}")
        elif state == "IGNORED":
            run.entry.prove_nothing()
        run.entry.finish(run.error)


def _put_first(signal: Any) -> None:
    """Let the receiver that was connected last be called first."""
    signal.receivers.insert(0, signal.receivers.pop())


def _put_last(signal: Any, receiver: Any) -> None:
    """Let a receiver be called last of those that are connected."""
    signal.disconnect(receiver)
    signal.connect(receiver, weak=False)


def _context() -> dict[str, str]:
    return headers()


def _carried(request: Any, name: str) -> str | None:
    """Return a header of the message; Celery keeps headers of the sender's beside its own."""
    text = getattr(request, name, None) or (request.headers or {}).get(name)
    return text if isinstance(text, str) else None


def _leave(**_: Any) -> None:
    """Write what waits: a process of the pool leaves without its exit handlers."""
    try:
        flush()
    except Exception as fault:  # noqa: BLE001 - nothing may keep a worker from ending
        own_fault(fault)
