"""Approvals: a script asks a person about the unit at hand, and waits for their answer.

1. `approval` records the question. On the server it waits in the queue of exceptions, until somebody with the
   right answers it. Its id is made of tenant, flow, unit and question (or `key`), so a script that was
   started again asks for the same answer.
2. After `timeout_s` the server escalates it. For the script nothing changes: it may go on waiting.
3. `Approval.wait` asks the server every few seconds, over HTTP with the sender's token.
4. Who has waited for `wait_s` in vain records that, which closes the approval, and gets a `NoAnswerError`.
"""

from __future__ import annotations

import json
import os
import sys
import time
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import Request, urlopen

from unsnag import client as clients
from unsnag import conventions, wire
from unsnag.destination import bearer
from unsnag.errors import AutomationError

if TYPE_CHECKING:
    from datetime import datetime

    from unsnag.context import Scope

_REQUEST_S: Final = 10.0
_LEAST_S: Final = 0.2
_UNKNOWN: Final = 404
_REFUSED: Final = frozenset({400, 401, 403, 409, 410, 422})


class ApprovalError(AutomationError):
    """An approval cannot be asked for, or its answer cannot be read."""

    __module__ = "unsnag"  # how scripts and stack traces name it

    error_class = conventions.CLASS_INFRASTRUCTURE


class NoAnswerError(AutomationError):
    """Nobody has answered in the time that the script waits."""

    __module__ = "unsnag"

    error_class = conventions.CLASS_BUSINESS


class Answer:
    """What a person decided. It is true where they approved: ``if approval.wait(): ...``."""

    __slots__ = ("approved", "at", "by", "reason")

    def __init__(self, *, approved: bool, by: str | None, reason: str | None, at: datetime | None) -> None:
        self.approved = approved
        self.by = by
        self.reason = reason
        self.at = at

    def __bool__(self) -> bool:
        """Return whether it is approved."""
        return self.approved

    def __repr__(self) -> str:
        """Return it as a line for logs."""
        how = "approved" if self.approved else "rejected"
        return f"<{how} by {self.by or 'somebody outside'}{f': {self.reason}' if self.reason else ''}>"


