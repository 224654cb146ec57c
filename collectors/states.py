"""The state of a source: one function of values, and the words that go with each state.

- `failed`: something cannot be read until a person changes it.
- `stalled`: there are unread bytes, and none of them was stored for a while.
- `running`: records arrive, or are being read.
- `never_received`: no record has arrived since the source was configured.
- `silent`: records arrived before, and none for longer than is usual or configured.
- `not_collected`: records of it are stored, and no collector reads it now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final


class SourceState(StrEnum):
    """All states, those that need a person first."""

    FAILED = "failed"
    STALLED = "stalled"
    SILENT = "silent"
    RUNNING = "running"
    NEVER_RECEIVED = "never_received"
    NOT_COLLECTED = "not_collected"


BROKEN: Final = frozenset({SourceState.FAILED, SourceState.STALLED})
"""States in which records wait that nobody reads."""

STALLED_S: Final = 30.0
"""Unread bytes of which none was stored for this long make a source stalled."""
SILENT_FLOOR_S: Final = 300.0
"""A source is never silent before this, however often its records came."""
USUAL: Final = 1.5
"""A pause is unusual when it is this many times the longest one of the last days."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of a source. Lengths of time are seconds."""

    unread: int = 0
    """Bytes or items that can be read and whose records are not stored; half lines are not among them."""
    no_progress_s: float = 0.0
    """How long no unread byte was stored, of the file that waits longest."""
    error: str | None = None
    """What a person has to change."""
    trouble: str | None = None
    """What is tried again by itself."""
    missing: str | None = None
    """The folder that is not there."""
    paused: str | None = None
    """Why it reads no further although nothing is wrong: a quota."""
    matching: int = 0
    """How many files there are."""
    received_at: datetime | None = None
    """When the last record arrived."""
    silent_after_s: float | None = None
    """The limit of the config file."""
    setting: str = "`paths` in the config file"
    """The setting that names the files that are read."""
    begin: str | None = None
    """What to do until the first record arrives, where no files are read."""
    repair: str | None = None
    """What to do about `error`, where it is not to correct or remove what it names."""
    longest_pause_s: float | None = None
    """Between records of the last days; None where too few arrived to measure one."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A state, since when if that is known, why, and what to do next."""

    state: SourceState
    reason: str
    next_step: str
    since: datetime | None = None


def condition(signs: Signs, now: datetime) -> Condition:
    """Return the state of a source that is collected."""
    if signs.paused:
        step = "Raise it in [collectors.quotas], or wait. What is unread stays where it is and is read then."
        return Condition(SourceState.STALLED, _sentence(signs.paused), step)
    if signs.unread and signs.no_progress_s >= STALLED_S:
        return _stalled(signs, now)
    if signs.error:
        return Condition(SourceState.FAILED, _sentence(signs.error), signs.repair or _TRIED_AGAIN)
    if signs.unread:
        return Condition(SourceState.RUNNING, "Reading.", "")
    return _with_nothing_unread(signs, now)


def _with_nothing_unread(signs: Signs, now: datetime) -> Condition:
    if signs.received_at is None:
        return _never_received(signs)
    if signs.missing:
        step = f"Mount or create it again, or correct {signs.setting}."
        return Condition(SourceState.FAILED, f"The folder {signs.missing} no longer exists.", step)
    limit = silent_after(signs)
    if limit is not None and now - signs.received_at > timedelta(seconds=limit):
        return _silent(signs)
    return Condition(SourceState.RUNNING, "Everything that has arrived is stored.", "")


def not_collected() -> Condition:
    """Return the state of a source that has records and no collector."""
    return Condition(
        SourceState.NOT_COLLECTED,
        "No collector reads this source now. Its records are kept.",
        "If it should be read, add it to the config file and restart the server.",
    )


def silent_after(signs: Signs) -> float | None:
    """Return after how many seconds without a record a source is silent; None where nobody can tell."""
    if signs.silent_after_s is not None:
        return signs.silent_after_s
    if signs.longest_pause_s is None:
        return None
    return max(signs.longest_pause_s * USUAL, SILENT_FLOOR_S)


_TRIED_AGAIN: Final = "Correct or remove what is named here. Reading then goes on by itself."


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."


def _stalled(signs: Signs, now: datetime) -> Condition:
    cause = signs.trouble or signs.error
    reason = _sentence(f"Unread lines wait: {cause}" if cause else "The store has not accepted what was read")
    step = "Check the disk and the permissions. What is unread stays where it is and is read then."
    return Condition(SourceState.STALLED, reason, step, now - timedelta(seconds=signs.no_progress_s))


def _never_received(signs: Signs) -> Condition:
    reason, step = "No record has arrived yet.", "Check that the script runs and writes to this place."
    if signs.trouble:
        reason, step = _sentence(f"No record has arrived yet: {signs.trouble}"), signs.repair or _TRIED_AGAIN
    elif signs.begin:
        step = signs.begin
    elif signs.missing:
        reason = f"No record has arrived yet: the folder {signs.missing} does not exist."
        step = f"Create the folder, or correct {signs.setting}."
    elif not signs.matching:
        reason = "No record has arrived yet: no file matches."
        step = f"Start the script that writes there, or correct {signs.setting}."
    return Condition(SourceState.NEVER_RECEIVED, reason, step)


def _silent(signs: Signs) -> Condition:
    limit = "the limit of the config file" if signs.silent_after_s is not None else "its usual pause"
    reason = f"No record has arrived for longer than {limit}."
    step = "Check that what writes or sends these records still runs."
    return Condition(SourceState.SILENT, reason, step, signs.received_at)
