"""A piece of a log file, split into lines, to rows: JSON lines of any dialect, plain text, stack traces.

Nothing is remembered between pieces: what may still grow (a plain-text record whose stack trace may
follow, a line that Docker split) is not consumed, and is read again with what comes after it.
So the same bytes give the same rows however they are cut.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from collectors import dialects, parse, plaintext, values
from collectors.decode import Decoder
from collectors.fields import LOG_INDEX
from collectors.normalise import RejectedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from collectors.normalise import Normaliser

    Fields = dict[str, Any]

_GOLDEN: Final = 0x9E3779B97F4A7C15
_MIX: Final = 0xD6E8FEB86659FD93
_MASK64: Final = 2**64 - 1
_GROUP_LINES: Final = 2_000
_GROUP_BYTES: Final = 512 * 1024
_OTLP: Final = frozenset({"resourceSpans", "resourceLogs", "resource_spans", "resource_logs"})
_OFFSET: Final = LOG_INDEX["source_offset"]


@dataclass(slots=True)
class _Group:
    """A record that is being put together from several lines."""

    start: int
    lines: list[str]
    crc: int
    stream: str | None = None
    time: Any = None
    size: int = 0
    last: int = 0
    """Where its last line begins: other records may lie between its lines."""


@dataclass(slots=True)
class Piece:
    """Lines as UTF-8, without their ends, and how many bytes of the file each took."""

    lines: Sequence[bytes]
    widths: Sequence[int] | None
    """None: the line's own length and one for its end."""
    start: int
    seed: int
    """Identity of the file's content: with the offset it makes each record's identity."""
    final: bool
    """Nothing will follow: what is still open is complete."""


@dataclass(slots=True)
class Reader:
    """Reads pieces into one normaliser."""

    n: Normaliser
    decoder: Decoder
    _group: _Group | None = None
    _parts: dict[str, _Group] = field(default_factory=dict)
    _seed: int = 0
    _reaches: list[tuple[int, int]] = field(default_factory=list)
    """Of the records that took several lines: where the first and the last of them begin."""

    @classmethod
    def into(cls, n: Normaliser) -> Reader:
        """Return a reader that fills `n`."""
        return cls(n, Decoder(n, ()))

    def read(self, piece: Piece) -> int:
        """Read a piece; return the file offset up to which it is consumed."""
        self._seed = piece.seed
        self._reaches.clear()
        before = len(self.n.logs), len(self.n.dropped), len(self.n.quarantined)
        end = self._read_lines(piece)
        if piece.final:
            self._finish_all()
            return end
        waiting = [group.start for group in (self._group, *self._parts.values()) if group is not None]
        self._group = None
        self._parts.clear()
        consumed = self._not_within_a_record(min(waiting, default=end))
        if consumed < end:
            self._forget(before, consumed)
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
            if len(line) > parse.MAX_LINE:
                self._close()
                self.n.quarantine(line, f"a line of {len(line)} bytes, more than {parse.MAX_LINE}", offset)
            elif line[:1] == b"{":
                self._json(line, offset)
            else:
                self._plain(line, offset)
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

    # --- JSON ------------------------------------------------------------------------------------

    def _json(self, line: bytes, offset: int) -> None:
        try:
            fields = parse.load(line)
        except parse.UnreadableError as error:
            self._close()
            self.n.quarantine(line, str(error), offset)
            return
        if "log" in fields and "stream" in fields and isinstance(fields["log"], str):
            self._docker(fields, line, offset)
            return
        if self._group is not None:
            self._close()
        self._record(fields, line, offset, self._identity(offset, zlib.crc32(line)))

    def _record(self, fields: Fields, line: bytes, offset: int, identity: int) -> None:
        try:
            if not _OTLP.isdisjoint(fields):
                self.decoder.json(fields, self.n.mapping)
                return
            if not dialects.WRAPPERS.isdisjoint(fields):
                fields = dialects.unwrap(fields)
            self.n.log(fields, identity, offset)
        except RejectedError as error:
            self.n.quarantine(line, str(error), offset)
        except Exception as error:  # noqa: BLE001 - one record must never stop those behind it
            self.n.quarantine(line, f"cannot be read: {type(error).__name__}: {error}", offset)

    def _docker(self, fields: Fields, line: bytes, offset: int) -> None:
        """Take what Docker wrapped: lines longer than 16 KiB come in parts, only the last has a line end."""
        stream, text = str(fields["stream"]), fields["log"]
        part = self._parts.pop(stream, None)
        if part is None:
            part = _Group(offset, [], zlib.crc32(line), stream, fields.get("time"))
        part.lines.append(text)
        part.last = offset
        part.size += len(text)
        if not text.endswith("\n") and part.size < parse.MAX_LINE:
            self._parts[stream] = part
            return
        self._whole("".join(part.lines).rstrip("\r\n"), part)

    def _whole(self, text: str, part: _Group) -> None:
        """Take a whole line that a wrapper brought."""
        if text.startswith("{"):
            try:
                fields = parse.load(text.encode())
            except parse.UnreadableError:
                fields = None
            if isinstance(fields, dict):
                self._close()
                if part.time is not None:
                    fields.setdefault("eventTime", part.time)
                self._reaches.append((part.start, part.last))
                self._record(fields, text.encode(), part.start, self._identity(part.start, part.crc))
                return
        self._text(text, part)

    # --- plain text ------------------------------------------------------------------------------

    def _plain(self, line: bytes, offset: int) -> None:
        if not line.strip():
            if self._group is not None and self._group.stream is None:
                self._group.lines.append("")
            return
        text = values.clean_text(line.decode("utf-8", "replace")).rstrip("\r")
        self._text(text, _Group(offset, [], zlib.crc32(line), last=offset))

    def _text(self, text: str, place: _Group) -> None:
        group = self._group
        if (
            group is not None
            and group.stream == place.stream
            and _has_room(group)
            and plaintext.continues(text, group.lines)
        ):
            group.lines.append(text)
            group.size += len(text)
            group.last = max(group.last, place.last)
            return
        self._close()
        if text.strip():
            size = len(text)
            self._group = _Group(place.start, [text], place.crc, place.stream, place.time, size, place.last)

    def _close(self) -> None:
        """Make a record of the open group."""
        group, self._group = self._group, None
        if group is None:
            return
        self._reaches.append((group.start, group.last))
        text = "\n".join(group.lines).rstrip()
        try:
            fields = plaintext.read(text)
            if group.time is not None:
                fields.setdefault("asctime", group.time)
            self.n.log(fields, self._identity(group.start, group.crc), group.start)
        except Exception as error:  # noqa: BLE001 - one record must never stop those behind it
            raw = text.encode("utf-8", "replace")
            self.n.quarantine(raw, f"cannot be read: {type(error).__name__}: {error}", group.start)

    def _finish_all(self) -> None:
        parts, self._parts = list(self._parts.values()), {}
        for part in parts:
            self._whole("".join(part.lines), part)
        self._close()


def _has_room(group: _Group) -> bool:
    return len(group.lines) < _GROUP_LINES and group.size < _GROUP_BYTES
