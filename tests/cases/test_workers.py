"""What workers announce decides which steps can be retried, and how long a retry waits."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from access.limits import Limits
from access.roles import Grant
from access.tokens import AddToken
from audit.actor import Actor, service
from cases import queries, workers
from cases.commands import RetryCase
from cases.errors import NoWorkerError
from cases.intake import intake
from cases.retries import Fail, Heartbeat, Lease, lease_next
from cases.sweep import sweep
from data.clock import stored, utc_now
from data.store import Store
from tests import shown
from tests.gates import local_context
from tests.server.team import OWN, team
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from access.context import RequestContext

ANN = Actor("ann")
FLOW, PAY, SHIP = "order-to-cash", ("order-to-cash", "pay"), ("order-to-cash", "ship")
LIMITS = Limits()


class Bench:
    """A case that waits at the step pay, and workers that come and go."""

    def __init__(self, store: Store) -> None:
        self.store = store
        if not shown.cases(store):
            store.append(batch(failure(0))).result()
        (case,) = shown.cases(store)
        self.id: str = case["id"]

    def context(self, actor: Actor) -> RequestContext:
        return local_context(self.store, actor, LIMITS)

    def case(self) -> dict[str, Any]:
        return shown.case(self.store, self.id)

    def ask(
        self, name: str = "w1", flows: list[str] | None = None, handlers: list[tuple[str, str]] | None = None
    ) -> Lease | None:
        return lease_next(self.context(service(name)), flows, handlers=handlers)

    def pass_time(self, **ago: float) -> None:
        """Let all workers be seen last so long ago, by a server that has run for longer."""
        then = stored(utc_now() - timedelta(**ago))
        sql = "update worker_step set announced_at = $then::timestamp"
        self.store.act(lambda tx: tx.execute(sql, {"then": then})).result()
        self.server_started(then - timedelta(days=1))

    def server_started(self, moment: datetime) -> None:
        """Let the server have begun to see workers at this moment, and nothing be noted since."""
        known = {workers.STARTED: moment, workers.NOTED: {}}
        self.store.act(lambda tx: tx.memo.update(known)).result()

    def state_after_retry(self, **ago: float) -> str:
        """Ask for a retry, let it wait so long, and return the case's state."""
        perform(RetryCase(self.id), self.context(ANN))
        return self.waited(**ago)

    def waited(self, **ago: float) -> str:
        then = stored(utc_now() - timedelta(**ago))
        sql = "update retry set requested_at = $then::timestamp where state = 'queued'"
        self.store.act(lambda tx: tx.execute(sql, {"then": then})).result()
        sweep(local_context(self.store, limits=LIMITS))
        return str(self.case()["state"])


@pytest.fixture
def bench(store: Store) -> Bench:
    return Bench(store)


def test_a_step_that_no_worker_announced_cannot_be_retried(bench: Bench) -> None:
    words = (
        "no worker has announced step pay of flow order-to-cash within 24 h. Start a worker with a handler"
    )
    with pytest.raises(NoWorkerError, match=words):
        perform(RetryCase(bench.id), bench.context(ANN))
    case = bench.case()
    assert (case["state"], case["workers"], case["retries"]) == ("open", [], [])
    assert case["retry_refusal"].startswith(words[:40])


@pytest.mark.parametrize(
    ("flows", "handlers", "counts"),
    [
        ([FLOW], [PAY], True),
        (None, [PAY], True),
        ([FLOW], [SHIP], False),
        (["returns"], [PAY], False),
        (None, None, True),
        ([FLOW], None, False),
        ([], None, False),
        (None, [("order-to-cash", "p" * 500)], False),
    ],
)
def test_what_counts_as_announced(
    bench: Bench, flows: list[str] | None, handlers: list[tuple[str, str]] | None, *, counts: bool
) -> None:
    bench.ask(flows=flows, handlers=handlers)
    assert (bench.case()["retry_refusal"] is None) == counts
    assert [worker["name"] for worker in bench.case()["workers"]] == ["service/w1"] * counts


