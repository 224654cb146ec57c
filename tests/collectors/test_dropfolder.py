"""A partner's drop folder with real files: each complete file is read once, nothing is lost or doubled."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import re
import shutil
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collectors import dropfolder, inbox
from collectors.dropfolder import DropFolder, DropFolderSettings
from collectors.mapping import Mapping
from collectors.sections import CommonSettings, MappingSettings
from collectors.source import Context
from collectors.sources import Sources
from collectors.supervisor import Supervised
from data.records import SourceItem
from server.settings import SettingsError, load
from tests.collectors.statuses import status
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.store import Store

pytestmark = [pytest.mark.slow]


@dataclass
class Drop:
    """A drop folder over a store."""

    store: Store
    path: Path
    running: list[Supervised] = field(default_factory=list)

    def start(self, **settings: Any) -> Supervised:
        """Begin to take files; those that are there are complete at once."""
        given = {"name": "partner", "path": self.path, "settle_seconds": 0, **settings}
        made = DropFolderSettings.model_validate(given)
        mapping = Mapping.of(made.field_mapping({}) or MappingSettings())
        source = DropFolder(made, CommonSettings())
        supervised = Supervised(self.store, source, mapping=mapping, delay=lambda _: 0.05)
        supervised.start()
        self.running.append(supervised)
        return supervised

    def stop(self) -> None:
        """Stop what runs."""
        while self.running:
            self.running.pop().stop()

    def put(self, name: str, content: bytes | str) -> Path:
        """Put a file in as one rename."""
        hidden = self.path / f".{name}"
        hidden.write_bytes(content.encode() if isinstance(content, str) else content)
        return hidden.rename(self.path / name)

    def items(self) -> list[dict[str, Any]]:
        """Return the manifest, in the order of names."""
        params = {"source": "partner", "limit": 99, "offset": 0, "behind": None}
        return sorted(self.store.query("server/source_items", params), key=lambda item: str(item["name"]))

    def wait(self, files: int) -> list[dict[str, Any]]:
        """Wait until so many entries are in the manifest."""
        eventually(lambda: len(self.items()) >= files)
        return self.items()

    def rows(self, sql: str = "select * from log order by source_offset") -> list[dict[str, Any]]:
        """Return what is stored."""
        return self.store.act(lambda tx: tx.execute(sql)).result()

    def names(self, attribute: str = "no") -> list[str]:
        """Return one attribute of all records."""
        sql = "select attributes::json->>$name as value from log order by all"
        return [
            row["value"] for row in self.store.act(lambda tx: tx.execute(sql, {"name": attribute})).result()
        ]

    def reasons(self) -> list[str]:
        """Return why records are in quarantine."""
        found = self.store.query("server/quarantine", {"limit": 9999, "offset": 0, "behind": None})
        return sorted(row["reason"] for row in found)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "SCAN_S", 0.02)
    monkeypatch.setattr(dropfolder, "SCAN_S", 0.02)
    monkeypatch.setattr(dropfolder, "RETRY_S", 0.1)


@pytest.fixture
def drop(store: Store, tmp_path: Path) -> Iterator[Drop]:
    path = tmp_path / "in"
    path.mkdir()
    made = Drop(store, path)
    yield made
    made.stop()


def orders(first: int, last: int, **more: str) -> str:
    lines = [["no", *more], *([f"SO-{number}", *more.values()] for number in range(first, last))]
    return "".join(",".join(line) + "\n" for line in lines)


def there(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def numbers(first: int, last: int) -> list[str]:
    return sorted(f"SO-{number}" for number in range(first, last))


# --- what is read ------------------------------------------------------------------------------------


def test_rows_become_records_by_the_mapping_the_flow_and_the_time(store: Store, tmp_path: Path) -> None:
    config = tmp_path / "unsnag.toml"
    config.write_text(
        f"""
        [[collectors.dropfolder]]
        name = "partner"
        path = "{tmp_path}/in"
        pattern = "*.csv"
        flow = "returns"
        step = "hand-over"
        mapping = "partner"
        time = "Gebucht"
        time_format = "%d.%m.%Y %H:%M"
        timezone = "Europe/Berlin"
        decimal = ","
        settle_seconds = 0

        [collectors.mappings.partner]
        correlation_id = "Bestell-Nr"
        step = "Schritt"
        value_amount = "Betrag"
        value_currency = "'EUR'"
        success = {{ attribute = "Status", equals = "fertig" }}
        """
    )
    drop = Drop(store, tmp_path / "in")
    drop.path.mkdir()
    drop.put(
        "a.csv",
        "Bestell-Nr;Betrag;Gebucht;Status;Schritt\n"
        "SO-1;1.188,07;24.11.2026 10:00;fertig;\n"
        "SO-2;5;24.11.2026 10:01;offen;pack\n".encode("cp1252"),
    )
    sources = Sources(store, load(["--config", str(config)], {}).collectors)
    sources.start()
    try:
        drop.wait(1)
    finally:
        sources.stop()
    first, second = drop.rows()
    assert (first["correlation_id"], first["flow"], first["step"]) == ("SO-1", "returns", "hand-over")
    assert (first["value_amount"], first["value_currency"]) == (Decimal("1188.07"), "EUR")
    assert (first["time"], first["outcome"]) == (datetime(2026, 11, 24, 9, 0), "success")  # noqa: DTZ001
    assert (second["step"], second["outcome"], second["message"]) == ("pack", None, "a.csv:3")
    assert store.query("server/sources")[0]["kind"] == "dropfolder"


def test_csv_and_json_of_many_makers_are_read_together(drop: Drop) -> None:
    drop.put("a.csv", orders(0, 3))
    drop.put("b.json", json.dumps([{"no": "SO-3"}, {"no": "SO-4"}], indent=2))
    drop.put("c.jsonl", '{"no":"SO-5"}\n{"no":"SO-6"}\n')
    drop.put("d.json", '{"no":"SO-7"}')
    drop.put("e.csv", "no\tname\nSO-8\tMüller\n".encode("utf-16"))
    drop.put("f.csv.gz", gzip.compress(orders(9, 11).encode()))
    drop.put("g", '[{"no":"SO-11"}]')
    drop.start()
    items = drop.wait(7)
    assert drop.names() == numbers(0, 12)
    assert [(item["name"], item["records"]) for item in items] == [
        ("a.csv", 3), ("b.json", 2), ("c.jsonl", 2), ("d.json", 1), ("e.csv", 1), ("f.csv.gz", 2), ("g", 1),
    ]  # fmt: skip


def test_a_real_event_log_is_read_whole(drop: Drop) -> None:
    """The format that process mining tools write: quoted, with line ends inside, some times odd."""
    with (drop.path / ".log").open("w", newline="") as file:
        writer = csv.writer(file, dialect="unix")
        writer.writerow(["case:concept:name", "concept:name", "time:timestamp"])
        for number in range(12_345):
            writer.writerow([f"case-{number // 5}", f"Check, \n{number}", f"2026-11-{number % 28 + 1:02d}"])
    (drop.path / ".log").rename(drop.path / "events.csv")
    drop.start(time="time:timestamp")
    (item,) = drop.wait(1)
    assert (item["records"], item["rejected"]) == (12_345, 0)
    (row,) = drop.rows("select count(*) as n, count(distinct record_id) as ids, min(time) as low from log")
    assert (row["n"], row["ids"], str(row["low"])) == (12_345, 12_345, "2026-11-01 00:00:00")


def test_the_manifest_says_what_was_taken(drop: Drop) -> None:
    text = orders(0, 2) + "SO-2,too,many\n"
    drop.put("a.csv", text)
    drop.start()
    (item,) = drop.wait(1)
    assert item["digest"] == hashlib.sha256(text.encode()).hexdigest()
    assert (item["size"], item["records"], item["rejected"]) == (len(text), 2, 1)
    assert (item["error"], item["same_as"], item["deliveries"]) == (None, None, 1)
    assert drop.reasons() == ["a.csv:4: 3 fields, and the header has 1"]


def test_a_quarantined_row_says_that_it_is_read_with_its_file(
    store: Store, drop: Drop, tmp_path: Path
) -> None:
    drop.put("a.csv", "a,b\n1\n2,3\n")
    drop.start()
    drop.wait(1)
    config = tmp_path / "c.toml"
    config.write_text(f'[[collectors.dropfolder]]\nname = "partner"\npath = "{drop.path}"\n')
    sources = Sources(store, load(["--config", str(config)], {}).collectors)
    (row,) = store.query("server/quarantine", {"limit": 9, "offset": 0, "behind": None})
    assert "put a file with the corrected rows" in sources.replay([row["id"]])[row["id"]]


# --- when it is read ---------------------------------------------------------------------------------


def test_a_file_is_read_only_once_its_size_has_settled(drop: Drop) -> None:
    drop.start(settle_seconds=0.5)
    with (drop.path / "a.csv").open("w") as file:
        for number, text in enumerate(orders(0, 10).splitlines(keepends=True)):
            file.write(text)
            file.flush()
            time.sleep(0.1)
            assert drop.items() == [], number
    drop.wait(1)
    assert drop.names() == numbers(0, 10)


def test_uploads_under_way_and_hidden_files_are_left_alone(drop: Drop) -> None:
    for name in (".a.csv", "b.csv.part", "c.csv.tmp", "d.csv~", "e.csv.filepart"):
        (drop.path / name).write_text(orders(0, 1))
    drop.start()
    drop.put("f.csv", orders(1, 2))
    drop.wait(1)
    (drop.path / "b.csv.part").rename(drop.path / "b.csv")
    assert [item["name"] for item in drop.wait(2)] == ["b.csv", "f.csv"]


def test_with_a_marker_a_file_waits_for_it(drop: Drop) -> None:
    supervised = drop.start(done=".done", finished="move")
    drop.put("a.csv", orders(0, 2))
    drop.put("b.csv", orders(2, 4))
    drop.put("b.csv.done", "")
    assert [item["name"] for item in drop.wait(1)] == ["b.csv"]
    eventually((drop.path / "taken/b.csv.done").exists)
    (waiting,) = status(supervised).files
    assert (waiting.path, waiting.lag_s) == (str(drop.path / "a.csv"), 0), "it is no backlog yet"
    drop.put("a.csv.done", "")
    drop.wait(2)
    eventually(lambda: there(drop.path) == ["taken"])
    assert there(drop.path / "taken") == ["a.csv", "a.csv.done", "b.csv", "b.csv.done"]


def test_a_link_to_another_file_is_not_read(drop: Drop, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text(orders(0, 1))
    (drop.path / "a.csv").symlink_to(tmp_path / "secret.csv")
    os.mkfifo(drop.path / "b.csv")
    drop.start()
    drop.put("c.csv", orders(1, 2))
    drop.wait(1)
    assert drop.names() == ["SO-1"]


# --- once --------------------------------------------------------------------------------------------


def test_the_same_content_under_another_name_is_noted_and_not_read(drop: Drop) -> None:
    drop.start()
    drop.put("a.csv", orders(0, 5))
    drop.wait(1)
    drop.put("b.csv", orders(0, 5))
    copy = drop.wait(2)[1]
    assert (copy["name"], copy["same_as"], copy["records"]) == ("b.csv", "a.csv", 0)
    assert drop.names() == numbers(0, 5)


@pytest.mark.parametrize("finished", ["keep", "move"])
def test_the_same_file_again_is_counted_and_not_read(drop: Drop, finished: str) -> None:
    supervised = drop.start(finished=finished)
    drop.put("a.csv", orders(0, 5))
    drop.wait(1)
    for again in (2, 3):
        drop.put("a.csv", orders(0, 5))
        eventually(lambda again=again: drop.items()[0]["deliveries"] == again)
    (item,) = drop.items()
    assert (item["records"], item["same_as"]) == (5, None)
    assert drop.names() == numbers(0, 5)
    if finished == "move":
        eventually(lambda: there(drop.path) == ["taken"])
    assert status(supervised).last_error is None


def test_a_file_that_comes_before_the_one_of_its_name_is_moved_is_read(drop: Drop) -> None:
    drop.start(finished="move")
    for n in range(10):
        drop.put("orders.csv", orders(5 * n, 5 * n + 5))
        eventually(lambda rows=5 * n + 5: len(drop.names()) == rows)
    assert drop.names() == numbers(0, 50)
    # One that was read and not moved yet may have been replaced: then it is moved nowhere.
    eventually(lambda: there(drop.path) == ["taken"])


def test_a_file_that_has_the_place_of_one_that_was_taken_stays(tmp_path: Path) -> None:
    folder = inbox.Inbox(tmp_path, ["*.csv"], None, 0.0)
    path = tmp_path / "a.csv"
    path.write_text("first\n")
    item = SourceItem("a.csv", "d" * 64, f"{inbox.stamp_of(path.lstat())}:", 6)
    path.unlink()
    (tmp_path / "b").write_text("the next one\n")
    (tmp_path / "b").rename(path)
    assert folder.put_away(path, item) is None
    assert there(tmp_path) == ["a.csv"]
    item = replace(item, stamp=f"{inbox.stamp_of(path.lstat())}:")
    assert folder.put_away(path, item) is None
    assert there(tmp_path) == ["taken"]
    assert folder.put_away(path, item) is None, "who put it there took it away"


def test_another_content_under_the_same_name_is_another_file(drop: Drop) -> None:
    drop.start(finished="move")
    drop.put("orders.csv", orders(0, 5))
    drop.wait(1)
    eventually(lambda: not (drop.path / "orders.csv").exists())
    drop.put("orders.csv", orders(5, 8))
    drop.wait(2)
    assert drop.names() == numbers(0, 8)
    eventually(lambda: len(there(drop.path / "taken")) == 2)


def test_a_restart_reads_nothing_again(drop: Drop) -> None:
    drop.put("a.csv", orders(0, 5))
    drop.start()
    drop.wait(1)
    drop.stop()
    supervised = drop.start()
    drop.put("b.csv", orders(5, 6))
    drop.wait(2)
    assert drop.items()[0]["deliveries"] == 1
    assert supervised.records == 1
    assert drop.names() == numbers(0, 6)


def test_a_file_that_grows_after_it_was_taken_is_read_on(drop: Drop) -> None:
    drop.start()
    path = drop.put("a.csv", orders(0, 5))
    drop.wait(1)
    with path.open("a") as file:
        file.write("SO-5\nSO-6\n")
    eventually(lambda: drop.names() == numbers(0, 7))
    assert [item["records"] for item in drop.wait(2)] in ([5, 7], [7, 5])


def test_a_stop_in_the_middle_goes_on_where_it_was(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropfolder, "BATCH_ROWS", 100)
    drop.put("a.csv", orders(0, 20_000))
    supervised = drop.start()
    eventually(lambda: supervised.records > 0)
    drop.stop()
    assert drop.items() == []
    assert 0 < len(drop.names()) < 20_000, "it was stopped on its way"
    monkeypatch.setattr(dropfolder, "BATCH_ROWS", 5_000)
    drop.start()
    (item,) = drop.wait(1)
    assert (item["records"], drop.names()) == (20_000, numbers(0, 20_000))


def test_a_file_that_grows_while_it_is_half_read_is_read_on(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropfolder, "BATCH_ROWS", 100)
    path = drop.put("a.csv", orders(0, 10_000))
    supervised = drop.start()
    eventually(lambda: supervised.records > 0)
    drop.stop()
    with path.open("a") as file:
        file.writelines(f"SO-{number}\n" for number in range(10_000, 10_010))
    monkeypatch.setattr(dropfolder, "BATCH_ROWS", 5_000)
    drop.start()
    (item,) = drop.wait(1)
    assert (item["records"], drop.names()) == (10_010, numbers(0, 10_010))


def test_a_half_read_file_that_is_written_over_or_removed_says_so(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dropfolder, "BATCH_ROWS", 100)
    for name in ("a.csv", "b.csv"):
        drop.put(name, orders(0, 20_000, name=name))
        supervised = drop.start()
        eventually(lambda supervised=supervised: supervised.records > 0)
        drop.stop()
        if name == "a.csv":
            drop.put(name, "no\nnew\n")
        else:
            (drop.path / name).unlink()
        drop.start()
        eventually(lambda name=name: any(item["name"] == name and item["error"] for item in drop.items()))
        drop.stop()
    errors = {item["name"]: item["error"] for item in drop.items() if item["error"]}
    assert errors == {
        "a.csv": "it was written over before its end",
        "b.csv": "it was removed before its end",
    }
    assert "new" in drop.names()


# --- what is wrong -----------------------------------------------------------------------------------


def test_a_file_that_is_given_up_is_read_once_however_long_its_commit_lasts(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = Context.send

    def send_slowly(context: Context, *given: Any, **named: Any) -> None:
        send(context, *given, **named)
        time.sleep(0.6)  # a commit that lasts: the folder is looked at meanwhile
        context.delivery.while_waiting()

    monkeypatch.setattr(Context, "send", send_slowly)
    monkeypatch.setattr(inbox, "SCAN_S", 0.0)
    drop.put("a.csv", b"PK\x03\x04 an excel file")
    drop.start()
    drop.wait(1)
    drop.put("b.csv", orders(0, 1, name="b"))
    drop.wait(2)
    assert sum("nothing behind it was read" in reason for reason in drop.reasons()) == 1


def test_a_file_that_is_no_file_of_rows_is_given_up(drop: Drop) -> None:
    drop.put("a.csv", b"PK\x03\x04 an excel file")
    drop.put("b.csv", "a,b\n" + "1\n" * 5_000)
    drop.put("c.csv.gz", gzip.compress(orders(0, 50_000).encode())[:-100])
    drop.put("d.csv", orders(0, 1, name="d"))
    drop.start()
    items = {item["name"]: item for item in drop.wait(4)}
    assert "an Excel file" in items["a.csv"]["error"]
    assert items["b.csv"]["error"] == "1,000 of 1,000 rows could not be read"
    assert "end-of-stream" in items["c.csv.gz"]["error"]
    assert items["c.csv.gz"]["records"] > 1000, "what came before is read"
    assert items["d.csv"]["error"] is None
    assert sum("nothing behind it was read" in reason for reason in drop.reasons()) == 3


def test_a_file_that_was_given_up_is_read_when_it_is_put_in_again(drop: Drop) -> None:
    drop.put("a.csv", orders(0, 50_000)[:0])
    drop.start()
    assert "empty" in drop.wait(1)[0]["error"]
    drop.put("b.csv", "")
    assert "empty" in drop.wait(2)[1]["error"], "and no duplicate of the first"


def test_a_folder_that_is_missing_is_reported_and_waited_for(drop: Drop) -> None:
    shutil.rmtree(drop.path)
    supervised = drop.start()
    assert supervised.source.test() == f"the folder {drop.path} does not exist"
    eventually(lambda: supervised.signs().missing == str(drop.path))
    drop.path.mkdir()
    drop.put("a.csv", orders(0, 1))
    drop.wait(1)
    eventually(lambda: supervised.signs().missing is None)


def test_a_file_that_cannot_be_read_holds_up_no_other(drop: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Permissions bind no root, so the disk refuses."""
    refuse = [True]

    def opened(path: Path) -> Any:
        if path.name == "a.csv" and refuse:
            raise PermissionError(13, "Permission denied")
        return inbox_opened(path)

    inbox_opened = dropfolder.opened
    monkeypatch.setattr(dropfolder, "opened", opened)
    drop.put("a.csv", orders(0, 1))
    drop.put("b.csv", orders(1, 2))
    supervised = drop.start()
    assert [item["name"] for item in drop.wait(1)] == ["b.csv"]
    eventually(lambda: "a.csv: Permission denied" in (status(supervised).last_error or ""))
    assert [file.reason for file in status(supervised).unreadable_files] == ["Permission denied"]
    refuse.clear()
    drop.wait(2)
    eventually(lambda: status(supervised).last_error is None)


