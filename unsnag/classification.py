"""Rules that name the class of an error, from what its type, its codes and its text show.

Client and server share them, so a record gets the same class wherever it is decided.
Pure functions over names and codes: the exception itself may live in another process.
The tables (`class_codes`, `class_types`, `class_texts`) are imported when the first error comes, so that a
script without one does not pay for them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from unsnag.conventions import CLASS_INFRASTRUCTURE, CLASS_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from unsnag.class_texts import Text

VERSION: Final = 2
"""Version of the tables; it is kept with each case."""
SURE: Final = 0.80
"""Below this confidence a class is a guess, and a person is asked."""

_SCANNED: Final = 2000
_NAME_LIMIT: Final = 500
_SERVER_ERROR: Final = 500
_SIGNALLED: Final = 128
_MAY_REFUSE: Final = frozenset({400, 402, 403, 404, 409, 412, 422})
"""Statuses that services also use to say that a rule of the business refuses."""


class Verdict(NamedTuple):
    """A class, the rule that decided, and how sure it is (0 to 1)."""

    error_class: str
    rule: str
    confidence: float

    version: int = VERSION
    """Of the tables that decided."""

    @property
    def is_sure(self) -> bool:
        """Whether the class may stand without a person."""
        return self.confidence >= SURE

    @property
    def why(self) -> str:
        """Rule, confidence and version as one text, as `unsnag.error.rule` carries them."""
        return f"{self.rule} {self.confidence:.2f} {self.version}"


UNDECIDED: Final = Verdict(CLASS_UNKNOWN, "none", 0.0)


class Evidence(NamedTuple):
    """What is known of an error."""

    type_name: str = ""
    message: str = ""
    http_status: int | None = None
    bases: tuple[str, ...] = ()
    """Names of the type's bases, nearest first."""
    codes: Mapping[str, str] = {}
    """Codes by the table that knows them: `sqlstate`, `aws`, `grpc`, `errno`, …"""
    cause: Evidence | None = None
    """What the error was raised from."""


def classify(
    type_name: str,
    message: str = "",
    http_status: int | None = None,
    bases: Iterable[str] = (),
) -> str:
    """Return the class of an error, or ``unknown``.

    Args:
        type_name: The exception's type, with or without its module.
        message: Its text.
        http_status: The status that a called system answered.
        bases: Names of the type's bases, nearest first.
    """
    return decide(Evidence(type_name, message, http_status, tuple(bases))).error_class


def decide(evidence: Evidence) -> Verdict:
    """Return the class of an error with the rule that decided.

    What is more exact comes first: codes, a refusal by a rule of the business, an HTTP status, the
    type, a status within the text, the text, words of the type's name, and what caused the error.
    """
    own = _of_evidence(evidence)
    if own.is_sure or evidence.cause is None:
        return own
    inner = decide(evidence.cause)
    return inner._replace(rule=f"cause.{inner.rule}") if inner.confidence > own.confidence else own


def _of_evidence(one: Evidence) -> Verdict:
    type_name, text = one.type_name[:_NAME_LIMIT], one.message[:_SCANNED]
    found = [
        verdict
        for verdict in (
            *_of_given_codes(one.codes, text),
            _of_codes_in(text),
            _exact(text),
            _refusal(type_name, text, one.http_status),
            _of_status(one.http_status),
        )
        if verdict is not None
    ]
    if found and found[0].is_sure:
        return found[0]
    found += _of_names_and_text((type_name, *one.bases) if type_name else one.bases, text)
    return next(
        (verdict for verdict in found if verdict.is_sure), max(found, key=_confidence, default=UNDECIDED)
    )


def _confidence(verdict: Verdict) -> float:
    return verdict.confidence


def _of_given_codes(codes: Mapping[str, str], text: str) -> Iterable[Verdict]:
    """Yield what the codes stand for. A precondition that failed is for the text to explain."""
    for family, code in codes.items():
        found = of_code(family, code)
        if found is not None:
            yield (
                found
                if code != "FAILED_PRECONDITION"
                else (_business(text) or found._replace(confidence=0.6))
            )


def of_code(family: str, code: str) -> Verdict | None:
    """Return what a code of a table stands for, or None where the table does not know it."""
    from unsnag import class_codes as tables  # noqa: PLC0415 - see the module's docstring

    number = int(code) if code.lstrip("-").isdecimal() and len(code) < 8 else None  # noqa: PLR2004
    if family == "errno":
        known = tables.ERRNO.get(number) if number is not None else None
    elif family == "exit":
        known = None if number is None else of_exit_code(number)
        known = None if known == CLASS_UNKNOWN else known
    elif family == "signal":
        known = CLASS_INFRASTRUCTURE
    elif family == "kafka":
        known = tables.KAFKA.get(code, CLASS_INFRASTRUCTURE)
    elif family in _BY_PREFIX:
        table: dict[str, str] = getattr(tables, family.upper())
        known = next((table[code[:end]] for end in range(len(code), 1, -1) if code[:end] in table), None)
    else:
        known = getattr(tables, family.upper(), {}).get(code)
    return None if known is None else Verdict(known, f"{family}.{code}", 0.97)


_BY_PREFIX: Final = frozenset({"sqlstate", "sqlite"})


def _refusal(type_name: str, text: str, status: int | None) -> Verdict | None:
    """Return that a rule of the business refused, where the text says so and nothing speaks against it."""
    if status is not None and status not in _MAY_REFUSE:
        return None
    found = _business(text)
    return found if found and not _is_programmatic(type_name) else None


