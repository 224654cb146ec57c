"""A first mapping made of a source's lines, and which lines these are."""

from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import orjson
import pytest

from collectors import latest, mapping_text
from collectors.proposal import propose
from collectors.trial import trial
from data.store import Store
from tests.patterns import hostile
from tests.telemetry import batch, log

if TYPE_CHECKING:
    from pathlib import Path


def lines(text: str, **more: object) -> list[bytes]:
    return [orjson.dumps({"msg": text % n, **{k: v % n if "%" in str(v) else v for k, v in more.items()}})
            for n in range(4_700, 4_720)]  # type: ignore[operator]  # fmt: skip


@pytest.mark.parametrize(
    ("sample", "rule", "example"),
    [
        (lines("printed SO-%d"), r"""{ from = "message", pattern = '\bSO-\d+' }""", "SO-4700"),
        (lines("late, order=%d"), r"""{ from = "message", pattern = '\border="?([\w-]+)' }""", "4700"),
        (lines("order %d is late"), r"""{ from = "message", pattern = '\border (\d+)' }""", "4700"),
        (lines("x %d", order_no="A%d", tray="1"), '"order_no"', "A4700"),
        (lines("x %d", order_no="A%d", customer="C-%d"), '"order_no"', "A4700"),
        (lines("hello %d", ctx={"invoice.id": "R-1"}) and [
            orjson.dumps({"msg": "x", "ctx": {"invoice": f"R-{n}"}}) for n in range(9)
        ], '"ctx.invoice"', "R-0"),
    ],
)  # fmt: skip
def test_what_looks_like_an_id_is_proposed_first_and_works(
    sample: list[bytes], rule: str, example: str
) -> None:
    found = propose("press", sample)
    assert found.candidates[0].rule == rule
    assert found.candidates[0].example == example
    records = trial(sample, mapping_text.read(found.text)).records
    assert len({record.fields["correlation_id"] for record in records}) == len(sample)
    assert {record.fields["flow"] for record in records} == {"press"}


def test_other_columns_and_levels_are_proposed_as_well() -> None:
    sample = lines("SO-%d", level="E", action="print", customer="C-%d", total="12.50", currency="EUR")
    (record, *_) = trial(sample, mapping_text.read(propose("press", sample).text)).records
    named = {
        name: str(record.fields[name]) for name in ("step", "customer", "value_amount", "value_currency")
    }
    assert named == {
        "step": "print", "customer": "C-4700", "value_amount": "12.5000", "value_currency": "EUR",
    }  # fmt: skip
    assert record.severity == "error"
    seen = {one.name: (one.lines, one.values) for one in propose("press", sample).seen}
    assert seen["customer"] == (20, 20)
    assert seen["currency"] == (20, 1)


def test_lines_that_name_their_id_or_nothing_at_all_get_a_proposal_that_can_be_read() -> None:
    named = propose("own", [b'{"event":"a","correlation_id":"SO-1"}'] * 3)
    assert "themselves" in named.text
    assert mapping_text.read(named.text).attributes("correlation_id") == ()
    assert mapping_text.read(propose("it's", [b"nothing", b""]).text).attributes("flow") == ()
    assert propose("none", []).candidates == []


@pytest.mark.parametrize(
    "text", hostile.TEXTS if hasattr(hostile, "TEXTS") else ["a=" * 5_000, "SO-1 " * 9_999]
)
def test_hostile_lines_are_proposed_for(text: str) -> None:
    found = propose("press", [text.encode("utf-8", "replace")] * 3)
    mapping_text.read(found.text)


# --- which lines --------------------------------------------------------------------------------------


def test_the_last_lines_are_those_of_the_newest_file(tmp_path: Path) -> None:
    old, new, empty, packed = (tmp_path / name for name in ("old.log", "new.log", "empty.log", "a.log.gz"))
    old.write_text("old\n")
    new.write_text("".join(f"line {n}\n" for n in range(50_000)))
    empty.touch()
    packed.write_bytes(gzip.compress(b"packed\n"))
    os.utime(old, (1, 1))
    paths = [str(path) for path in (old, new, empty, packed, tmp_path / "gone.log")]
    found = latest.of_files(paths)
    assert found is not None
    assert found.path == str(new)
    assert found.lines == [b"line %d" % n for n in range(49_900, 50_000)]
    assert latest.of_files([str(empty)]) is None


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_lines_of_any_encoding_are_text(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.log"
    path.write_bytes("Größe überschritten für SO-1\nnächste Zeile für SO-2\n".encode(encoding))
    found = latest.of_files([str(path)])
    assert found is not None
    assert [line.decode() for line in found.lines] == [
        "Größe überschritten für SO-1", "nächste Zeile für SO-2",
    ]  # fmt: skip


def test_without_a_file_the_newest_records_are_the_lines(tmp_path: Path) -> None:
    store = Store.open(tmp_path)
    try:
        store.append(
            batch(log(1, message="first", attributes='{"nr":"R-1"}'), log(2, message="second"))
        ).result()
        source = store.query("server/sources")[0]["name"]
        records = trial(latest.of_store(store, source).lines).records
    finally:
        store.close()
    assert {record.message for record in records} == {"first", "second"}
    assert records[0].attributes | records[1].attributes == {"nr": "R-1"}
