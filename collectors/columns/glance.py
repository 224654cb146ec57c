"""Which texts of a column Python has to look at: one pass in C++ over all of them, in linear time.

It finds at least what `unsnag.glance.suspicious` finds, and may find more: a text that is not found is clean.
RE2 has no look-around, so what surrounds a form is left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pyarrow.compute as pc

from collectors.columns.texts import true

if TYPE_CHECKING:
    import pyarrow as pa

    from collectors.columns.texts import Flags

_APART: Final = r"[ ./()_-]*"
"""What `glance.flattened` leaves out, and so may stand between two letters of a word."""
_WORDS: Final = (
    "key", "token", "cookie", "klive", "ktest", "pass", "pwd", "secret", "credential", "auth", "bearer",
    "basic", "cv", "ghp", "gho", "ghu", "ghs", "ghr", "hubpat", "glpat", "eyj", "xox", "aiza", "gocspx",
    "ysql", "sig=", "signature=", "curl", "pypi", "hook", "kerlogin", "manlogin", r"\u00a0",
    "tel", "phone", "fax", "mobil", "ssn", "socialsecurity",
)  # fmt: skip
_FORMS: Final = (
    "@", "AKIA", "ASIA", "sk-", "unsnag_",
    r"[_.][A-Za-z0-9]{18}",
    # Digits that stand together as those of a card, an account or a phone number do.
    r"\+[0-9]", r"[0-9]{2}\)", r"[0-9]{13}", r"[A-Z]{2}[0-9]{2}", r"[0-9]{3}[-/ ][0-9]{3}",
    r"[0-9]{3}\.[0-9]{3}\.(?:[0-9]{3}[-/ ]|[0-9]{4})", r"[0-9]{4}\.[0-9]{4}",
    r"[0-9]{3}[-/ ][0-9]{2}[-/ ][0-9]{4}", r"0[1-9][0-9]{1,3} ?[/ ] ?[0-9]{3}", r"\\u00",
    r"[0-9]{2}(?:[-/ ][0-9]{2}){4}",
    # Spaces that are no ASCII, and letters that are s and k where case is ignored.
    r"[\x{a0}\x{2009}\x{202f}\x{17f}\x{212a}]",
)  # fmt: skip


def _letter(char: str) -> str:
    if char == "0":
        return "[0-9]"
    return f"[{char}{char.upper()}]" if char.isalpha() else rf"\{char}"


SUSPICIOUS: Final = "|".join((*_FORMS, *(_APART.join(map(_letter, word)) for word in _WORDS)))
_ESCAPED: Final = r'["\\\x00-\x1f]'
"""What JSON writes in another way."""


def suspicious(texts: pa.Array) -> Flags:
    """Say of each text whether a rule of masking might match in it; null is clean."""
    return true(pc.match_substring_regex(texts, SUSPICIOUS))


def needing_python(texts: pa.Array) -> Flags:
    """Say of each text whether it may not stand in JSON as it is: to be masked, or escaped."""
    return true(pc.match_substring_regex(texts, f"{_ESCAPED}|{SUSPICIOUS}"))
