"""The audit proves itself: what was altered, removed or added is found, and named."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from desk import audit, cases
from desk.acts import Actor, Acts
from desk.lifecycle import Limits
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from data.store import Store


@pytest.fixture
def written(store: Store) -> Store:
    """A store in which something happened."""
    store.append(
        batch(
            failure(1),
            failure(
                2,
                unit="SO-2",
                exception_message="ä \ud83d\ude00 'x'".encode("utf-16", "surrogatepass").decode("utf-16"),
            ),
        )
    ).result()
    acts = Acts(store, Limits())
    for case in cases.listed(store, cases.CaseFilter(), 10, 0).items:
        acts.claim(case["id"], actor=Actor("ann"))
        acts.resolve(case["id"], actor=Actor("ann"), code="duplicate", reason='It is "one" of two\n')
    return store


def rows(store: Store) -> list[dict[str, Any]]:
    return store.query("desk/audit_page", {"after": 0, "limit": 1000})


def test_an_untouched_chain_is_intact(written: Store) -> None:
    verdict = audit.verify(written)
    assert verdict.intact
    assert verdict.entries == 6
    assert verdict.head == rows(written)[-1]["hash"]


def test_an_auditor_can_check_it_with_nothing_but_json_and_sha256(written: Store) -> None:
    previous = "0" * 64
    for row in rows(written):
        told = {name: value for name, value in row.items() if name != "hash"}
        told["time"] = row["time"].isoformat(timespec="microseconds") + "Z"
        text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert told["prev_hash"] == previous
        previous = hashlib.sha256(text.encode()).hexdigest()
        assert previous == row["hash"]


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        ("update audit set actor = 'bob' where seq = 3", 3),
        ("update audit set reason = null where seq = 4", 4),
        ("update audit set time = time + interval 1 second where seq = 1", 1),
        ("delete from audit where seq = 2", 2),
        ("delete from audit where seq = 6", 6),
        ("insert into audit select * from audit where seq = 5", 6),
        ("update audit set hash = repeat('1', 64) where seq = 2", 2),
        ("update audit set prev_hash = repeat('1', 64) where seq = 5", 5),
        ("update audit_head set seq = 7", 7),
        ("update audit_head set hash = repeat('1', 64)", 6),
    ],
)
def test_tampering_is_found_and_named(written: Store, tampering: str, where: int) -> None:
    written.act(lambda tx: tx.execute(tampering)).result()
    verdict = audit.verify(written)
    assert not verdict.intact
    assert verdict.broken_at == where
    assert verdict.reason


def test_an_act_that_fails_leaves_no_gap(written: Store) -> None:
    def broken(tx: Any) -> None:
        (case,) = tx.run("desk/case_for_act", {"id": rows(written)[0]["case_id"]})
        audit.write(tx, [audit.Entry("claimed", Actor("ann"), case, None, None)], case["updated_at"])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        written.act(broken).result()
    assert audit.verify(written).intact
    assert len(rows(written)) == 6
