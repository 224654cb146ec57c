"""The queue as its page shows it: a page of rows and the counts of the tabs.

What is asked is answered once for all who see the same, until a case changes: fifty open pages cost one
query. Pages and the route of the queue take their rows from here, so both show the same.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import orjson

from cases import queries, search
from cases.classes import is_guess
from cases.escalation import TEAM
from cases.lifecycle import FOR_PEOPLE, PENDING
from cases.queries import CaseFilter
from cases.search import Asker
from cases.settling import settling, settling_words
from cases.tabs import MINE, OPEN, TABS, count_of, within_tab
from data import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import datetime

    from audit.actor import Actor
    from cases.case import Case
    from cases.ordering import Order
    from cases.queries import Facets, StateCount
    from server.context import ServerContext

    T = TypeVar("T")

PER_PAGE: Final = 50
MOST_PAGES: Final = 100_000
"""The last page that can be asked for."""
_MOST: Final = 128
"""Answers that are kept; a page of rows takes 25 kB."""
_LASTS_S: Final = 5.0
"""For how long an answer is kept where no case changes: what is due, and "older than", move with time."""


@dataclass(frozen=True, slots=True)
class QueueRequest:
    """What an address of the queue asks for. Answers are kept by these texts, not by what they mean now."""

    tab: str = OPEN
    q: str = ""
    flow: tuple[str, ...] = ()
    klass: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    tenant: tuple[str, ...] = ()
    assignee: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    due: str | None = None
    order: Order | None = None
    page: int = 1

    @property
    def first(self) -> int:
        """The offset of the first row."""
        return (self.page - 1) * PER_PAGE

    def of_facets(self) -> CaseFilter:
        """Return the filter without the search: what cannot be read leaves this."""
        return CaseFilter(
            flow=[*self.flow] or None,
            klass=[*self.klass] or None,
            severity=[*self.severity] or None,
            tenant=[*self.tenant] or None,
            assignee=[*self.assignee] or None,
            group=[*self.group] or None,
            due=[self.due] if self.due else None,
        )

    def chosen(self, asker: Asker) -> CaseFilter:
        """Return the filter of all tabs.

        Raises:
            InvalidSearchError: the search cannot be read.
        """
        return self.of_facets().within(search.parse(self.q, asker))

    def params(self) -> dict[str, str]:
        """Return it as the parameters of the route."""
        lists = {
            "flow": self.flow, "class": self.klass, "severity": self.severity, "tenant": self.tenant,
            "assignee": self.assignee, "group": self.group,
        }  # fmt: skip
        own = {"tab": self.tab, "q": self.q, "due": self.due, "sort": self.order and self.order.text}
        own |= {name: ",".join(values) for name, values in lists.items()}
        return {name: value for name, value in {**own, "page": str(self.page)}.items() if value}


class Revision(NamedTuple):
    """What a state of the queue is called: a number that grows from the start of the process on."""

    instance: str
    number: int

    @property
    def text(self) -> str:
        """The revision as pages and answers write it."""
        return f"{self.instance}.{self.number}"


class QueueRows(NamedTuple):
    """A page of rows."""

    total: int
    rows: list[dict[str, Any]]
    encoded: bytes
    """The rows as JSON."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """What a page of the queue shows."""

    revision: Revision
    """Of before it was asked: it shows at least this."""
    listed: QueueRows
    counts: dict[str, int]
    """By name of the tab."""
    settling: str
    """How many failures wait to be exceptions, as text; empty where none does."""


@dataclass(slots=True)
class Kept:
    """Answers that hold until something changes, the latest ones; safe to use from any thread."""

    revision: Callable[[], int]
    _answers: OrderedDict[Hashable, tuple[int, float, Any]] = field(default_factory=OrderedDict)
    _lock: Lock = field(default_factory=Lock)

    def of(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the answer of a key that is kept, else what `ask` returns now."""
        revision = self.revision()
        found = self._found(key, revision)
        if found is not None:
            kept: T = found[2]
            return kept
        asked_at = time.monotonic()
        answer = ask()
        with self._lock:
            self._answers[key] = (revision, asked_at, answer)
            self._answers.move_to_end(key)
            while len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        return answer

    def holds(self, key: Hashable) -> bool:
        """Return whether the answer of a key is kept."""
        return self._found(key, self.revision()) is not None

    def _found(self, key: Hashable, revision: int) -> tuple[int, float, Any] | None:
        with self._lock:
            found = self._answers.get(key)
        is_valid = found and found[0] == revision and time.monotonic() - found[1] < _LASTS_S
        return found if is_valid else None


