"""Removing the details of ended cases: what figures and lists need of a case stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from cases.lifecycle import ENDED
from data.removed import Holds

if TYPE_CHECKING:
    from datetime import datetime

    from data.transaction import Tx

REMOVED: Final = "[removed: cases]"
"""What stands where a message was, as `[masked: rule]` does: the class of data whose policy removed it."""
CASES: Final = 500
"""Cases of one transaction."""
_ALL: Final = 2**62


def take(tx: Tx, before: datetime) -> int:
    """Remove the details of some cases that ended before a moment; return of how many."""
    params = _params(tx, before, CASES)
    doomed = tx.arrow("retention/doomed_cases", params)
    if doomed.num_rows:
        tx.view("doomed", doomed)
        mark = {"mark": REMOVED}
        tx.run("retention/strip_failures", mark)
        tx.run("retention/strip_retries")
        tx.run("retention/strip_occurrences", mark)
        tx.run("retention/strip_cases", mark)
        tx.topics.add("case")
    return int(doomed.num_rows)


def count(tx: Tx, before: datetime) -> int:
    """Return how many cases would lose their details."""
    return int(tx.arrow("retention/doomed_cases", _params(tx, before, _ALL)).num_rows)


def _params(tx: Tx, before: datetime, limit: int) -> dict[str, Any]:
    held = Holds.of(tx).params()
    return {"before": before, "limit": limit, "mark": REMOVED, "ended": sorted(ENDED), **held}