def _exact(text: str) -> Verdict | None:
    from unsnag import class_texts  # noqa: PLC0415

    return _first(class_texts.EXACT, text)


def _business(text: str) -> Verdict | None:
    from unsnag import class_texts  # noqa: PLC0415

    return _first(class_texts.BUSINESS, text)


def _is_programmatic(type_name: str) -> bool:
    from unsnag import class_types  # noqa: PLC0415

    return class_types.LAST.get(_last(type_name)) == CLASS_UNKNOWN


def of_http_status(status: int | None) -> str | None:
    """Return the class that an HTTP status stands for: refused access is for operations, as outages are."""
    found = _of_status(status)
    return found.error_class if found else None


def _of_status(status: int | None) -> Verdict | None:
    if status is None:
        return None
    if status >= _SERVER_ERROR:
        return Verdict(CLASS_INFRASTRUCTURE, f"http.{status}", 0.95)
    from unsnag import class_codes  # noqa: PLC0415

    known = class_codes.HTTP.get(str(status))
    return Verdict(known, f"http.{status}", 0.9) if known else None


def of_exit_code(code: int) -> str:
    """Return the class of a command's exit code: killed, timed out or sysexits' word for it."""
    from unsnag import class_codes  # noqa: PLC0415

    if code < 0 or code > _SIGNALLED:
        return CLASS_INFRASTRUCTURE
    return class_codes.EXIT.get(code, CLASS_UNKNOWN)


def _of_names_and_text(names: tuple[str, ...], text: str) -> list[Verdict]:
    """Return what names and text show, up to the first that is sure."""
    from unsnag import class_texts  # noqa: PLC0415

    steps: tuple[Callable[[], Verdict | None], ...] = (
        lambda: _first((class_texts.FAULTS,), text),
        lambda: _of_types(names),
        lambda: _of_status(_status_in(text)),
        lambda: _first(class_texts.STRONG, text),
        lambda: _of_types_in(text),
        lambda: _first(class_texts.TEXTS, text),
        lambda: _of_name_words(names),
        lambda: _of_names_in(text),
        lambda: _of_generic_types(names),
    )
    found: list[Verdict] = []
    for step in steps:
        verdict = step()
        found += [verdict] if verdict else []
        if verdict and verdict.is_sure:
            break
    return found


def _of_types(names: Iterable[str]) -> Verdict | None:
    from unsnag import class_types as tables  # noqa: PLC0415

    for name in names:
        if (known := tables.QUALIFIED.get(name)) is not None:
            return Verdict(known, f"type.{name}", 0.95)
        last = _last(name)
        if last in tables.GENERIC or last in tables.GUESSES:
            return None
        if (known := tables.LAST.get(last)) is not None:
            return Verdict(known, f"type.{last}", 0.9)
    return None


def _of_types_in(text: str) -> Verdict | None:
    """Return what a type that the text names stands for."""
    from unsnag.class_texts import TYPES  # noqa: PLC0415

    for match in TYPES.finditer(text):
        name = match.group(1) or match.group(2)
        found = _of_types((name,)) or _of_generic_types((name,))
        if found is not None:
            return found
    return None


def _of_names_in(text: str) -> Verdict | None:
    """Return what a word in the name of a type that the text names stands for."""
    from unsnag.class_texts import TYPES  # noqa: PLC0415

    names = (match.group(1) or match.group(2) for match in TYPES.finditer(text))
    return next((found for name in names if (found := _of_name_words((name,)))), None)


def _of_codes_in(text: str) -> Verdict | None:
    from unsnag.class_texts import CODES  # noqa: PLC0415

    for family, clue, pattern in CODES:
        match = pattern.search(text) if clue in text else None
        found = of_code(family, match.group(1)) if match else None
        if found is not None:
            if match and match.group(1) == "FAILED_PRECONDITION":
                return found._replace(confidence=0.6)
            return found._replace(confidence=0.93)
    return None


def _of_name_words(names: tuple[str, ...]) -> Verdict | None:
    from unsnag.class_types import NAME_WORDS  # noqa: PLC0415

    last = _last(names[0])[:_NAME_LIMIT] if names else ""
    for pattern, known, confidence in NAME_WORDS:
        if word := pattern.search(last):
            return Verdict(known, f"name.{word.group()}", confidence)
    return None


def _of_generic_types(names: Iterable[str]) -> Verdict | None:
    from unsnag import class_types as tables  # noqa: PLC0415

    for name in names:
        last = _last(name)
        if known := tables.GENERIC.get(last):
            return Verdict(known, f"type.{last}", SURE)
        if known := tables.GUESSES.get(last):
            return Verdict(known, f"type.{last}", 0.6)
    return None


def _first(rules: Iterable[Text], text: str) -> Verdict | None:
    lower = text.lower()
    for rule in rules:
        if rule.holds(lower):
            return Verdict(rule.error_class, f"text.{rule.name}", rule.confidence)
    return None


def _status_in(text: str) -> int | None:
    from unsnag.class_codes import SERVER_ERRORS  # noqa: PLC0415
    from unsnag.class_texts import HUNDREDS, STATUS  # noqa: PLC0415

    found = STATUS.search(text) if HUNDREDS.search(text) else None
    status = int(next(group for group in found.groups() if group)) if found else None
    return status if status is None or status < _SERVER_ERROR or status in SERVER_ERRORS else None


def _last(name: str) -> str:
    return name.rpartition(".")[2]
