from __future__ import annotations

import json
import logging
import random
from typing import TYPE_CHECKING, Any

import pytest

import unsnag
from examples import backfill, clock
from examples.order_to_cash import gateway, payment, storefront

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Company:
    """The programs in a folder of their own, and the records they sent to Unsnag."""

    def __init__(self, folder: Path) -> None:
        self.spool = folder / "spool"
        self.passes = backfill.CHAIN

    def gateway_is(self, timetable: gateway.Timetable) -> None:
        payment.gateway = backfill.gateway_in_this_process(timetable)

    def work(self, *services: str) -> None:
        """Let some programs, or all in the order of the chain, make one pass each."""
        for service in services or self.passes:
            unsnag.init(flow="order-to-cash", service=service, spool=self.spool)
            self.passes[service].run_once()

    def records(self) -> list[dict[str, Any]]:
        """Return all log records and spans, spans with their attributes beside their name."""
        unsnag.flush()
        paths = sorted(self.spool.glob("*.jsonl"))
        return [flat(json.loads(line)) for path in paths for line in path.read_text().splitlines()]

    def outcomes(self, number: str) -> list[str]:
        """Return how the parts of an order's life ended, in the order of the programs."""
        of_order = [record for record in self.records() if record.get("unsnag.correlation_id") == number]
        return [record["unsnag.outcome"] for record in of_order if "unsnag.outcome" in record]

    def failures(self) -> dict[str, dict[str, Any]]:
        """Return the last error record of each order that failed."""
        failed = [record for record in self.records() if record.get("event") == "unit.failed"]
        return {record["unsnag.correlation_id"]: record for record in failed}


def flat(record: dict[str, Any]) -> dict[str, Any]:
    if "resourceSpans" not in record:
        return record
    span = record["resourceSpans"][0]["scopeSpans"][0]["spans"][0]
    attributes = {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}
    return {"name": span["name"], "start": int(span["startTimeUnixNano"]) / 1e9, **attributes}


@pytest.fixture
def company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Iterator[Company]:
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("EXAMPLES_VAR", str(tmp_path / "var"))
    monkeypatch.setattr(storefront, "chance", random.Random(4))
    made = Company(tmp_path)
    with backfill.simulated(clock.time()):
        made.gateway_is(gateway.Timetable(60, ()))
        storefront.open_shop()
        yield made
    unsnag.shutdown()
