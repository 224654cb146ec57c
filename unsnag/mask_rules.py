"""The rules of masking: what is never shown, what it looks like, and what remains of it.

See `unsnag.masking` for how they are run, and how long each may take. A value that a rule alone cannot tell
from the number of an order is checked in `unsnag.identifiers`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from unsnag import vendor_tokens
from unsnag.identifiers import BEFORE, NAMED, iban_end, is_ahv, is_card, is_cpf
from unsnag.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Callable

MARK: Final = "[masked: "


class Rule(NamedTuple):
    """One thing that is never shown: its name, what it looks like, and what remains of it."""

    name: str
    hints: tuple[str, ...]
    """Where the flattened text holds none of these, the pattern matches nothing."""
    pattern: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


def masked(rule: str) -> str:
    """Return what stands where a rule masked something."""
    return f"{MARK}{rule}]"


def _whole(rule: str) -> Callable[[re.Match[str]], str]:
    return lambda _: masked(rule)


def _keep(rule: str) -> Callable[[re.Match[str]], str]:
    return lambda match: match.group("kept") + masked(rule)


def _jwt(match: re.Match[str]) -> str:
    return masked("jwt") if match.group("kept") else match.group()


def _card(match: re.Match[str]) -> str:
    found = match.group()
    digits = found.translate(_NO_SEPARATORS)
    if digits == found and NAMED.search(match.string[max(0, match.start() - BEFORE) : match.start()]):
        return found  # the number of an order, whatever its last digit says
    return masked("card") if is_card(digits) else found


def _iban(match: re.Match[str]) -> str:
    found = match.group()
    end = iban_end(found)
    return masked("iban") + found[end:] if end else found


def _national(match: re.Match[str]) -> str:
    is_right = {"cpf": is_cpf, "ahv": is_ahv}[match.lastgroup or ""]
    return masked("national-id") if is_right(match.group()) else match.group()


def _phone(match: re.Match[str]) -> str:
    """Mask the longest part that can be a number: a date or an amount may follow it."""
    found = match.group()
    number = _PHONE_DIGITS.match(found)
    return masked("phone") + _PHONE.sub(_phone, found[number.end() :]) if number else found


_SPACES: Final = tuple(space.encode().decode("latin-1") for space in "\u00a0\u2009\u202f")
"""Spaces that are no ASCII, as `glance.flattened` leaves them."""
_NO_SEPARATORS: Final = {ord(char): None for char in " .-\u00a0\u2009\u202f"}
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

_PHONE: Final = compiled(
    r"[+(02-9](?=[0-9])(?<![\w.+:-][+(02-9])(?:"
    # Groups of digits take all digits there are: with two ways to split them a match takes 2^n steps.
    r"(?<=\+)[1-9][0-9]{0,2}+[ ./\u00a0\u202f-]{0,3}+(?:\(0?[0-9]{0,4}+\)[ ./\u00a0\u202f-]{0,3}+)?"
    r"[0-9]{1,12}+(?:[ ./\u00a0\u202f-]{1,3}+[0-9]{1,12}+){0,6}"
    r"|(?<=\()[0-9]{2,5}\) ?[0-9]{3,4}[ .-]?[0-9]{3,5}"
    r"|(?<=[2-9])[0-9]{2}(?P<mark>[.-])[2-9][0-9]{2}(?P=mark)[0-9]{4}"
    r"|(?<=0)(?<![0-9] 0)[1-9][0-9]{1,3} ?[/ ] ?[0-9]{3,8}(?: [0-9]{2,4}){0,3}"
    r")(?![\w-])(?!\.[0-9])"
)

VENDOR_RULES: Final = tuple(
    Rule("token", hints, pattern, _whole("token")) for hints, pattern in vendor_tokens.FORMS
)
RULES: Final = (
    *VENDOR_RULES,
    Rule(
        "secret",
        ("cookie",),
        # The whole header: a cookie's own name says nothing of what it is worth.
        compiled(
            r"(?P<kept>[cC](?i:ookie)\\{0,4}[\"']?\s{0,3}:\s{0,3})(?!\[masked: )"
            r"(?:\\{1,8}\"[^\"\\\r\n]*+|\"[^\"\r\n]*+\"|'[^'\r\n]*+'|[^\s\"'][^\"'\r\n]*+)"
        ),
        _keep("secret"),
    ),
    Rule(
        "secret",
        ("authorization:digest", "authorization:aws0hmac"),
        compiled(r"(?P<kept>[aA](?i:uthorization)[\"']?: ?)(?i:digest|aws4-hmac-sha256) [^\r\n]++"),
        _keep("secret"),
    ),
    Rule(
        "secret",
        ("pass", "pwd", "secret", "token", "apikey", "accesskey"),
        # An option of a command, with its value behind a space.
        compiled(
            r"(?P<kept>-(?<![\w-]-)-(?=[a-zA-Z])(?:[a-zA-Z0-9]{1,16}-){0,3}(?i:password|passwd|passphrase|pass|pwd|secret|token|api-?key"
            r"|(?:access|secret)-key)[ \t]{1,3})(?![-\[\s])(?:\"[^\"]*+\"|'[^']*+'|[^\s\"']++)"
        ),
        _keep("secret"),
    ),
    Rule(
        "secret",
        ("mysql", "sshpassp", "dockerlogin", "podmanlogin"),
        compiled(
            r"(?P<kept>(?<![\w-])(?:mysql(?:dump|admin)?\b[^\r\n|;]{0,100}? -p(?=[^\s])"
            r"|sshpass -p ?|(?:docker|podman) login\b[^\r\n|;]{0,100}? -p ?))(?!\[masked: )"
            r"(?:\"[^\"]*+\"|'[^']*+'|[^\s\"']++)"
        ),
        _keep("secret"),
    ),
    Rule(
        "credentials",
        ("curl",),
        compiled(
            r"(?P<kept>(?<![\w-])curl\b[^\r\n|;]{0,100}? (?:-u|--user)[ =]?[\"']?)"
            r"(?!\[masked: )[^\s:\"']{0,100}:[^\s\"']++"
        ),
        _keep("credentials"),
    ),
    Rule(
        "secret",
        ("key=", "sig=", "signature="),
        compiled(
            r"(?P<kept>[?&;](?i:key|sig|signature|x-amz-signature|x-goog-signature|sharedaccesssignature)=)"
            r"(?!\[masked: )[^\s&;\"'<>]++"
        ),
        _keep("secret"),
    ),
    Rule(
        "secret",
        ("hooksslack", "webhook"),
        compiled(
            r"(?P<kept>(?:hooks\.slack\.com/services|discord(?:app)?\.com/api/webhooks/[0-9]{1,25})/)"
            r"(?!\[masked: )[\w/-]{20,}"
        ),
        _keep("secret"),
    ),
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
        ("gh", "hubpat", "glpat", "xox", "klive", "ktest", "sk", "aiza", "unsnag"),
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
        re.compile(r"(?P<kept>://)[^/\s:@\"']*:[^/\s\"']+(?=@)"),
        _keep("credentials"),
    ),
    Rule(
        "secret",
        _NAMES,
        compiled(
            rf"(?P<kept>{_PROMISING}\\{{0,4}}[\"']?\s{{0,3}}(?:[:=]|%3[Dd]|>)\s{{0,3}})"
            r"(?:(?i:bearer|basic|digest|negotiate)\s++)?"
            r"(?!\[masked: )(?:\\{1,8}\"[^\"\\]*+(?:\\{1,8}\")?|\"[^\"]*+\"|'[^']*+'|(?<=>)[^<\s]++"
            r"|[^\s\"',;&)}\]<]++)"
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
        "iban",
        ("0" * 9,),
        compiled(
            r"[A-Z](?<![A-Za-z0-9][A-Z])[A-Z][0-9]{2}(?:[A-Z0-9]{11,30}"
            r"|(?:[ -](?![A-Z]{2}[0-9]{2})[A-Z0-9]{4}){2,7}(?:[ -][A-Z0-9]{1,3})?)"
        ),
        _iban,
    ),
    Rule(
        "national-id",
        ("0" * 11,),
        compiled(
            r"[0-9](?<![\w.-][0-9])(?=[0-9]{2}\.[0-9])(?:"
            r"(?P<cpf>[0-9]{2}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}(?![\w.-]))"
            r"|(?P<ahv>(?<=7)56\.[0-9]{4}\.[0-9]{4}\.[0-9]{2}(?![\w-])))"
        ),
        _national,
    ),
    Rule(
        "national-id",
        ("ssn", "socialsecurity"),
        compiled(
            r"(?P<kept>(?<!\w)(?i:ssn|social security(?: number| no\.?)?)[\"']?[ :=#]{1,4}[\"']?)"
            r"[0-9]{3}[- ]?[0-9]{2}[- ]?[0-9]{4}(?!\w)"
        ),
        _keep("national-id"),
    ),
    Rule(
        "card",
        ("0" * 13, *(f"0000{space}0000" for space in _SPACES)),
        re.compile(
            r"[0-9](?<![A-Za-z0-9][0-9])(?=[0-9]{3})"
            r"(?<![0-9A-Fa-f]{4}-[0-9])(?<![0-9]\.[0-9])(?<![A-Z]{2}[0-9]{2} [0-9])"
            r"(?:[0-9]{12,18}|[0-9]{3}([ .\u00a0\u2009\u202f-])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{3})?"
            r"|[0-9]{3}([ .\u00a0\u2009\u202f-])[0-9]{6}\2[0-9]{4,5})"
            r"(?![A-Za-z0-9])(?!\.[0-9])(?!-[0-9A-Fa-f]{4})"
        ),
        _card,
    ),
    Rule(
        "phone",
        ("tel", "phone", "fax", "mobil"),
        compiled(
            r"(?P<kept>[tTpPfFmM](?<![A-Za-z][tTpPfFmM])"
            r"(?i:el(?:efon|ephone)?|hone|ax|obil(?:e|funk|telefon)?)(?i: ?(?:no|nr|number))?"
            r"[\"']?[.:= ]{1,4}[\"']?)(?=[0-9(])[0-9()](?:[ ./()-]{0,2}+[0-9]){8,14}(?![\w-])(?!\.[0-9])"
        ),
        _keep("phone"),
    ),
    Rule(
        "phone",
        ("0" * 9,),
        compiled(r"1[.-](?<![\w.+:-]1[.-])[2-9][0-9]{2}(?P<long>[.-])[2-9][0-9]{2}(?P=long)[0-9]{4}(?![\w-])"),
        _whole("phone"),
    ),
    Rule(
        "phone",
        ("0" * 9,),
        compiled(
            r"0(?<![\w.+:-]0)(?<![0-9] 0)(?:[1-9](?P<pair>[ .-])[0-9]{2}(?:(?P=pair)[0-9]{2}){3}"
            r"|0[1-9][0-9]{0,2}[ ./-](?:\(0\) ?)?[1-9][0-9]{1,4}[ ./-]?[0-9]{3,8}(?:[ -][0-9]{2,4}){0,3})"
            r"(?![\w-])(?!\.[0-9])"
        ),
        _phone,
    ),
    Rule(
        "phone",
        ("0" * 9, *(f"0{space}0" for space in _SPACES)),
        _PHONE,
        _phone,
    ),
)  # fmt: skip
"""All rules, in the order in which they are applied: the most particular first."""

RULE_NAMES: Final = tuple(sorted({rule.name for rule in RULES}))
