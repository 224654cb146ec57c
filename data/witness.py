"""The commit witness: a small file outside the store that knows the last commit that was acknowledged.

A write-ahead log that was cut, emptied or deleted opens like any other: DuckDB cannot know what is missing.
Each commit has a number and a hash that covers the one before. The store keeps them in the transaction, the
witness after it and before the answer. So at a start:

- equal numbers and hashes: nothing is missing;
- the store is ahead: the process ended between commit and witness, and nothing was answered;
- the witness is ahead, or they disagree: acknowledged commits are missing.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import orjson

from data.clock import stored, utc_now
from data.formats import count

if TYPE_CHECKING:
    from pathlib import Path

    from data.transaction import Tx

FILE_NAME: Final = "unsnag.witness"
_SLOT: Final = 4096
"""Two slots, written in turns: a power cut can tear one of them, never both."""
_TIME: Final = "%Y-%m-%d %H:%M:%S UTC"


@dataclass(frozen=True, slots=True)
class Mark:
    """A commit: its number, what all commits up to it brought, and a hash that covers the one before.

    `time` is naive UTC.
    """

    store: str
    number: int
    hash: str
    previous: str
    time: datetime
    records: int
    acts: int

    def following(self, now: datetime, records: int | None) -> Mark:
        """Return the next commit, with so many records; None: it is an act."""
        after = replace(
            self,
            number=self.number + 1,
            previous=self.hash,
            time=now,
            records=self.records + (records or 0),
            acts=self.acts + (records is None),
        )
        return replace(after, hash=after.digest())

    def digest(self) -> str:
        """Return the hash of everything else that is in the mark."""
        covered = {**asdict(self), "hash": None}
        return hashlib.sha256(orjson.dumps(covered, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Loss:
    """Acknowledged commits that the store does not hold; `since` and `until` are naive UTC."""

    commits: int
    """0 where the store has another history: then it is not known how many."""
    records: int
    acts: int
    since: datetime | None
    """The store's own last commit; None where it holds none."""
    until: datetime

    def __str__(self) -> str:
        """Return what is missing, and since when."""
        if not self.commits:
            return (
                "The store is not the one that its commit witness saw: another store or an older copy was "
                f"put in its place. The witness saw its last commit at {self.until:{_TIME}}."
            )
        since = f"of {self.since:{_TIME}} to" if self.since else "up to"
        return (
            f"{count(self.commits, 'acknowledged commit')} {since} {self.until:{_TIME}} "
            f"{'is' if self.commits == 1 else 'are'} missing from the store: "
            f"{count(self.records, 'record')} and {count(self.acts, 'act')}. "
            "Its write-ahead log was cut, emptied or deleted, or an older copy was put in its place."
        )


def compared(kept: Mark, seen: Mark | None) -> Loss | None:
    """Return what a store lacks that its witness saw; None where nothing is missing."""
    if seen is None:
        return None
    if kept.number < seen.number and (kept.store == seen.store or not kept.number):
        return Loss(
            commits=seen.number - kept.number,
            records=max(seen.records - kept.records, 0),
            acts=max(seen.acts - kept.acts, 0),
            since=kept.time if kept.number else None,
            until=seen.time,
        )
    known = {kept.number: kept.hash, kept.number - 1: kept.previous}
    if kept.store == seen.store and known.get(seen.number, seen.hash) == seen.hash:
        return None
    return Loss(0, 0, 0, since=kept.time, until=seen.time)


class Witness:
    """The file. The writer's thread alone writes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.trouble: str | None = None
        """Why it cannot be written, while it cannot."""
        self._last: Mark | None = None
        self._file: int | None = None

    def compare(self, kept: Mark) -> Loss | None:
        """Compare the store's last commit with the one seen here; the next commit follows the store's.

        A file that is missing or holds no mark proves nothing: it begins with the store's last commit.
        """
        self._last = kept
        seen = self.read()
        if seen is None:
            self.note(kept)
        return compared(kept, seen)

    def seal(self, tx: Tx) -> Mark:
        """Number the running transaction, in it."""
        assert self._last is not None  # noqa: S101 - compared when the store was opened
        mark = self._last.following(stored(utc_now()), tx.records)
        values = asdict(mark)
        values.pop("store")
        tx.run("store/move_commit_mark", values)
        return mark

    def note(self, mark: Mark) -> None:
        """Remember a commit that is on disk, and wait until this is on disk too.

        A disk that cannot take it does not take the commit back: `trouble` says so until one succeeds.
        """
        self._last = mark
        try:
            if self._file is None:
                self._file = self._begun(mark)
            else:
                os.pwrite(self._file, _line(mark), _SLOT * (mark.number % 2))
                os.fdatasync(self._file)
            self.trouble = None
        except OSError as error:
            self.trouble = f"The commit witness {self.path} cannot be written: {error.strerror}."

    def read(self) -> Mark | None:
        """Return the last commit that was seen; None where the file holds none."""
        try:
            content = self.path.read_bytes()
        except OSError:
            return None
        slots = (_parsed(content[at : at + _SLOT]) for at in (0, _SLOT))
        return max(filter(None, slots), key=lambda mark: mark.number, default=None)

    def close(self) -> None:
        """Give the file back."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _begun(self, mark: Mark) -> int:
        """Put a new file with this mark in the place of the old one; return it, open."""
        draft = self.path.with_name(f"{self.path.name}.new")
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            # Both slots have their space from now on: a full disk does not stop a later mark.
            os.write(file, _line(mark).ljust(2 * _SLOT))
            os.fsync(file)
            draft.rename(self.path)
            sync(self.path.parent)
        except OSError:
            os.close(file)
            raise
        return file


def sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on disk.

    Raises:
        OSError: they cannot be written.
    """
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _line(mark: Mark) -> bytes:
    return orjson.dumps(asdict(mark)).ljust(_SLOT - 1) + b"\n"


def _parsed(slot: bytes) -> Mark | None:
    """Return the mark of a slot, or None where it is empty or torn."""
    try:
        values: dict[str, Any] = orjson.loads(slot)
        mark = Mark(time=datetime.fromisoformat(values.pop("time")), **values)
    except (ValueError, KeyError, TypeError):
        return None
    return mark if mark.hash == mark.digest() or not mark.number else None
