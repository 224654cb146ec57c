"""A folder into which a partner puts CSV and JSON files: each is read once, and noted in a manifest.

A file's life:

1. It is complete when its size has not changed for `settle_seconds`, or when its marker is there (`done`).
   Names that begin with a dot or end as uploads under way do are left alone until they are renamed.
2. Its SHA-256 is compared with the manifest. The same content, under any name, is noted and not read.
3. Its rows are read in batches; how far is committed with each (the cursor), so a kill repeats nothing.
4. With the last batch the file is noted in the manifest, and moved to `taken/` where the settings ask for it.

A file that grows while it is read, or afterwards, is read on from where it ended. One that is written over
is another file.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from dataclasses import asdict, replace
from pathlib import Path  # noqa: TC003 - pydantic reads annotations while it runs
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from collectors import sections
from collectors.backlog import Backlog, Pace
from collectors.contents import Content, opened
from collectors.csv_settings import CsvSettings
from collectors.forms import moment_of, rows_of, with_point
from collectors.inbox import SCAN_S, Inbox, Manifest, Progress, digests, stamp_of
from collectors.no_text import NoTextError
from collectors.normalise import Normaliser, RejectedError, hash64
from collectors.registry import register
from collectors.rows import BrokenFormError, Place
from collectors.sample import Sample
from collectors.sections import Constant, MappingSettings
from collectors.source import Health, Source

if TYPE_CHECKING:
    from collections.abc import Callable, Container
    from collections.abc import Mapping as Dict

    from collectors.inbox import WaitingFile
    from collectors.rows import Row
    from collectors.sections import CommonSettings
    from collectors.source import Context
    from data.records import SourceItem

KIND: Final = "dropfolder"
BATCH_ROWS: Final = 5_000
BATCH_BYTES: Final = 8 << 20
RETRY_S: Final = 5.0
"""A file that cannot be read for a reason outside of it is tried again this often."""
_MESSAGES: Final = frozenset(("event", "message", "msg"))


class DropFolderSettings(CsvSettings):
    """A folder, what its files look like, and what happens to them."""

    sample = Sample(
        "Files of a partner",
        ":material/folder_open:",
        "Whole CSV and JSON files that somebody puts into a folder are read, each once and each row.",
        "acme-returns",
        """[[collectors.dropfolder]]
name = "NAME"
path = "/srv/sftp/NAME"
mapping = "NAME"

[collectors.mappings.NAME]
flow = "'NAME'"
correlation_id = "order"         # the column that holds the number""",
    )
    path: Path
    pattern: Annotated[
        list[str], BeforeValidator(sections.listed), AfterValidator(sections.within_a_folder)
    ] = Field(["*"], min_length=1)
    format: Literal["auto", "csv", "json"] = "auto"
    flow: Constant = None
    """Of rows that name none, also by the mapping."""
    step: Constant = None
    time: str | None = None
    """The field that holds a row's time; unset: the names that other sources know."""
    time_format: str | None = None
    """As of Python's strptime; unset: ISO 8601 or seconds since 1970."""
    decimal: Literal[".", ","] = "."
    """What separates the cents in the fields of the mapping's `value_amount`."""
    done: str | None = Field(None, min_length=1)
    """The ending of the marker that says that a file is complete: `.done` for `a.csv.done`."""
    settle_seconds: float = Field(5, ge=0)
    finished: Literal["keep", "move"] = "keep"
    encoding: Annotated[str | None, AfterValidator(sections.known_encoding)] = None

    def field_mapping(
        self, mappings: Dict[str, MappingSettings], saved: Container[str] = ()
    ) -> MappingSettings | None:
        """Return the mapping, with this folder's flow and step behind what it says."""
        found = super().field_mapping(mappings, saved) or MappingSettings()
        given = {"flow": self.flow, "step": self.step}
        constants = {name: [*getattr(found, name), f"'{text}'"] for name, text in given.items() if text}
        return found.model_copy(update=constants)