class Approval:
    """A question to a person about one unit. It is asked as soon as it is made."""

    def __init__(
        self, question: str, *, timeout_s: float | None, key: str | None, server: str | None
    ) -> None:
        scope = clients.current()
        if clients.active() is None or scope.correlation_id is None:
            raise ApprovalError(
                "An approval belongs to a unit: call unsnag.init, and ask inside of `with unsnag.unit(...)`."
            )
        if not question.strip():
            raise ApprovalError("An approval needs a question: what should a person decide?")
        self._scope: Scope = scope
        self._timeout_s = timeout_s
        self._server = (
            server or os.environ.get(conventions.ENV_SERVER) or conventions.DEFAULT_SERVER
        ).rstrip("/")
        self._tenant = scope.fields.get(conventions.TENANT)
        self.question = question
        self.id = conventions.approval_id(self._tenant, scope.flow, scope.correlation_id, key or question)
        self._ask()

    def _ask(self) -> None:
        self._record(conventions.EVENT_APPROVAL_WAITS, conventions.APPROVAL_WAITING)

    def _record(self, event: str, state: str) -> None:
        client = clients.active()
        if client is None:
            return
        fields = {
            conventions.APPROVAL_ID: self.id,
            conventions.APPROVAL_QUESTION: self.question,
            conventions.APPROVAL_STATE: state,
        }
        if self._timeout_s is not None:
            fields[conventions.APPROVAL_TIMEOUT] = str(float(self._timeout_s))
        client.record("info", event, fields, self._scope)
        client.output.flush()

    def answer(self) -> Answer | None:
        """Ask the server once; None while nobody has answered.

        Raises:
            ApprovalError: the server cannot be reached, or refuses.
        """
        found = self._state()
        if found is not None and found.state == wire.CLOSED:
            self._ask()  # a failure logged beside it, or an earlier run of the script, had ended the wait
        if found is None or found.state not in (wire.APPROVED, wire.REJECTED):
            return None
        self._note_answer(found)
        return Answer(
            approved=found.state == wire.APPROVED,
            by=found.decided_by,
            reason=found.reason,
            at=found.decided_at,
        )

    def wait(self, wait_s: float | None = None, *, every_s: float = 5.0) -> Answer:
        """Wait until a person has answered. While the server cannot be reached, go on asking.

        Args:
            wait_s: How long to wait at most; else as long as it takes.
            every_s: Seconds between two questions to the server.

        Raises:
            NoAnswerError: nobody has answered within `wait_s`. The approval is closed.
            ApprovalError: the server refuses: the token may not ask, or is not valid.
        """
        until = None if wait_s is None else time.monotonic() + wait_s
        is_noted = False
        while True:
            try:
                if (found := self.answer()) is not None:
                    return found
            except _UnreachableError as fault:
                is_noted = is_noted or _note(fault)
            left = None if until is None else until - time.monotonic()
            if left is not None and left <= 0:
                self._record(conventions.EVENT_APPROVAL_STOPPED, conventions.APPROVAL_STOPPED)
                raise NoAnswerError(f"Nobody has answered within {wait_s:g} s: {self.question}")
            time.sleep(max(_LEAST_S, every_s if left is None else min(every_s, left)))

    def _note_answer(self, found: wire.Approval) -> None:
        client = clients.active()
        if client is not None:
            fields = {"approval": found.state, "decided_by": found.decided_by, "reason": found.reason}
            client.record("info", conventions.EVENT_APPROVAL_ANSWERED, fields, self._scope)

    def _state(self) -> wire.Approval | None:
        unit = {"tenant": self._tenant, "correlation_id": self._scope.correlation_id}
        asked = urlencode({name: text for name, text in unit.items() if text})
        path = f"{wire.APPROVALS_PATH}/{quote(self.id, safe='')}"
        url = f"{self._server}{path}?{asked}"
        if not url.startswith(("http://", "https://")):
            raise ApprovalError(f"{self._server!r} is no address of a server; it begins with http://.")
        answer = _get(url)
        return None if answer is None else _read(answer)


class _UnreachableError(ApprovalError):
    """The server does not answer now; it may in a moment."""


def _get(url: str) -> dict[str, Any] | None:
    """Return the server's answer; None where it does not know the approval yet."""
    request = Request(url, headers=bearer(os.environ.get(conventions.ENV_TOKEN)))  # noqa: S310 - checked
    try:
        with urlopen(request, timeout=_REQUEST_S) as answer:  # noqa: S310
            return dict(json.loads(answer.read()))
    except HTTPError as error:
        with error:
            if error.code == _UNKNOWN:
                return None
            text = f"The server answered {error.code}: {error.read(500).decode('utf-8', 'replace')}"
            raise (ApprovalError if error.code in _REFUSED else _UnreachableError)(text) from error
    except (OSError, HTTPException, ValueError) as error:
        raise _UnreachableError(
            f"The server does not answer at {url.partition(wire.APPROVALS_PATH)[0]}: {error}. "
            f"Set {conventions.ENV_SERVER} to its address."
        ) from error


def _read(answer: dict[str, Any]) -> wire.Approval:
    try:
        return wire.from_json(wire.Approval, answer)
    except wire.ContractError as error:
        raise ApprovalError(f"The server's answer cannot be used: {error}.") from error


def _note(fault: ApprovalError) -> bool:
    sys.stderr.write(f"unsnag: {fault} It is asked again until it answers.\n")
    return True


def approval(
    question: str, *, timeout_s: float | None = None, key: str | None = None, server: str | None = None
) -> Approval:
    """Ask a person about the unit at hand: the question waits in the queue of exceptions.

    Args:
        question: What they should decide, in a sentence.
        timeout_s: After so many seconds without an answer the server escalates it; else by its levels.
        key: What distinguishes it from other questions of this unit, should the question's text change.
        server: Whom to ask for the answer; else ``UNSNAG_URL``, else the server of this machine.

    Raises:
        ApprovalError: there is no unit, or no question. Nothing may go on as if it were approved.
    """
    return Approval(question, timeout_s=timeout_s, key=key, server=server)
