"""CSV and JSON files as other programs write them, to rows and the places where they stand."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors import contents, jsonrows
from collectors.contents import Charset, Content, opened
from collectors.csvtable import CsvForm
from collectors.forms import rows_of
from collectors.no_text import NoTextError
from collectors.rows import BrokenFormError, Place

if TYPE_CHECKING:
    from pathlib import Path

    from collectors.rows import Row


def read(
    path: Path, at: Place | None = None, encoding: str | None = None, kind: str = "auto", **form: Any
) -> list[Row]:
    with opened(path) as raw:
        content = Content(raw, encoding)
        rows = rows_of(path.name, content, content.charset(encoding, None), kind, CsvForm(**form))
        return list(rows.rows(at or rows.begin()))


def fields(path: Path, **options: Any) -> list[Any]:
    return [
        row.fields if row.reason is None else f"{row.at.line}: {row.reason}" for row in read(path, **options)
    ]


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


ORDERS = [
    {"no": "SO-1", "name": 'Müller, "Anna"', "note": "two\nlines"},
    {"no": "SO-2", "name": "O'Hara; Söhne", "note": "a\r\nb\tc | d"},
    {"no": "SO-3", "name": "Škoda €5", "note": "plain"},
]


def exported(**dialect: Any) -> str:
    """Return the orders as Python's own writer of CSV writes them in a dialect."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(ORDERS[0]), **dialect)
    writer.writeheader()
    writer.writerows(ORDERS)
    return out.getvalue()


DIALECTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "excel": ({"dialect": "excel"}, {}),
    "excel-tab": ({"dialect": "excel-tab"}, {}),
    "unix": ({"dialect": "unix"}, {}),
    "semicolons, as Excel and LibreOffice write them in Europe": ({"delimiter": ";"}, {}),
    "pipes": ({"delimiter": "|", "lineterminator": "\n"}, {}),
    "single quotes": ({"quotechar": "'"}, {"quote": "'"}),
    "every field quoted": ({"quoting": csv.QUOTE_ALL, "delimiter": ";"}, {}),
    "escapes in place of doubled quotes": (
        {"doublequote": False, "escapechar": "\\", "quoting": csv.QUOTE_ALL},
        {"escape": "\\"},
    ),
}


