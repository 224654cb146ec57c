"""CSV in files that grow: the header once, rows as they are written, and what does not fit it."""

from __future__ import annotations

import gzip
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collectors.csvtable import CsvForm
from collectors.latest import of_files
from collectors.lines import Reader
from collectors.no_text import NoTextError
from collectors.patience import OPEN_ROW_S, takes_open_row
from collectors.pieces import Splitter
from collectors.settings import CollectorSettings
from collectors.sheet import OpenHeaderError, SheetForm, is_called_csv, sheet_of
from collectors.sources import Sources
from collectors.trial import trial
from tests.collectors.rows import logs, normaliser
from tests.collectors.statuses import status
from tests.waiting import eventually

if TYPE_CHECKING:
    from data.store import Store

PROGRAMS = Path(__file__).parents[1] / "layouts/programs"
HEADER = "time,level,message,order\n"


def row(number: int, level: str = "error") -> str:
    return f"2026-11-16 10:00:{number:02},{level},no answer {number},SO-{number}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


def records(store: Store) -> list[dict[str, Any]]:
    params = dict.fromkeys(
        ("q", "from", "to", "flow", "severity_number", "source", "correlation_id", "trace_id")
    )
    return store.everything().query("units/logs", {**params, "limit": 100_000, "offset": 0, "behind": None})


def messages(store: Store) -> list[str]:
    return sorted(found["message"] for found in records(store))


def wait_for(store: Store, expected: list[str]) -> None:
    eventually(lambda: messages(store) == sorted(expected), lambda: messages(store))


def refused(store: Store) -> list[dict[str, Any]]:
    return store.query("server/quarantine", {"limit": 50, "offset": 0, "behind": None})


def csv_follow(follow: Any) -> Any:
    return follow("*.csv*", rows=SheetForm(), idle_s=0.5)


# --- followed into a store ---------------------------------------------------------------------------


def test_what_a_program_writes_row_by_row_is_read_across_rotation_and_restart(
    store: Store, folder: Path, follow: Any, tmp_path: Path
) -> None:
    """Python's csv module, in a process of its own, into two files of which the first is renamed."""
    first = csv_follow(follow)
    truth = tmp_path / "truth.tsv"
    for number in range(2):
        with (folder / "shop.csv").open("wb") as out:
            program = [sys.executable, str(PROGRAMS / "csv_log.py"), ";", str(truth)]
            subprocess.run(program, cwd=PROGRAMS, stdout=out, check=True)
        if number == 0:
            eventually(lambda: len(messages(store)) > 0)
            first.stop()  # somewhere within the file
            (folder / "shop.csv").rename(folder / "shop.csv.1")
            csv_follow(follow)
    noted = [line.split("\t")[2] for line in truth.read_text().splitlines()]
    wait_for(store, noted * 2)
    rows = store.everything().query(
        "units/logs",
        {
            **dict.fromkeys(("q", "from", "to", "flow", "source", "correlation_id", "trace_id")),
            "severity_number": 17,
            "limit": 1000,
            "offset": 0,
            "behind": None,
        },
    )
    assert any(found["error_type"] == "telling.Declined" for found in rows)
    assert refused(store) == []


@pytest.mark.slow
def test_the_header_of_a_file_that_is_written_over_is_the_new_one(
    store: Store, folder: Path, follow: Any
) -> None:
    csv_follow(follow)
    path = folder / "a.csv"
    path.write_text(HEADER + row(1) + row(2))
    wait_for(store, ["no answer 1", "no answer 2"])
    path.write_text("message\tseverity\tat\nturned\terror\tx\n")
    wait_for(store, ["no answer 1", "no answer 2", "turned"])


@pytest.mark.slow
def test_the_header_is_read_after_a_restart_in_the_middle(store: Store, folder: Path, follow: Any) -> None:
    first = csv_follow(follow)
    path = folder / "a.csv"
    path.write_text(HEADER + row(1))
    wait_for(store, ["no answer 1"])
    first.stop()
    with path.open("a") as file:
        file.write(row(2))
    csv_follow(follow)
    wait_for(store, ["no answer 1", "no answer 2"])


@pytest.mark.slow
def test_a_copy_and_its_packed_form_bring_no_row_twice(store: Store, folder: Path, follow: Any) -> None:
    csv_follow(follow)
    text = HEADER + row(1) + row(2)
    (folder / "a.csv").write_text(text)
    wait_for(store, ["no answer 1", "no answer 2"])
    (folder / "a.csv.1.gz").write_bytes(gzip.compress((text + row(3)).encode()))
    wait_for(store, ["no answer 1", "no answer 2", "no answer 3"])


