"""What mappings of the config file do: IDs in text, prefixes, people's steps, records that are left out."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from collectors.lines import Piece, Reader
from collectors.mapping import Mapping
from collectors.normalise import Normaliser
from collectors.settings import MappingSettings
from collectors.text_ids import MOST_IDS, TextPattern, found
from data.store import Store
from desk import units
from desk.errors import UnitNotFoundError
from desk.intake import intake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# --- IDs in text --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "text", "ids"),
    [
        ("SO-{digits}", "SO-1 failed", ["SO-1"]),
        ("SO-{digits}", "merged SO-1, SO-2 and (SO-3); SO-1 again.", ["SO-1", "SO-2", "SO-3"]),
        ("SO-{digits}", "XSO-1 SO-12a SO- SO-3-4", []),
        ("SO-{digits}", "SO-SO-7", []),
        ("SO-{digits}", f"SO-{'9' * 100} SO-{'9' * 101}", [f"SO-{'9' * 100}"]),
        ("order ({word})", "order A-7_x: paid, border B, order  C", ["A-7_x"]),
        ("[{digits}]", "[17] [x] [18", ["[17]"]),
        ("[({digits})]", "[17][18]", ["17", "18"]),
        ("no=({digits}-X)", "no=5-X no=6-Y", ["5-X"]),
        ("no={digits}", "", []),
    ],
)
def test_ids_are_found_in_text(pattern: str, text: str, ids: list[str]) -> None:
    assert found([TextPattern.of(pattern)], text) == ids


@pytest.mark.parametrize(
    "pattern",
    [
        "SO-1",
        "{digits}",
        "({digits})",
        "a{digits}b{word}",
        "a{word}{word}",
        "a({word}",
        "a)({word}",
        "(a){word}",
    ],
)
def test_a_pattern_that_cannot_be_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError):
        MappingSettings(ids_in_text=[pattern])


@pytest.mark.parametrize("text", ["a" * 2_000_000, "SO-" * 700_000, "SO-1" * 500_000, "SO-1 " * 400_000])
def test_any_text_takes_time_in_proportion(text: str) -> None:
    patterns = [TextPattern.of("SO-{digits}"), TextPattern.of("a({word})")]
    started = time.process_time()
    assert len(found(patterns, text)) <= MOST_IDS
    assert time.process_time() - started < 2


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path, intake)
    yield opened
    opened.close()


def read(store: Store, settings: dict[str, Any], *lines: str) -> None:
    """Read lines of a file whose source has this mapping, as a follower does."""
    n = Normaliser("shipping", "jsonl", 0, mapping=Mapping.of(MappingSettings.model_validate(settings)))
    n.now, n.latest = 1_800_000_000_000_000, 1_900_000_000_000_000
    Reader.into(n).read(Piece([line.encode() for line in lines], None, 0, 7, final=True))
    store.append(n.batch()).result()


SHIPPING = {"flow": "'shipping'", "ids_in_text": ["SO-{digits}"]}
ONE = "2026-11-16 09:00:00 INFO SO-1 handed over"
SEVERAL = "2026-11-16 09:00:01 ERROR could not merge SO-1, SO-2 and so-3, SO-4"


def messages(found: dict[str, Any]) -> list[str]:
    return [log["message"] for log in found["logs"]]


def test_a_line_with_one_id_belongs_to_it_and_one_with_several_to_none(store: Store) -> None:
    read(store, SHIPPING, ONE, SEVERAL)
    (unit,) = store.everything().query("units/unit", {"correlation_id": "SO-1"})
    assert (unit["flow"], unit["errors"]) == ("shipping", 0)
    assert store.everything().query("units/unit", {"correlation_id": "SO-2"}) == []
    (case,) = store.act(
        lambda tx: tx.execute("select correlation_id, unit_kind from exception_case")
    ).result()
    assert case["unit_kind"] == "none"


def test_every_id_of_a_line_finds_it(store: Store) -> None:
    read(store, SHIPPING, ONE, SEVERAL)
    reading = store.everything()
    assert messages(units.unit(reading, "SO-1")) == ["SO-1 handed over", SEVERAL[26:]]
    found = units.unit(reading, "so-4")
    assert (found["state"], messages(found), found["flows"]) == ("mentioned", [SEVERAL[26:]], [])
    assert found["logs"][0]["mentions"] == ["SO-1", "SO-2", "SO-4"]
    (hit,) = units.search(reading, "so-2")
    assert (hit["kind"], hit["id"], hit["state"]) == ("unit", "SO-2", "mentioned")
    assert sorted(hit["id"] for hit in units.search(reading, "SO-")) == ["SO-1", "SO-2", "SO-4"]
    with pytest.raises(UnitNotFoundError):
        units.unit(reading, "SO-9")


def test_a_line_that_names_its_own_id_keeps_it_and_mentions_the_others(store: Store) -> None:
    read(store, {**SHIPPING, "correlation_id": "no"}, '{"event": "SO-5 replaces SO-6", "no": "SO-5"}')
    assert messages(units.unit(store.everything(), "SO-5")) == ["SO-5 replaces SO-6"]
    assert units.unit(store.everything(), "SO-6")["logs"][0]["correlation_id"] == "SO-5"


def test_what_lies_outside_the_scope_is_not_found_by_its_mention(store: Store) -> None:
    read(store, {**SHIPPING, "tenant": "'acme'"}, SEVERAL)
    from data.store import Reading  # noqa: PLC0415

    assert units.search(Reading(store, ("globex\x1f*",)), "SO-2") == []
    with pytest.raises(UnitNotFoundError):
        units.unit(Reading(store, ("globex\x1f*",)), "SO-2")
    assert units.unit(Reading(store, ("acme\x1f*",)), "SO-2")["state"] == "mentioned"


# --- prefixes -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        ('{"event": "x", "no": "4711"}', "DE-4711"),
        ('{"event": "x", "correlation_id": "4711"}', "DE-4711"),
        ('{"event": "x", "unsnag.correlation_id": "4711"}', "4711"),
        ('{"event": "order #4711 paid"}', "DE-4711"),
        ('{"event": "x"}', None),
    ],
)
def test_a_prefix_keeps_number_ranges_apart(store: Store, line: str, kept: str | None) -> None:
    read(store, {"correlation_id": "no", "ids_in_text": ["#({digits})"], "prefix": "DE-"}, line)
    (row,) = store.act(lambda tx: tx.execute("select correlation_id from log")).result()
    assert row["correlation_id"] == kept


def test_several_ids_in_a_text_get_the_prefix_too(store: Store) -> None:
    read(store, {"ids_in_text": ["#{digits}"], "prefix": "DE-"}, '{"event": "#1 and #2"}')
    assert units.unit(store.everything(), "de-#2")["state"] == "mentioned"
