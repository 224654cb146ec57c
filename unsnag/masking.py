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

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from unsnag.glance import flattened, suspicious
from unsnag.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_DEPTH: Final = 12
LONGEST_SECRET: Final = 1 << 16
"""Characters of the longest secret that is sure to be recognised in a text of several windows."""
WINDOW: Final = 3 << 16
"""Characters in which one search begins: at 50 ms a MiB the lock is held for 12 ms, the overlap included."""
TOO_DEEP: Final = "[cut: too deep]"
_MARK: Final = "[masked: "


class Rule(NamedTuple):
    """One thing that is never shown: its name, what it looks like, and what remains of it."""

    name: str
    hints: tuple[str, ...]
    """Where the flattened text holds none of these, the pattern matches nothing."""
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


def masked(rule: str) -> str:
    """Return what stands where a rule masked something."""
    return f"{_MARK}{rule}]"


def _whole(rule: str) -> Callable[[re.Match[str]], str]:
    return lambda _: masked(rule)


def _keep(rule: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match.group("kept") + masked(rule)


def _jwt(match: re.Match[str]) -> str:
    return masked("jwt") if match.group("kept") else match.group()


def _card(match: re.Match[str]) -> str:
    found = match.group()
    return masked("card") if _is_card(found.replace(" ", "").replace("-", "")) else found


def _phone(match: re.Match[str]) -> str:
    """Mask the longest part that can be a number: a date or an amount may follow it."""
    found = match.group()
    number = _PHONE_DIGITS.match(found)
    return masked("phone") + mask_text(found[number.end() :]) if number else found


_PHONE_DIGITS: Final = compiled(r"(?:[^0-9]{0,5}+[0-9]){9,15}(?![\w-])(?!\.[0-9])")
"""E.164 allows 15 digits; what follows them is as the rule has it."""


# Three letters are looked at before any word is tried, each as a set, because a set is skipped quickly:
# a fifth of the time of a plain list of words with IGNORECASE. "ccc" has three of them and begins no word.
_PROMISING: Final = (
    r"[pPsS\u017ftTaAcC](?=[aAwWeEoOrRpPcCuU][sS\u017fdDcCkK\u212aiItTeE](?<![cC]{3}))(?:"
    r"[aA][sS\u017f](?<=[pP]..)(?i:s(?:word|wd|phrase))|[wW][dD](?<=[pP]..)"
    r"|[eE][cC](?<=[sS\u017f]..)(?i:ret)|[oO][kK\u212a](?<=[tT]..)(?i:en)"
    r"|[rR](?:[iI](?<=[pP]..)(?i:vate[_ -]?key)|[eE](?<=[cC]..)(?i:dentials?))"
    r"|[pP][iI](?<=[aA]..)(?i:[_ -]?key)|[cC][cC][eEoO](?<=[aA]...)(?i:(?:(?<=e)ss|(?<=o)unt)[_ -]?key)"
    r"|[uU][tT](?<=[aA]..)(?i:horization))"
)

# The last two are letters that IGNORECASE takes for s and k.
_NAMES: Final = ("pass", "pwd", "secret", "token", "key", "auth", "credential", "\xc5\xbf", "\xe2\x84\xaa")

RULES: Final = (
    Rule(
        "private-key",
        ("privatekey",),
        re.compile(
            r"-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----.*?"
            r"(?:-----END [A-Z ]*PRIVATE KEY(?: BLOCK)?-----|\Z)",
            re.DOTALL,
        ),
        _whole("private-key"),
    ),
    Rule(
        "jwt",
        ("eyj",),
        # Matches any first part: a later ``eyJ`` in a part that no dot follows begins no token either.
        compiled(r"eyJ(?<!\weyJ)[\w-]{8,}+(?P<kept>\.[\w-]{8,}+\.[\w-]*+)?"),
        _jwt,
    ),
    Rule(
        "token",
        ("bearer", "basic"),
        # A word after "bearer" is a token when it holds a digit, a mark, or capitals inside.
        compiled(
            r"(?P<kept>[bB](?<!\w[bB])(?i:earer|asic)\s++)"
            r"(?=\S*(?:[0-9=_/+]|[a-z][A-Z]))[\w.~+/=-]{8,}"
        ),
        _keep("token"),
    ),
    Rule("aws-key", ("akia", "asia"), re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), _whole("aws-key")),
    Rule(
        "token",
        ("gh", "glpat", "xox", "klive", "ktest", "sk", "aiza", "unsnag"),
        re.compile(
            r"\b(?:gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}|xox[abeprs]-[\w-]{10,}"
            r"|[sr]k_(?:live|test)_\w{10,}|sk-[\w-]{20,}|AIza[\w-]{35}"
            r"|unsnag_[0-9a-f]{12}_[\w-]{20,})"
        ),
        _whole("token"),
    ),
    Rule(
        "credentials",
        ("@",),
        re.compile(r"(?P<kept>://)[^/\s:@\"']*:[^/\s@\"']+(?=@)"),
        _keep("credentials"),
    ),
    Rule(
        "secret",
        _NAMES,
        compiled(
            rf"(?P<kept>{_PROMISING}[\"']?\s{{0,3}}[:=]\s{{0,3}})"
            r"(?:(?i:bearer|basic|digest|negotiate)\s++)?"
            r"(?!\[masked: )(?:\"[^\"]*+\"|'[^']*+'|[^\s\"',;&)}\]]++)"
        ),
        _keep("secret"),
    ),
    Rule(
        "email",
        ("@",),
        re.compile(r"(?<![\w.%+-])[\w.%+-]+@(?:[\w-]+\.)+[^\W\d_]{2,}"),
        _whole("email"),
    ),
    Rule(
        "card",
        ("0" * 13,),
        re.compile(
            r"[0-9](?<![A-Za-z0-9][0-9])(?=[0-9]{3})"
            r"(?<![0-9A-Fa-f]{4}-[0-9])(?<![0-9]\.[0-9])(?<![A-Z]{2}[0-9]{2} [0-9])"
            r"(?:[0-9]{12,18}|[0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?"
            r"|[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})"
            r"(?![A-Za-z0-9])(?!\.[0-9])(?!-[0-9A-Fa-f]{4})"
        ),
        _card,
    ),
    Rule(
        "phone",
        ("0" * 9,),
        compiled(
            r"[+(02-9](?=[0-9])(?<![\w.+:-][+(02-9])(?:"
            # Groups of digits take all digits there are: with two ways to split them a match takes 2^n steps.
            r"(?<=\+)[1-9][0-9]{0,2}+[ ./-]{0,3}+(?:\(0?[0-9]{0,4}+\)[ ./-]{0,3}+)?"
            r"[0-9]{1,12}+(?:[ ./-]{1,3}+[0-9]{1,12}+){0,6}"
            r"|(?<=\()[0-9]{2,5}\) ?[0-9]{3,4}[ .-]?[0-9]{3,5}"
            r"|(?<=[2-9])[0-9]{2}(?P<mark>[.-])[2-9][0-9]{2}(?P=mark)[0-9]{4}"
            r"|(?<=0)(?<![0-9] 0)[1-9][0-9]{1,3} ?[/ ] ?[0-9]{3,8}(?: [0-9]{2,4}){0,3}"
            r")(?![\w-])(?!\.[0-9])"
        ),
        _phone,
    ),
)  # fmt: skip
"""All rules, in the order in which they are applied: the most particular first."""

