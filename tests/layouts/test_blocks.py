"""Pretty-printed JSON, arrays of JSON, and the journal's export format, in files that are followed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from collectors.lines import Reader
from collectors.piece import Piece
from tests.collectors.rows import logs, normaliser, read

RECORDS: list[dict[str, Any]] = [
    {"level": "error", "msg": f"declined {n}", "correlation_id": f"SO-{n}", "more": {"a": [1, {"b": n}]}}
    for n in range(4)
]
EXPECTED = [("error", f"declined {n}", f"SO-{n}") for n in range(4)]
FORMS = {
    "an array, an element a line": "[\n" + ",\n".join(map(json.dumps, RECORDS)) + "\n]\n",
    "an array, its elements indented": "[\n  " + ",\n  ".join(map(json.dumps, RECORDS)) + "\n]\n",
    "an array in one line": json.dumps(RECORDS, separators=(",", ":")) + "\n",
    "a pretty array": json.dumps(RECORDS, indent=2) + "\n",
    "a pretty array with tabs": json.dumps(RECORDS, indent="\t") + "\n",
    "pretty objects, one after the other": "\n".join(json.dumps(one, indent=4) for one in RECORDS) + "\n",
    "pretty objects with commas": ",\n".join(json.dumps(one, indent=4) for one in RECORDS) + "\n",
    "pretty objects, line ends of Windows": "\r\n".join(
        json.dumps(one, indent=4).replace("\n", "\r\n") for one in RECORDS
    ),
}


def seen(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(row["severity"], row["message"], row.get("correlation_id")) for row in rows]


@pytest.mark.parametrize("form", FORMS)
def test_json_of_any_form_is_read(form: str) -> None:
    n = read(FORMS[form])
    assert seen(logs(n)) == EXPECTED
    assert not n.quarantined
    assert n.batch().text.unknown == 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("step", [13, 60, 200])
def test_the_same_rows_however_the_file_is_cut(form: str, step: int) -> None:
    raw = FORMS[form].encode()
    n, consumed = normaliser(), 0
    for cut in range(0, len(raw), step):
        end = raw.rfind(b"\n", 0, cut) + 1
        if end > consumed:
            lines = raw[consumed:end].split(b"\n")[:-1]
            consumed = Reader.into(n).read(Piece(lines, None, consumed, 7, final=False))
    Reader.into(n).read(Piece(raw[consumed:].split(b"\n"), None, consumed, 7, final=True))
    assert {row["record_id"] for row in logs(n)} == {row["record_id"] for row in logs(read(raw))}
    assert seen(logs(n)) == EXPECTED


def test_an_object_below_a_line_of_text_belongs_to_its_message() -> None:
    head = "2026-11-16 10:00:00,123 - shop - ERROR - refused by the gateway:"
    rows = logs(read(f"{head}\n{json.dumps(RECORDS[0], indent=2)}\n{head}"))
    assert [row["severity"] for row in rows] == ["error", "error"]
    assert rows[0]["message"].endswith("}")


def test_what_only_begins_like_an_object_is_read_line_by_line() -> None:
    n = read("{\nnot JSON\nERROR:shop:no answer\n")
    assert [row["message"] for row in logs(n)] == ["{", "not JSON", "no answer"]


def test_a_broken_object_is_quarantined_alone() -> None:
    n = read(f'{{\n  "a": \n}}\n{json.dumps(RECORDS[0])}')
    assert seen(logs(n)) == EXPECTED[:1]
    assert [entry.size for entry in n.quarantined] == [len('{\n  "a": \n}')]
