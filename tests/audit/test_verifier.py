"""An honest evidence pack passes; whatever is done to it, by whom it may be, is found."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit import verifier
from audit.verifier import Result, Unreadable
from tests.audit import packs
from tests.audit.packs import Pack

if TYPE_CHECKING:
    from collections.abc import Callable

    Row = dict[str, Any]

pytestmark = [pytest.mark.slow]

FILE = Path(verifier.__file__)
KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
FOREIGN = Ed25519PrivateKey.from_private_bytes(b"\x02" * 32)
ANOTHER_HASH = "5" * 64

quick = settings(max_examples=50, deadline=None)
texts = st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ["\x00\x1f\x7f", "\u2028\u2029", "😀", '"\\/', "\b\f\n\r\t", "\ufeff", "\ue000\U00010000"]
)
numbers = st.integers(-(2**63), 2**63)
FIELDS_1 = sorted(verifier.FORM_1 - {"hash"})


@st.composite
def entries(
    draw: st.DrawFn, *, least: int = 0, most: int = 8, old: bool = True, hide: bool = True
) -> list[Row]:
    """Draw an honest chain: a prefix of format 1, then format 2, some of it withheld."""
    count = draw(st.integers(least, most))
    prefix = draw(st.integers(0, count)) if old else 0
    rows = [
        packs.content(seq, old=seq <= prefix, **draw(words(old=seq <= prefix))) for seq in range(1, count + 1)
    ]
    hidden = draw(st.sets(st.integers(prefix + 1, count))) if hide and count > prefix else set()
    return [packs.withheld(row) if row["seq"] in hidden else row for row in packs.chained(rows)]


def words(*, old: bool) -> st.SearchStrategy[Row]:
    """Draw what an entry says beside its number."""
    reported = {"actor": texts, "details": texts, "case_id": numbers}
    return st.fixed_dictionaries(
        {"details": texts | st.none()} if old else {},
        optional={"actor": texts, "case_id": numbers}
        if old
        else {**reported, "subject": texts, "ok": st.booleans()},
    )


def check(files: dict[str, bytes], outside: list[Row] | None = None, key: str | None = None) -> Result:
    """Verify files as a folder; what cannot be read has the problem "unreadable: …"."""
    with tempfile.TemporaryDirectory() as folder:
        path, elsewhere = packs.as_folder(files, Path(folder) / "pack"), None
        if outside is not None:
            elsewhere = Path(folder) / "elsewhere"
            elsewhere.write_bytes(packs.lines(outside))
        try:
            return verifier.verify(path, elsewhere, key)
        except Unreadable as error:
            return Result(0, 0, 0, 0, "", f"unreadable: {error}")


def found(files: dict[str, bytes], outside: list[Row] | None = None, key: str | None = None) -> str:
    """Return the problem of a pack that must have one."""
    problem = check(files, outside, key).problem
    assert problem, "tampering passed as intact"
    return problem


def of(rows: list[Row], **more: Any) -> dict[str, bytes]:
    """Return the files of a pack whose manifest was made for these very rows."""
    return Pack(rows, **more).files()


# --- Honest packs pass ---


@quick
@given(entries(), st.data())
def test_an_honest_pack_is_intact_and_counted(rows: list[Row], data: st.DataObject) -> None:
    seqs = data.draw(st.lists(st.sampled_from([row["seq"] for row in rows]))) if rows else []
    marks = packs.checkpoints(rows, sorted(seqs), data.draw(st.sampled_from([None, KEY])))
    result = check(of(rows, marks=marks), marks or None)
    assert result.problem is None
    hidden = sum("content_hash" in row for row in rows)
    assert (result.entries, result.withheld) == (len(rows) - hidden, hidden)
    assert (result.first_seq, result.last_seq) == (1, len(rows))
    assert result.head == (rows[-1]["hash"] if rows else packs.START)


@quick
@given(entries(least=2), st.data())
def test_a_part_of_a_chain_is_intact_and_its_checkpoints_are_compared(
    rows: list[Row], data: st.DataObject
) -> None:
    first = data.draw(st.integers(0, len(rows) - 1))
    last = data.draw(st.integers(first + 1, len(rows)))
    head = {"seq": rows[-1]["seq"], "hash": rows[-1]["hash"]}
    marks = packs.checkpoints(rows, range(1, len(rows) + 1))
    files = of(rows[first:last], head=head, marks=marks)
    assert check(files, marks).problem is None
    seen = data.draw(st.sampled_from([*range(max(first, 1), last + 1), len(rows)]))
    marks[seen - 1]["hash"] = ANOTHER_HASH
    assert found(files, marks).startswith(f"entry {seen}:")


def test_an_empty_pack_in_the_middle_of_a_chain_is_intact() -> None:
    rows = packs.chained(packs.content(seq) for seq in range(1, 4))
    files = of([], start=(3, rows[1]["hash"]), head={"seq": 3, "hash": rows[2]["hash"]})
    assert check(files, packs.checkpoints(rows, (1, 2, 3))).problem is None


def test_a_key_that_signed_every_checkpoint_proves_the_pack() -> None:
    rows = packs.chained(packs.content(seq) for seq in range(1, 6))
    marks = packs.checkpoints(rows, (2, 4), KEY)
    result = check(of(rows, marks=marks), marks, packs.public(KEY))
    assert result.problem is None
    assert "Signatures checked: 2, by the key expected." in " ".join(result.findings)
    assert "that shows only that they fit" in " ".join(check(of(rows, marks=marks)).findings)


def test_checkpoints_younger_than_the_pack_say_nothing_about_it() -> None:
    rows = packs.chained(packs.content(seq) for seq in range(1, 5))
    marks = packs.checkpoints(rows, (2, 4))
    result = check(of(rows[:2], made_at=packs.at(4)), marks)
    assert result.problem is None
    assert "Younger than the pack: 1." in " ".join(result.findings)
    assert found(of(rows[:2], made_at=packs.at(5)), marks).startswith("entry 3: the audit ends before it")


# --- Entries that were changed, with a manifest made to fit ---


@quick
@given(entries(least=1), st.data())
def test_an_edited_field_is_found_at_its_entry(rows: list[Row], data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows))
    name = data.draw(st.sampled_from(sorted(row)))
    row[name] = data.draw(_other(name, row[name]))
    problem = found(of(rows))
    assert name in {"seq", "prev_hash", "v"} or problem.startswith(
        f"entry {rows.index(row) + 1}: it was altered"
    )


def _other(name: str, value: Any) -> st.SearchStrategy[Any]:
    if name in {"hash", "prev_hash", "content_hash"}:
        return st.sampled_from([ANOTHER_HASH, "0" * 64]).filter(lambda other: other != value)
    if name == "seq":
        return st.integers(0, 20).filter(lambda other: other != value)
    return (texts | numbers | st.booleans() | st.none()).filter(
        lambda other: (other, type(other)) != (value, type(value))
    )


@quick
@given(entries(least=1, hide=False), st.data())
def test_a_removed_and_an_added_field_are_found(rows: list[Row], data: st.DataObject) -> None:
    row = data.draw(st.sampled_from(rows))
    whole = dict(row)
    name = data.draw(st.sampled_from(sorted(set(row) - {"seq", "hash", "prev_hash"})))
    del row[name]  # also a null that format 1 keeps, and the v that makes it format 2
    assert found(of(rows)).startswith(f"entry {rows.index(row) + 1}: it was altered")
    row.update(whole)
    row[data.draw(st.sampled_from(["extra", "tenant_2", "salt2"]))] = data.draw(texts | st.none())
    assert found(of(rows)).startswith(f"entry {rows.index(row) + 1}: it was altered")


@quick
@given(entries(least=2), st.data())
def test_a_deleted_entry_is_found(rows: list[Row], data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(rows) - 2))
    del rows[gone]
    assume(gone > 0)  # without its head it is an honest part of a chain: see the cut head below
    assert found(of(rows)).startswith(f"entry {gone + 1}: it is missing")


@quick
@given(entries(least=2), st.data())
def test_an_inserted_entry_is_found_however_well_it_is_forged(rows: list[Row], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(rows) - 1))
    before = rows[place - 1]["hash"] if place else packs.START
    old = "v" not in rows[place]
    forged = packs.sealed(packs.content(place + 1, old=old, actor="mallory"), before)
    assert found(of([*rows[:place], forged, *rows[place:]])).startswith(f"entry {place + 2}: it is missing")
    shifted = [{**row, "seq": row["seq"] + 1} for row in rows[place:]]
    assert found(of([*rows[:place], forged, *shifted])).startswith(f"entry {place + 2}: it ")
    assert found(of([*rows[:place], *rows[place : place + 1], *rows[place:]])).startswith(
        f"entry {place + 2}:"
    )


@quick
@given(entries(least=2), st.data())
def test_entries_in_another_order_are_found(rows: list[Row], data: st.DataObject) -> None:
    order = data.draw(st.permutations(rows))
    assume(order != rows)
    found(of(list(order)))
    renumbered = [{**row, "seq": place} for place, row in enumerate(order, start=1)]
    found(of(renumbered))


@quick
@given(entries(least=3, old=False), entries(least=3, old=False), st.data())
def test_entries_and_tails_of_another_chain_are_found(
    one: list[Row], other: list[Row], data: st.DataObject
) -> None:
    other = packs.chained([{**row, "subject": "other"} for row in other if "content_hash" not in row] or one)
    at = data.draw(st.integers(0, min(len(one), len(other)) - 1))
    assume(one[at]["hash"] != other[at]["hash"])
    if at < len(one) - 1:
        assert found(of([*one[:at], other[at], *one[at + 1 :]])).startswith(
            f"entry {at + 1}:" if at else "entry "
        )
    assume(at > 0)
    assert found(of([*one[:at], *other[at:]])).startswith(f"entry {at + 1}:")


@quick
@given(entries(least=1, old=False), st.data())
def test_a_withheld_entry_vouches_for_no_other_content(rows: list[Row], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    hidden = rows[at] if "content_hash" in rows[at] else packs.withheld(rows[at])
    assert check(of([*rows[:at], hidden, *rows[at + 1 :]])).problem is None
    flipped = {**hidden, "content_hash": hashlib.sha256(hidden["content_hash"].encode()).hexdigest()}
    assert found(of([*rows[:at], flipped, *rows[at + 1 :]])).startswith(f"entry {at + 1}: it was altered")


def test_the_older_format_cannot_follow_the_newer() -> None:
    rows = packs.chained([packs.content(1, old=True), packs.content(2), packs.content(3, old=True)])
    assert found(of(rows)) == "entry 3: it is of format 1, behind an entry of format 2"
    rows[1] = packs.withheld(rows[1])
    assert found(of(rows)) == "entry 3: it is of format 1, behind an entry of format 2"


@pytest.mark.parametrize(
    "row",
    [
        packs.content(1, reason=None),
        packs.content(1, salt="A" * 32),
        packs.content(1, salt="a" * 31),
        packs.content(1, actor=7),
        {name: value for name, value in packs.content(1).items() if name != "verb"},
        {name: value for name, value in packs.content(1).items() if name != "salt"},
        packs.content(1, old=True, door="page"),
        {name: value for name, value in packs.content(1, old=True).items() if name != "tenant"},
    ],
)
def test_an_entry_that_holds_but_is_not_as_its_format_asks_is_refused(row: Row) -> None:
    assert found(of(packs.chained([row]))) == "entry 1: it has not the fields that its format asks for"


# --- Ends that were cut, chains that were rebuilt ---


@quick
@given(entries(least=2), st.data())
def test_a_cut_tail_is_found_by_manifest_and_by_checkpoints(rows: list[Row], data: st.DataObject) -> None:
    left = data.draw(st.integers(0, len(rows) - 1))
    honest = of(rows)
    cut = {**honest, "entries.jsonl": packs.lines(rows[:left])}
    assert found(cut).startswith(f"entry {left + 1}: it is missing")
    marks = packs.checkpoints(rows, range(1, len(rows) + 1))
    assert check(of(rows[:left])).problem is None, "nothing in the pack can show it"
    assert found(of(rows[:left]), marks).startswith(f"entry {left + 1}: the audit ends before it")
    assert found(of(rows[:left], marks=marks)).startswith(f"entry {left + 1}: the audit ends before it")


@quick
@given(entries(least=2), st.data())
def test_a_cut_head_is_found(rows: list[Row], data: st.DataObject) -> None:
    gone = data.draw(st.integers(1, len(rows) - 1))
    files = of(rows)
    files["entries.jsonl"] = packs.lines(rows[gone:])
    assert found(files) == "entry 1: it is missing or not in its place"
    again = packs.chained({**row, "seq": place} for place, row in enumerate(rows[gone:], start=1))
    assert found(of(again), packs.checkpoints(rows, range(1, len(rows) + 1))).startswith(
        "entry 1: not the one"
    )


def test_bare_entries_must_begin_at_the_beginning(tmp_path: Path) -> None:
    rows = packs.chained(packs.content(seq) for seq in range(1, 5))
    file = tmp_path / "entries.jsonl"
    file.write_bytes(packs.lines(rows))
    assert verifier.verify(file) == Result(4, 0, 1, 4, rows[-1]["hash"], None, verifier.verify(file).findings)
    file.write_bytes(packs.lines(rows[1:]))
    assert verifier.verify(file).problem == "entry 1: it is missing or not in its place"
    file.write_bytes(packs.lines(packs.chained((packs.content(1), packs.content(2)), ANOTHER_HASH)))
    assert verifier.verify(file).problem == "entry 1: it does not continue the entry before it"


def test_a_first_entry_follows_zeros_whatever_the_manifest_says() -> None:
    rows = packs.chained([packs.content(1)], ANOTHER_HASH)
    assert found(of(rows)) == "entry 1: the first of all must follow 64 zeros"


@quick
@given(entries(least=1, hide=False), st.data())
def test_a_chain_made_anew_is_found_by_what_was_kept_elsewhere(rows: list[Row], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(rows) - 1))
    marks = packs.checkpoints(rows, [len(rows)], KEY)
    forged = [{**row, "actor": "mallory"} if place == at else row for place, row in enumerate(rows)]
    forged = packs.chained(forged)
    assert check(of(forged)).problem is None, "nothing in the pack can show it"
    expected = f"entry {len(rows)}: not the one that the file of --checkpoints saw"
    assert found(of(forged), marks).startswith(expected)
    assert found(of(forged, marks=marks)).startswith(f"entry {len(rows)}: not the one")
    # The forger signs again as well, with a key of their own.
    marks = packs.checkpoints(forged, [len(rows)], FOREIGN)
    assert check(of(forged, marks=marks)).problem is None
    assert "not signed with the key expected" in found(of(forged, marks=marks), key=packs.public(KEY))


def test_entries_behind_the_last_checkpoint_are_counted_aloud() -> None:
    rows = packs.chained(packs.content(seq) for seq in range(1, 8))
    stated = " ".join(check(of(rows), packs.checkpoints(rows, (2, 5))).findings)
    assert "Entries that no checkpoint saw, which hang on the chain alone: 2." in stated


# --- Checkpoints ---


def _five() -> tuple[list[Row], list[Row]]:
    rows = packs.chained(packs.content(seq) for seq in range(1, 6))
    return rows, packs.checkpoints(rows, (1, 2, 3, 4, 5), KEY)


@quick
@given(st.integers(0, 4), st.integers(0, 1023))
def test_a_signature_with_one_bit_turned_is_forged(at: int, bit: int) -> None:
    rows, marks = _five()
    if bit < 512:
        turned = int(marks[at]["signature"], 16) ^ (1 << bit)
        marks[at]["signature"] = f"{turned:0128x}"
    else:
        turned = int(marks[at]["key"], 16) ^ (1 << (bit - 512) // 2)
        marks[at]["key"] = f"{turned:064x}"
    assert "has a forged signature" in found(of(rows), marks)
    found(of(rows), marks, packs.public(KEY))


def test_a_checkpoint_signed_for_another_moment_is_forged() -> None:
    rows, marks = _five()
    marks[2] = {**marks[2], "time": marks[3]["time"]}
    assert found(of(rows), marks).startswith("entry 3: its checkpoint")


def _unsigned(marks: list[Row]) -> None:
    del marks[3]["key"], marks[3]["signature"]


def _back_in_time(marks: list[Row]) -> None:
    marks[2] = packs.checkpoint(3, marks[2]["hash"], 1, KEY)


def _swapped(marks: list[Row]) -> None:
    marks[1], marks[2] = marks[2], marks[1]


def _two_of_one(marks: list[Row]) -> None:
    marks.insert(1, packs.checkpoint(1, ANOTHER_HASH, 2, KEY))


def _miscounted(marks: list[Row]) -> None:
    marks[2] = packs.checkpoint(3, marks[2]["hash"], 4) | {"count": 4}


def _foreign(marks: list[Row]) -> None:
    marks[3] = packs.checkpoint(4, marks[3]["hash"], 5, FOREIGN)


@pytest.mark.parametrize(
    ("tamper", "words", "key"),
    [
        (_unsigned, "not signed with the key expected", True),
        (_foreign, "not signed with the key expected", True),
        (_back_in_time, "goes back in time", False),
        (_swapped, "goes back in number", False),
        (_two_of_one, "denies the line before", False),
        (_miscounted, "counts 4 entries", False),
    ],
)
def test_checkpoints_that_were_tampered_with_are_found(
    tamper: Callable[[list[Row]], None], words: str, *, key: bool
) -> None:
    rows, marks = _five()
    tamper(marks)
    expected = packs.public(KEY) if key else None
    assert words in found(of(rows), marks, expected)
    assert words in found(of(rows, marks=marks), None, expected)
    assert key == (check(of(rows), marks).problem is None)


def test_a_key_without_checkpoints_proves_nothing() -> None:
    rows, marks = _five()
    words = "the key proves nothing: no checkpoint saw an entry of this pack"
    assert found(of(rows), key=packs.public(KEY)) == words
    assert found(of(rows, marks=[]), key=packs.public(KEY)) == words
    assert (
        found(of(rows[1:], head={"seq": 5, "hash": rows[-1]["hash"]}), marks[:1], packs.public(KEY)) == words
    )


def test_a_checkpoint_before_the_pack_must_fit_where_it_begins() -> None:
    rows, marks = _five()
    head = {"seq": 5, "hash": rows[-1]["hash"]}
    marks[1] = packs.checkpoint(2, ANOTHER_HASH, 3, KEY)
    assert found(of(rows[2:], head=head), marks).startswith("entry 2: not the one")
    assert check(of(rows[3:], head=head), marks).problem is None, "entry 2 is not in sight"


def test_of_many_checkpoints_some_signatures_are_checked_and_the_last_that_matters_always(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verifier, "SIGNATURES", 3)
    rows, marks = _five()
    marks += packs.checkpoints(rows, [5] * 4, KEY)
    assert "9 checkpoints agree" in " ".join(check(of(rows), marks).findings)
    assert "Signatures checked: 4, " in " ".join(check(of(rows), marks).findings)
    head = {"seq": 5, "hash": rows[-1]["hash"]}
    marks[1]["signature"] = marks[0]["signature"]
    assert found(of(rows[:2], head=head), marks).startswith("entry 2: its checkpoint")


# --- The manifest and the files ---


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"entries": 4}, "entry 5: the manifest says entries 4, the entries 5"),
        ({"withheld": 1}, "entry 5: the manifest says withheld 1"),
        ({"last_seq": 4}, "entry 5: the manifest says last_seq 4"),
        ({"last_seq": 6}, "entry 6: it is missing"),
        ({"first_seq": 2}, "entry 2: it is missing or not in its place"),
        ({"start_hash": ANOTHER_HASH}, "entry 1: the first of all must follow"),
        ({"end_hash": ANOTHER_HASH}, "entry 5: it is not the one with which the manifest ends"),
        ({"head": {"seq": 4, "hash": ANOTHER_HASH}}, "entry 5: the manifest has another end of the chain"),
        ({"head": {"seq": 5, "hash": ANOTHER_HASH}}, "entry 5: the manifest has another end of the chain"),
        ({"format": 3}, "unreadable: manifest.json: it is not of format 2"),
        ({"format": True}, "unreadable: manifest.json: it is not of format 2"),
        ({"entries": True}, "unreadable: manifest.json: it lacks a whole number"),
        ({"end_hash": "A" * 64}, "unreadable: manifest.json: it lacks a hash"),
        ({"made_at": "2026-11-22"}, "unreadable: manifest.json: it lacks the time"),
        ({"files": {}}, "the manifest does not name the file README.md"),
        ({"first_seq": 0}, "unreadable: manifest.json: it lacks a whole number"),
        ({"period": 0.5}, "unreadable: manifest.json: 0.5 is not"),
        ({"head": None}, "unreadable: manifest.json: it names no head"),
    ],
)
def test_a_manifest_that_does_not_fit_is_found(change: Row, words: str) -> None:
    files = of(_five()[0])
    files["manifest.json"] = packs.jcs(json.loads(files["manifest.json"]) | change)
    assert found(files).startswith(words)


@pytest.mark.parametrize("name", ["README.md", "definitions.md", "checkpoints.jsonl"])
def test_every_file_is_the_one_that_the_manifest_names(name: str) -> None:
    rows, marks = _five()
    honest = of(rows, marks=marks)
    changed = packs.lines(marks[:3]) if name.endswith("jsonl") else b"Something else\n"
    assert found({**honest, name: changed}) == f"the file {name} is not the one that the manifest names"
    assert found({n: data for n, data in honest.items() if n != name}) == f"the file '{name}' is missing"
    assert found({**honest, "more.txt": b""}) == "the manifest does not name the file more.txt"
    signed = check({**honest, "manifest.sig": b"00"})
    assert signed.problem is None
    assert "manifest.sig was not checked." in " ".join(signed.findings)


# --- What cannot be read ---


_ROW = packs.jcs(packs.chained([packs.content(1)])[0])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (_ROW[:-5], "line 1 of entries.jsonl: "),
        (_ROW.replace(b'"seq":1', b'"seq":1,"seq":1'), "a key stands twice"),
        (_ROW.replace(b'"seq":1', b'"seq":1.0'), "1.0 is not a whole number"),
        (_ROW.replace(b'"seq":1', b'"seq":1e0'), "1e0 is not a whole number"),
        (_ROW.replace(b'"seq":1', b'"seq":NaN'), "NaN is not a whole number"),
        (_ROW.replace(b'"seq":1', b'"seq":-Infinity'), "-Infinity is not a whole number"),
        (_ROW.replace(b'"seq":1', b'"seq":' + b"1" * 5000), "4300 digits"),
        (_ROW.replace(b'"seq":1', b'"seq":true'), "it has no number"),
        (_ROW.replace(b'"seq":1', b'"seq":-1'), "it has no number"),
        (_ROW.replace(b'"v":2', b'"v":3'), "its format is not known here"),
        (_ROW.replace(b'"v":2', b'"v":1'), "its format is not known here"),
        (_ROW.replace(b'"v":2', b'"v":null'), "its format is not known here"),
        (_ROW.replace(b'"v":2', b'"v":"2"'), "its format is not known here"),
        (_ROW.replace(b'"ann"', b'"\xff"'), "codec can't decode"),
        (_ROW.replace(b'"ann"', b'"\\ud800"'), "surrogates not allowed"),
        (_ROW.replace(b'"ann"', b'{"name":"ann"}'), "a list or an object"),
        (_ROW.replace(b'"ann"', b'["ann"]'), "a list or an object"),
        (_ROW.replace(b'"ann"', b'"ann","\xc3\xa4":"b"'), "a key that is not ASCII"),
        (_ROW.replace(b'"ann"', b"[" * 100_000), "recursion"),
        (_ROW.replace(packs.START.encode(), b"A" * 64), "no hash of 64 lower-case digits"),
        (_ROW.replace(packs.START.encode(), b"0" * 63), "no hash of 64 lower-case digits"),
        (_ROW.replace(b'"v":2', b'"v":2,"content_hash":"' + b"a" * 64 + b'"'), "neither whole nor withheld"),
        (b"\xef\xbb\xbf" + _ROW, "Expecting value"),
        (_ROW.decode().encode("utf-16"), "codec can't decode"),
        (b"[]", "not a JSON object"),
        (b"", "Expecting value"),
        (_ROW + _ROW, "Extra data"),
        (b" " * (16 << 20) + _ROW, "a line has 16777216 bytes or more"),
    ],
)
def test_what_is_not_in_the_format_cannot_be_read(line: bytes, message: str) -> None:
    files = {**of([]), "entries.jsonl": line + b"\n"}
    problem = found(files)
    assert problem.startswith(
        "unreadable: line 1 of entries.jsonl: " if "bytes or more" not in message else "unreadable: "
    )
    assert message in problem


@pytest.mark.parametrize(
    "change",
    [
        {"extra": 1}, {"key": packs.public(KEY)}, {"time": "2026-11-22T10:00:00Z"}, {"time": 1}, {"seq": -1},
        {"seq": True}, {"hash": "A" * 64}, {"key": "A" * 64, "signature": "0" * 128},
        {"key": "0" * 64, "signature": "0" * 127}, {"hash": None},
    ],
)  # fmt: skip
def test_a_line_that_is_no_checkpoint_cannot_be_read(change: Row) -> None:
    rows, _ = _five()
    mark = packs.checkpoint(5, rows[-1]["hash"], 6) | change
    assert found(of(rows), [mark]).startswith("unreadable: line 1 of the file of --checkpoints: ")


@pytest.mark.parametrize("name", ["manifest.json", "entries.jsonl"])
def test_a_pack_without_its_core_cannot_be_read(name: str) -> None:
    files = of(_five()[0])
    del files[name]
    assert found(files) == "unreadable: no entries or no manifest"


def _member(name: str, data: bytes = b"") -> Callable[[zipfile.ZipFile], None]:
    def write(archive: zipfile.ZipFile) -> None:
        archive.writestr(zipfile.ZipInfo(name), data)

    return write


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("bend", "words"),
    [
        (_member("entries.jsonl"), "two files of the pack have one name"),
        (_member("Entries.jsonl"), "two files of the pack have one name"),
        (_member("../entries.jsonl"), "no plain name"),
        (_member("/etc/passwd"), "no plain name"),
        (_member("C:\\x"), "no plain name"),
        (_member("folder/"), "no plain name"),
        (_member(".hidden"), "no plain name"),
        (_member("a\n"), "no plain name"),
        (lambda archive: [_member(f"f{n}")(archive) for n in range(100)], "more than 100 files"),
    ],
)
def test_a_zip_that_could_mislead_cannot_be_read(
    tmp_path: Path, bend: Callable[[zipfile.ZipFile], Any], words: str
) -> None:
    path = Pack(_five()[0]).zip(tmp_path / "pack.zip")
    assert verifier.verify(path).problem is None
    with zipfile.ZipFile(path, "a") as archive:
        bend(archive)
    with pytest.raises(Unreadable, match=words):
        verifier.verify(path)


def test_a_zip_that_would_fill_the_disk_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Pack(_five()[0]).zip(tmp_path / "pack.zip")
    monkeypatch.setattr(verifier, "MAX_PACK", 1000)
    with pytest.raises(Unreadable, match="more than 1000 bytes"):
        verifier.verify(path)


@quick
@given(st.data())
def test_a_damaged_zip_is_never_intact_unless_nothing_in_it_changed(data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Pack(_five()[0]).zip(Path(folder) / "pack.zip")
        whole = path.read_bytes()
        at = data.draw(st.integers(0, len(whole) - 1))
        path.write_bytes(whole[:at])
        with pytest.raises(Unreadable):
            verifier.verify(path)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :])
        try:
            result = verifier.verify(path)
        except Unreadable:
            return
        assert result.problem or result.last_seq == 5  # times and attributes of a ZIP say nothing


def test_an_encrypted_zip_cannot_be_read(tmp_path: Path) -> None:
    path = Pack(_five()[0]).zip(tmp_path / "pack.zip")
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(Unreadable, match="is encrypted"):
        verifier.verify(path)


def test_checkpoints_from_a_pipe_or_an_empty_file_are_not_taken_for_a_proof(tmp_path: Path) -> None:
    path = Pack(_five()[0]).zip(tmp_path / "pack.zip")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").touch()
    for name in ("pipe", "empty"):
        with pytest.raises(Unreadable, match="is empty, or a pipe"):
            verifier.verify(path, tmp_path / name)


def test_a_folder_with_links_or_folders_cannot_be_read(tmp_path: Path) -> None:
    path = Pack(_five()[0]).folder(tmp_path / "pack")
    (path / "inner").mkdir()
    with pytest.raises(Unreadable, match="a folder, a link"):
        verifier.verify(path)
    (path / "inner").rmdir()
    (path / "README.md").unlink()
    (path / "README.md").symlink_to("/etc/hostname")
    with pytest.raises(Unreadable, match="a folder, a link"):
        verifier.verify(path)


# --- Canonical JSON and Ed25519 against others ---


@quick
@given(
    st.dictionaries(st.text(st.characters(max_codepoint=127)), texts | numbers | st.booleans() | st.none())
)
def test_what_is_hashed_is_canonical_json(row: Row) -> None:
    orjson = pytest.importorskip("orjson")
    small = {name: value for name, value in row.items() if type(value) is not int or abs(value) < 2**63}
    assert verifier.canonical(small).encode() == orjson.dumps(small, option=orjson.OPT_SORT_KEYS)
    assert verifier.read(verifier.canonical(row).encode(), "here", dict) == row


def test_the_escapes_are_those_of_rfc_8785() -> None:
    row = {"a": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/\u007f\u2028😀", "B": 2**63, "b": -(2**63)}
    expected = (
        '{"B":9223372036854775808,"a":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/\x7f\u2028😀","b":-9223372036854775808}'
    )
    assert verifier.canonical(row) == expected


RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        hashlib.sha512(b"abc").hexdigest(),
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032_hold(key: str, message: str, signature: str) -> None:
    assert verifier.is_signed(key, bytes.fromhex(message), signature)
    assert not verifier.is_signed(key, bytes.fromhex(message) + b"x", signature)
    # The same signature with s + ORDER fulfils the equation, and must be refused anyway.
    s = int.from_bytes(bytes.fromhex(signature[64:]), "little") + verifier.ORDER
    assert not verifier.is_signed(
        key, bytes.fromhex(message), signature[:64] + s.to_bytes(32, "little").hex()
    )


@quick
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, 511), st.integers(0, 1))
def test_signatures_are_judged_as_cryptography_judges_them(
    seed: bytes, message: bytes, bit: int, turn: int
) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signature = int.from_bytes(private.sign(message), "little") ^ (turn << bit)
    _same(packs.public(private), message, signature.to_bytes(64, "little"))


@pytest.mark.parametrize(
    "number", [verifier.P, verifier.P + 1, 2**255 - 1, 1 + 2**255, verifier.P - 1 + 2**255]
)
def test_a_point_has_one_encoding_only(number: int) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        verifier._point(number.to_bytes(32, "little"))


@quick
@given(st.binary(min_size=32, max_size=32), st.binary(min_size=64, max_size=64))
def test_keys_that_are_no_points_are_judged_alike(key: bytes, signature: bytes) -> None:
    _same(key.hex(), b"message", signature)


def _same(key: str, message: bytes, signature: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, message)
        judged = True
    except InvalidSignature:
        judged = False
    assert verifier.is_signed(key, message, signature.hex()) == judged


# --- The command ---


def run(*words: object) -> tuple[int, list[str]]:
    """Run the file as an auditor does, without any installed package."""
    command = [sys.executable, "-I", "-S", str(FILE), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.stderr or done.returncode == 2, done.stderr
    return done.returncode, done.stdout.splitlines()


def test_the_command_needs_nothing_and_ends_with_its_verdict(tmp_path: Path) -> None:
    rows, marks = _five()
    elsewhere = tmp_path / "kept.jsonl"
    elsewhere.write_bytes(packs.lines(marks))
    path = Pack(rows, marks).zip(tmp_path / "pack.zip")
    assert run(path)[1][-1] == "INTACT"
    code, stated = run(path, "--checkpoints", elsewhere, "--key", packs.public(KEY))
    assert (code, stated[-1]) == (0, "INTACT")
    assert (
        stated[0]
        == "Entries 1 to 5 are one chain: 5 whole, 0 withheld (their place is proven, what they say is not)."
    )
    code, stated = run(Pack(rows[:3]).folder(tmp_path / "cut"), "--checkpoints", elsewhere)
    assert code == 1
    assert stated[-1].startswith(
        "BROKEN: entry 4: the audit ends before it, but the file of --checkpoints saw entry 4"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["nowhere.zip"],
        ["README.md"],
        ["entries.jsonl", "--key", "A" * 64],
        ["entries.jsonl", "--checkpoints", "nowhere"],
        ["entries.jsonl", "--checkpoints", "/dev/null"],
    ],
)
def test_the_command_says_why_it_cannot_read(
    tmp_path: Path, words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    Pack(_five()[0]).folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    code, stated = run(*words)
    assert code == 2
    assert stated[-1].startswith("CANNOT BE READ: ")


def test_the_file_is_short_and_speaks_the_python_of_old_machines() -> None:
    text = FILE.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 9))
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.Import) for a in node.names}
    imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
    start = len((ast.get_docstring(tree, clean=False) or "").splitlines())
    assert len([line for line in text.splitlines()[start:] if line.strip()]) <= 380