class Queue:
    """The queue of a running server."""

    def __init__(self, instance: str, revision: Callable[[], int]) -> None:
        self._instance = instance
        self._kept = Kept(revision)

    def revision(self) -> Revision:
        """Return what the queue's state is called now."""
        return Revision(self._instance, self._kept.revision())

    def view(self, ctx: ServerContext, request: QueueRequest) -> QueueView:
        """Return what a page shows.

        Raises:
            InvalidSearchError: the search cannot be read.
        """
        revision = self.revision()
        rows = self._of(ctx, "rows", request, lambda: _rows(ctx, request))
        counts = self._counted(ctx, request)
        # The open tab counts what its list shows: a case may have moved between the two queries.
        tabs = {name: count_of(name, counts) for name in TABS} | {request.tab: rows.total}
        words = self._of(ctx, "settling", QueueRequest(), lambda: settling_words(len(settling(ctx.reading))))
        return QueueView(revision, rows, tabs, words)

    def is_kept(self, ctx: ServerContext, request: QueueRequest) -> bool:
        """Return whether a view is made without asking the store."""
        parts = (("rows", request), ("counts", _of_all_tabs(request)), ("settling", QueueRequest()))
        return all(self._kept.holds((kind, *same(ctx, asked))) for kind, asked in parts)

    def has_open(self, ctx: ServerContext) -> bool:
        """Return whether anything is open that nobody has."""
        return count_of(OPEN, self._counted(ctx, QueueRequest())) > 0

    def facets(self, ctx: ServerContext, request: QueueRequest) -> Facets:
        """Return how many cases of the tab have each value that they can be filtered by.

        Raises:
            InvalidSearchError: the search cannot be read.
        """
        asked = replace(request, order=None, page=1)
        return self._of(ctx, "facets", asked, lambda: queries.facets(ctx.reading, _listed(ctx, request)))

    def version(self, ctx: ServerContext, case_id: str) -> int | None:
        """Return the version of a case; None where there is none within the scope."""
        found = self._of(ctx, "version", case_id, lambda: _by_id(ctx, case_id))
        return found[0].version if found else None

    def _counted(self, ctx: ServerContext, request: QueueRequest) -> dict[str, int]:
        found = self._of(ctx, "counts", _of_all_tabs(request), lambda: _counts(ctx, request))
        return queries.counted(found, CaseFilter(), ctx.actor.name)

    def _of(self, ctx: ServerContext, kind: str, asked: QueueRequest | str, ask: Callable[[], T]) -> T:
        return self._kept.of((kind, *same(ctx, asked)), ask)


def same(ctx: ServerContext, asked: QueueRequest | str) -> tuple[Hashable, ...]:
    """Return what is equal for all who get the same answer: by their scope, and by whom they mean by "me"."""
    is_own = isinstance(asked, QueueRequest) and bool(asked.tab == MINE or asked.q)
    return ctx.reading.scope, asked, ctx.actor.name if is_own else None


def reader(actor: Actor) -> str:
    """Return what separates the readers of one browser: another session is another reader."""
    named = f"{actor.name}\x1f{actor.credential or ''}"
    return hashlib.blake2b(named.encode(), digest_size=8).hexdigest()


def _of_all_tabs(request: QueueRequest) -> QueueRequest:
    return replace(request, tab=OPEN, order=None, page=1)


def _listed(ctx: ServerContext, request: QueueRequest) -> CaseFilter:
    return within_tab(request.chosen(Asker(ctx.actor.name, ctx.now())), request.tab, ctx.actor.name)


def _rows(ctx: ServerContext, request: QueueRequest) -> QueueRows:
    found = queries.listed(ctx.reading, _listed(ctx, request), PER_PAGE, request.first, request.order)
    rows = [shown(case) for case in found.items]
    return QueueRows(found.total, rows, orjson.dumps(rows))


def _counts(ctx: ServerContext, request: QueueRequest) -> list[StateCount]:
    return queries.state_counts(ctx.reading, request.chosen(Asker(ctx.actor.name, ctx.now())))


def _by_id(ctx: ServerContext, case_id: str) -> list[Case]:
    return queries.listed(ctx.reading, CaseFilter(ids=[case_id]), 1).items


def shown(case: Case) -> dict[str, Any]:
    """Return a case as a row of the table, equal for all readers: texts as they are shown, times in ms."""
    where = " ▸ ".join(part for part in (case.flow, case.step) if part)
    live_state = case.state in FOR_PEOPLE
    return {
        "id": case.id,
        "version": case.version,
        "state": case.state,
        "due": _ms(case.next_due_at) if live_state and not case.is_snoozed else None,
        "warns": _ms(case.next_warns_at),
        "dueFor": _due_for(case),
        "wakes": _ms(case.snoozed_until),
        "assignee": case.assignee or case.owner_team,
        "team": case.assignee_kind == TEAM or not case.assignee,
        "ended": _ended(case),
        "first": _ms(case.opened_at),
        "severity": case.severity,
        "class": case.error_class,
        "guess": is_guess(case),
        "title": case.title,
        "tenant": case.tenant,
        "where": f"{where} · {case.dependency}" if case.dependency else where,
        "unit": case.correlation_id,
        "value": formats.money(case.value.amount, case.value.currency) if case.value else formats.MISSING,
        "seen": case.occurrences,
        "last": _ms(case.last_seen),
        "attempts": case.attempts,
        "holder": case.holder,
        "lease": _ms(case.lease_until),
    }


def _due_for(case: Case) -> str:
    if case.approval_id is not None:
        return "the answer"
    return "triage" if case.waits_for_triage else "the end"


def _ended(case: Case) -> str | None:
    if case.state in PENDING:
        return None
    return "verified" if case.verified_at else "done"


def _ms(moment: datetime | None) -> float | None:
    return moment.timestamp() * 1000 if moment else None
