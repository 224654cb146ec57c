"""Where a request or task has the ID of its unit: one rule, for all frameworks.

- ``"header:X-Order-ID"``: a header of the request or message.
- ``"/orders/{unit}"``: a part of the path, with whatever follows; other names in braces fit anything, and
  those of `unsnag.fields.UnitContext`, such as ``{tenant}``, fill that field.
- ``"order_id"``, ``"order.id"``: an argument of the task, or what it holds under a key or an attribute.
- A function of the request, or of the task's arguments: it returns the ID, a `unsnag.unit`, or None.
- Several of these in a tuple: the first that finds an ID counts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from unsnag import client as clients
from unsnag import conventions
from unsnag.encoding import readable_str
from unsnag.fields import CONTEXT_ATTRIBUTES
from unsnag.units import unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import TypeAlias

Rule: TypeAlias = "str | Callable[..., Any] | tuple[str | Callable[..., Any], ...] | None"
_Find: TypeAlias = "Callable[[Source], unit | None]"

_HEADER: Final = "header:"
_MAX_ID: Final = 500
_BRACES: Final = re.compile(r"\{(\w*)\}")


class Source(NamedTuple):
    """What a rule may look at, of one request or task."""

    call: Callable[[Callable[..., Any]], Any]
    """Calls a function of the author with the request, or with the task's arguments."""
    path: str = ""
    header: Callable[[str], str | None] | None = None
    arguments: Callable[[], Mapping[str, Any]] | None = None


class Naming:
    """The rule of one integration, read once.

    Args:
        rule: Where the ID is.
        options: What `unsnag.unit` takes beside the ID, such as ``completes=False``.

    Raises:
        ValueError: the text is none of the forms.
    """

    def __init__(self, rule: Rule, options: Mapping[str, Any]) -> None:
        rules = rule if isinstance(rule, (tuple, list)) else () if rule is None else (rule,)
        self._finds = [_read(each, options) for each in rules]

    def find(self, source: Source) -> unit | None:
        """Return the unit's block, not entered yet; None where no rule finds an ID. It never raises."""
        for find in self._finds:
            try:
                found = find(source)
            except Exception as fault:  # noqa: BLE001 - a rule must not stop the work
                _report(fault)
                continue
            if found is not None:
                return found
        return None


def _read(rule: str | Callable[..., Any], options: Mapping[str, Any]) -> _Find:
    if callable(rule):
        return lambda source: _unit(source.call(rule), options)
    if rule.startswith(_HEADER):
        name = rule.removeprefix(_HEADER).strip()
        return lambda source: _unit(source.header and source.header(name), options)
    if rule.startswith("/"):
        return _of_path(rule, options)
    if re.fullmatch(r"\w+(\.\w+)*", rule):
        return lambda source: _unit(_argument(source, rule), options)
    raise ValueError(
        f"{rule!r} does not say where the unit's ID is: use 'header:NAME', '/path/{{unit}}', "
        "the name of an argument, or a function."
    )


def _of_path(rule: str, options: Mapping[str, Any]) -> _Find:
    if "{unit}" not in rule:
        raise ValueError(f"{rule!r} has no {{unit}} where the unit's ID is, as in '/orders/{{unit}}'.")
    kept = {"unit", *CONTEXT_ATTRIBUTES}
    segments = [_segment(text) for text in rule.rstrip("/").split("/")]

    def find(source: Source) -> unit | None:
        texts = source.path.split("/")
        if len(texts) < len(segments):
            return None
        found: dict[str, str] = {}
        for (before, name, after), text in zip(segments, texts):  # whatever follows may follow
            middle = text[len(before) : len(text) - len(after)]
            if name is None and text != before:
                return None
            if name is not None and not (middle and text.startswith(before) and text.endswith(after)):
                return None
            if name in kept:
                found[str(name)] = middle
        return _unit(found.pop("unit"), {**options, **found})

    return find


def _segment(text: str) -> tuple[str, str | None, str]:
    """Return what stands before a name in braces, the name, and what stands behind it."""
    match = _BRACES.search(text)
    return (text[: match.start()], match[1], text[match.end() :]) if match else (text, None, "")


def _argument(source: Source, rule: str) -> Any:
    if source.arguments is None:
        return None
    name, *keys = rule.split(".")
    found = source.arguments().get(name)
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else getattr(found, key, None)
    return found


def _unit(found: Any, options: Mapping[str, Any]) -> unit | None:
    if found is None or isinstance(found, unit):
        return found
    text = readable_str(found).strip()
    return unit(text, **options) if 0 < len(text) <= _MAX_ID else None


def _report(fault: Exception) -> None:
    client = clients.active()
    if client is not None:
        reason = f"the rule for the unit's ID raised {type(fault).__name__}: {readable_str(fault)}"
        client.record("warning", conventions.EVENT_CALL_INVALID, {"call": "unit rule", "reason": reason})
