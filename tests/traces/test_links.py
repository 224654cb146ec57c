"""A span that links to another trace takes that trace's business ID, in any order of arrival."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from cases.intake import intake
from data.store import Store
from tests import shown
from tests.telemetry import batch, log, span
from traces import joining

if TYPE_CHECKING:
    from pathlib import Path

    from data.transaction import Tx

SENT, TAKEN = "a" * 32, "c" * 32


def taken(*links: str, seconds: float = 60) -> dict[str, Any]:
    """Return the failed span of a consumer that links to the traces of what it took."""
    reported = orjson.dumps([{"trace_id": trace, "span_id": "1" * 16} for trace in links or (SENT,)]).decode()
    own = {"kind": "consumer", "service": "ship", "status": "error", "error_type": "ValueError"}
    return span(seconds, seconds + 1, "take", trace_id=TAKEN, exception_message="boom", links=reported, **own)


def sent(seconds: float = 0, cid: str | None = "SO-1", trace: str = SENT) -> dict[str, Any]:
    return span(
        seconds, seconds + 1, "send", trace_id=trace, correlation_id=cid, service="shop", kind="producer"
    )


def named(seconds: float = 90) -> dict[str, Any]:
    """Return a late record of the linked trace that names its order."""
    return log(seconds, "sent", trace_id=SENT, correlation_id="SO-1", service="shop")


def stuck(store: Store) -> list[str]:
    return [case["correlation_id"] for case in shown.cases(store)]


@pytest.mark.parametrize(
    "parts",
    [
        ([sent()], [taken()]),
        ([taken()], [sent()]),
        ([taken(), sent()],),
        ([sent(cid=None)], [taken()], [named()]),
        ([taken()], [sent(cid=None)], [named()]),
    ],
)
def test_the_linked_trace_names_the_unit_in_any_order(
    store: Store, parts: tuple[list[dict[str, Any]], ...]
) -> None:
    for part in parts:
        store.append(batch(*part)).result()
    assert stuck(store) == ["SO-1"]


def test_a_second_id_in_the_linked_trace_takes_the_unit_back(store: Store) -> None:
    store.append(batch(sent(), taken())).result()
    store.append(batch(sent(5, "SO-2"))).result()
    assert stuck(store) == [TAKEN]


def forgetful(tx: Tx) -> None:
    joining.recent_traces(tx).most_rows = 1
    intake(tx)


def test_a_linked_trace_that_is_not_in_memory_is_read_from_the_store(tmp_path: Path) -> None:
    store = Store.open(tmp_path, forgetful)
    for row in (sent(), sent(1, "SO-9", "b" * 32), taken()):
        store.append(batch(row)).result()
    assert stuck(store) == ["SO-1"]
    store.close()


def test_after_a_restart_too(tmp_path: Path) -> None:
    store = Store.open(tmp_path, intake)
    store.append(batch(sent())).result()
    store.close()
    store = Store.open(tmp_path, intake)
    store.append(batch(taken())).result()
    assert stuck(store) == ["SO-1"]
    store.close()


@pytest.mark.parametrize("remember", [intake, forgetful])
def test_a_trace_of_more_than_a_day_before_is_not_looked_for(tmp_path: Path, remember: Any) -> None:
    store = Store.open(tmp_path, remember)
    for row in (sent(), sent(1, "SO-9", "b" * 32), taken(seconds=25 * 3600)):
        store.append(batch(row)).result()
    assert stuck(store) == [TAKEN]
    store.close()


def test_links_to_very_many_traces_are_not_followed(store: Store) -> None:
    store.append(batch(sent(), taken(SENT, *(f"{number:032x}" for number in range(1, 101))))).result()
    assert stuck(store) == [TAKEN]
