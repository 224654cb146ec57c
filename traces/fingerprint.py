"""The fingerprint of a failure: cases with the same one have the same cause.

- A failure of the world outside (a gateway that is down, a full disk, a declined card) is known by its type
  and by the template of its message. It is one group over all flows, steps and lines of code.
- A fault of the code, and a message that says little, is known by its place as well: the innermost frame of
  the automation's own code, and the flow; without a stack trace, flow and step.

The template of a message is what all failures with one cause state, without the things that they name:

1. A message is cut into pieces: addresses, quoted values, paths, words, numbers.
2. A piece that names one thing of many becomes `*`: an ID in any form, a value, a path, a time.
3. A piece that distinguishes causes is kept, because of the words around it: a status, an exit code, a
   SQLSTATE, a missing key, a table, a host.

It is a function of the text alone: no order of arrival and no restart can change it. A masked value is `*`,
so masking changes no template. It looks at the beginning of a message, in time in proportion to that.
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from traces.frames import own_frame
from traces.telling import (
    ANSWERED,
    CODED,
    FILLERS,
    FOLLOWED,
    KEYED,
    NAMING,
    NOT_CODED,
    OF_CODE,
    PAIRS,
    READING,
    TELLING_KEYS,
    TERMS,
    UNITS,
)
from unsnag.patterns import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable

VERSION: Final = 2
"""Of the rules: part of every fingerprint. Cases opened under older rules keep their group."""
_WORD: Final = re.compile(r"[^\W\d_]{3,}")
_TELLING: Final = 3
"""Words from which on a message says what happened."""
SCANNED: Final = 600
ANY: Final = "*"

_PIECES: Final = compiled(
    r"(?P<mask>\[masked: [a-z-]{1,20}\])"
    r"|(?P<url>[A-Za-z][A-Za-z+]{1,12}://[^\s\"'<>)\]},]++)"
    r"|(?P<drive>\b[A-Za-z]:\\[^\s\"'<>|*?]*+)"
    r"|(?P<quoted>(?<!\w)'[^'\n]{0,120}+(?:'\w[^'\n]{0,120}+){0,8}+'(?!\w)|\"[^\"\n]{0,120}+\"|`[^`\n]{1,120}+`)"
    r"|(?P<path>(?<![\w.])(?:~|\.{1,2})?/[\w@%+=~:.,-]++(?:/[\w@%+=~:.,-]*+){0,40}"
    r"(?:\?[^\s\"'<>)\]},]{1,300})?)"
    r"|(?P<long>[A-Za-z0-9+/]{20,}+={0,2}(?![\w-]))"
    r"|(?P<word>\w++(?:[-.:@+$#]\w++){0,40})"
    r"|(?P<mark>[^\w\s])"
)
_SEPARATORS: Final = re.compile(r"([-.:@+$#/])")
_SIGN: Final = re.compile(r"(?<![\w*])[-+]\*")
_RUN: Final = re.compile(r"\*(?:[ ,;|&+/-]{0,3}\*){1,600}")
_NUMBER: Final = re.compile(r"[\d.,:]{1,40}")
_HTTP: Final = re.compile(r"[45]\d\d")
_CODE: Final = re.compile(r"-?\d{1,6}|[0-9A-Z]{5}")
_KNOWN_CODE: Final = re.compile(r"(?:ORA|TNS|PLS|AADSTS|SQL|CPF|JDBC|DFH)-?\d{2,6}[A-Z]?|E\d{5}")
_SHORT_NAME: Final = re.compile(r"[A-Za-z_]{1,30}\d{0,3}(?:[-.][A-Za-z_]{0,30}\d{0,3}){0,8}")
_SNAKE: Final = re.compile(r"[a-z]{2,30}(?:_[a-z]{2,30}){1,6}")
_FILE: Final = re.compile(r".*\.(?:csv|json|xml|txt|pdf|jpe?g|png|xlsx?|gz|zip|log|tmp|parquet|dat|eml)")
_EPHEMERAL: Final = 32768
"""Ports from here on are given to any program that asks (Linux)."""

_SPOKEN: Final = frozenset({"word", "long"})


class _Piece(NamedTuple):
    kind: str
    text: str
    spaced: bool


LONGEST: Final = 60
"""Characters of the longest word; names of classes are long."""
_LETTERS: Final = re.compile(r"[A-Za-z]+")
_HUMPS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_HEX: Final = re.compile(r"[a-f]{7,}|[A-F]{7,}")
_PLAIN: Final = 5
"""Up to this length letters are a word whatever they are; identifiers without a digit are longer."""
_FEW: Final = 2

_ERRORS: Final = re.compile(r"E[A-Z]{3,15}|[A-Z]{2,}(?:_[A-Z]+)+")


def fingerprint(
    *,
    flow: str,
    step: str,
    error_type: str | None,
    message: str,
    stacktrace: str | None = None,
    ids: Iterable[str] = (),
) -> str:
    """Return 16 hex digits that are the same for failures with the same cause.

    Args:
        flow: The flow in which it failed.
        step: The step that failed.
        error_type: The type of the exception; None where there is none.
        message: What it says.
        stacktrace: Of Python, Java, Node or .NET.
        ids: Identifiers of the unit: they are no part of the cause, whatever they look like.
    """
    kind = (error_type or "")[:_LONGEST_TYPE].rpartition(".")[2]
    sentence = template(message, error_type=kind, ids=ids)
    place: tuple[str, ...] = ()
    if kind in OF_CODE or kind.endswith(READING) or len(set(_WORD.findall(sentence))) < _TELLING:
        frame = own_frame(stacktrace or "")
        place = (flow, frame) if frame else (flow, step)
    text = "\x1f".join((str(VERSION), kind, sentence, *place)).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:16]


_LONGEST_TYPE: Final = 200


# --- the template of the message


def template(message: str, *, error_type: str | None = None, ids: Iterable[str] = ()) -> str:
    """Return the sentence of a message in lower case, with `*` for each thing that it names.

    Args:
        message: The text of the failure.
        error_type: The type of its exception; for some the quoted value is the name that is missing.
        ids: Identifiers that are known to be of this failure's unit, whatever they look like.
    """
    text = message[:SCANNED]
    for known in sorted({name for name in ids if len(name) > _SHORTEST}, key=len, reverse=True):
        text = _without(text, known)
    pieces = list(_pieces(text))
    made: list[str] = []
    before: list[str] = []
    for place, piece in enumerate(pieces):
        following = pieces[place + 1 : place + 3]
        kept = _kept(piece, before, following, (error_type or "").rpartition(".")[2])
        if kept.lower() in UNITS and made[-1:] == [ANY]:
            continue
        made += [" "] if piece.spaced else []
        made.append(kept)
        if piece.kind in _SPOKEN:
            before.append(piece.text.lower())
        elif piece.kind == "mark" and piece.text in "=:":
            before.append(piece.text)
    return _RUN.sub(ANY, _SIGN.sub(ANY, "".join(made).strip())).lower()


_SHORTEST: Final = 2


def _without(text: str, known: str) -> str:
    """Return a text without an identifier, where it stands alone and not inside of a word."""
    parts = text.split(known)
    made = parts[0]
    for part in parts[1:]:
        alone = not (made[-1:].isalnum() or part[:1].isalnum())
        made += (ANY if alone else known) + part
    return made


def _pieces(text: str) -> Iterable[_Piece]:
    end = 0
    for match in _PIECES.finditer(text):
        yield _Piece(match.lastgroup or "", match.group(), spaced=match.start() > end)
        end = match.end()


def _kept(piece: _Piece, before: list[str], following: list[_Piece], error_type: str) -> str:
    """Return what stands in the template for a piece."""
    if piece.kind == "quoted":
        return _quoted(piece.text, before, following, error_type)
    if piece.kind == "url":
        return _of_address(piece.text)
    if piece.kind == "long" and any(mark in piece.text for mark in "0123456789+="):
        return ANY
    if piece.kind in _SPOKEN:
        return _word(piece.text, before, following)
    return piece.text if piece.kind == "mark" else ANY


def _of_address(url: str) -> str:
    """Return scheme and host of an address: what comes behind is what was asked for."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{_host(host)}"


