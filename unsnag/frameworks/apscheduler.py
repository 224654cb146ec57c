"""APScheduler 3: decorate the function that is scheduled with ``@job(unit="order_id")``.

A job without an order of its own, such as a nightly export, is ``@job(job="nightly-export")``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from unsnag.frameworks.tasks import Try, task

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.frameworks.naming import Rule

F = TypeVar("F", bound="Callable[..., Any]")


def job(unit: Rule = None, *, job: str | None = None, **options: Any) -> Callable[[F], F]:
    """Make each run of a job the block of its unit.

    Args:
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`.
        job: Instead of it: the name of a job that repeats its whole work.
        options: What `unsnag.unit` takes beside the ID.
    """
    return task(unit, job=job, options=options, look=Try)
