"""RQ: decorate the function that is enqueued with ``@job(unit="order_id")``.

``queue.enqueue(ship, order_id, meta=unsnag.headers())`` hands the sender's context over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from unsnag.frameworks.tasks import Try, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.frameworks.naming import Rule

F = TypeVar("F", bound="Callable[..., Any]")


def job(unit: Rule = None, *, job: str | None = None, **options: Any) -> Callable[[F], F]:
    """Make each call of a function the block of its unit; a try that RQ repeats is an attempt.

    Args:
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`.
        job: Instead of it: the name of a job that repeats its whole work.
        options: What `unsnag.unit` takes beside the ID.
    """
    return task(unit, job=job, options=options, look=_look)


def _look() -> Try:
    from rq import get_current_job  # noqa: PLC0415 - only who uses it has it
    from rq.job import Retry  # noqa: PLC0415

    current = get_current_job()
    if current is None:
        return Try()
    return Try(
        repeats=lambda error: isinstance(error, Exception) and bool(current.retries_left),
        repeats_after=lambda result: isinstance(result, Retry) and _may_repeat(current, result),
        carrier=current.meta,
        fields={"rq.job.id": current.id},
        leaves=True,
    )


def _may_repeat(current: Any, retry: Any) -> bool:
    return bool((current.number_of_retries or 0) < retry.max)
