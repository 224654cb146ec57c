"""Mapped and grouped tasks of one case: which of them failed, and which have succeeded since (semantics 2).

Everything follows from the failures and signals of the unit, so the order of arrival cannot matter.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from data.nouns import field_names, shallow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cases.case import Case
    from cases.failure import Failure
    from data.transaction import Tx

_TITLE: Final = 120
"""Characters of a title, at most."""
LISTED: Final = 2_000
"""Failed tasks of one case that are kept apart; what is beyond is proved only by a success of the whole."""


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A task with its last failure. `index` is None for failures that name no task, and for those beyond."""

    index: str | None
    failed_at: datetime
    part: str | None
    clock: str | None
    seq: int | None
    count: int = 1
    """How many tasks it stands for."""
    succeeded_at: datetime | None = None
    """When a success proved it."""

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> FailedTask:
        """Return the task of a failure, or of what is stored as JSON."""
        return cls(**{**row, **{name: _moment(row.get(name)) for name in ("failed_at", "succeeded_at")}})

    @property
    def order(self) -> tuple[Any, ...]:
        """Where it is listed: by number where the index is one; what has no index comes last."""
        if self.index is None:
            return 2, 0, ""
        return (0, int(self.index), "") if self.index.isdecimal() else (1, 0, self.index)


@dataclass(frozen=True, slots=True)
class Tasks:
    """The failed tasks of a case whose step is several tasks."""

    title: str
    """The title of the case without the numbers."""
    stated: int | None
    """How many tasks there are, as a record states."""
    known: int
    """How many tasks of the step are known by their ends."""
    items: Sequence[FailedTask]

    @classmethod
    def of(cls, stored: Mapping[str, Any] | None) -> Tasks | None:
        """Return the tasks as they are stored with a case."""
        if not stored:
            return None
        items = tuple(FailedTask.of(item) for item in stored["items"])
        return cls(stored["title"], stored["stated"], stored["total"], items)

    def stored(self) -> dict[str, Any]:
        """Return the tasks as they are stored."""
        items = [asdict(item) for item in self.items]
        return {"title": self.title, "stated": self.stated, "total": self.known, "items": items}

    @property
    def failed(self) -> int:
        """How many tasks have failed at all."""
        return sum(item.count for item in self.items)

    @property
    def failing(self) -> int:
        """How many tasks have failed and not succeeded since."""
        return sum(item.count for item in self.items if item.succeeded_at is None)

    @property
    def total(self) -> int | None:
        """How many tasks the step has: as stated, else as many as were seen; None where nobody knows."""
        total = self.stated or self.known
        return total if total and total >= self.failed else None

    @property
    def is_one(self) -> bool:
        """Return whether the step is a single task, as far as is known."""
        return self.failed == 1 and (self.total or 0) <= 1

    @property
    def case_title(self) -> str:
        """The title of the case: `3 of 100 tasks failed: …`."""
        if self.is_one:
            return self.title
        number = self.failing or self.failed
        many = f"{number:,} of {self.total:,} tasks" if self.total else _count_of_tasks(number)
        return cut(f"{many} failed: {self.title}")

    def proved(self, times: Iterable[datetime | None], known: int) -> Tasks:
        """Return the tasks with the time at which each was proved, and how many of the step are known."""
        items = tuple(replace(item, succeeded_at=time) for item, time in zip(self.items, times, strict=True))
        return replace(self, items=items, known=known)


def cut(text: str) -> str:
    """Return a text of at most the 120 characters that a title has."""
    return text if len(text) <= _TITLE else f"{text[: _TITLE - 1].rstrip()}…"


def _moment(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def _count_of_tasks(number: int) -> str:
    return f"{number:,} task{'' if number == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """What a case keeps of a failure of one of its tasks; `map_index` is None where it names none."""

    record_id: int
    time: datetime
    map_index: str | None
    map_total: int | None
    """How many tasks there are, as the record states."""
    part: str | None
    clock: str | None
    seq: int | None

    @classmethod
    def of_failure(cls, failure: Failure) -> TaskFailure:
        """Return what a case keeps of a failure."""
        return cls(**shallow(failure, field_names(cls)))

    @property
    def order(self) -> tuple[datetime, int]:
        """Its place in time among others."""
        return self.time, self.record_id


def of_failures(failures: Iterable[TaskFailure]) -> dict[str | None, TaskFailure]:
    """Return the last failure of each task; None stands for failures that name no task."""
    found: dict[str | None, TaskFailure] = {}
    for one in sorted(failures, key=lambda failure: failure.order):
        before = found.get(one.map_index)
        stated = max((n.map_total for n in (before, one) if n and n.map_total), default=None)
        found[one.map_index] = replace(one, map_total=stated)
    return found


def counted(failed: Mapping[str | None, TaskFailure], before: Tasks | None, title: str) -> Tasks | None:
    """Return the tasks of a case by the last failure of each of its tasks; None where none is named.

    Args:
        failed: What `of_failures` returns.
        before: The tasks as they were: what has succeeded since stays known.
        title: What the case is called without its tasks.
    """
    if not any(index is not None for index in failed):
        return None
    known = {(item.index, item.failed_at): item.succeeded_at for item in before.items} if before else {}
    items = [
        FailedTask(index, one.time, one.part, one.clock, one.seq, 1, known.get((index, one.time)))
        for index, one in failed.items()
    ]
    stated = max((one.map_total for one in failed.values() if one.map_total), default=None)
    return Tasks(title, stated, before.known if before else 0, _shortened(items))


def _shortened(items: list[FailedTask]) -> tuple[FailedTask, ...]:
    """Put what is beyond the list together as one item without an index: the last failure of them."""
    ordered = sorted(items, key=lambda item: item.order)
    beyond = ordered[LISTED:]
    if not beyond:
        return tuple(ordered)
    last = max(beyond, key=lambda item: (item.failed_at, str(item.index)))
    rest = replace(last, index=None, count=len(beyond), succeeded_at=None)
    return (*ordered[:LISTED], rest)


def as_cases(case: Case, tasks: Tasks) -> list[tuple[str | None, Case]]:
    """Return for each failed task its index, and the case with that task's last failure."""
    return [
        (item.index, replace(case, last_seen=item.failed_at, part=item.part, clock=item.clock, seq=item.seq))
        for item in tasks.items
    ]


# --- what is read of the store ------------------------------------------------------------------------


def totals(tx: Tx, cases: Iterable[Case]) -> dict[str, int]:
    """Return for each case how many tasks of its step are known by their ends."""
    wanted = [{"id": case.id, **case.key._asdict()} for case in cases]
    if not wanted:
        return {}
    schema = pa.schema([(name, pa.string()) for name in wanted[0]])
    tx.view("task_case", pa.Table.from_pylist(wanted, schema))
    return {row["id"]: row["known"] for row in tx.run("cases/tasks_known")}