@pytest.mark.slow
def test_a_row_that_is_written_in_two_parts_waits_for_its_end(
    store: Store, folder: Path, follow: Any
) -> None:
    csv_follow(follow)
    path = folder / "a.csv"
    path.write_text(HEADER + row(1) + '2026-11-16 10:00:02,error,"first\n')
    wait_for(store, ["no answer 1"])
    with path.open("a") as file:
        file.write('second",SO-2\n' + row(3))
    wait_for(store, ["first\nsecond", "no answer 1", "no answer 3"])
    assert refused(store) == []


@pytest.mark.slow
def test_a_stray_quote_costs_one_row_and_holds_no_other_up_for_long(
    store: Store, folder: Path, follow: Any
) -> None:
    follower = csv_follow(follow)
    path = folder / "a.csv"
    path.write_text(HEADER + row(1) + '2026-11-16 10:00:02,error,"no end,SO-2\n' + row(3) + row(4))
    wait_for(store, ["no answer 1", "no answer 3", "no answer 4"])
    (entry,) = refused(store)
    assert entry["reason"] == "unexpected end of data"
    eventually(lambda: status(follower).unread_bytes == 0)


@pytest.mark.slow
def test_rows_that_do_not_fit_are_refused_with_their_header(store: Store, folder: Path, follow: Any) -> None:
    csv_follow(follow)
    (folder / "a.csv").write_text(HEADER + "x,info\n" + row(1) + "a,b,c,d,e\n")
    wait_for(store, ["no answer 1"])
    eventually(lambda: len(refused(store)) == 2)
    assert sorted(entry["reason"] for entry in refused(store)) == [
        "2 fields, and the header has 4",
        "5 fields, and the header has 4",
    ]


@pytest.mark.slow
def test_a_file_without_a_header_is_named_where_the_settings_say_csv(
    store: Store, folder: Path, follow: Any
) -> None:
    follower = follow("*.log", rows=SheetForm(is_sure=True))
    (folder / "a.log").write_text(row(1) + row(2))
    eventually(lambda: "no header" in str(status(follower).reason), lambda: status(follower).reason)
    assert messages(store) == []


# --- without a store ---------------------------------------------------------------------------------


def broken(n: Any) -> list[Any]:
    return [(entry.source_offset, entry.raw, entry.reason) for entry in n.quarantined]


def read(raw: bytes, form: SheetForm | None = None, *, final: bool = True, step: int | None = None) -> Any:
    """Read a file that is cut after whole lines, about every `step` bytes."""
    splitter = Splitter(None, form or SheetForm())
    splitter.know_head(raw[:256], raw[:4096])
    n, consumed = normaliser(), 0
    for cut in [*range(step or len(raw), len(raw), step or len(raw)), len(raw)]:
        end = cut if splitter.wide or cut == len(raw) else raw.rfind(b"\n", 0, cut) + 1
        if end > consumed and splitter.knows_columns(
            lambda size, end=end: raw[: min(size, end)], is_all=False
        ):
            piece = splitter.split(raw[consumed:end], consumed, 7, final=final and end == len(raw))
            consumed = Reader.into(n).read(piece)
    return n, consumed


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_encodings_are_found(delimiter: str, encoding: str) -> None:
    lines = ["time;level;message;Größe", '2026-11-16 10:00:00;error;"Müller; 1\r\nzwei";9']
    raw = "".join(f"{line.replace(';', delimiter)}\r\n" for line in lines).encode(encoding)
    n, consumed = read(raw)
    (found,) = logs(n)
    assert (found["severity"], found["message"]) == ("error", f"Müller{delimiter} 1\r\nzwei")
    assert found["attributes"] == {"Größe": "9"}
    assert consumed == len(raw)
    assert not n.quarantined


@pytest.mark.parametrize("step", [9, 31, 80])
def test_the_same_rows_however_the_file_is_cut(step: int) -> None:
    raw = (
        HEADER + "".join(f'2026-11-16 10:00:0{n},error,"a\n\nb {n}",SO-{n}\nx,y\n\n' for n in range(9))
    ).encode()
    whole, _ = read(raw)
    cut, consumed = read(raw, final=False, step=step)
    assert logs(cut) == logs(whole)
    assert len(logs(cut)) == 9
    assert [(q.source_offset, q.raw) for q in cut.quarantined] == [
        (q.source_offset, q.raw) for q in whole.quarantined
    ]
    assert consumed == len(raw)


def test_a_row_of_many_lines_is_read_whole() -> None:
    raw = (HEADER + '2026-11-16 10:00:00,error,"' + "x\n" * 20_000 + 'end",SO-1\n').encode()
    (found,) = logs(read(raw)[0])
    assert found["message"].endswith("end")


def test_a_row_over_the_limit_is_refused_and_the_next_is_read() -> None:
    raw = (HEADER + '1,error,"' + f"{'x' * 1000}\n" * 200 + '"\n' + row(5)).encode()
    n, consumed = read(raw)
    assert [found["message"] for found in logs(n)] == ["no answer 5"]
    assert n.quarantined[0].reason == "field larger than field limit (131072)"
    assert consumed == len(raw)


