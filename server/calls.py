"""Commands as calls of the REST routes: what they share."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

from data.errors import UnsnagError

if TYPE_CHECKING:
    import httpx


class CommandRefusedError(UnsnagError):
    """The server refused the command."""


class Calls:
    """A client of the routes."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def get(self, path: str) -> Any:
        """Return what a route answers.

        Raises:
            CommandRefusedError: the server refused it.
        """
        return (await self.answer("GET", path)).json()

    async def post(self, path: str, body: Any = None) -> Any:
        """Return what a write is answered.

        Raises:
            CommandRefusedError: the server refused it.
        """
        return (await self.answer("POST", path, body)).json()

    async def answer(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Return the answer of a route as it came.

        Raises:
            CommandRefusedError: the server refused it.
        """
        headers = {"Idempotency-Key": uuid.uuid4().hex} if method == "POST" else {}
        answer = await self._client.request(method, f"/api/v1{path}", json=body, headers=headers)
        if answer.is_error:
            raise CommandRefusedError(_refusal(answer))
        return answer


def _refusal(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["detail"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"The server answered {answer.status_code}."


def say(words: str) -> None:
    """Print what happened for the person who runs a command: stdout is for data."""
    print(words, file=sys.stderr)  # noqa: T201 - narration
