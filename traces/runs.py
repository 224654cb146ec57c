"""Which error lines of a run only repeat a failure in one of its traces (semantics 2).

An orchestrator that states at the end how a run went writes that line outside of the run's trace: with the
run's ID and nothing else that joins it. It is no second failure where its text states the type and the whole
message of an exception of the same run, soon after that happened.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from traces.grouping import exception

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from traces.record import Record

    Place = tuple[str, int]

REPEATED_WITHIN_US: Final = 60_000_000
"""An orchestrator states a failure once it has reported the run's state: up to this long after it."""


class Account(NamedTuple):
    """What the records of a run's failure state; times are microseconds since the epoch.

    A failure in a trace has `exceptions` (type and message of each), one of lines without a trace `texts`.
    """

    since: int
    until: int
    exceptions: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]


class RunFailure(NamedTuple):
    """A failure of a run: its trace and record, its tenant, ID and flow, and when it happened.

    `stands` is False where its own script closed it.
    """

    place: Place
    unit: tuple[str | None, str, str]
    time: int
    account: Account
    stands: bool


def account(anchor: Record, evidence: Sequence[Record]) -> Account:
    """Return the description of a failure of a run."""
    since, until = min(r.start for r in evidence), max(r.end for r in evidence)
    if anchor.trace is None:
        matches = exception(anchor)
        texts = (matches and f"{matches[0]}: {matches[1]}", anchor.name, anchor.stack)
        return Account(since, until, (), tuple(text for text in texts if text))
    raised = {raised_one for record in evidence if (raised_one := exception(record)) and raised_one[1]}
    return Account(since, until, tuple(sorted(raised)), ())


_END: Final = re.compile(r"['\")\]]{0,20}[ \t\r]{0,20}(?:\n[ \t\r]{0,200}\n|\Z)")
"""Where a message is over: at the end of the text, or before the empty line of a chained traceback."""
_NEXT: Final = re.compile(r"[,)]")


def described(failures: Iterable[RunFailure]) -> dict[Place, Place]:
    """Return for each failure that only repeats another one, which one.

    It depends on the set of failures alone, and only failures of one run, flow and tenant are compared.
    """
    of_units: dict[tuple[str | None, str, str], list[RunFailure]] = defaultdict(list)
    for failure in failures:
        of_units[failure.unit].append(failure)
    found: dict[Place, Place] = {}
    for same in of_units.values():
        raised = [f for f in same if f.stands and f.account.exceptions]
        for line in same:
            matches = [f for f in raised if _tells_of(line, f)]
            if matches:
                found[line.place] = max(matches, key=lambda f: (f.account.since, f.place)).place
    return found


def _tells_of(line: RunFailure, failure: RunFailure) -> bool:
    soon = failure.account.since <= line.time <= failure.account.until + REPEATED_WITHIN_US
    return soon and any(
        _states(text, *raised) for raised in failure.account.exceptions for text in line.account.texts
    )


def _states(text: str, kind: str, message: str) -> bool:
    """Return whether a text states an exception: ``Type: message`` up to its end, or ``Type('message')``.

    The end counts: a message that goes on is another one. In a traceback an empty line ends it as well.
    """
    name = kind.rpartition(".")[2]
    return _follows(text, f"{name}: {message}", _END) or _follows(text, f"{name}({message!r}", _NEXT)


def _follows(text: str, stated: str, end: re.Pattern[str]) -> bool:
    """Return whether a text holds what is stated as whole words, with `end` after it."""
    at = text.find(stated)
    while at >= 0:
        is_begun = at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_")
        if not is_begun and end.match(text, at + len(stated)):
            return True
        at = text.find(stated, at + 1)
    return False
