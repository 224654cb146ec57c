"""What people write on the page: performed once, with a message however it ends."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from access.commands import perform
from data.errors import UnsnagError
from views.kit.acting import say
from views.kit.markdown import escape
from views.kit.person import context

if TYPE_CHECKING:
    from collections.abc import Callable

    from access.commands import Command


def do(
    command: Command[Any, Any, Any] | Callable[[], Command[Any, Any, Any]],
    done: str,
    *,
    shown: dict[str, Any] | None = None,
) -> None:
    """Perform a command, or what makes one, and keep its message for the next run."""
    key = uuid.uuid4().hex
    attempt(
        lambda: perform(command() if callable(command) else command, context(), key=key, shown=shown), done
    )


def attempt(work: Callable[[], object], done: str) -> None:
    """Do something, and keep its message for the next run."""
    try:
        work()
    except UnsnagError as error:
        say(escape(str(error)), ":material/warning:")
    else:
        say(done, ":material/check_circle:")