@pytest.mark.parametrize("name", DIALECTS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_every_dialect_and_encoding_gives_the_same_rows(tmp_path: Path, name: str, encoding: str) -> None:
    writes, reads = DIALECTS[name]
    text = exported(**writes)
    if encoding == "cp1252":
        text = text.replace("Škoda", "Skoda")
    path = write(tmp_path / "orders.csv", text, encoding)
    expected = json.loads(
        json.dumps(ORDERS).replace("\\u0160koda", "Skoda" if encoding == "cp1252" else "Škoda")
    )
    assert fields(path, **reads) == expected


def test_an_encoding_that_is_set_is_taken_at_its_word(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "no,name\n1,Łódź\n", "cp1250")
    assert fields(path, encoding="cp1250") == [{"no": "1", "name": "Łódź"}]


def test_utf_16_without_a_mark_is_read_where_it_is_set(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "no;name\n1;Łódź\n", "utf-16-le")
    assert fields(path, encoding="utf-16-le") == [{"no": "1", "name": "Łódź"}]


def test_files_as_libreoffice_writes_them(tmp_path: Path) -> None:
    """As `--convert-to csv:"Text - txt - csv (StarCalc)":59,34,76` does: `;`, quotes, UTF-8, no mark."""
    text = '"Bestell-Nr";"Betrag";"Datum"\n"SO-1";1.188,07;24.11.2026\n"SO ""2""";;\n\n'
    assert fields(write(tmp_path / "a.csv", text)) == [
        {"Bestell-Nr": "SO-1", "Betrag": "1.188,07", "Datum": "24.11.2026"},
        {"Bestell-Nr": 'SO "2"'},
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sep=;\na;b\n1;2,5\n", [{"a": "1", "b": "2,5"}]),
        ("a;b\r1;2\r3;4\r", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),  # an old Mac
        ("a,,a\n1,2,3\n", [{"a": "1", "column_2": "2", "a_2": "3"}]),
        ("a,b\n1,2\na,b\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),  # two exports in one
        ("a,b\n\n , \n1,2,,\n", [{"a": "1", "b": "2"}]),
        ("only\nx\ny\n", [{"only": "x"}, {"only": "y"}]),
        ("a,b\n", []),
        ("a,b\n1\n2,3,4\n5,6\n", ["2: 1 fields, and the header has 2", "3: 3 fields, and the header has 2",
                                   {"a": "5", "b": "6"}]),
    ],
)  # fmt: skip
def test_odd_files(tmp_path: Path, text: str, expected: list[Any]) -> None:
    assert fields(write(tmp_path / "a.csv", text)) == expected


def test_columns_and_lines_above_the_header_can_be_set(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Report of Monday\nall shops\n1;2\n3;4\n")
    expected = [{"no": "1", "total": "2"}, {"no": "3", "total": "4"}]
    assert fields(path, columns=["no", "total"], skip_lines=2) == expected


def test_one_stray_quote_costs_one_row(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", 'a,b\n1,"x\n2,y\n3,"z"\n4,5\n')
    found = read(path)
    assert [row.fields and row.fields["a"] for row in found] == [None, "2", "3", "4"]
    assert found[0].at.line == 2
    assert found[0].raw == b'1,"x\n'


def test_a_row_that_is_too_long_costs_no_other(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"a,b\n1,{'x' * 2_000_000}\n2,3\n")
    assert fields(path) == ["2: a line of 2000003 bytes, more than 1048576", {"a": "2", "b": "3"}]


def test_files_that_are_no_text_are_refused_by_what_they_are(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_bytes(b"PK\x03\x04" + bytes(range(256)))
    with pytest.raises(NoTextError, match="an Excel file"):
        read(path)
    path.write_bytes(b"a,b\n\x00\x01\x02")
    with pytest.raises(NoTextError, match="binary"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(BrokenFormError, match="empty"):
        read(path)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "secret.csv", "a\n1\n")
    link = tmp_path / "orders.csv"
    link.symlink_to(tmp_path / "secret.csv")
    with pytest.raises(OSError, match=r"orders\.csv"):
        opened(link)


# --- JSON --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(ORDERS),
        json.dumps(ORDERS, indent=2),
        json.dumps(ORDERS, ensure_ascii=False, indent="\t"),
        "\n".join(json.dumps(order) for order in ORDERS),
        "\r\n".join(json.dumps(order) for order in ORDERS) + "\r\n\r\n",
        "\n".join(json.dumps(order, indent=1) for order in ORDERS),
        "".join(json.dumps(order) for order in ORDERS),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_arrays_lines_and_objects_in_a_row_give_the_same_rows(
    tmp_path: Path, text: str, encoding: str
) -> None:
    assert fields(write(tmp_path / "orders.json", text, encoding)) == ORDERS


def test_a_single_object_is_one_row(tmp_path: Path) -> None:
    assert fields(write(tmp_path / "a.json", '{\n "a": {"b": [1, "}"]}\n}\n')) == [{"a": {"b": [1, "}"]}}]


def test_json_without_an_ending_is_known_by_its_content(tmp_path: Path) -> None:
    assert fields(write(tmp_path / "export", ' [{"a":1}]')) == [{"a": 1}]
    assert fields(write(tmp_path / "export2", "a;b\n1;2")) == [{"a": "1", "b": "2"}]


def test_what_is_bad_in_an_array_costs_no_other_element(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '[{"a":1},\n{"a":nope},\n17, "text",\n[1],{"a":"]},{"}\n]')
    found = fields(path)
    assert found[0] == {"a": 1}
    assert found[1].startswith("2: not JSON")
    assert found[2:] == ["3: not an object", "3: not an object", "4: not an object", {"a": "]},{"}]


def test_bad_lines_cost_no_other_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"a":1}\n{"a":{\nnull\n\n{"a":2}')
    found = fields(path)
    assert (found[0], found[-1]) == ({"a": 1}, {"a": 2})
    assert found[1].startswith("2: not JSON")
    assert found[2] == "3: not an object"


def test_an_array_that_breaks_off_gives_what_came_before(tmp_path: Path) -> None:
    path = write(tmp_path / "a.json", '[{"a":1},\n{"a":2},\n{"a": "x')
    with opened(path) as raw:
        rows = rows_of(path.name, Content(raw), Charset(None), "auto", CsvForm())
        found = rows.rows(rows.begin())
        assert [next(found).fields, next(found).fields] == [{"a": 1}, {"a": 2}]
        with pytest.raises(BrokenFormError, match="line 3"):
            next(found)


# --- any cut ------------------------------------------------------------------------------------------

texts = st.text(alphabet=st.sampled_from("aé€\"'\\,;|\t\r\n {}[]0"), max_size=8)


@given(rows=st.lists(st.lists(texts, min_size=2, max_size=2), max_size=8), block=st.integers(1, 40))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_file_read_from_any_row_on_gives_the_rest(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], block: int
) -> None:
    """However the blocks fall, and wherever it stopped: the same rows at the same places."""
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([["first name", "second"], *rows])
    folder = tmp_path_factory.mktemp("cut")
    lines = write(folder / "a.jsonl", "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in rows))
    array = write(folder / "a.json", json.dumps([{"a": a, "b": b} for a, b in rows], indent=1))
    for path in (write(folder / "a.csv", out.getvalue()), lines, array):
        whole = read(path, delimiter=",")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(contents, "BLOCK_BYTES", block)
            patch.setattr(contents, "HEAD_BYTES", 1 << 20)
            for number, row in enumerate(whole):
                assert read(path, at=row.at, delimiter=",")[:1] == [row]
                assert read(path, at=row.end, delimiter=",") == whole[number + 1 :]


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_packed_files_and_utf_16_go_on_at_an_offset_of_their_content(tmp_path: Path, name: str) -> None:
    text = "a,b\n1,ü\n2,y\n3,z\n" if name == "a.csv" else '[{"a":"ü"},{"a":"y"},{"a":"z"}]'
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(text.encode()))
    for path in (packed, write(tmp_path / name, text, "utf-16")):
        whole = read(path)
        assert len(whole) == 3
        assert read(path, at=whole[1].at) == whole[1:]


def test_the_pattern_for_json_takes_time_in_proportion_to_the_text() -> None:
    """Texts that do not end, and quotes behind backslashes: what nested repetition would be slow on."""
    for text in (b'"' + b"a" * 1_000_000, b'"' + b"\\" * 999_999, b'"a' * 300_000):
        assert len(list(jsonrows._TOKEN.finditer(text))) <= len(text)