def _host(host: str) -> str:
    name, _, port = host.partition(":")
    shown = name if _SHORT_NAME.fullmatch(name) or "-" in name else ANY
    shown = ".".join(part if _is_label(part) else ANY for part in shown.split("."))
    return f"{shown}:{port}" if shown != ANY and _is_fixed_port(port) else shown


def _is_label(part: str) -> bool:
    letters = "".join(filter(str.isalpha, part))
    return sum(map(str.isdigit, part)) <= 2 and is_word(letters)  # noqa: PLR2004 - db1, db-12


def _is_fixed_port(port: str) -> bool:
    return port.isdecimal() and len(port) <= 5 and int(port) < _EPHEMERAL  # noqa: PLR2004 - 65535


# --- quoted values ------------------------------------------------------------------------------------


def _quoted(text: str, before: list[str], following: list[_Piece], error_type: str) -> str:
    """Return a quoted value only where it is a name that distinguishes causes, or a sentence."""
    inner = text[1:-1]
    words = inner.split()
    if len(words) > 3 or (words and _HTTP.fullmatch(words[0]) and len(words) > 1):  # noqa: PLR2004
        return f"{text[0]}{template(inner)}{text[-1]}"
    return inner if len(words) == 1 and _is_name(inner, before, following, error_type) else ANY


def _is_name(name: str, before: list[str], following: list[_Piece], error_type: str) -> bool:
    if _SNAKE.fullmatch(name):
        return True
    if not _SHORT_NAME.fullmatch(name) or _FILE.fullmatch(name) or not _is_host_like(name):
        return False
    after = following[0].text.lower() if following else ""
    described = after in NAMING or [p.text.lower() for p in following] == ["is", "a"]
    return error_type in KEYED or described or _noun(before) in NAMING


