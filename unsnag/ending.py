"""How a unit's block ends: what the script says of it, what is logged, and how the block is left.

1. `ok`, `fail` and `partial` keep the script's word; a later one replaces an earlier one.
2. An error that is logged after `ok` takes it back.
3. An exception that leaves the block makes it failed, whatever the script declared.

The client sends these facts. Whether a block that ended normally proves anything is decided by the server,
which sees the errors that were logged inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from unsnag import conventions, process

if TYPE_CHECKING:
    from collections.abc import Mapping


class Failure(NamedTuple):
    """What the script gave to ``unit.fail()``."""

    reason: str
    error: BaseException | None
    error_class: str | None
    where: Mapping[str, Any]
    """Fields of the scope in which it was called: perhaps inside a step."""


class Ending:
    """The end of one unit's block, and of the blocks of the same unit inside it.

    Threads that the block has started change it too. Each method sets a value and reads none, so the later
    of two calls decides without a lock.
    """

    __slots__ = (
        "_instance",
        "_ok_stands",
        "_word",
        "completes",
        "is_over",
        "kind",
        "last_error",
        "taken_back",
    )

    def __init__(self, completes: bool | None) -> None:  # noqa: FBT001 - three values: yes, no, not declared
        self.completes = completes
        self.is_over = False
        self.taken_back: Failure | None = None
        """What `fail` was given before the last `ok`."""
        self.kind = conventions.KIND_UNIT
        """What the span of the end is: a unit's, or one that says nothing of how the unit ended."""
        self.last_error: BaseException | None = None
        """The exception that was logged last while the block was open."""
        self._instance = process.instance
        self._word: Failure | tuple[int, int] | str | None = None
        self._ok_stands = True

    def is_open(self) -> bool:
        """Say whether the block is open in this process; in a forked child it is the parent's."""
        return not self.is_over and self._instance == process.instance

    def ok(self) -> None:
        """Take the script's word that it went well; keep what it takes back."""
        self.taken_back = self.failure or self.taken_back
        self._word = conventions.VERDICT_OK
        self._ok_stands = True

    def fail(self, failure: Failure) -> None:
        """Take the script's word that it failed."""
        self._word = failure

    def partial(self, numbers: tuple[int, int] | None) -> None:
        """Take the script's word that so many of so many failed; None: how many is not known."""
        self._word = numbers or conventions.VERDICT_PARTIAL

    def error_logged(self, error: BaseException | None = None) -> None:
        """Take back an `ok` that was called before this error."""
        self._ok_stands = False
        self.last_error = error or self.last_error

    def proves_nothing(self) -> None:
        """Let the end state nothing of the unit, unless the script states how it ended."""
        if self._word is None:
            self.kind = conventions.KIND_ENTRY

    def is_attempt(self) -> None:
        """Let the block be an attempt after which the framework tries again."""
        self.kind = conventions.KIND_STEP

    @property
    def failure(self) -> Failure | None:
        """What `fail` was given, where it is the last word."""
        word = self._word
        return word if isinstance(word, Failure) else None

    @property
    def is_good(self) -> bool:
        """Return whether the script has not declared a failure."""
        return self._word is None or self._word == conventions.VERDICT_OK

    def attributes(self, *, is_left_by_error: bool) -> dict[str, Any]:
        """Return outcome, verdict and numbers for the unit's span."""
        if is_left_by_error:
            verdict_field = {conventions.VERDICT: conventions.VERDICT_FAILED} if self.failure else {}
            return {conventions.OUTCOME: conventions.OUTCOME_FAILED, **verdict_field}
        word = self._word
        if word is None:
            return {conventions.OUTCOME: self._normal()}
        if isinstance(word, Failure):
            return _outcome_fields(conventions.OUTCOME_FAILED, conventions.VERDICT_FAILED)
        if isinstance(word, tuple):
            numbers = {conventions.PARTIAL_FAILED: word[0], conventions.PARTIAL_TOTAL: word[1]}
            return _outcome_fields(conventions.OUTCOME_PARTIAL, conventions.VERDICT_PARTIAL) | numbers
        if word == conventions.VERDICT_PARTIAL:
            return _outcome_fields(conventions.OUTCOME_PARTIAL, conventions.VERDICT_PARTIAL)
        return _outcome_fields(self._normal(), conventions.VERDICT_OK if self._ok_stands else None)

    def _normal(self) -> str:
        return conventions.OUTCOME_PROGRESS if self.completes is False else conventions.OUTCOME_SUCCESS


def _outcome_fields(outcome: str, verdict: str | None) -> dict[str, Any]:
    return {conventions.OUTCOME: outcome} | ({conventions.VERDICT: verdict} if verdict else {})


def numbers(failed: object, total: object) -> tuple[int, int] | None:
    """Return how many of how many failed, or None where these are no numbers that can be."""
    counts = _whole(failed), _whole(total)
    if counts[0] is None or counts[1] is None or not 0 <= counts[0] <= counts[1]:
        return None
    return counts[0], counts[1]


def _whole(number: object) -> int | None:
    """Return a whole number: an int, numpy's, or a float without a fraction, as pandas counts."""
    try:
        found = int(number)  # type: ignore[call-overload]
    except Exception:  # noqa: BLE001 - whatever a script's own number class raises
        return None
    return found if not isinstance(number, (str, bytes, bool)) and found == number else None