RULE_NAMES: Final = tuple(sorted({rule.name for rule in RULES}))

_KEY_PARTS: Final = (
    "password", "passwd", "passphrase", "secret", "apikey", "accesskey", "accountkey", "privatekey",
    "authorization", "credential", "setcookie",
)  # fmt: skip
_KEY_ENDS: Final = ("token", "pwd", "cookie", "cvv", "cvc")


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
        return mask_text(value) if not _hides(key, value) else masked("secret")
    if isinstance(value, (dict, list, tuple)):
        return _mask_container(key, value, depth)
    if _hides(key, value):
        return masked("secret")
    return _mask_number(value)


def mask_fields(fields: dict[str, Any]) -> dict[str, Any]:
    """Return an event's fields, masked."""
    return {mask_text(key): mask_value(key, value) for key, value in fields.items()}


def _mask_container(key: str, value: Any, depth: int) -> Any:
    if depth >= MAX_DEPTH:
        return TOO_DEEP
    if isinstance(value, dict):
        inner = key if is_secret_key(key) else ""
        return {
            mask_text(str(name)): mask_value(inner or str(name), item, depth + 1)
            for name, item in value.items()
        }
    return [mask_value(key, item, depth + 1) for item in value]


def _mask_number(value: Any) -> Any:
    is_long = isinstance(value, int) and not isinstance(value, bool) and 10**12 <= value < 10**19
    return masked("card") if is_long and _is_card(str(value)) else value


def _hides(key: str, value: Any) -> bool:
    if not is_secret_key(key) or value is None or isinstance(value, bool) or value == "":
        return False
    return not (isinstance(value, str) and value.startswith(_MARK) and value.endswith("]"))


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


_ISSUERS: Final = re.compile(
    r"4(?:[0-9]{12}|[0-9]{15}|[0-9]{18})"  # Visa
    r"|(?:5[1-5][0-9]{2}|222[1-9]|22[3-9][0-9]|2[3-6][0-9]{2}|27[01][0-9]|2720)[0-9]{12}"  # Mastercard
    r"|3[47][0-9]{13}"  # American Express
    r"|3(?:0[0-5]|[68][0-9])[0-9]{11}"  # Diners Club
    r"|6(?:011|5[0-9]{2}|4[4-9][0-9])[0-9]{12}"  # Discover
    r"|35(?:2[89]|[3-8][0-9])[0-9]{12}"  # JCB
    r"|(?:5[0678]|6[0-9])[0-9]{11,17}"  # Maestro, UnionPay
)


def _is_card(digits: str) -> bool:
    return _ISSUERS.fullmatch(digits) is not None and _luhn(digits)


def _luhn(digits: str) -> bool:
    """Check the digit that every card number ends with (ISO/IEC 7812-1)."""
    values = digits.encode().translate(_DIGIT_VALUES)
    return (sum(values[-1::-2]) + sum(values[-2::-2].translate(_DOUBLED))) % 10 == 0


_DIGIT_VALUES: Final = bytes(max(0, code - ord("0")) for code in range(256))
_DOUBLED: Final = bytes((0, 2, 4, 6, 8, 1, 3, 5, 7, 9, *range(10, 256)))
"""The sum of the digits of twice a digit."""
