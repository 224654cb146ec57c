"""The folder of flow settings under watch: a file that changed becomes a version, a broken one is refused.

1. A changed file is read once it is the same in two looks, so that a half-written one is not taken.
   At the start every file is read at once.
2. A file that cannot be taken changes nothing: the last good version counts, and what is wrong is shown.
3. A file that is removed while the server runs takes the settings of its flow away. At the start a missing
   file is written again instead: a folder that was not restored or not mounted takes nothing away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from access.commands import perform
from collectors.mapping_text import Fault
from data.background import Background
from data.errors import StoreClosedError, UnsnagError
from data.logs import event_log
from flows import files
from flows.files import FlowFolderError
from flows.kept import SaveSettings, TakeFile
from flows.lint import read
from flows.tree import MOST_BYTES, BadFlowError, decoded, parse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    from access.context import RequestContext
    from flows.book import FlowBook
    from flows.files import Mark
    from server.context import ServerContext
    from server.events import Events

_LOG: Final = event_log("flows")
_LOOK_S: Final = 2.0


class FlowFiles(Background):
    """Looks at the folder of one server."""

    def __init__(self, folder: Path, book: FlowBook, events: Events) -> None:
        self.folder = folder
        self._book = book
        self._events = events
        self._ctx: RequestContext | None = None
        self._seen: Mapping[str, Mark] = {}
        self._done: dict[str, Mark] = {}
        """The files that were read as they are."""
        self._flows: dict[str, str] = {}
        """The flow of each file that was taken."""
        self._is_first = True
        super().__init__("flow-files")

    def start_as(self, ctx: RequestContext) -> None:
        """Read every file, then begin to watch; changes are recorded as those of the system."""
        self._ctx = ctx
        self._try()
        self.start()

    def look(self) -> None:
        """Take what changed since the last look."""
        try:
            self._look()
            trouble = None
        except FlowFolderError as error:
            trouble = str(error)
        if trouble != self._book.trouble:
            self._book.trouble = trouble
            if trouble:
                _LOG.error("flow.folder_failed", reason=trouble)

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK_S):
            self._try()

    def _try(self) -> None:
        try:
            self.look()
        except StoreClosedError:
            self._stopping.set()
        except UnsnagError as error:  # the store is full or busy: the next look tries again
            _LOG.error("flow.take_failed", reason=str(error))
        except Exception:  # noqa: BLE001 - one file must not end the watch over all others
            _LOG.exception("flow.take_failed")

    def _look(self) -> None:
        if self._ctx is None or self._ctx.store.held:
            return
        if self._is_first:
            self._make_folder()
        kept = self._kept()  # before the files: a file is there before its version
        marks = files.marks(self.folder)
        for name, mark in marks.items():
            settled = self._is_first or self._seen.get(name) == mark
            if settled and self._done.get(name) != mark:
                self._take(name, marks)
                self._done[name] = mark
        if self._is_first:
            self._write_missing(marks)
        else:
            # Editors may remove a file before they write it again, so it has to be gone in two looks.
            for name in {*kept, *self._done} - {*marks, *self._seen}:
                self._forget(name, kept.get(name))
        self._seen, self._is_first = marks, False

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise FlowFolderError(f"The folder of flow settings cannot be made: {error}.") from error

    def _take(self, name: str, marks: Mapping[str, Mark]) -> None:
        try:
            text = decoded(_content(self.folder / name))
            settings = read(text, file=name)
            self._check_single(settings.flow, name, marks)
        except BadFlowError as error:
            self._refuse(name, error)
            return
        self._accept(name)
        before = self._flows.get(name)
        if before is not None and before != settings.flow:
            self._perform(TakeFile(before, None, name))
        self._flows[name] = settings.flow
        self._perform(TakeFile(settings.flow, text, name))

    def _check_single(self, flow: str, name: str, marks: Mapping[str, Mark]) -> None:
        for other, its in self._flows.items():
            if its == flow and other != name and other in marks:
                what = f"The settings of {flow} stand in {other} already."
                raise BadFlowError([Fault(1, what, "Remove one of the two files.")])

    def _kept(self) -> dict[str, str]:
        """Return the flow of each file whose text counts."""
        return {one.file: one.flow for one in self._book.versions.values() if one.text is not None}

    def _forget(self, name: str, flow: str | None) -> None:
        """Take the settings away whose file was removed."""
        self._done.pop(name, None)
        self._flows.pop(name, None)
        self._accept(name)
        if flow is not None:
            self._perform(TakeFile(flow, None, name))

    def _write_missing(self, marks: Mapping[str, Mark]) -> None:
        for one in self._book.versions.values():
            if one.text is not None and one.file not in marks:
                files.write(self.folder / one.file, one.text)
                _LOG.warning("flow.written_again", flow=one.flow, file=one.file)

    def _perform(self, command: TakeFile) -> None:
        assert self._ctx is not None  # noqa: S101 - looked at before
        perform(command, self._ctx)

    def _refuse(self, name: str, error: BadFlowError) -> None:
        _LOG.error("flow.refused", file=name, reason=str(error))
        self._book.refuse(name, error.faults, self._kept().get(name) or _named(self.folder / name))
        self._events.bump({"flow"})

    def _accept(self, name: str) -> None:
        if name in self._book.refused:
            self._book.refuse(name, (), None)
            self._events.bump({"flow"})


def _content(path: Path) -> bytes:
    """Return the bytes of a file, of one that is too large only enough to tell."""
    try:
        with path.open("rb") as file:
            return file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadFlowError([Fault(1, f"The file cannot be read: {error.strerror}.")]) from None


def _named(path: Path) -> str | None:
    """Return the flow that a refused file names, where that much of it can be read."""
    try:
        values = parse(decoded(_content(path))).values
    except BadFlowError:
        return None
    flow = values.get("flow") if isinstance(values, dict) else None
    return flow if isinstance(flow, str) else None


def save(
    ctx: ServerContext, flow: str, text: str, expected: int, note: str | None, *, key: str | None = None
) -> dict[str, Any]:
    """Save the settings of a flow as a person wrote them; see `SaveSettings`."""
    folder = str(ctx.container.flow_files.folder)
    return perform(SaveSettings(flow, text, expected, folder, note), ctx, key=key)
