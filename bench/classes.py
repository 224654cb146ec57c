"""Prints how many recorded exceptions get the right class, by the rules of today and by those before.

Also how many get a title from the table of plain sentences (`cases/plain.py`).

`tests/classes` holds the exceptions, labelled by hand before the rules were written. One half of them was
looked at while the rules were written, the other half was not. *Right*: the class is the label and no
guess, or none is stated of a fault of the script. *Wrong*: another is stated. *Asks*: a person is asked.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from bench import earlier_classes
from bench.figures import line
from cases import plain
from cases.content import plain_title
from tests.classes.recorded import FORMS, Recorded, recorded
from tests.collectors import rows
from unsnag import classification, evidence, failures
from unsnag.conventions import CLASS_UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Answer = tuple[str, bool]
"""A class, and whether it is stated or only guessed."""


class Read(NamedTuple):
    """What a collector reads of a log text."""

    kind: str
    message: str
    status: int | None


def main() -> None:
    """Print the figures of both halves."""
    for half, name in ((False, "looked at"), (True, "held out")):
        own = [one for one in recorded() if one.is_held_out is half]
        print(f"{len(own)} exceptions of {len({one.library for one in own})} libraries, {name}:")
        _print("through the client", own, client_now, client_before)
        _print("from log text alone", own, lambda one: text_now(one.text), lambda one: text_before(one.text))
        for form in FORMS:
            _print(
                f"  logged as {form}",
                own,
                lambda one, form=form: text_now(one.log[form]),
                lambda one, form=form: text_before(one.log[form]),
            )
        titled = sum(has_plain_title(one) for one in own)
        line("a title from the table of plain sentences", f"{100 * titled / len(own):.1f} %")
    sentences = {entry.sentence for entry in (*plain.ANYWHERE, *plain.BEHIND)} | set(plain.STATUSES.values())
    line("sentences in the table", str(len(sentences)), "100")


def has_plain_title(one: Recorded) -> bool:
    """Return whether the table has a sentence for an exception."""
    kind, message = str(one.exception.get("type")), str(one.exception.get("message"))
    return plain_title(kind, message, None) is not None


def _print(
    name: str, own: list[Recorded], now: Callable[[Recorded], Answer], before: Callable[[Recorded], Answer]
) -> None:
    counted, earlier = tally(own, now), tally(own, before)
    aim = "90 %, 2 %" if "client" in name else "85 %, 2 %"
    line(f"{name}: right, wrong, asks", shares(counted), aim, f"before {shares(earlier)}")


def tally(own: Iterable[Recorded], answer: Callable[[Recorded], Answer]) -> Counter[str]:
    """Count how many are right, wrong, or asked for."""
    return Counter(judged(one.label, *answer(one)) for one in own)


def judged(label: str, found: str, is_stated: bool) -> str:  # noqa: FBT001 - an answer's two parts
    """Return what an answer is worth."""
    if not is_stated or found == CLASS_UNKNOWN:
        return "right" if label == CLASS_UNKNOWN else "asks"
    return "right" if found == label else "wrong"


def shares(counted: Counter[str]) -> str:
    """Return the three shares as text."""
    total = sum(counted.values())
    return ", ".join(f"{100 * counted[name] / total:.1f} %" for name in ("right", "wrong", "asks"))


def client_now(one: Recorded) -> Answer:
    """Return what the client finds of the exception itself."""
    verdict = failures.verdict(one.raised())
    return verdict.error_class, verdict.is_sure


def client_before(one: Recorded) -> Answer:
    """Return what the client of the version before found."""
    error = one.raised()
    bases = [
        evidence.type_name(base)
        for base in type(error).__mro__[:-1]
        if base not in {Exception, BaseException}
    ]
    status = earlier_classes.http_status(error)
    return earlier_classes.classify(evidence.type_name(type(error)), str(error), status, bases), True


def text_now(text: str) -> Answer:
    """Return what the server finds of a log text."""
    read = read_by_collector(text)
    verdict = classification.decide(classification.Evidence(read.kind, read.message, read.status))
    return verdict.error_class, verdict.is_sure


def text_before(text: str) -> Answer:
    """Return what the server of the version before found."""
    return earlier_classes.classify(*read_by_collector(text)), True


def read_by_collector(text: str) -> Read:
    """Return type, message and status of the error that a collector reads from a log text."""
    found = next(row for row in rows.logs(rows.read(text + "\n")) if row.get("error_class"))
    message = found.get("exception_message") or found.get("message")
    return Read(found.get("error_type") or "", message or "", found.get("http_status"))


if __name__ == "__main__":
    main()