def test_an_announcement_survives_a_restart(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    Bench(store).ask(handlers=[PAY])
    store.close()
    again = Store.open(tmp_path, intake)
    try:
        bench = Bench(again)
        assert perform(RetryCase(bench.id), bench.context(ANN)).state == "retrying"
    finally:
        again.close()


def test_an_announcement_counts_for_a_day(bench: Bench) -> None:
    bench.ask(handlers=[PAY])
    bench.pass_time(hours=23.9)
    assert bench.case()["retry_refusal"] is None
    bench.pass_time(hours=24.1)
    with pytest.raises(NoWorkerError, match="service/w1 was there last at"):
        perform(RetryCase(bench.id), bench.context(ANN))
    bench.ask(handlers=[PAY])
    perform(RetryCase(bench.id), bench.context(ANN))


def test_a_worker_that_announces_nothing_counts_for_the_steps_that_it_took(bench: Bench) -> None:
    """An older client names itself by host and process: after a restart it is still the same worker."""
    bench.ask(handlers=[PAY])
    perform(RetryCase(bench.id), bench.context(ANN))
    lease = bench.ask("shop-host-411", flows=[FLOW])
    assert lease is not None
    perform(Fail(lease.id), bench.context(service("shop-host-411")))
    bench.pass_time(days=2)
    assert bench.case()["retry_refusal"]
    bench.ask("shop-host-77", flows=[FLOW])
    case = bench.case()
    assert case["retry_refusal"] is None
    assert case["workers"][0]["name"] == "service/shop-host-77"


def test_a_worker_that_is_busy_is_seen_by_its_heartbeat(bench: Bench) -> None:
    bench.ask(handlers=[PAY])
    perform(RetryCase(bench.id), bench.context(ANN))
    lease = bench.ask(handlers=[PAY])
    assert lease is not None
    bench.pass_time(days=2)
    perform(Heartbeat(lease.id), bench.context(service("w1")))
    assert utc_now() - bench.case()["workers"][0]["last_seen"] < timedelta(minutes=1)


def test_the_same_announcement_is_written_once_a_minute(bench: Bench) -> None:
    bench.ask(handlers=[PAY])
    seen = bench.case()["workers"]
    bench.ask(handlers=[PAY])
    assert bench.case()["workers"] == seen
    bench.ask(handlers=[PAY, SHIP])
    assert bench.case()["workers"] != seen


def test_a_retry_of_a_worker_that_is_always_on_waits_15_minutes(bench: Bench) -> None:
    bench.ask(handlers=[PAY])
    bench.pass_time(minutes=14)
    bench.ask(handlers=[PAY])
    assert bench.state_after_retry(minutes=14) == "retrying"
    assert bench.waited(minutes=16) == "open"
    assert "no worker took the retry within 16 min" in bench.case()["acts"][-1]["reason"]


def test_a_retry_of_a_worker_that_pauses_waits_as_long_as_its_longest_pause(bench: Bench) -> None:
    for hours in (2, 1):
        bench.ask(handlers=[PAY])
        bench.pass_time(hours=hours)
    bench.ask(handlers=[PAY])
    assert bench.state_after_retry(minutes=119) == "retrying"
    assert bench.waited(minutes=121) == "open"


@pytest.mark.parametrize("other", [("w1", SHIP), ("w2", SHIP)])
def test_pauses_of_another_step_do_not_count(bench: Bench, other: tuple[str, tuple[str, str]]) -> None:
    bench.ask(other[0], handlers=[other[1]])
    bench.pass_time(hours=2)
    bench.ask(other[0], handlers=[other[1]])
    bench.ask(handlers=[PAY])
    assert bench.state_after_retry(minutes=16) == "open"


def test_pauses_count_for_a_week_and_not_while_the_server_was_away(bench: Bench) -> None:
    bench.ask(handlers=[PAY])
    bench.pass_time(hours=2)
    bench.server_started(stored(utc_now()))
    bench.ask(handlers=[PAY])
    assert bench.state_after_retry(minutes=16) == "open"
    bench.pass_time(hours=2)
    bench.ask(handlers=[PAY])
    old = {"then": stored(utc_now() - timedelta(days=8))}
    sql = "update worker_gap set ended_at = $then::timestamp, began_at = $then::timestamp - interval 2 hour"
    bench.store.act(lambda tx: tx.execute(sql, old)).result()
    assert bench.state_after_retry(minutes=16) == "open"


@pytest.mark.parametrize(
    ("grant", "handlers", "counts"),
    [
        (Grant("worker", "acme"), [PAY], True),
        (Grant("worker", "globex"), [PAY], False),
        (Grant("worker", None, FLOW), None, True),
        (Grant("worker", None, "returns"), None, False),
    ],
)
def test_a_worker_counts_only_within_its_scope(
    tmp_path: Path, grant: Grant, handlers: list[tuple[str, str]] | None, *, counts: bool
) -> None:
    with team(tmp_path) as crew:
        container = crew.container
        container.store.append(batch(failure(0, tenant="acme"))).result()
        (case,) = shown.cases(container.store)
        made = perform(AddToken("pay-1", grants=[grant], days=1), container.context(OWN))
        lease_next(container.context(service("pay-1", f"token:{made.id}")), None, handlers=handlers)
        found = queries.one(container.context(OWN).reading, case["id"])
        assert (found.retry_refusal is None) == counts
        assert [worker.name for worker in found.workers] == ["service/pay-1"] * counts