def test_files_that_wait_are_unread_with_their_age(drop: Drop) -> None:
    hold = drop.store.act(lambda _tx: time.sleep(3))
    drop.put("a.csv", orders(0, 100))
    drop.put("b.csv", orders(100, 300))
    supervised = drop.start()
    eventually(lambda: status(supervised).unread_items == 2)
    eventually(lambda: status(supervised).lag_s > 0.5)
    found = status(supervised)
    assert found.unread_bytes == len(orders(0, 100)) + len(orders(100, 300))
    assert found.lag_s < 60
    assert {file.path for file in found.files} == {str(drop.path / name) for name in ("a.csv", "b.csv")}
    hold.result()
    drop.wait(2)
    eventually(lambda: status(supervised).unread_bytes == 0)
    assert (status(supervised).lag_s, status(supervised).files) == (0, [])


# --- settings ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("", "collectors.dropfolder.0.path"),
        ("path = '/x'\npattern = '../*.csv'", "collectors.dropfolder.0.pattern"),
        ("path = '/x'\nformat = 'xml'", "collectors.dropfolder.0.format"),
        ("path = '/x'\nfinished = 'delete'", "collectors.dropfolder.0.finished"),
        ("path = '/x'\ndelimiter = '::'", "collectors.dropfolder.0.delimiter"),
        ("path = '/x'\nencoding = 'utf-9'", "collectors.dropfolder.0.encoding"),
        ("path = '/x'\nflow = \"it's\"", "collectors.dropfolder.0.flow"),
        ("path = '/x'\nfolder = '/x'", "collectors.dropfolder.0.folder"),
        ("path = '/x'\nmapping = 'gone'", "names the mapping 'gone'"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_key(tmp_path: Path, line: str, key: str) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'[[collectors.dropfolder]]\nname = "p"\n{line}\n')
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        load(["--config", str(config)], {})


def test_two_sources_of_one_name_are_refused_whatever_their_kinds(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text(
        '[[collectors.dropfolder]]\nname = "p"\npath = "/x"\n[[collectors.jsonl]]\nname = "p"\npaths = "/y"\n'
    )
    with pytest.raises(SettingsError, match="the source name 'p' is taken"):
        load(["--config", str(config)], {})


def test_the_example_of_the_documents_is_taken(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/collectors.md").read_text()
    (example,) = re.findall(r"```toml\n(\[\[collectors.dropfolder.*?)```", text, re.DOTALL)
    config = tmp_path / "c.toml"
    config.write_text(example)
    (made,) = load(["--config", str(config)], {}).collectors.section("dropfolder")
    named = set(re.findall(r"^(\w+) = ", example.split("[collectors.mappings")[0], re.MULTILINE))
    assert set(DropFolderSettings.model_fields) - named == {"silent_after_minutes"}, "each setting is shown"
    assert (made.escape, made.columns) == ("\\", ["order", "total"])