@pytest.mark.parametrize("header", ["Timestamp,Level,Message", "DATE,SEVERITY,MSG", "ts;lvl;event"])
def test_usual_names_count_in_any_case(header: str) -> None:
    delimiter = ";" if ";" in header else ","
    (found,) = logs(read(f"{header}\n2026-11-16 10:00:00{delimiter}Fatal{delimiter}gone\n".encode())[0])
    assert (found["severity"], found["message"], found["attributes"]) == ("critical", "gone", {})
    assert found["time"] != found["ingested_at"]


def test_a_row_without_a_message_is_its_own() -> None:
    (found,) = logs(read(b"order,state\nSO-1,failed\n")[0])
    assert found["message"] == "SO-1,failed"


@pytest.mark.parametrize(
    "text",
    ["2026-11-16 10:00:00,000 - shop - ERROR - no answer\n", "ERROR:shop:no answer\n", '{"level":"error"}\n'],
)
def test_a_file_that_is_only_called_csv_is_read_by_lines(text: str) -> None:
    (found,) = logs(read(text.encode())[0])
    assert found["severity"] == "error"


def test_settings_say_the_form() -> None:
    form = SheetForm(CsvForm("!", "'", None, ["level", "message"], 1), is_sure=True)
    (found,) = logs(read(b"made by shop\nerror!'no!answer'\n", form)[0])
    assert (found["severity"], found["message"]) == ("error", "no!answer")


def test_excel_says_the_delimiter_above_the_header() -> None:
    (found,) = logs(read(b"sep=;\nlevel;message\nerror;a, b\n")[0])
    assert found["message"] == "a, b"


def test_a_header_that_is_written_again_is_left_out() -> None:
    n, _ = read((HEADER + row(1) + HEADER + row(2)).encode())
    assert [found["message"] for found in logs(n)] == ["no answer 1", "no answer 2"]


def test_a_header_that_does_not_end_yet_is_waited_for() -> None:
    with pytest.raises(OpenHeaderError):
        sheet_of([b'level,"mess'], None, SheetForm(), is_all=False)
    assert sheet_of([b'level,"mess'], None, SheetForm(), is_all=True) is None
    with pytest.raises(NoTextError, match="no header"):
        sheet_of([b'level,"mess'], None, SheetForm(is_sure=True), is_all=True)


@pytest.mark.parametrize(
    ("path", "is_csv"),
    [
        ("/var/log/a.csv", True),
        ("/var/log/a.CSV.1.gz", True),
        ("/var/log/a.tsv-20261130", True),
        ("/var/log/postgresql.csvlog", False),
        ("/var/log.csv/a.log", False),
        ("/var/log/.csv", False),
    ],
)
def test_which_files_are_called_csv(path: str, is_csv: bool) -> None:  # noqa: FBT001 - a table
    assert is_called_csv(path) is is_csv


def test_how_long_an_open_row_is_waited_for() -> None:
    assert not takes_open_row(OPEN_ROW_S - 1, OPEN_ROW_S - 1, is_gone=False)
    assert takes_open_row(0, OPEN_ROW_S, is_gone=False)
    assert takes_open_row(3, 3, is_gone=True)


def test_a_mapping_is_tried_on_csv() -> None:
    lines = (HEADER + row(1) + "x,y\n").encode().splitlines()
    found = trial(lines, path="/var/log/a.csv")
    assert [(one.line, one.severity, one.attributes) for one in found.records] == [
        (2, "error", {"order": "SO-1"})
    ]
    assert [(one.line, one.reason) for one in found.unread] == [(3, "2 fields, and the header has 4")]


def test_a_refused_row_is_not_taken_as_a_line_of_text_when_it_is_read_again(
    store: Store, folder: Path, follow: Any, tmp_path: Path
) -> None:
    csv_follow(follow)
    (folder / "a.csv").write_text(HEADER + "x,info\n" + row(1))
    eventually(lambda: len(refused(store)) == 1)
    (found,) = (
        Sources(store, CollectorSettings(), [tmp_path / "spool"])
        .replay([entry["id"] for entry in refused(store)])
        .values()
    )
    assert found == "still unreadable: 2 fields, and the header has 4"
    wait_for(store, ["no answer 1"])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_the_last_rows_of_a_file_stand_below_its_header(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "a.csv"
    several = '2026-11-16 10:00:00,error,"a\nb\nc",SO-9\n'
    path.write_bytes((HEADER + several * 4_000 + row(1)).encode(encoding))
    latest = of_files([str(path)], SheetForm())
    assert latest is not None
    assert latest.lines[:2] == [b"sep=,", HEADER.strip().encode()]
    found = trial(latest.lines, path=str(path))
    assert found.unread == []
    assert found.records[-1].message == "no answer 1"
    assert len(found.records) > 30
