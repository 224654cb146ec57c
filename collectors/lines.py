"""A piece of a log file, split into lines, to rows: JSON lines of any dialect, plain text, stack traces.

Nothing is remembered between pieces: what may still grow (a plain-text record whose stack trace may
follow, a line that Docker or Kubernetes split) is not consumed, and is read again with what comes after it.
So the same bytes give the same rows however they are cut.

Lines of the streams of a container are put together for each stream. A record of one ends when so many lines
of others came (`_OVERTAKEN`): it would hold the file up.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from collectors import blocks, dialects, parse, plaintext, sheet_rows, values, written_times
from collectors.colours import without_colours, without_colours_in
from collectors.containers import cri_line
from collectors.decode import Decoder
from collectors.fields import LOG_INDEX
from collectors.groups import Group, Place, add, has_room
from collectors.layouts.table import Known
from collectors.normalise import RejectedError

if TYPE_CHECKING:
    from collectors.fields import Fields
    from collectors.normalise import Normaliser
    from collectors.piece import Piece

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = 0xD6E8FEB86659FD93
_MASK64: Final = 2**64 - 1
_OVERTAKEN: Final = 50
_MOST_KNOWN: Final = 1_000
_OTLP: Final = frozenset({"resourceSpans", "resourceLogs", "resource_spans", "resource_logs"})
_OPENING: Final = frozenset({b"{", b"{\r", b" {", b"  ", b"\t{", b"\t\t", b"__"})
_ELEMENT: Final = frozenset({b"[{", b" {", b"  ", b"\t{", b"\t\t"})
_AROUND: Final = frozenset({b"[", b"]", b"],"})
"""What stands around the elements of a JSON array."""
_DOCKER: Final = frozenset({"log", "stream", "time", "attrs"})
_OFFSET: Final = LOG_INDEX["source_offset"]


@dataclass(slots=True)
class Reader:
    """Reads pieces into one normaliser."""

    n: Normaliser
    decoder: Decoder
    _groups: dict[str | None, Group] = field(default_factory=dict)
    _parts: dict[str, Place] = field(default_factory=dict)
    _block: blocks.Block | None = None
    _seed: int = 0
    _number: int = 0
    _known: dict[int, Known] = field(default_factory=dict)
    """The layouts of each file."""
    _reaches: list[tuple[int, int]] = field(default_factory=list)
    """Of the records that took several lines: where the first and the last of them begin."""

    @classmethod
    def into(cls, n: Normaliser) -> Reader:
        """Return a reader that fills `n`."""
        return cls(n, Decoder(n, ()))

    def read(self, piece: Piece) -> int:
        """Read a piece; return the file offset up to which it is consumed."""
        self._seed = piece.seed
        if piece.sheet is not None:
            return sheet_rows.read(self.n, piece, piece.sheet, self._identity)
        self._reaches.clear()
        before = len(self.n.logs), len(self.n.dropped), len(self.n.quarantined)
        seen = self.n.seen.counts
        end = self._read_lines(piece)
        if piece.final:
            self._finish_all()
            return end
        places = [group.place for group in self._groups.values()]
        waiting = [place.start for place in (*places, *self._parts.values())]
        waiting += [self._block.start] if self._block is not None else []
        self._block = None
        self._groups.clear()
        self._parts.clear()
        consumed = self._not_within_a_record(min(waiting, default=end))
        if consumed < end:
            self._forget(before, consumed)
            self.n.seen.forget(seen, consumed)
        return consumed

    def _not_within_a_record(self, consumed: int) -> int:
        """Return the offset, moved back to where a record begins whose lines lie on both sides of it."""
        for first, last in sorted(self._reaches, reverse=True):
            if first < consumed <= last:
                consumed = first
        return consumed

    def _read_lines(self, piece: Piece) -> int:
        offset = piece.start
        for number, line in enumerate(piece.lines):
            self._number += 1
            if len(line) > parse.MAX_LINE:
                self._close(None)
                self.n.quarantine(line, f"a line of {len(line)} bytes, more than {parse.MAX_LINE}", offset)
            elif self._block is not None or (line[:2] in _OPENING and blocks.opens(line)):
                self._blocked(line, offset)
            else:
                self._line(line, offset)
            if len(self._groups) > 1:
                self._close_overtaken()
            offset += len(line) + 1 if piece.widths is None else piece.widths[number]
        return offset

    def _forget(self, before: tuple[int, int, int], consumed: int) -> None:
        """Drop what lies behind an open record: it will be read again."""
        logs, dropped, quarantined = before
        self.n.logs[logs:] = [
            row for row in self.n.logs[logs:] if row[_OFFSET] is None or row[_OFFSET] < consumed
        ]
        kept = [
            q
            for q in self.n.quarantined[quarantined:]
            if q.source_offset is None or q.source_offset < consumed
        ]
        self.n.quarantined[quarantined:] = kept
        self.n.dropped[dropped:] = [at for at in self.n.dropped[dropped:] if at is None or at < consumed]

    def _identity(self, offset: int, crc: int) -> int:
        return (self._seed + offset * _GOLDEN + crc * _MIX) & _MASK64

    def _line(self, line: bytes, offset: int) -> None:
        if line[:1] == b"{":
            self._json(line, offset)
        elif (
            line[:2] in _ELEMENT and None not in self._groups and (found := blocks.elements(line)) is not None
        ):
            for number, fields in enumerate(found):
                identity = self._identity(offset, zlib.crc32(line)) + number * _GOLDEN
                self._record(fields, line, offset, identity & _MASK64)
        else:
            self._plain(line, offset)

    def _blocked(self, line: bytes, offset: int) -> None:
        """Take a line of a block, or the first; a block that is none after all is read line by line."""
        if self._block is None:
            if None in self._groups:  # an object below a line of text is a part of its message
                self._plain(line, offset)
                return
            self._block = blocks.Block(offset)
        if not self._block.add(line, offset):
            self._give_up_block()
            self._line(line, offset)
        elif self._block.is_complete:
            self._close_block()

    def _close_block(self) -> None:
        block, self._block = self._block, None
        if block is None:
            return
        raw = b"\n".join(block.lines)
        self._reaches.append((block.start, block.places[-1]))
        try:
            fields = block.fields()
        except parse.UnreadableError as error:
            self.n.quarantine(raw, str(error), block.start)
            return
        self._record(fields, raw, block.start, self._identity(block.start, zlib.crc32(raw)))

    def _give_up_block(self) -> None:
        block, self._block = self._block, None
        if block is None:
            return
        read = self._line if block.is_journal else self._plain
        for line, place in zip(block.lines, block.places, strict=True):
            read(line, place)

    # --- JSON ------------------------------------------------------------------------------------

    def _json(self, line: bytes, offset: int) -> None:
        try:
            fields = parse.load(line if line[-2:] != b"}," else line[:-1])
        except parse.UnreadableError as error:
            self._close(None)
            self.n.quarantine(line, str(error), offset)
            return
        text = fields.get("log")
        if isinstance(text, str) and "stream" in fields and fields.keys() <= _DOCKER:
            place = Place(offset, zlib.crc32(line), offset, str(fields.get("stream")), fields.get("time"))
            self._wrapped(text, place, is_whole=text.endswith("\n"))
            return
        if self._groups:
            self._close(None)
        self._record(fields, line, offset, self._identity(offset, zlib.crc32(line)))

    def _record(self, fields: Fields, line: bytes, offset: int, identity: int) -> None:
        try:
            if not _OTLP.isdisjoint(fields):
                self.decoder.json(fields, self.n.mapping)
                return
            if b"\\u001b" in line:
                fields = {key: without_colours_in(value) for key, value in fields.items()}
            self.n.seen.layouts.add("JSON")
            if dialects.WRAPPERS.isdisjoint(fields):
                self.n.log(fields, identity, offset)
            else:
                self._unwrapped(dialects.unwrap(fields), identity, offset)
        except RejectedError as error:
            self.n.quarantine(line, str(error), offset)
        except Exception as error:  # noqa: BLE001 - one record must never stop those behind it
            self.n.quarantine(line, f"cannot be read: {type(error).__name__}: {error}", offset)

    def _unwrapped(self, found: Fields | list[Fields], identity: int, offset: int) -> None:
        """Take what was in a wrapper: one record, or several."""
        for number, fields in enumerate(found if isinstance(found, list) else [found]):
            written_times.complete(fields, self.n.now, self.n.local_zone)
            self.n.log(fields, (identity + number * _GOLDEN) & _MASK64, offset)

    # --- lines of a container's streams ------------------------------------------------------------

    def _wrapped(self, text: str, place: Place, *, is_whole: bool) -> None:
        """Take a line of a stream: long ones come in parts (Docker: 16 KiB), only the last has a line end."""
        stream = place.stream or ""
        held = self._parts.pop(stream, None) or place
        held.parts.append(text)
        held.last = place.last
        held.size += len(text)
        if not is_whole and held.size < parse.MAX_LINE:
            self._parts[stream] = held
            return
        self._whole("".join(held.parts).rstrip("\r\n"), held)

    def _whole(self, text: str, place: Place) -> None:
        """Take a whole line that a wrapper brought."""
        if text.startswith("{"):
            try:
                fields = parse.load(text.encode())
            except parse.UnreadableError:
                fields = None
            if isinstance(fields, dict):
                self._close(place.stream)
                if place.time is not None:
                    fields.setdefault("eventTime", place.time)
                self._reaches.append((place.start, place.last))
                self._record(fields, text.encode(), place.start, self._identity(place.start, place.crc))
                return
        self._text(without_colours(text), place)

    # --- plain text ------------------------------------------------------------------------------

    def _plain(self, line: bytes, offset: int) -> None:
        bare = line.strip()
        if not bare:
            self._blank()
            return
        if bare in _AROUND and None not in self._groups:
            return
        text = values.clean_text(line.decode("utf-8", "replace")).rstrip("\r")
        place = Place(offset, zlib.crc32(line), offset)
        found = cri_line(text) if " std" in text[:40] else None
        if found is None:
            self._text(without_colours(text), place)
        else:
            place.stream, place.time = found.stream, found.time
            self._wrapped(found.text, place, is_whole=found.is_whole)

    def _blank(self) -> None:
        group = self._groups.get(None)
        if group is not None:
            self._settle(None)
            self._groups[None].record.add("")

    def _text(self, text: str, place: Place) -> None:
        group = self._groups.get(place.stream)
        if group is not None and group.maybe is not None:
            if plaintext.is_frame(text):
                add(group, *group.maybe)
                group.maybe = None
            else:
                self._settle(place.stream)
                group = self._groups[place.stream]
        if group is not None and has_room(group):
            if group.record.takes(text):
                add(group, text, place)
                group.seen_at = self._number
                return
            if group.record.may_take(text):
                group.maybe = text, place
                group.seen_at = self._number
                return
        self._close(place.stream)
        if text.strip():
            self._open(text, place)

    def _open(self, text: str, place: Place) -> None:
        record = plaintext.Record(text, self._layouts().find)
        self._groups[place.stream] = Group(place, record, len(text), self._number)

    def _layouts(self) -> Known:
        """Return the layouts that this file was seen to have."""
        known = self._known.get(self._seed)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[self._seed] = Known()
        return known

    def _settle(self, stream: str | None) -> None:
        """Make a record of its own of the line that waits for a frame: none followed."""
        group = self._groups[stream]
        if group.maybe is not None:
            (text, place), group.maybe = group.maybe, None
            self._close(stream)
            self._open(text, place)

    def _close_overtaken(self) -> None:
        late = [stream for stream, group in self._groups.items() if self._number - group.seen_at > _OVERTAKEN]
        for stream in late:
            self._close(stream)

    def _close(self, stream: str | None) -> None:
        """Make a record of the open group of a stream."""
        group = self._groups.pop(stream, None)
        if group is None:
            return
        self._reaches.append((group.place.start, group.place.last))
        place = group.place
        try:
            fields = group.record.fields()
            self._note_layout(group.record, fields, place.start)
            if place.time is not None:
                fields.setdefault("asctime", place.time)
            written_times.complete(fields, self.n.now, self.n.local_zone)
            self.n.log(fields, self._identity(place.start, place.crc), place.start)
        except RejectedError as error:
            self.n.quarantine(
                "\n".join(group.record.lines).encode("utf-8", "replace"), str(error), place.start
            )
        except Exception as error:  # noqa: BLE001 - one record must never stop those behind it
            raw = "\n".join(group.record.lines).encode("utf-8", "replace")
            self.n.quarantine(raw, f"cannot be read: {type(error).__name__}: {error}", place.start)
        if group.maybe is not None:
            self._open(*group.maybe)
            self._close(stream)

    def _note_layout(self, record: plaintext.Record, fields: Fields, offset: int) -> None:
        if record.found is not None:
            self.n.seen.layouts.add(record.found[0].name)
        elif fields.keys() == {"event"}:
            self.n.seen.add_unknown(offset, record.lines[0])

    def _finish_all(self) -> None:
        if self._block is not None and self._block.is_journal:
            self._close_block()
        self._give_up_block()
        parts, self._parts = list(self._parts.values()), {}
        for part in parts:
            self._whole("".join(part.parts), part)
        for stream in list(self._groups):
            self._close(stream)
