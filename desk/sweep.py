"""What time alone does: claims run out, workers are given up, proofs fail to come, cases expire."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from audit.actor import SYSTEM
from data.clock import stored, utc_now
from desk import lifecycle
from desk.change import Change, make
from desk.intake import settle
from desk.retries import give_back, give_up
from desk.workers import KNOWN, PAUSES
from traces.joining import RECENT

if TYPE_CHECKING:
    from datetime import datetime

    from access.gate import Gate
    from data.store import Tx

    Case = dict[str, Any]


def settle_due(gate: Gate) -> None:
    """Look again at the traces that waited long enough. Cheap when there are none."""
    recent = gate.store.remembered(RECENT)
    if recent is not None and recent.due(stored(utc_now())):
        gate.store.act(settle).result()


def sweep(gate: Gate, limits: lifecycle.Limits) -> int:
    """Apply what is overdue and return how many cases it touched. Cheap when nothing is."""
    if not gate.store.query("desk/overdue", _times(stored(utc_now()), limits)):
        return 0
    return gate.tick(lambda tx, now: _apply(tx, limits, now))


def _times(now: datetime, limits: lifecycle.Limits) -> dict[str, Any]:
    known = {"announced": now - KNOWN, "gaps_since": now - PAUSES}
    unseen = now - timedelta(seconds=limits.expire_s)
    return {"now": now, "untaken": limits.untaken_s, "unseen": unseen, **known}


def _apply(tx: Tx, limits: lifecycle.Limits, now: datetime) -> int:
    overdue = tx.run("desk/overdue", _times(now, limits))
    for case in overdue:
        case.pop("retry_lease_until")
        if case["state"] == lifecycle.RETRYING:
            (retry,) = tx.run("desk/retry_by_id", {"id": case["retry_id"]})
            if retry["state"] == "queued":
                give_up(tx, retry, SYSTEM, now)
            else:
                give_back(tx, retry, limits, SYSTEM, now)
        else:
            make(tx, [_returned(case, limits, now)], now)
    return len(overdue)


def _returned(case: Case, limits: lifecycle.Limits, now: datetime) -> Change:
    if case["state"] == lifecycle.OPEN:
        words = f"nothing new for {limits.expire_s // 86_400} days, and nothing could prove it"
        return Change(case, lifecycle.expired(now), "closed", SYSTEM, words)
    if lifecycle.claim_expired(case, now):
        words = f"returned: no activity by {case['holder']}"
        return Change(case, lifecycle.release(case, case["holder"]), "expired", SYSTEM, words)
    words = "the unit's own success signal did not arrive in time"
    if lifecycle.is_fixed_outside(case):
        days = limits.fixed_outside_s / 86_400
        words = f"{case['holder']} marked it as fixed outside, but no success arrived within {days:g} days"
    return Change(case, lifecycle.retry_failed(case), "unproven", SYSTEM, words)
