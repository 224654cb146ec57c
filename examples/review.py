"""The weekly reviews of the demonstration: a team writes down what moved, what it decided, who promised what.

It uses the REST API, as anybody's script could.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import httpx

from examples import clock
from kpis import periods
from server.identity import NAME_COOKIE

TARGETS: Final = (
    ("K1", 96.0, "orders team"),
    ("K19", 99.0, "orders team"),
    ("K7", 120.0, "platform team"),
    ("K3", 7_200.0, "operations"),
    ("K20", 250.0, "orders team"),
)
WHY: Final = {
    "K1": "Broken rows in the shop's files, which people correct by hand, decide this figure.",
    "K19": "Few orders end without success: each of them weighs much in one week.",
    "K7": "The payment gateway was down in busy hours; most orders went through on a later try.",
    "K3": "Exceptions of the night waited for the first shift.",
    "K8": "What was stuck at the weekend was worked on before the week ended.",
    "K9": "A few wholesale orders make most of it, so it changes much from week to week.",
    "K16": "The queue was worked on twice a day.",
    "K20": "The season: orders change with it from week to week.",
}
OTHER: Final = "Looked at in the review: it follows from the outages of the payment gateway."
ACTIONS: Final = (
    ("Ask the payment provider for a status feed, so that retries wait for it", "marek", -3, "K7"),
    ("Check addresses in the shop before an order is accepted", "kim", 10, "K1"),
    ("Give the weekend a second look at the queue", "ann", None, "K3"),
)
ENTRIES: Final = (
    ("win", "No order was lost: each one that was stuck has its proof of recovery.", None),
    ("miss", "The gateway's outage was noticed by customers before it was noticed by us.", None),
    ("decision", "Retries of payments wait for ten minutes.", "Most outages were over after half an hour."),
)
NOTES: Final = (
    ("money", "Most of it is a few wholesale orders."),
    ("hurts", "Payment is first again. The action of the week before is overdue."),
)


class Team:
    """The people of the review, at one server."""

    def __init__(self, url: str, name: str = "ann") -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", cookies={NAME_COOKIE: name}, timeout=120)

    def close(self) -> None:
        """Leave."""
        self._http.close()

    def set_targets(self) -> None:
        """Set what the figures should reach."""
        for kpi, target, owner in TARGETS:
            self._post(f"/kpis/{kpi}/target", {"target": target, "owner": owner})

    def promise(self, week: str) -> None:
        """Promise what should get better; one of it is done a week later."""
        today = datetime.fromtimestamp(clock.time(), UTC).date()
        for text, owner, days, kpi in ACTIONS:
            due = None if days is None else (today + timedelta(days=days)).isoformat()
            self._post(f"/weeks/{week}/actions", {"text": text, "owner": owner, "due_on": due, "kpi": kpi})
        self._finish("Give the weekend")

    def hold(self, week: str) -> None:
        """Hold the review of a week that is over, and freeze it."""
        for kind, text, why in ENTRIES:
            self._post(f"/weeks/{week}/entries", {"kind": kind, "text": text, "why": why})
        for section, text in NOTES:
            self._post(f"/weeks/{week}/notes", {"section": section, "text": text})
        due = (datetime.fromtimestamp(clock.time(), UTC).date() + timedelta(days=7)).isoformat()
        action = {"text": "Agree a second way to pay", "owner": "marek", "due_on": due, "kpi": "K19"}
        self._post(f"/weeks/{week}/actions", action)
        for kpi in self._http.get(f"/weeks/{week}").raise_for_status().json().get("uncommented"):
            self._post(f"/weeks/{week}/comments", {"kpi": kpi, "text": WHY.get(kpi, OTHER)})
        self._post(f"/weeks/{week}/freeze", None)

    def begin(self, week: str) -> None:
        """Write the first things into the review of the week that runs."""
        text = "The payment gateway is down since more than an hour; orders wait, none is lost."
        self._post(f"/weeks/{week}/entries", {"kind": "miss", "text": text})
        self._post(f"/weeks/{week}/notes", {"section": "hurts", "text": "Look at the payment first."})

    def _finish(self, beginning: str) -> None:
        for one in self._http.get("/actions").raise_for_status().json().get("items"):
            if one.get("text").startswith(beginning):
                done = {"state": "done", "note": "Kim looks at it on Saturday afternoon."}
                self._post(f"/actions/{one.get('id')}/close", done)

    def _post(self, path: str, body: dict[str, Any] | None) -> None:
        self._http.post(path, json=body, headers={"Idempotency-Key": uuid.uuid4().hex}).raise_for_status()


def hold(url: str, zone: str) -> None:
    """Hold the reviews of the last two weeks: the last one is frozen, this one is a draft."""
    now = datetime.fromtimestamp(clock.time(), UTC)
    this = periods.week_of(now, zone)
    last, before = (periods.week_of(periods.week(this, zone).earlier(n).start, zone) for n in (1, 2))
    team = Team(url)
    team.set_targets()
    team.promise(before)
    team.hold(last)
    team.begin(this)
    team.close()
