"""The audit proves itself: what was altered, removed or added is found, and named."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from access.commands import perform
from audit import chain, trail
from audit.actor import Actor
from audit.checkpoints import CheckpointError, Checkpoints
from cases.commands import Claim, Resolve
from data.clock import utc_now
from tests import shown
from tests.gates import local_context
from tests.telemetry import batch, failure

if TYPE_CHECKING:
    from pathlib import Path

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
    by = partial(local_context, store)
    for case in shown.cases(store):
        perform(Claim(case["id"]), by(Actor("ann")))
        perform(Resolve(case["id"], code="duplicate", reason='It is "one" of two\n'), by(Actor("ann")))
    return store


def rows(store: Store) -> list[dict[str, Any]]:
    return store.query("audit/page", {"after": 0, "limit": 1000})


def test_an_untouched_chain_is_intact(written: Store) -> None:
    verdict = trail.verify(written)
    assert verdict.intact
    assert verdict.entries == 14  # 2 opened; 2 claims and 2 resolves of an intent, a decision, an effect each
    assert verdict.head == rows(written)[-1]["hash"]


def test_an_act_leaves_an_intent_a_decision_and_an_effect_of_one_act(written: Store) -> None:
    reported = rows(written)[2:5]
    assert [row["kind"] for row in reported] == ["intent", "decision", "effect"]
    assert [row["verb"] for row in reported] == ["case.claim", "case.claim", "claimed"]
    assert len({row["act"] for row in reported}) == 1
    assert {row["case_id"] for row in reported} == {reported[0]["case_id"]}


def test_an_auditor_can_check_it_with_nothing_but_json_and_sha256(written: Store) -> None:
    def sha(reported: dict[str, Any]) -> str:
        text = json.dumps(reported, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()

    previous = "0" * 64
    for row in rows(written):
        content = {n: v for n, v in row.items() if v is not None and n not in ("prev_hash", "hash")}
        assert row["prev_hash"] == previous
        previous = sha({"content_hash": sha(content), "prev_hash": previous, "seq": row["seq"]})
        assert previous == row["hash"]


@pytest.mark.parametrize(
    ("tampering", "where"),
    [
        ("update audit set actor = 'bob' where seq = 3", 3),
        ("update audit set reason = null where seq = 8", 8),
        ("update audit set time = time + interval 1 second where seq = 1", 1),
        ("delete from audit where seq = 2", 2),
        ("delete from audit where seq = 14", 14),
        ("insert into audit select * from audit where seq = 5", 6),
        ("update audit set salt = null where seq = 6", 6),
        ("update audit set v = null where seq = 6", 6),
        ("update audit set seq = 15 - seq where seq in (7, 8)", 7),
        ("update audit set hash = repeat('1', 64) where seq = 2", 2),
        ("update audit set prev_hash = repeat('1', 64) where seq = 5", 5),
        ("update audit_head set seq = 15", 15),
        ("update audit_head set hash = repeat('1', 64)", 14),
    ],
)
def test_tampering_is_found_and_named(written: Store, tampering: str, where: int) -> None:
    written.act(lambda tx: tx.execute(tampering)).result()
    verdict = trail.verify(written)
    assert not verdict.intact
    assert verdict.broken_at == where
    assert verdict.reason


class Growing:
    """A store in which somebody acts each time that the chain's head was read."""

    def __init__(self, store: Store) -> None:
        self.store, self.filled = store, store.filled
        self._units = iter(range(100, 200))

    def query(self, name: str, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
        found = self.store.query(name, params)
        if name == "audit/head":
            self.store.append(batch(failure(next(self._units), f"SO-{next(self._units)}"))).result()
        return found


def test_a_chain_that_grows_while_it_is_checked_is_intact(written: Store) -> None:
    growing = Growing(written)
    verdict = trail.verify(growing)
    assert (verdict.intact, verdict.entries) == (True, 14), verdict.reason
    further = trail.verify_on(growing, verdict)
    assert further.intact
    assert further.entries > 14
    assert trail.verify(written).entries == len(rows(written))


def test_an_entry_behind_the_head_is_found(written: Store) -> None:
    copied = "insert into audit select * replace (15 as seq) from audit where seq = 14"
    written.act(lambda tx: tx.execute(copied)).result()
    assert trail.verify(written).reason == "the end of the chain was altered"


def test_an_act_that_fails_leaves_no_gap(written: Store) -> None:
    def broken(tx: Any) -> None:
        (case,) = tx.run("cases/case_for_act", {"id": rows(written)[0]["case_id"]})
        trail.write(tx, [trail.Entry("claimed", Actor("ann"), case, None, None)], case["updated_at"])
        raise RuntimeError

    with pytest.raises(RuntimeError):
        written.act(broken).result()
    assert trail.verify(written).intact
    assert len(rows(written)) == 14


# --- checkpoints: what the chain alone cannot show ----------------------------------------------


def marked(store: Store, folder: Path) -> Checkpoints:
    """Return checkpoints that saw the chain as it is."""
    checkpoints = Checkpoints(folder / "elsewhere" / "checkpoints.jsonl")
    verdict = trail.verify(store)
    checkpoints.write(verdict.entries, verdict.head, utc_now())
    return checkpoints


def test_a_tail_that_was_cut_is_found_by_the_checkpoint(written: Store, tmp_path: Path) -> None:
    checkpoints = marked(written, tmp_path)
    head = rows(written)[9]["hash"]
    written.act(lambda tx: tx.execute("delete from audit where seq > 10")).result()
    written.act(lambda tx: tx.run("audit/move_head", {"seq": 10, "hash": head})).result()
    assert trail.verify(written).intact  # the chain alone cannot know
    verdict = trail.verify(written, checkpoints)
    assert verdict.broken_at == 11
    assert "older database was restored" in str(verdict.reason)


def test_a_chain_that_was_rewritten_is_found_by_the_checkpoint(written: Store, tmp_path: Path) -> None:
    checkpoints = marked(written, tmp_path)
    reseal(written, "update audit set actor = 'bob' where seq = 3")
    assert trail.verify(written).intact
    verdict = trail.verify(written, checkpoints)
    assert verdict.broken_at == 14
    assert "checkpoint" in str(verdict.reason)


def test_the_check_goes_on_where_it_stopped(written: Store, tmp_path: Path) -> None:
    checkpoints = marked(written, tmp_path)
    before = trail.verify(written, checkpoints)
    written.append(batch(failure(3, unit="SO-3"))).result()
    after = trail.verify_on(written, before, checkpoints)
    assert after.intact
    assert after.entries == before.entries + 1


def test_a_checkpoint_that_a_power_cut_left_half_written_is_no_trouble(
    written: Store, tmp_path: Path
) -> None:
    checkpoints = marked(written, tmp_path)
    with checkpoints.path.open("ab") as file:
        file.write(b'{"seq": 99, "ha')
    assert trail.verify(written, checkpoints).intact
    assert checkpoints.last() is not None
    checkpoints.write(14, rows(written)[-1]["hash"], utc_now())
    assert [mark.seq for mark in checkpoints.read()] == [14, 14]


def test_a_checkpoint_that_is_none_is_named(written: Store, tmp_path: Path) -> None:
    checkpoints = marked(written, tmp_path)
    with checkpoints.path.open("ab") as file:
        file.write(b"no checkpoint\n")
    with pytest.raises(CheckpointError, match="Line 2"):
        list(checkpoints.read())


def reseal(store: Store, tampering: str) -> None:
    """Alter the audit, and rebuild the chain so that it is intact."""
    store.act(lambda tx: tx.execute(tampering)).result()
    previous = chain.START
    for row in rows(store):
        reported = {name: value for name, value in row.items() if value is not None}
        rebuilt = chain.digest({**reported, "prev_hash": previous})
        fields = {"prev": previous, "hash": rebuilt, "seq": row["seq"]}
        sql = "update audit set prev_hash = $prev, hash = $hash where seq = $seq"
        store.act(lambda tx, sql=sql, fields=fields: tx.execute(sql, fields)).result()
        previous = rebuilt
    store.act(lambda tx: tx.run("audit/move_head", {"seq": len(rows(store)), "hash": previous})).result()


def test_entries_of_the_first_form_are_still_checked(store: Store) -> None:
    """A store of before: its entries were sealed otherwise, and the chain goes on after them."""
    old = {
        "seq": 1, "time": "2026-11-20T10:00:00.000000Z", "actor": "ann", "actor_type": "human",
        "kind": "effect", "verb": "claimed", "case_id": "c1", "correlation_id": "SO-1", "flow": "f",
        "step": "s", "tenant": None,
        "from_state": "open", "to_state": "claimed", "reason": "ä \u2028", "details": None,
        "prev_hash": chain.START,
    }  # fmt: skip
    text = json.dumps(old, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    sealed = {**old, "hash": hashlib.sha256(text.encode()).hexdigest()}
    columns, values = ", ".join(sealed), ", ".join(f"${name}" for name in sealed)
    sql = f"insert into audit ({columns}) values ({values})"  # noqa: S608 - names of ours
    store.act(lambda tx: tx.execute(sql, sealed)).result()
    store.act(lambda tx: tx.run("audit/move_head", {"seq": 1, "hash": sealed["hash"]})).result()
    store.append(batch(failure(1))).result()
    assert trail.verify(store).intact
    assert trail.verify(store).entries == 2
    store.act(lambda tx: tx.execute("update audit set reason = 'x' where seq = 1")).result()
    assert trail.verify(store).broken_at == 1
