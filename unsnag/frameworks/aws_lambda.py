"""AWS Lambda, and what calls handlers in its style: ``@handler(unit="order_id")``, a key of the event."""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from unsnag.api import flush
from unsnag.frameworks.entry import Entry
from unsnag.frameworks.naming import Naming, Source
from unsnag.frameworks.web import FAILED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

    from unsnag.frameworks.naming import Rule

F = TypeVar("F", bound="Callable[..., Any]")

FLUSH_S = 2.0
"""How long an answer may wait for telemetry: the process may be frozen as soon as it has answered."""


def handler(unit: Rule = None, **options: Any) -> Callable[[F], F]:
    """Make each invocation the block of its unit, and send what was recorded before the answer.

    An answer with a ``statusCode``, as API Gateway expects it, counts as that of a web application.

    Args:
        unit: Where the unit's ID is: see `unsnag.frameworks.naming`. ``"detail.order_id"`` are keys of the
            event, ``"header:X-Order-ID"`` is in its ``headers``; a function gets event and context.
        options: What `unsnag.unit` takes beside the ID.
    """
    naming = Naming(unit, options)

    def decorate(function: F) -> F:
        @wraps(function)
        def wrapped(event: Any, context: Any) -> Any:
            entry = _entry(naming, event, context)
            entry.begin()
            try:
                answer = function(event, context)
            except BaseException as error:
                entry.finish(error)
                raise
            else:
                _judge(entry, answer)
                entry.finish()
                return answer
            finally:
                flush(FLUSH_S)

        return wrapped  # type: ignore[return-value]

    return decorate


def _entry(naming: Naming, event: Any, context: Any) -> Entry:
    keys = event if isinstance(event, Mapping) else {}
    headers = {str(key).lower(): value for key, value in (keys.get("headers") or {}).items()}
    source = Source(
        lambda rule: rule(event, context),
        str(keys.get("rawPath") or keys.get("path") or ""),
        lambda name: headers.get(name.lower()),
        lambda: {**keys, "event": event, "context": context},
    )
    invocation = getattr(context, "aws_request_id", None)
    fields = {"faas.invocation_id": invocation} if invocation else {}
    name = getattr(context, "function_name", None) or "handler"
    return Entry(naming.find(source), name, headers, is_request=True, fields=fields)


def _judge(entry: Entry, answer: Any) -> None:
    status = answer.get("statusCode") if isinstance(answer, Mapping) else None
    if isinstance(status, int) and status >= FAILED:
        entry.fail(f"The handler answered with HTTP status {status}.")
    elif isinstance(status, int) and status >= REFUSED:
        entry.prove_nothing()
