"""Prefect: put ``@unit_task(unit="order_id")`` below ``@task``.

Prefect logs "Finished in state Failed(...)" for the task and for the flow, with type and message of the
exception as text. These lines are further records of the failure that the block has reported.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from unsnag import client as clients
from unsnag import notes
from unsnag.encoding import readable_str
from unsnag.frameworks.tasks import Try, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.frameworks.naming import Rule

F = TypeVar("F", bound="Callable[..., Any]")

_LOGGERS: Final = ("prefect.task_runs", "prefect.flow_runs")
_KEPT: Final = 1000


class _Reported(NamedTuple):
    run: str
    kind: str
    message: str
    fields: dict[str, Any]


class _Finished(logging.Filter):
    """Gives lines of Prefect the identity of the exception that they name."""

    def __init__(self) -> None:
        super().__init__()
        self.reported: deque[_Reported] = deque(maxlen=_KEPT)

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno >= logging.ERROR and not record.exc_info:
            run, text = str(getattr(record, "flow_run_id", "")), record.getMessage()
            for known in reversed(self.reported):
                if known.run == run and known.kind in text and known.message in text:
                    vars(record).update(known.fields)
                    break
        return True

    def keep(self, run: str, error: BaseException) -> None:
        client = clients.active()
        if client is None or not notes.is_reported(error):
            return
        place = notes.place_of_report(error, client.root)
        fields = {**place.fields, **notes.identity(error, place.correlation_id)}
        kind = type(error).__qualname__.rpartition(".")[2]
        self.reported.append(_Reported(run, kind, readable_str(error), fields))


_finished: Final = _Finished()


def unit_task(unit: Rule = None, *, job: str | None = None, **options: Any) -> Callable[[F], F]:
    """Make each run of a task the block of its unit; a try that Prefect repeats is an attempt.

    Where the task has a ``retry_condition_fn``, each failed try counts as a failure: only Prefect can ask it.

    Args:
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`.
        job: Instead of it: the name of a job that repeats its whole work.
        options: What `unsnag.unit` takes beside the ID.
    """
    for name in _LOGGERS:
        logging.getLogger(name).addFilter(_finished)  # adding the same object twice changes nothing
    return task(unit, job=job, options=options, look=_look)


def _look() -> Try:
    from prefect.context import TaskRunContext  # noqa: PLC0415 - only who uses it has it

    run = TaskRunContext.get()
    if run is None:
        return Try()
    number, of_task = run.task_run.run_count, run.task
    may_repeat = of_task.retry_condition_fn is None and number <= (of_task.retries or 0)
    return Try(
        name=of_task.name,
        number=number,
        repeats=lambda error: may_repeat and isinstance(error, Exception),
        reported=lambda error: _finished.keep(str(run.task_run.flow_run_id), error),
    )
