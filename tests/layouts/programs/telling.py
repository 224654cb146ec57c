"""The story for programs in Python, and the file in which each states what it logged."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple


class Event(NamedTuple):
    """One line of the story."""

    n: int
    severity: str
    logger: str
    order: str
    message: str
    failure: str | None
    cause: str | None


class Declined(Exception):  # noqa: N818 - as many programs name theirs
    """What fails in the story."""


def events() -> list[Event]:
    """Return the story."""
    lines = Path(__file__).with_name("story.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    return [Event(int(n), *rest[:4], *(None if one == "-" else one for one in rest[4:])) for n, *rest in rows]


def fail(event: Event) -> None:
    """Raise what the event says."""
    if event.cause is None:
        raise Declined(event.failure)
    try:
        raise TimeoutError(event.cause)
    except TimeoutError as error:
        raise Declined(event.failure) from error


@dataclass
class Truth:
    """Writes what was logged: a line an event, `-` where the layout does not carry it."""

    path: str

    def __post_init__(self) -> None:
        self._file = Path(self.path).open("w")  # noqa: SIM115 - open as long as the program runs

    def note(self, event: Event, **changed: object) -> None:
        """Note an event before it is logged; `changed` is what this program writes otherwise."""
        given = {
            "time": time.time_ns() // 1000,
            "severity": event.severity,
            "message": event.message,
            "logger": event.logger,
            "id": event.order,
            "type": f"{Declined.__module__}.Declined" if event.failure else "-",
            "failure": event.failure or "-",
            "trace": int(event.failure is not None),
        } | changed
        self._file.write("\t".join(map(str, given.values())) + "\n")
        self._file.flush()
