"""Follows files and folders of log lines, and never loses one.

1. Find the files that the patterns name; a file keeps its place through renames and restarts.
2. Read whole lines of each in turn, a few thousand at a time, into one batch with the offsets they move.
3. Hand the batch to the store and read on; the next batch is handed over after this one's commit.
4. A file is released when all that it holds is committed.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from collectors.backlog import Backlog, FileBacklog, Pace, time_of
from collectors.csv_settings import CsvSettings
from collectors.folder import Folder
from collectors.lines import Reader
from collectors.notice import Notice
from collectors.packed import BROKEN
from collectors.parse import MAX_LINE
from collectors.pieces import Oversize
from collectors.registry import register
from collectors.sample import Sample
from collectors.sections import SPOOL, known_encoding, listed
from collectors.sheet import SheetForm
from collectors.source import Health, Source
from collectors.untaken import untaken
from data.formats import count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime
    from pathlib import Path

    from collectors.files import Tail
    from collectors.normalise import Normaliser
    from collectors.sections import CommonSettings
    from collectors.source import Context

KIND: Final = "jsonl"
POLL_S: Final = 0.1
SCAN_S: Final = 0.5
COMPARE_S: Final = 10.0
"""How often folders are looked through for files that no pattern takes."""
MAX_RECORDS: Final = 10_000
MAX_PIECES: Final = 64
"""Pieces of one batch: a file of empty lines fills none."""
IDLE_OPEN_S: Final = 60.0
MOST_PEEKED: Final = 50


class JsonlSettings(CsvSettings):
    """Files that are followed as one source."""

    sample = Sample(
        "Log file",
        ":material/description:",
        "Files that are there already are followed: JSON lines and plain text, rotated and packed ones too.",
        "shipping",
        """[[collectors.jsonl]]
name = "NAME"
paths = ["/var/log/NAME*.log*"]
mapping = "NAME"

[collectors.mappings.NAME]
flow = "'NAME'"
correlation_id = "order_no"      # the attribute that holds the number
ids_in_text = ["SO-{digits}"]    # or how it looks in the text of a line""",
    )
    paths: Annotated[list[str], BeforeValidator(listed)] = Field(min_length=1)
    format: Literal["auto", "csv", "lines"] = "auto"
    """Of all files; unset: those that are called CSV and begin with a header are CSV."""
    encoding: Annotated[str | None, AfterValidator(known_encoding)] = None
    """Unset: UTF-8, UTF-16 by its mark, and what does not fit is guessed."""
    links: Annotated[list[str], BeforeValidator(listed)] = Field([])
    """Folders to which symbolic links may lead out of the followed ones."""
    exclude: Annotated[list[str], BeforeValidator(listed)] = Field([])
    """Patterns of files that are left out: of names, or with a slash of paths."""

    def sheet_form(self) -> SheetForm | None:
        """Return the form of CSV; None where no file is read as such."""
        return None if self.format == "lines" else SheetForm(self.csv_form(), is_sure=self.format == "csv")


