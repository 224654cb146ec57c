"""When the strip on top of every page turns amber: the second before each limit, and the limit itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.queries import Claims
from collectors.states import SourceState
from collectors.status import SourceStatus
from views.kit import strip

NOW = datetime(2026, 11, 20, 15, 0, tzinfo=UTC)
UP_TO_DATE = ":material/sensors: 1 source up to date"


def source(**fields: Any) -> SourceStatus:
    own = {"name": "shop", "kind": "jsonl", "state": SourceState.RUNNING, "reason": "", "next_step": ""}
    return SourceStatus(**{**own, **fields})


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("fields", "shown"),
    [
        ({"lag_s": None}, UP_TO_DATE),
        ({"lag_s": 59.9, "unread_bytes": 2_000}, UP_TO_DATE),
        ({"lag_s": 60, "unread_bytes": 2_000}, ":orange[:material/warning: shop: 2 kB unread]"),
        (
            {"state": SourceState.SILENT, "state_since": ago(7_200)},
            ":orange[:material/warning: shop silent, last record 2 h ago]",
        ),
        (
            {"state": SourceState.FAILED, "reason": "denied", "lag_s": 60},
            ":red[:material/error: shop failed\\: denied]",
        ),
        (
            {"state": SourceState.STALLED, "reason": "30 s"},
            ":red[:material/error: shop stalled\\: 30 s]",
        ),
        ({"lost": 3, "lost_at": ago(3_600)}, UP_TO_DATE),
        (
            {"lost": 3, "lost_at": ago(3_599)},
            ":orange[:material/warning: programs of shop lost events, last 59 min ago]",
        ),
        ({"state": SourceState.NEVER_RECEIVED}, ":material/sensors: no record received yet"),
    ],
)
def test_a_source_turns_it_amber_or_red_at_its_limit(fields: dict[str, Any], shown: str) -> None:
    assert strip._sources([source(**fields)], NOW) == shown


def test_the_slowest_source_is_named_and_what_lost_last() -> None:
    slow = [source(name="a", lag_s=70), source(name="b", lag_s=90, unread_bytes=5), source(name="c")]
    assert "b: 5 B unread" in strip._sources(slow, NOW)
    lossy = [source(name="a", lost_at=ago(90)), source(name="b", lost_at=ago(10)), source(name="c")]
    assert "programs of b lost events" in strip._sources(lossy, NOW)
    assert strip._sources([], NOW) == ":material/sensors_off: no sources"


@pytest.mark.parametrize(
    ("left_s", "is_amber"), [(241, False), (240, False), (239, True), (0, True), (-5, True)]
)
def test_a_claim_turns_it_amber_four_minutes_before_it_ends(left_s: float, is_amber: bool) -> None:  # noqa: FBT001
    shown = strip._held(Claims(2, NOW + timedelta(seconds=left_s)), NOW, 240)
    assert "2 claims held, next expires in " in shown
    assert shown.startswith(":orange[") is is_amber


def test_a_person_without_claims_reads_that() -> None:
    assert strip._held(Claims(0, None), NOW, 240) == ":material/front_hand: no claims held"