class DropFolder(Source):
    """One folder of a partner."""

    kind = KIND

    def __init__(self, settings: DropFolderSettings, _common: CommonSettings) -> None:
        self.name = settings.name
        self._settings = settings
        self._form = settings.csv_form()
        self._inbox = Inbox(settings.path, settings.pattern, settings.done, settings.settle_seconds)
        self._cursors: dict[str, Progress] = {}
        self._in_flight: set[str] = set()
        """Names of files whose entry in the manifest is not committed yet."""
        self._trouble: str | None = None
        self._stored_bytes = 0
        self._stored_at = time.monotonic()
        self._pace = Pace()
        self._backlog = Backlog(stored_at=self._stored_at)

    # --- what is shown -----------------------------------------------------------------------------

    def backlog(self) -> Backlog:
        """Return the files that wait, and what of them is unread."""
        return self._backlog

    def health(self) -> Health:
        """Return which file or folder cannot be read."""
        bad = next((file for file in self._backlog.files if file.error), None)
        trouble = self._trouble or (f"{bad.path}: {bad.error}" if bad else None)
        error, missing, unreadable = self._inbox.error, self._inbox.missing, self._backlog.unreadable
        return Health(error, trouble, missing, "`path` in the config file", unreadable=unreadable)

    def test(self) -> str | None:
        """Return why the folder cannot be used as things are now."""
        needed = os.R_OK | os.X_OK | (os.W_OK if self._settings.finished == "move" else 0)
        if not self._settings.path.is_dir():
            return f"the folder {self._settings.path} does not exist"
        return None if os.access(self._settings.path, needed) else f"{self._settings.path} cannot be used"

    def read_again(self, n: Normaliser, source: str, raw: bytes) -> None:  # noqa: ARG002 - as all sources
        """Refuse: a row without its header says nothing.

        Raises:
            ValueError: always.
        """
        raise ValueError("rows are read with their file: put a file with the corrected rows into the folder")

    def _look_around(self) -> None:
        now = time.monotonic()
        if self._inbox.scan(now):
            self._publish(now)

    def _publish(self, now: float) -> None:
        files = tuple(file.backlog() for file in self._inbox.waiting.values())
        self._pace.note(self._stored_bytes, now, reading=any(file.ready for file in files))
        self._backlog = Backlog(files, self._inbox.matching, self._stored_at, self._pace.rate)

    # --- the thread --------------------------------------------------------------------------------

    def run(self, context: Context) -> None:
        """Take the files, one after the other, from where the store says that this stopped."""
        self._inbox.manifest = Manifest.of(context.items())
        self._cursors = {name: Progress(**kept) for name, kept in (context.cursor() or {}).items()}
        self._in_flight.clear()
        context.while_waiting(self._look_around)
        while not context.stopping.is_set():
            self._look_around()
            self._tidy(context)
            file = self._inbox.next(time.monotonic())
            if file is not None:
                self._take(context, file)
            context.well()
            if file is None:
                context.finish()
                self._publish(time.monotonic())
                context.pause(SCAN_S)

    def _tidy(self, context: Context) -> None:
        """Note files that went away half read, and move those that the last run took and did not move."""
        gone = [name for name in self._cursors if name not in self._inbox.waiting]
        for name in gone if self._inbox.is_readable else ():
            item = self._cursors[name].item(error="it was removed before its end")
            self._note(context, item, context.normaliser())
        if self._settings.finished == "move":
            for name in self._inbox.taken.keys() - self._in_flight:
                self._trouble = self._inbox.put_away(
                    self._inbox.taken.pop(name), self._inbox.manifest.by_name[name]
                )

    def _take(self, context: Context, file: WaitingFile) -> None:
        try:
            with opened(file.path) as raw:
                self._take_open(context, file, raw)
        except OSError as error:
            file.error, file.retry_at = error.strerror or str(error), time.monotonic() + RETRY_S

    def _take_open(self, context: Context, file: WaitingFile, raw: IO[bytes]) -> None:
        cursor = self._cursors.get(file.name)
        if cursor is None or cursor.stamp != file.stamp:
            cursor = self._start(context, file, raw)
        if cursor is None:
            return
        n, error = self._read(context, file, raw, cursor)
        if context.stopping.is_set():
            return
        if error is None and stamp_of(os.fstat(raw.fileno())) != file.stamp:
            self._send(context, file, n, 0)  # it was written meanwhile: it is read on once it is complete
            return
        self._finish(context, file, cursor, n, error)

    def _start(self, context: Context, file: WaitingFile, raw: IO[bytes]) -> Progress | None:
        """Find out what a file is: new, the same content as another, or one that grew."""
        before = self._before(file)
        found = digests(raw, before.size if before else 0, context.stopping.is_set)
        if found is None:
            return None
        begun, digest = found
        cursor = Progress(file.name, file.stamp, digest, file.size, digest)
        if digest in self._inbox.manifest.by_digest:
            self._finish_same(context, file, cursor)
            return None
        if before is not None and before.digest == begun:
            cursor = replace(before, stamp=file.stamp, digest=digest, size=file.size)
        elif file.name in self._cursors:
            item = self._cursors[file.name].item(error="it was written over before its end")
            self._note(context, item, context.normaliser())
        self._cursors[file.name] = cursor
        return cursor

    def _before(self, file: WaitingFile) -> Progress | None:
        """Return how far a file of this name was read when it was smaller."""
        item = self._inbox.manifest.by_name.get(file.name)
        if file.name in self._cursors or item is None:
            return self._cursors.get(file.name)
        if item.same_as or item.error or item.size >= file.size:
            return None
        return Progress.of(item)

    # --- rows --------------------------------------------------------------------------------------

    def _read(
        self, context: Context, file: WaitingFile, raw: IO[bytes], cursor: Progress
    ) -> tuple[Normaliser, str | None]:
        """Read a file from its cursor on; return the last rows, not sent, and why nothing more can be read.

        Raises:
            OSError: the disk or the network gave an error; what was read before it is sent.
        """
        n, size, position = context.normaliser(path=str(file.path)), 0, 0
        try:
            content = Content(raw, self._settings.encoding)
            charset = content.charset(self._settings.encoding, cursor.guessed)
            rows = rows_of(file.name, content, charset, self._settings.format, self._form)
            for row in rows.rows(Place(cursor.offset, cursor.line) if cursor.offset else rows.begin()):
                self._add(n, cursor, row)
                size, position = size + len(row.raw), content.position
                if len(n) + len(n.dropped) >= BATCH_ROWS or size >= BATCH_BYTES:
                    cursor.guessed = charset.guessed
                    self._send(context, file, n, position)
                    n, size = context.normaliser(path=str(file.path)), 0
                    if context.stopping.is_set():
                        break
                cursor.check()
        except (NoTextError, BrokenFormError, gzip.BadGzipFile, EOFError, zlib.error) as broken:
            return n, str(broken)
        except OSError:
            self._send(context, file, n, position)
            raise
        return n, None

    def _add(self, n: Normaliser, cursor: Progress, row: Row) -> None:
        """Put a row into the batch, or into its quarantine."""
        reason = row.reason
        if row.fields is not None:
            identity = hash64(cursor.seed.encode(), row.at.offset.to_bytes(8))
            try:
                n.log(self._fields(n, cursor.name, row), identity, row.at.offset)
            except RejectedError as error:
                reason = str(error)
            except Exception as error:  # noqa: BLE001 - one row must never stop those behind it
                reason = f"cannot be read: {type(error).__name__}: {error}"
        if reason is None:
            cursor.records += 1
        else:
            cursor.rejected += 1
            n.quarantine(row.raw, f"{cursor.name}:{row.at.line}: {reason}", row.at.offset, len(row.raw))
        cursor.offset, cursor.line = row.end.offset, row.end.line

    def _fields(self, n: Normaliser, name: str, row: Row) -> dict[str, Any]:
        fields = row.fields or {}
        settings = self._settings
        if settings.time is not None and (moment := fields.get(settings.time)) is not None:
            fields["timestamp"] = moment_of(moment, settings.time_format)
        if settings.decimal == "," and n.mapping is not None:
            for amount in n.mapping.amounts & fields.keys():
                fields[amount] = with_point(fields[amount])
        if _MESSAGES.isdisjoint(fields):
            fields["event"] = f"{name}:{row.at.line}"
        return {"log.file.name": name, "log.file.line": row.at.line, **fields}

    def _send(self, context: Context, file: WaitingFile, n: Normaliser, position: int) -> None:
        context.send(n.batch(), cursor=self._cursor(), committed=self._committed(file, position))
        self._look_around()

    def _cursor(self) -> dict[str, Any]:
        return {name: asdict(cursor) for name, cursor in self._cursors.items()}

    def _committed(self, file: WaitingFile, position: int) -> Callable[[], None]:
        def committed() -> None:
            file.stored_at = self._stored_at = time.monotonic()
            self._stored_bytes += max(position - file.stored, 0)
            file.stored = max(position, file.stored)

        return committed

    # --- the end of a file -------------------------------------------------------------------------

    def _finish(
        self, context: Context, file: WaitingFile, cursor: Progress, n: Normaliser, error: str | None
    ) -> None:
        """Note a file in the manifest with its last rows."""
        if error is not None:
            cursor.rejected += 1
            n.quarantine(
                b"", f"{file.name}:{cursor.line}: {error}; nothing behind it was read", cursor.offset
            )
        self._note(context, cursor.item(error=error), n, file)

    def _finish_same(self, context: Context, file: WaitingFile, cursor: Progress) -> None:
        """Note a file whose content was taken before."""
        manifest = self._inbox.manifest
        known, first = manifest.by_name.get(file.name), manifest.by_digest[cursor.digest]
        if known is not None and known.digest == cursor.digest and not known.same_as:
            cursor, first = replace(Progress.of(known), stamp=file.stamp), ""
        self._note(context, cursor.item(same_as=first or None), context.normaliser(), file)

    def _note(
        self, context: Context, item: SourceItem, n: Normaliser, file: WaitingFile | None = None
    ) -> None:
        """Send an entry of the manifest. Once it is committed the file is moved, if it is to be moved."""
        self._cursors.pop(item.name, None)
        batch = n.batch()
        batch.items.append(item)

        def committed() -> None:
            self._in_flight.discard(item.name)
            if file is not None:
                self._committed(file, file.size)()
                self._inbox.waiting.pop(item.name, None)
                if self._settings.finished == "move":
                    self._trouble = self._inbox.put_away(file.path, item)

        self._in_flight.add(item.name)
        self._inbox.manifest.note(item)  # first: sending may wait, and the folder is looked at meanwhile
        context.send(batch, cursor=self._cursor(), committed=committed)


register(KIND, DropFolderSettings, DropFolder)