class Follower(Source):
    """One source of log files."""

    kind = KIND

    def __init__(
        self,
        name: str,
        patterns: Sequence[str],
        *,
        encoding: str | None = None,
        idle_s: float | None = None,
        links: Sequence[str] = (),
        exclude: Sequence[str] = (),
        rows: SheetForm | None = None,
        setting: str = "`paths` in the config file",
        notice: Notice | None = None,
    ) -> None:
        """`idle_s`: a stored file that did not grow for this long is closed. `setting` names the patterns.

        `rows`: the form of CSV; None where no file is read as such.
        """
        self.name = name
        self._setting = setting
        self._notice = notice
        self._names_others = notice is None  # the folder of scripts holds files that are ours
        self._untaken: tuple[str, ...] = ()
        self.followed: frozenset[str] = frozenset()
        """Files that were followed when they were last compared with what lies beside them."""
        self._compared_at = float("-inf")
        idle_s = IDLE_OPEN_S if idle_s is None else idle_s
        self._folder = Folder(patterns, encoding, idle_s, links, exclude, rows=rows)
        self.rows = rows
        """The form of CSV; None where no file is read as such."""
        self._running: Context | None = None
        self._looked_at = float("-inf")
        self._round = 0
        self._stored_bytes = 0
        self._stored_at = time.monotonic()
        self._pace = Pace()
        self._backlog = Backlog(stored_at=self._stored_at)

    @classmethod
    def of(cls, settings: JsonlSettings, _common: CommonSettings) -> Follower:
        """Return the source of a section of the config file."""
        return cls(
            settings.name,
            settings.paths,
            encoding=settings.encoding,
            links=settings.links,
            exclude=settings.exclude,
            rows=settings.sheet_form(),
        )

    def backlog(self) -> Backlog:
        """Return what is unread."""
        return self._backlog

    def health(self) -> Health:
        """Return which file or folder cannot be read."""
        backlog, folder = self._backlog, self._folder
        return Health(
            error=folder.error or _first_of([file for file in backlog.files if file.is_broken]),
            trouble=_first_of([file for file in backlog.files if file.error and not file.is_broken]),
            missing=folder.missing,
            setting=self._setting,
            untaken=self._untaken,
            unreadable=backlog.unreadable,
        )

    def paths(self) -> list[str]:
        """Return the files that the patterns take now."""
        return self._folder.paths()

    def close(self) -> None:
        """Give all files back."""
        self._folder.close()
        if self._notice:
            self._notice.remove()

    # --- reading -------------------------------------------------------------------------------

    def run(self, context: Context) -> None:
        """Follow the files, from where the store says that each stopped."""
        if self._running is None:
            self._running = context
            context.while_waiting(self._look_around)
            self._folder.resume(context.file_offsets())
        else:
            self._go_back()
        while not context.stopping.is_set():
            found = self.step(context)
            context.well()
            if not found:
                context.pause(POLL_S)

    def _go_back(self) -> None:
        """Read again what was read and is not committed: the batch that held it is lost."""
        for tail in self._folder.tails.values():
            try:
                tail.rewind()
            except BROKEN as error:
                self._folder.cannot_read(tail, error, time.monotonic())

    def step(self, context: Context) -> bool:
        """Make one round: read what is there and hand it over. Return whether there was something."""
        now = time.monotonic()
        self._look_around()
        n = context.normaliser()
        refused = list(self._folder.refused)
        for reason, rest in refused:
            n.quarantine(rest, reason)
        touched = self._read(n, now)
        if len(n) or touched:
            n.offsets += [tail.mark() for tail in touched if not tail.homeless]
            context.send(n.batch(), committed=self._committed(touched))
            del self._folder.refused[: len(refused)]
        else:
            context.settle()
        return bool(len(n) or touched)

    def _look_around(self) -> None:
        """Look for files, so that none is deleted unopened while a commit lasts; publish what is unread."""
        now = time.monotonic()
        if now - self._looked_at >= SCAN_S:
            self._looked_at = now
            self._folder.scan(now)
            self._publish(now)
        if self._names_others and now - self._compared_at >= COMPARE_S:
            self._compared_at = now
            self._untaken = untaken(self._folder.tails.values(), self._folder.exclude)
            self.followed = frozenset(tail.path for tail in self._folder.tails.values())

    def _read(self, n: Normaliser, now: float) -> list[Tail]:
        """Read pieces of the files in turn until the batch is full; return the files that gave some."""
        self._round += 1
        reader, pieces = Reader.into(n), 0
        touched: dict[tuple[int, int], Tail] = {}
        waiting = self._folder.turns()
        while waiting and len(n) < MAX_RECORDS and pieces < MAX_PIECES:
            tail = waiting.popleft()
            before = tail.offset, tail.seed
            if self._read_piece(tail, reader, now):
                waiting.append(tail)
                pieces += 1
            if (tail.offset, tail.seed) != before or (tail.moved and tail.head):
                tail.moved = False
                touched[tail.inode] = tail
        return list(touched.values())

    def _read_piece(self, tail: Tail, reader: Reader, now: float) -> bool:
        """Read one piece of a file; say whether more may follow at once."""
        piece = self._next(tail, now)
        if piece is None:
            return False
        tail.served = self._round
        if isinstance(piece, Oversize):
            reason = f"a line of {piece.size} bytes, more than {MAX_LINE}"
            reader.n.quarantine(piece.sample, reason, piece.offset, piece.size)
            tail.advance(piece.end)
            return True
        reader.n.path = tail.path
        consumed = reader.read(piece)
        advances = consumed != tail.offset
        tail.advance(consumed)
        return advances

    def _next(self, tail: Tail, now: float) -> Any:
        try:
            piece = tail.next_piece(now)
        except BROKEN as error:
            self._folder.cannot_read(tail, error, now)
            return None
        tail.fault = None
        return piece

    def _committed(self, touched: Sequence[Tail]) -> Callable[[], None]:
        """Return what is to be done when a batch of these files, read up to here, is committed."""
        marks = [(tail, tail.mark(), tail.position) for tail in touched]

        def committed() -> None:
            self._stored_at = now = time.monotonic()
            for tail, mark, position in marks:
                self._stored_bytes += tail.commit(mark, position, now)

        return committed

    # --- what is left ----------------------------------------------------------------------------

    def _publish(self, now: float) -> None:
        """Put together what is unread, for those who ask from other threads."""
        left = list(self._folder.unread())
        for tail in left:
            if tail.is_open:
                tail.look(now)
        files = tuple(
            self._file_backlog(tail, now, peek=number < MOST_PEEKED) for number, tail in enumerate(left)
        )
        self._pace.note(self._stored_bytes, now, reading=any(file.ready for file in files))
        self._backlog = Backlog(files, len(self._folder.tails), self._stored_at, self._pace.rate)
        if self._notice:
            self._notice.publish(self._folder.tails.values(), now)

    def _file_backlog(self, tail: Tail, now: float, *, peek: bool) -> FileBacklog:
        first_seen = now if tail.growth.since is None else tail.growth.since
        fault = tail.fault
        return FileBacklog(
            path=tail.path,
            size=tail.size,
            unread=tail.unread_bytes,
            half=tail.half,
            waiting_since=max(first_seen, tail.progressed_at),
            first_seen=first_seen,
            oldest=self._oldest(tail) if peek and tail.is_open else None,
            error=fault.reason if fault is not None else None,
            is_broken=tail.is_broken,
        )

    def _oldest(self, tail: Tail) -> datetime | None:
        """Return the time of the oldest record of a file that is not stored, if its line says one."""
        context = self._running
        try:
            piece = tail.peek()
            return None if piece is None or context is None else time_of(piece, context.normaliser())
        except Exception:  # noqa: BLE001 - a line that cannot be read has no time; reading it says why
            return None


def _first_of(files: Sequence[FileBacklog]) -> str | None:
    """Name the first file that cannot be read, and how many more there are."""
    if not files:
        return None
    first = min(files, key=lambda file: file.path)
    more = f" ({count(len(files) - 1, 'more file', 'more files')} cannot be read)" if files[1:] else ""
    return f"{first.path}: {first.error}{more}"


def spool_of(folders: Sequence[Path], address: str = "") -> Follower:
    """Return the source of the folders that scripts write to; the first is made if it is not there.

    `address` is where the server is reached: the notice in the folder names it.
    """
    with suppress(OSError):  # without a home the others still count; the source says which folder is missing
        folders[0].mkdir(0o700 if len(folders) > 1 else 0o777, parents=True, exist_ok=True)
    patterns = [f"{folder}/{name}" for folder in folders for name in ("*.jsonl*", "*/*.jsonl*")]
    return Follower(SPOOL, patterns, setting="`--spool`", notice=Notice(folders, address))


register(KIND, JsonlSettings, Follower.of)