def _is_host_like(name: str) -> bool:
    """Return whether a name is one of few; with digits in it only `db1` or `worker-3`."""
    labels = name.replace("-", ".").split(".")
    return all(map(_is_label, labels)) and (name.islower() or not any(map(str.isdigit, name)))


def _noun(before: list[str]) -> str:
    """Return the word that says what follows, past words such as `is` and `with`."""
    for word in reversed(before[-4:]):
        if word not in FILLERS and word not in {"=", ":"} and not _NUMBER.fullmatch(word):
            return word
    return ""


# --- words and numbers --------------------------------------------------------------------------------


def _word(text: str, before: list[str], following: list[_Piece]) -> str:
    if len(text) > 2 * LONGEST:
        return ANY
    if before[-1:] == ["="]:
        return _value(text, before)
    if text.lower() in TERMS or _KNOWN_CODE.fullmatch(text):
        return text
    if not any(map(str.isdigit, text)):
        return _letters(text)
    if ":" in text and not _NUMBER.fullmatch(text):
        return _with_colon(text, before, following)
    return text if _is_code(text, before, following) or _is_numbered_name(text, before) else ANY


def _is_numbered_name(text: str, before: list[str]) -> bool:
    """Return whether a word with a digit in it is a name such as `db-1`: called so, or with dots."""
    is_named = _noun(before) in NAMING and _SHORT_NAME.fullmatch(text) and not _FILE.fullmatch(text)
    return bool(is_named or _is_dotted_name(text)) and _is_host_like(text)


def _is_dotted_name(text: str) -> bool:
    labels = text.split(".")
    return len(labels) > 1 and bool(_SHORT_NAME.fullmatch(text)) and all(one[:1].isalpha() for one in labels)


def _value(text: str, before: list[str]) -> str:
    """Return the value of `key=value`: only keys that tell causes apart keep it."""
    key = before[-2] if len(before) > 1 else ""
    if not any(key == known or key.endswith(f"_{known}") for known in TELLING_KEYS):
        return ANY
    if text.isdecimal():
        fixed = _is_fixed_port(text) if key.endswith("port") else bool(_CODE.fullmatch(text))
        return text if fixed else ANY
    named = _SNAKE.fullmatch(text) or (_SHORT_NAME.fullmatch(text) and _is_host_like(text))
    return text if named or text.lower() in TERMS or _CODE.fullmatch(text) else ANY


def _letters(text: str) -> str:
    if "@" in text or _FILE.fullmatch(text.lower()):
        return ANY
    if is_word(text.replace("_", "")) and not _SEPARATORS.search(text):
        return text
    return "".join(
        part if _SEPARATORS.fullmatch(part) or is_word(part.replace("_", "")) else ANY
        for part in _SEPARATORS.split(text)
    )


def _is_code(text: str, before: list[str], following: list[_Piece]) -> bool:
    """Return whether a number is a status or a code: a word before it, or after it, says so."""
    if not _CODE.fullmatch(text):
        return False
    noun = _noun(before)
    if noun in CODED:
        word_before = _noun(before[: len(before) - before[::-1].index(noun) - 1])
        return word_before not in NOT_CODED and (text.isdecimal() or noun in {"sqlstate", "error", "code"})
    if not _HTTP.fullmatch(text):
        return False
    return noun in ANSWERED or bool(following and following[0].text.lower() in FOLLOWED)


def _with_colon(text: str, before: list[str], following: list[_Piece]) -> str:
    """Return host and port, or `key:value` without a space."""
    first, _, rest = text.partition(":")
    if ":" in rest:
        return ANY
    if any(map(str.isalpha, first)) and _is_fixed_port(rest) and _is_host_like(first):
        return text if first.lower() not in CODED or _CODE.fullmatch(rest) else ANY
    if first.isalpha() and is_word(first):
        return f"{first}:{_word(rest, [*before, first.lower(), ':'], following)}"
    return ANY


# --- letters


def is_word(text: str) -> bool:
    """Return whether letters are a word or a name of a program, and no identifier of a thing.

    A word is known by its pairs of letters: identifiers have many that no word has.
    """
    if not text.isascii():
        return True
    if len(text) <= _PLAIN and (text.islower() or text.isupper() or text.istitle()):
        return True
    if len(text) > LONGEST or _HEX.fullmatch(text):
        return False
    if _ERRORS.fullmatch(text):
        return True
    humps = [hump for part in _LETTERS.findall(text) for hump in _HUMPS.findall(part)]
    short = sum(len(hump) <= _FEW for hump in humps)
    if len(humps) > _FEW and short * 2 >= len(humps):
        return False
    return sum(_rare(hump.lower()) for hump in humps) < _FEW


def _rare(word: str) -> int:
    return sum(a + b not in PAIRS for a, b in pairwise(word))
