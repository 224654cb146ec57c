"""The operators: people who work on the queue through the REST API, as anybody's script could.

They take what has waited for a while, most urgent first: claim it, then retry it, or close it with a reason.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final

import httpx

from examples import clock
from examples.order_to_cash import backoffice
from server.identity import NAME_COOKIE

if TYPE_CHECKING:
    from collections.abc import Callable

PEOPLE: Final = ("ann", "marek", "kim")
MANY: Final = 200
HANDLED: Final = ("order-to-cash", "nightly-export")
"""Flows whose steps a worker can run again."""
TRIES: Final = 3
"""After so many retries a person finishes an order by hand."""
REASONS: Final = {
    "business": "The back office removed the cause: limit raised or goods delivered.",
    "data": "The data was corrected at its source.",
    "infrastructure": "The system answers again.",
}
ENDINGS: Final = {
    "shipping": ("moved_to_manual", "Address confirmed by telephone; parcel handed over at the counter."),
    "returns": ("moved_to_manual", "Decided with the customer; the bank transfer was made by hand."),
}
BY_HAND: Final = ("moved_to_manual", "Three retries did not help; the order was finished by hand.")


class RefusedError(Exception):
    """The server refused what an operator asked for."""


class Operator:
    """One person at the queue."""

    def __init__(self, url: str, name: str) -> None:
        self._http = httpx.Client(base_url=f"{url}/api/v1", cookies={NAME_COOKIE: name}, timeout=60)

    def close(self) -> None:
        """Leave."""
        self._http.close()

    def work(self, *, waited_s: float, run_retries: Callable[[], None]) -> int:
        """Settle what has waited for so long; return how many exceptions that were.

        `run_retries` lets the workers carry out the retries that were asked for.
        """
        mine = [case for case in self.waiting() if self._is_due(case, waited_s)]
        if any(case["flow"] == "nightly-export" for case in mine):
            backoffice.collect_exports()  # a call to the accountants, who had not fetched their files
        retried = sum(self._settle(case) for case in mine)
        if retried:
            run_retries()
        return len(mine)

    def waiting(self) -> list[dict[str, Any]]:
        """Return the exceptions that nobody works on, most urgent first."""
        answer = self._http.get("/cases", params={"state": "open", "limit": MANY})
        answer.raise_for_status()
        return list(answer.json()["items"])

    def _is_due(self, case: dict[str, Any], waited_s: float) -> bool:
        return clock.time() - clock.seconds(case["first_seen"]) >= waited_s

    def _settle(self, case: dict[str, Any]) -> bool:
        """Retry an exception, or close it where no retry helps; say whether a retry was asked for."""
        is_retried = case["flow"] in HANDLED and case["attempts"] < TRIES * 3
        self._act(case, "claim")
        if is_retried:
            self._act(case, "retry", {"reason": REASONS.get(case["class"], "Looked at; try it again.")})
        else:
            code, reason = ENDINGS.get(case["flow"], BY_HAND)
            self._act(case, "resolve", {"code": code, "reason": reason})
        return is_retried

    def _act(self, case: dict[str, Any], act: str, body: dict[str, str] | None = None) -> None:
        headers = {"Idempotency-Key": uuid.uuid4().hex}
        answer = self._http.post(f"/cases/{case['id']}/{act}", json=body, headers=headers)
        if answer.is_error:
            raise RefusedError(f"{act} of {case['correlation_id']} was refused: {answer.text}")
