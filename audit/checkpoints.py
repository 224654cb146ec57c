"""Checkpoints: where the chain ended at a moment, written outside the database.

A chain alone cannot show that its tail was cut off, nor that yesterday's database was put back: a line of
this file can. Keep it on another disk or another machine than the store ([audit] checkpoints).
"""

from __future__ import annotations

import heapq
import os
from bisect import bisect_left
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import orjson

from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from audit.signing import SigningKey

_TAIL_BYTES: Final = 4096


class CheckpointError(UnsnagError):
    """The file of the audit's checkpoints cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where the chain ended; `time` is RFC 3339 UTC text, `signature` Ed25519 over the rest, in hex."""

    seq: int
    hash: str
    time: str
    count: int
    key: str | None = None
    signature: str | None = None

    def unsigned(self) -> bytes:
        """Return the bytes that are signed: canonical JSON of all but the signature."""
        values = {n: v for n, v in asdict(self).items() if v is not None and n != "signature"}
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)

    def line(self) -> bytes:
        """Return the checkpoint as one line of the file."""
        values = {n: v for n, v in asdict(self).items() if v is not None}
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS) + b"\n"


class Checkpoints:
    """The file: one line a checkpoint, only ever appended to."""

    def __init__(self, path: Path, key: SigningKey | None = None, second: Path | None = None) -> None:
        """Take the file; `second` is another one, which is compared as well and written by itself."""
        self.path = path
        self.key = key
        self.second = Checkpoints(second, key) if second else None

    @property
    def files(self) -> list[Checkpoints]:
        """This file, and the second one where there is one."""
        return [self, *([self.second] if self.second else [])]

    def seen(self) -> Iterator[Checkpoint]:
        """Yield the checkpoints of all files, by the number of the entry that they saw.

        A second folder that cannot be reached is left out: writing to it fails too, and says so.

        Raises:
            CheckpointError: the first file cannot be read, or a line is none of ours.
        """
        files = [self, *([self.second] if self.second and self.second.path.is_file() else [])]
        return heapq.merge(*(file.read() for file in files), key=attrgetter("seq"))

    def write(self, seq: int, head: str, moment: datetime) -> Checkpoint:
        """Append a checkpoint and wait until it is on the disk.

        Raises:
            CheckpointError: it could not be written.
        """
        time = moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
        mark = Checkpoint(seq, head, time, seq, self.key.public if self.key else None)
        if self.key:
            mark = replace(mark, signature=self.key.sign(mark.unsigned()))
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._drop_unfinished()
            with open(self.path, "ab", opener=_private) as file:
                file.write(mark.line())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint file {self.path} cannot be written: {error.strerror}."
            ) from error
        return mark

    def set_aside(self, is_lost: Callable[[Checkpoint], bool], moment: datetime) -> Path | None:
        """Move the file aside where it saw entries that are lost, and keep what saw none of them.

        Return the file with all of them, or None where nothing was moved.

        Raises:
            CheckpointError: it cannot be read or written.
        """
        marks = list(self.read())
        # What holds one entry of a chain holds all before it.
        kept = marks[: bisect_left(marks, True, key=is_lost)]  # noqa: FBT003 - what is_lost returns
        if len(kept) == len(marks):
            return None
        aside = self.path.with_name(f"{self.path.stem}.before-{moment:%Y%m%dT%H%M%SZ}{self.path.suffix}")
        draft = self.path.with_name(f"{self.path.name}.new")
        try:
            with open(draft, "wb", opener=_private) as file:
                file.writelines(mark.line() for mark in kept)
                file.flush()
                os.fsync(file.fileno())
            self.path.rename(aside)
            draft.rename(self.path)
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint file {self.path} cannot be moved: {error.strerror}."
            ) from error
        return aside

    def read(self) -> Iterator[Checkpoint]:
        """Yield every checkpoint, oldest first.

        Raises:
            CheckpointError: the file cannot be read, or a line is none of ours.
        """
        try:
            with self.path.open("rb") as file:
                for number, line in enumerate(file, start=1):
                    if line.strip() and line.endswith(b"\n"):
                        yield _parsed(line, number, self.path)
        except FileNotFoundError:
            return
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint file {self.path} cannot be read: {error.strerror}."
            ) from error

    def last(self) -> Checkpoint | None:
        """Return the newest checkpoint, or None where there is none."""
        try:
            with self.path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL_BYTES))
                lines = [line for line in file.read().split(b"\n")[:-1] if line.strip()]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint file {self.path} cannot be read: {error.strerror}."
            ) from error
        return _parsed(lines[-1], None, self.path) if lines else None

    def _drop_unfinished(self) -> None:
        """Cut off a line that a power cut left unfinished: that checkpoint was never confirmed."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _TAIL_BYTES))
            tail = file.read()
            unfinished = len(tail) - tail.rfind(b"\n") - 1
            if unfinished and end:
                file.truncate(end - unfinished)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _parsed(line: bytes, number: int | None, path: Path) -> Checkpoint:
    try:
        values: dict[str, Any] = orjson.loads(line)
        mark = Checkpoint(int(values.pop("seq")), str(values.pop("hash")), str(values.pop("time")), **values)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        place = f"Line {number}" if number else "The last line"
        raise CheckpointError(f"{place} of the checkpoint file {path} is no checkpoint.") from error
    return mark
