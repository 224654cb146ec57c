"""Airflow: put ``@unit_task(unit="order_id")`` below ``@task``.

The task's process knows from Airflow's worker whether another try follows, and leaves without its exit
handlers.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from unsnag.frameworks.tasks import Try, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.frameworks.naming import Rule

F = TypeVar("F", bound="Callable[..., Any]")

_NO_FAILURE: Final = frozenset(
    {
        "AirflowSkipException",
        "AirflowRescheduleException",
        "TaskDeferred",
        "DownstreamTasksSkipped",
        "DagRunTriggerException",
    }
)
"""What a task raises to skip, to wait or to hand over."""
_FINAL: Final = frozenset({"AirflowFailException", "AirflowSensorTimeout", "AirflowTaskTerminated"})
"""What a task raises to fail without another try."""


def unit_task(unit: Rule = None, *, job: str | None = None, **options: Any) -> Callable[[F], F]:
    """Make each run of a task the block of its unit; a try that Airflow repeats is an attempt.

    Args:
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`.
        job: Instead of it: the name of a job that repeats its whole work.
        options: What `unsnag.unit` takes beside the ID.
    """
    return task(unit, job=job, options=options, look=_look)


def _look() -> Try:
    sdk = sys.modules.get("airflow.sdk")
    if sdk is None:
        return Try()
    instance = sdk.get_current_context().get("ti")
    return Try(
        name=instance.task_id,
        number=instance.try_number,
        repeats=lambda error: not _FINAL.intersection(_names(error)) and _is_repeated(instance),
        skips=lambda error: bool(_NO_FAILURE.intersection(_names(error))),
        leaves=True,
    )


def _is_repeated(instance: Any) -> bool:
    known = getattr(instance, "_ti_context_from_server", None)
    if known is not None:
        return bool(known.should_retry)
    return bool(instance.try_number <= (instance.max_tries or 0))


def _names(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}
