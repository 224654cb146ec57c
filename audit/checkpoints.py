"""Checkpoints: where the chain ended at a moment, written outside the database.

A chain alone cannot show that its tail was cut off, nor that yesterday's database was put back: a line of
this file can. Keep it on another disk or another machine than the store ([audit] checkpoints).
"""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import orjson

from data.errors import UnsnagError

if TYPE_CHECKING:
    from collections.abc import Iterator
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
        told = {n: v for n, v in asdict(self).items() if v is not None and n != "signature"}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS)

    def line(self) -> bytes:
        """Return the checkpoint as one line of the file."""
        told = {n: v for n, v in asdict(self).items() if v is not None}
        return orjson.dumps(told, option=orjson.OPT_SORT_KEYS) + b"\n"


class Checkpoints:
    """The file: one line a checkpoint, only ever appended to."""

    def __init__(self, path: Path, key: SigningKey | None = None) -> None:
        self.path = path
        self.key = key

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
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_unfinished()
            with self.path.open("ab") as file:
                file.write(mark.line())
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise CheckpointError(
                f"The checkpoint file {self.path} cannot be written: {error.strerror}."
            ) from error
        return mark

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
        """Cut off a line that a power cut left unfinished: nobody was told of that checkpoint."""
        if not self.path.exists():
            return
        with self.path.open("r+b") as file:
            end = file.seek(0, os.SEEK_END)
            file.seek(max(0, end - _TAIL_BYTES))
            tail = file.read()
            unfinished = len(tail) - tail.rfind(b"\n") - 1
            if unfinished and end:
                file.truncate(end - unfinished)


def _parsed(line: bytes, number: int | None, path: Path) -> Checkpoint:
    try:
        told: dict[str, Any] = orjson.loads(line)
        mark = Checkpoint(int(told.pop("seq")), str(told.pop("hash")), str(told.pop("time")), **told)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        place = f"Line {number}" if number else "The last line"
        raise CheckpointError(f"{place} of the checkpoint file {path} is no checkpoint.") from error
    return mark
