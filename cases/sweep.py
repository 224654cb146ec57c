"""What time alone does: claims and snoozes end, workers are given up, proofs fail to come, cases expire."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from access.commands import SystemCommand, perform
from audit.actor import SYSTEM
from cases import lifecycle, snoozing
from cases.case import Case, Retry, RetryState
from cases.change import Change, make
from cases.escalating import escalate_overdue
from cases.group_claims import end_overdue
from cases.intake import settle
from cases.retries import give_back, give_up
from cases.workers import KNOWN, PAUSES
from data.clock import stored, utc_now
from traces.joining import RECENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from access.context import RequestContext
    from access.limits import Limits
    from data.store import Store
    from data.transaction import Tx


_RETRIES: Final = 100
_CHANGES: Final = 500
"""What one sweep ends at most: claims and retries of a batch run out by the thousand at the same moment, and
others wait while their transaction lasts. Each retry takes statements of its own."""


def settle_due(store: Store) -> bool:
    """Look again at the traces that waited long enough, and say whether any did. Cheap when none did."""
    recent = store.remembered(RECENT)
    if recent is None or not recent.due(stored(utc_now())):
        return False
    store.act(settle).result()
    return True


def sweep(ctx: RequestContext) -> int:
    """Apply what is overdue and return how many cases it touched. Cheap when nothing is."""
    now = stored(utc_now())
    times, touched = _times(now, ctx.limits), escalate_overdue(ctx, now)
    if not ctx.store.query("cases/overdue", times) and not _overdue_groups(ctx.store.query, times):
        return touched
    return touched + perform(EndOverdue(), ctx.as_system())


@dataclass(frozen=True, slots=True)
class EndOverdue(SystemCommand[int]):
    """End what time ends: claims, workers' leases, proofs that did not come, cases that nothing can prove."""

    def apply(self, tx: Tx, _decided: None, ctx: RequestContext, now: datetime) -> int:
        """Apply it and return how many cases it touched."""
        times = _times(now, ctx.limits)
        overdue = tx.run("cases/overdue", times, into=Case.of)
        retrying = [case for case in overdue if case.state == lifecycle.RETRYING][:_RETRIES]
        rest = [case for case in overdue if case.state != lifecycle.RETRYING][:_CHANGES]
        for case in retrying:
            _end_retry(tx, case, ctx.limits, now)
        make(tx, [_returned(case, ctx.limits, now) for case in rest], now)
        return len(retrying) + len(rest) + end_overdue(tx, _overdue_groups(tx.run, times), now)


def _overdue_groups(
    run: Callable[[str, dict[str, Any]], list[dict[str, Any]]], times: dict[str, Any]
) -> list[str]:
    """Return the ids of the claims of groups whose time is up."""
    asked = {name: times[name] for name in ("now", "latest_lease")}
    return [str(claim_id) for row in run("cases/overdue_group_claims", asked) for claim_id in row.values()]


def _times(now: datetime, limits: Limits) -> dict[str, Any]:
    known = {"announced": now - KNOWN, "gaps_since": now - PAUSES}
    unseen = now - timedelta(seconds=limits.expire_s)
    future = {
        "latest_claim": now + lifecycle.CLOCK_SLACK,
        "latest_lease": now + timedelta(seconds=limits.claim_s) + lifecycle.CLOCK_SLACK,
    }
    return {**future, "now": now, "untaken": limits.untaken_s, "unseen": unseen, **known}


def _end_retry(tx: Tx, case: Case, limits: Limits, now: datetime) -> None:
    (retry,) = tx.run("cases/retry_by_id", {"id": case.retry_id}, into=Retry.of)
    if retry.state == RetryState.QUEUED:
        give_up(tx, retry, SYSTEM, now)
    else:
        give_back(tx, retry, limits, SYSTEM, now)


def _returned(case: Case, limits: Limits, now: datetime) -> Change:
    if snoozing.is_over(case, now):
        return snoozing.woken_by_time(case)
    if case.state == lifecycle.OPEN:
        why = f"nothing new for {limits.expire_s // 86_400} days, and nothing could prove it"
        return Change(case, lifecycle.expired(case, now), "closed", SYSTEM, why)
    of_holder = {"claim_of": case.holder}
    if case.holder and lifecycle.is_from_the_future(case, limits, now):
        why = f"returned: the clock was wrong when {case.holder} claimed it, so its lease would not end"
        return Change(case, lifecycle.release(case, case.holder), "expired", SYSTEM, why, of_holder)
    if case.holder and lifecycle.claim_expired(case, now):
        why = f"returned: no activity by {case.holder}"
        return Change(case, lifecycle.release(case, case.holder), "expired", SYSTEM, why, of_holder)
    why = "the unit's own success signal did not arrive in time"
    if lifecycle.is_fixed_outside(case):
        days = limits.fixed_outside_s / 86_400
        why = f"it was marked as fixed outside, but no success arrived within {days:g} days"
    return Change(case, lifecycle.retry_failed(case), "unproven", SYSTEM, why)
