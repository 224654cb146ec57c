"""Masks secrets, card numbers, e-mail addresses and phone numbers before they leave the process.

Client and server share it: standard library only, pure, quick on clean text.
A masked value names the rule that masked it (``[masked: card]``), and masking twice changes nothing.

How it is quick: `glance.suspicious` finds with substring searches whether any rule can match.
Only the regular expressions of rules whose hints are there are run.

How long it takes: every rule takes time in proportion to the text, at most 50 ms of CPU for a MiB.
Python's regular expressions hold the interpreter's lock while they run: one slow match stops every thread.
Parts that can fail after a long run are possessive (``++``) or bounded; no rule begins with an optional part.
A long text is searched window by window, so that other threads get the lock in between.
Windows overlap by `LONGEST_SECRET`: a secret of up to 64 KiB is masked at any place, and nothing is skipped.
A private key, or a word after ``password=``, is masked whole however long it is.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from unsnag.glance import flattened, suspicious
from unsnag.identifiers import BEFORE, NAMED, is_card
from unsnag.mask_rules import MARK, RULE_NAMES, RULES, Rule, masked

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

MAX_DEPTH: Final = 12
LONGEST_SECRET: Final = 1 << 16
"""Characters of the longest secret that is sure to be recognised in a text of several windows."""
WINDOW: Final = 3 << 16
"""Characters in which one search begins: at 50 ms a MiB the lock is held for 12 ms, the overlap included."""
TOO_DEEP: Final = "[cut: too deep]"

_KEY_PARTS: Final = (
    "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "accountkey", "privatekey",
    "authorization", "credential", "setcookie",
)  # fmt: skip
_KEY_ENDS: Final = ("token", "pwd", "cookie", "cvv", "cvc", "ssn", "iban", "passportnumber", "phonenumber")


def mask_text(text: str) -> str:
    """Return a text with everything masked that a rule matches."""
    raw = text.encode("utf-8", "surrogatepass")
    if not suspicious(raw):
        return text
    flat = flattened(raw)
    for rule in RULES:
        for hint in rule.hints:  # a generator for `any` costs more than the searches
            if hint in flat:
                text = _apply(rule, text)
                break
    return text


def _apply(rule: Rule, text: str) -> str:
    if len(text) <= WINDOW + LONGEST_SECRET:
        return rule.pattern.sub(rule.replace, text)
    parts: list[str] = []
    kept = 0
    for match in _matches(rule.pattern, text):
        parts += (text[kept : match.start()], rule.replace(match))
        kept = match.end()
    return "".join((*parts, text[kept:]))


def _matches(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Yield what `finditer` on the whole text yields, window by window.

    A match belongs to the window in which it begins, and may end in the overlap behind it.
    One that reaches the overlap's end may go on after it, so it is matched again without an end.
    Look-behinds see what is before the window: `finditer` takes a position, not a slice.
    """
    at = 0
    while at < len(text):
        stop = at + WINDOW
        end = min(stop + LONGEST_SECRET, len(text))
        for match in pattern.finditer(text, at, end):
            if match.start() >= stop:
                break
            whole = pattern.match(text, match.start()) if match.end() == end else None
            at = (whole or match).end()
            yield whole or match
        at = max(at, stop)


def mask_value(key: str, value: Any, depth: int = 0) -> Any:
    """Return a value with everything masked that its key's name or its own text gives away."""
    if isinstance(value, str):
        if _hides(key, value):
            return masked("secret")
        is_number = value.isascii() and value.isdigit()
        return value if is_number and NAMED.search(key[-BEFORE:]) else mask_text(value)
    if isinstance(value, (dict, list, tuple)):
        return _mask_container(key, value, depth)
    if _hides(key, value):
        return masked("secret")
    return _mask_number(key, value)


def mask_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an event's fields, masked."""
    return {mask_text(key): mask_value(key, value) for key, value in fields.items()}


def _mask_container(key: str, value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        inner = key if is_secret_key(key) else ""
        named = value.get("name", value.get("key")) if "value" in value else None
        of_pair = named if isinstance(named, str) else "value"
        return {
            mask_text(str(name)): mask_value(
                inner or (of_pair if name == "value" else str(name)), item, depth + 1
            )
            for name, item in value.items()
        }
    return [mask_value(key, item, depth + 1) for item in value]


def _mask_number(key: str, value: Any) -> Any:
    if NAMED.search(key[-BEFORE:]):
        return value
    is_long = isinstance(value, int) and not isinstance(value, bool) and 10**12 <= value < 10**19
    return masked("card") if is_long and is_card(str(value)) else value


def _hides(key: str, value: Any) -> bool:
    if not is_secret_key(key) or value is None or isinstance(value, bool) or value == "":
        return False
    return not (isinstance(value, str) and value.startswith(MARK) and value.endswith("]"))


def is_secret_key(key: str) -> bool:
    """Say whether a field's name promises a secret. ``max_tokens`` does not, ``refresh_token`` does."""
    # 4,096 names of a megabyte each would fill the memory.
    return _known_name(key) if len(key) <= _REMEMBERED_LENGTH else _promises_secret(key)


def _promises_secret(key: str) -> bool:
    flat = key.lower().encode("ascii", "ignore").translate(None, _NOT_IN_NAMES).decode()
    return any(part in flat for part in _KEY_PARTS) or flat.endswith(_KEY_ENDS)


_REMEMBERED_LENGTH: Final = 200
_NOT_IN_NAMES: Final = bytes(code for code in range(128) if not chr(code).isalnum())
_known_name: Final = lru_cache(maxsize=4096)(_promises_secret)


__all__ = ["RULES", "RULE_NAMES", "mask_fields", "mask_text", "mask_value", "masked"]
