"""Passwords: argon2id, a rule that keeps out the worst, and a limit to how many are checked at once."""

from __future__ import annotations

import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from access.errors import InvalidPersonError, TooManyTriesError

MIN_LENGTH: Final = 12
MAX_LENGTH: Final = 200
_MIN_KINDS: Final = 5
_MIN_NAME: Final = 3
_MORE_THAN_A_WORD: Final = 7
_WAIT_S: Final = 5.0
_MIN_SCORE: Final = 3
"""Of 0 to 4: some 10^8 guesses at least. With argon2id on top that is years of one core."""
_MAX_JUDGED: Final = 72
"""What zxcvbn takes; it needs up to 0.3 s for that much."""
_GUESSED_FIRST: Final = "This password would be guessed among the first. A sentence is best."
_WORST: Final = ("password", "passwort", "unsnag", "letmein", "welcome", "qwerty", "123456", "admin")

# RFC 9106's second choice (64 MiB, 3 passes) with one lane: about 60 ms on one core.
_HASHER: Final = PasswordHasher(time_cost=3, memory_cost=65_536, parallelism=1)
_AT_ONCE: Final = threading.BoundedSemaphore(2)
"""64 MiB and a core each: a flood of tries must not take the machine."""
_NOBODY: Final = _HASHER.hash("nobody has this password")


def hashed(password: str, name: str) -> str:
    """Return what is kept of a password.

    Raises:
        InvalidPersonError: it is too short, too simple, or contains the name.
    """
    _refuse_plain(password, name)
    with _slot():
        _refuse_guessable(password, name)
        return _HASHER.hash(password)


def matches(password: str, kept: str | None) -> bool:
    """Return whether a password is the one that was kept; takes the same time when there is none.

    Raises:
        TooManyTriesError: too many are being checked.
    """
    with _slot():
        try:
            right = _HASHER.verify(kept or _NOBODY, password[:MAX_LENGTH])
        except (VerificationError, InvalidHashError):
            return False
    return right and kept is not None


class _slot:  # noqa: N801 - reads as a word in a with statement
    def __enter__(self) -> None:
        if not _AT_ONCE.acquire(timeout=_WAIT_S):
            raise TooManyTriesError(int(_WAIT_S))

    def __exit__(self, *_: object) -> None:
        _AT_ONCE.release()


def _refuse_plain(password: str, name: str) -> None:
    plain = password.lower()
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise InvalidPersonError(
            f"A password has {MIN_LENGTH} to {MAX_LENGTH} characters; a sentence is best."
        )
    if len(set(plain)) < _MIN_KINDS:
        raise InvalidPersonError("This password repeats itself too much. A sentence is best.")
    if (len(name) >= _MIN_NAME and name.lower() in plain) or any(
        plain.startswith(word) and len(plain) < len(word) + _MORE_THAN_A_WORD for word in _WORST
    ):
        raise InvalidPersonError(_GUESSED_FIRST)


def _refuse_guessable(password: str, name: str) -> None:
    """Refuse what is made of names, dates, keyboard rows and words of every list of passwords."""
    # Its word lists take 0.06 s and 13 MB: loaded when somebody chooses a password, not at each start.
    from zxcvbn import zxcvbn  # noqa: PLC0415

    found = zxcvbn(password[:_MAX_JUDGED], user_inputs=[name, "unsnag"])
    if found["score"] < _MIN_SCORE:
        warning = found["feedback"]["warning"]
        raise InvalidPersonError(f"{_GUESSED_FIRST} {warning}".strip())
