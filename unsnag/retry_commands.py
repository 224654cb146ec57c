"""Retries of wrapped commands: ``unsnag worker --command nightly-export=./export.sh`` runs them again.

The command is declared on the worker's machine, and its arguments are never taken from telemetry: everyone
who can send a record could otherwise run commands. What is known of the retry goes to it by variables.
"""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from unsnag import command as commands
from unsnag import conventions, handlers
from unsnag.retry_queue import RetryQueueError

if sys.version_info >= (3, 11):
    import tomllib  # novm
else:
    import tomli as tomllib
from unsnag.units import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from unsnag.handlers import Retry


class Declared(NamedTuple):
    """Which command a retry of a step runs."""

    flow: str
    step: str
    command: Sequence[str]
    folder: str | None = None
    completes: bool | None = None


def register(options: Iterable[str], file: str | None) -> None:
    """Register what the command line and a file declare.

    Raises:
        RetryQueueError: something cannot be read; the message says what.
    """
    for declared in [*map(of_option, options), *(of_file(file) if file else ())]:
        handlers.handler(declared.flow, declared.step)(_handler(declared))


def of_option(text: str) -> Declared:
    """Read ``FLOW[/STEP]=COMMAND``; the command is parted as a shell would, and no shell runs it."""
    name, equals, line = text.partition("=")
    flow, _, step = name.partition("/")
    try:
        command = shlex.split(line, posix=os.name != "nt")
    except ValueError as error:
        raise RetryQueueError(f"--command {text!r} cannot be read: {error}.") from error
    if not (equals and flow and command):
        raise RetryQueueError(f"--command {text!r} is not FLOW=COMMAND or FLOW/STEP=COMMAND.")
    return Declared(flow, step or _name_of(command), command)


def of_file(path: str) -> list[Declared]:
    """Read a TOML file with a table ``[[command]]`` for each step."""
    try:
        with Path(path).open("rb") as file:
            tables = tomllib.load(file).get("command", [])
        return [_of_table(table) for table in tables]
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise RetryQueueError(f"{path} cannot be read: {error}") from error


def _of_table(table: Mapping[str, Any]) -> Declared:
    fields = dict(table)
    command, flow = fields.pop("command", None), fields.pop("flow", None)
    if not (isinstance(command, list) and command and all(isinstance(part, str) for part in command)):
        raise ValueError("each [[command]] needs command, a list of texts")
    if not isinstance(flow, str) or not flow:
        raise ValueError("each [[command]] needs flow")
    step = str(fields.pop("step", "") or _name_of(command))
    if unknown := sorted(fields.keys() - {"folder", "completes"}):
        raise ValueError(f"[[command]] of {flow} has no {', '.join(unknown)}")
    return Declared(flow, step, command, **fields)


def _name_of(command: Sequence[str]) -> str:
    """Return the step that ``unsnag run`` gives a command."""
    return os.path.basename(command[0])  # noqa: PTH119 - the same function as there


def _handler(declared: Declared) -> Any:
    def again(retry: Retry) -> None:
        with unit(retry.correlation_id, completes=declared.completes):
            commands.execute(declared.command, variables(retry), folder=declared.folder)

    return again


def variables(retry: Retry) -> dict[str, str]:
    """Return what the command gets to know of its retry; correlation IDs come from telemetry."""
    named = {
        conventions.ENV_CORRELATION_ID: retry.correlation_id,
        conventions.ENV_IDEMPOTENCY_KEY: retry.idempotency_key,
        conventions.ENV_RETRY_ID: retry.id,
        conventions.ENV_ATTEMPT: str(retry.attempt),
    }
    return {name: text.replace("\x00", "") for name, text in named.items()}
