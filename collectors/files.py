"""One file that is followed: its identity, its encoding, and its next piece of whole lines.

A file's identity is its device, its inode and the hash of how it begins (its first line, 256 bytes at
most): it stays the same while the file grows and when it is renamed, and changes when the file is
truncated and written anew. The identity of its *records* leaves out device and inode, so that a copy
of a file, or its compressed form, brings the same records and not new ones.
"""

from __future__ import annotations

import gzip
import os
import time
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from charset_normalizer import from_bytes

from collectors.lines import Piece
from collectors.normalise import SAMPLE_BYTES, hash64
from collectors.parse import MAX_LINE
from data.records import FileOffset

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_BYTES: Final = 256
BLOCK_BYTES: Final = 2 * 1024 * 1024
MAX_LINES: Final = 5_000
QUIET_S: Final = 1.0
"""A plain-text record is complete when nothing followed for this long: a stack trace comes at once."""
ABANDONED_S: Final = 2.0
"""A half line of a file that was rotated away is taken after this long."""
_GZIP: Final = b"\x1f\x8b"
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_UTF8_MARK: Final = b"\xef\xbb\xbf"
_GUESSES: Final = ["cp1252", "latin_1", "cp1250", "cp1251"]


@dataclass(frozen=True, slots=True)
class Oversize:
    """A line too long to be read: its beginning, and its whole size."""

    sample: bytes
    offset: int
    size: int
    end: int


@dataclass(slots=True)
class Tail:
    """A file and how far it was read."""

    path: str
    inode: tuple[int, int]
    encoding: str | None = None
    """What the source's setting says."""
    offset: int = 0
    head: bytes = b""
    gone: bool = False
    """No path that is followed names this file any more."""
    moved: bool = False
    """It has another path since its offset was committed."""
    seen_size: int = -1
    grew_at: float = field(default_factory=time.monotonic)
    _raw: Any = None
    _unpacked: _Unpacked | None = None
    _wide: str | None = None
    _guessed: str | None = None
    _held_at: tuple[int, int] | None = None

    # --- life ------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Tell whether the file is held open."""
        return self._raw is not None

    def open(self) -> None:
        """Open the file.

        Raises:
            OSError: it cannot be read.
        """
        self._raw = Path(self.path).open("rb", buffering=0)  # noqa: SIM115 - held open across renames
        if os.pread(self._raw.fileno(), 2, 0) == _GZIP:
            self._unpacked = _Unpacked(self._raw, self.offset)

    def close(self) -> None:
        """Give the file back; what was read stays known."""
        if self._raw is not None:
            self._raw.close()
            self._raw = self._unpacked = None

    @property
    def seed(self) -> int:
        """Identity of the content: what records are named by."""
        return hash64(self.head)

    def mark(self) -> FileOffset:
        """Return how far the file was read."""
        device, inode = self.inode
        identity = f"{device}:{inode}:{len(self.head)}:{self.seed:016x}"
        return FileOffset(self.path, identity, self.offset)

    def resume(self, mark: FileOffset) -> bool:
        """Go on where a mark says, if it is of this very file; tell whether it is."""
        device, inode, length, seed = mark.identity.split(":")
        if (int(device), int(inode)) != self.inode:
            return False
        head = self._beginning(int(length))
        if f"{hash64(head):016x}" != seed or len(head) != int(length):
            return False
        self.head, self.offset = head, mark.byte_offset
        if self._unpacked is not None:
            self._unpacked = _Unpacked(self._raw, self.offset)
        return True

    # --- reading ---------------------------------------------------------------------------------

    def next_piece(self, now: float) -> Piece | Oversize | None:
        """Return the next whole lines, or None where there is nothing to be read yet.

        Raises:
            OSError, EOFError, zlib.error: the file cannot be read, or is no whole gzip file.
        """
        size = os.fstat(self._raw.fileno()).st_size
        if size != self.seen_size:
            self.seen_size, self.grew_at = size, now
        quiet = now - self.grew_at
        if self._held_at == (self.offset, size) and quiet < QUIET_S:
            return None
        if self._unpacked is None and (size < self.offset or not self._is_same()):
            self._start_anew()
        if not self.head and not self._find_head(quiet):
            return None
        block = self._block()
        return self._piece(block, quiet) if block else None

    def advance(self, consumed: int) -> None:
        """Note that a piece is read up to an offset."""
        if self._unpacked is not None:
            self._unpacked.drop(consumed - self.offset)
        self._held_at = (self.offset, self.seen_size) if consumed == self.offset else None
        self.offset = consumed

    def _is_same(self) -> bool:
        return not self.head or os.pread(self._raw.fileno(), len(self.head), 0) == self.head

    def _start_anew(self) -> None:
        """The file was truncated: what it holds now is another file's content."""
        self.offset, self.head, self._wide, self._guessed, self._held_at = 0, b"", None, None, None

    def _find_head(self, quiet: float) -> bool:
        head = self._beginning(HEAD_BYTES)
        line, newline, _ = head.partition(b"\n")
        if newline or len(head) == HEAD_BYTES or (head and quiet >= ABANDONED_S):
            self.head = line + newline
            self._wide = _UTF16.get(head[:2]) or _wide_setting(self.encoding)
            return True
        return False

    def _beginning(self, length: int) -> bytes:
        if self._unpacked is None:
            return os.pread(self._raw.fileno(), length, 0)
        return self._unpacked.beginning(length)

    def _block(self) -> bytes:
        if self._unpacked is not None:
            return self._unpacked.block()
        return os.pread(self._raw.fileno(), BLOCK_BYTES, self.offset)

    def _at_end(self, length: int) -> bool:
        if self._unpacked is not None:
            return self._unpacked.is_done
        return self.offset + length >= self.seen_size

    def _piece(self, block: bytes, quiet: float) -> Piece | Oversize | None:
        at_end = self._at_end(len(block))
        packed = self._unpacked is not None
        cut = _last_line_end(block, self._wide)
        if cut == 0 and len(block) > MAX_LINE:
            return self._oversize(block)
        if cut < len(block) and at_end and self._takes_half(block[cut:], quiet):
            cut = len(block)
        if cut == 0:
            return None
        final = at_end and cut == len(block) and (packed or quiet >= QUIET_S)
        return self._split(block[:cut], final=final)

    def _takes_half(self, half: bytes, quiet: float) -> bool:
        """Tell whether a line without an end is taken: nobody is going to finish it."""
        if self._unpacked is not None:
            return True
        if quiet < ABANDONED_S:
            return False
        return self.gone or half.rstrip().endswith(b"}")

    def _oversize(self, block: bytes) -> Oversize | None:
        """Look for the end of a line that is too long, without holding it in memory."""
        size = len(block)
        sample = block[:SAMPLE_BYTES]
        if self._unpacked is not None:
            return self._unpacked.skip_line(self.offset)
        while more := os.pread(self._raw.fileno(), BLOCK_BYTES, self.offset + size):
            found = more.find(b"\n")
            if found >= 0:
                size += found
                return Oversize(sample, self.offset, size, self.offset + size + 1)
            size += len(more)
        return None

    def _split(self, block: bytes, *, final: bool) -> Piece:
        if self._wide is not None:
            return self._split_wide(block, final=final)
        lines = block.split(b"\n")
        whole = not lines[-1]
        if whole:
            lines.pop()
        if len(lines) > MAX_LINES:
            lines, final, whole = lines[:MAX_LINES], False, True
        widths = None if whole else [*(len(line) + 1 for line in lines[:-1]), len(lines[-1])]
        if self.offset == 0 and lines[0].startswith(_UTF8_MARK):
            widths = widths or [len(line) + 1 for line in lines]
            lines[0] = lines[0][len(_UTF8_MARK) :]
        if not block.isascii() and not _is_utf8(block):
            widths = widths or [len(line) + 1 for line in lines]
            lines = self._as_utf8(lines)
        return Piece(lines, widths, self.offset, self.seed, final)

    def _split_wide(self, block: bytes, *, final: bool) -> Piece:
        codec = self._wide or "utf-16-le"
        parts = block.decode(codec, "replace").split("\n")
        whole = not parts[-1]
        if whole:
            parts.pop()
        widths = [len(part.encode(codec, "surrogatepass")) + 2 for part in parts]
        if not whole:
            widths[-1] = len(block) - sum(widths[:-1])
        lines = [part.removeprefix("\ufeff").encode("utf-8", "replace") for part in parts]
        return Piece(lines, widths, self.offset, self.seed, final)

    def _as_utf8(self, lines: Sequence[bytes]) -> list[bytes]:
        """Re-encode the lines that are not UTF-8, from the encoding that was set or is guessed."""
        encoding = self.encoding or self._guessed
        if encoding is None:
            encoding = self._guessed = _guess([line for line in lines if not _is_utf8(line)])
        strict = self.encoding is not None
        return [
            line
            if not strict and _is_utf8(line)
            else line.decode(encoding, "replace").encode("utf-8", "replace")
            for line in lines
        ]


class _Unpacked:
    """The content of a gzip file, block by block: memory stays bounded whatever it unpacks to."""

    def __init__(self, raw: Any, offset: int) -> None:
        raw.seek(0)
        self._file = gzip.GzipFile(fileobj=raw)
        self._head = self._file.read(HEAD_BYTES)
        self._buffer = self._head[offset:]
        self._left = max(offset - len(self._head), 0)
        self._skipped = 0
        self.is_done = False

    def beginning(self, length: int) -> bytes:
        return self._head[:length]

    def block(self) -> bytes:
        while self._left and (skipped := self._file.read(min(self._left, BLOCK_BYTES))):
            self._left -= len(skipped)
        if not self.is_done and len(self._buffer) < BLOCK_BYTES:
            more = self._file.read(BLOCK_BYTES)
            self.is_done = not more
            self._buffer += more
        return self._buffer

    def drop(self, length: int) -> None:
        skipped = min(self._skipped, length)
        self._skipped -= skipped
        self._buffer = self._buffer[length - skipped :]

    def skip_line(self, offset: int) -> Oversize:
        """Read over a line without keeping it: it may unpack to more than fits in memory."""
        sample, size = self._buffer[:SAMPLE_BYTES], 0
        while self._buffer and b"\n" not in self._buffer:
            size += len(self._buffer)
            self._buffer = self._file.read(BLOCK_BYTES)
        line, _, self._buffer = self._buffer.partition(b"\n")
        size += len(line)
        self._skipped = size + 1
        return Oversize(sample, offset, size, offset + size + 1)


BROKEN: Final = (OSError, EOFError, zlib.error)
"""What reading a file may raise; `gzip.BadGzipFile` is an OSError."""


def _last_line_end(block: bytes, wide: str | None) -> int:
    if wide is None:
        return block.rfind(b"\n") + 1
    mark = "\n".encode(wide)
    at = block.rfind(mark)
    while at > 0 and at % 2:
        at = block.rfind(mark, 0, at + 1)
    return at + 2 if at >= 0 else 0


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def _wide_setting(encoding: str | None) -> str | None:
    if encoding is None:
        return None
    name = encoding.lower().replace("_", "-")
    return {"utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}.get(name) or (
        name if name in {"utf-16-le", "utf-16-be"} else None
    )


def _guess(lines: Sequence[bytes]) -> str:
    """Guess the encoding of lines that are not UTF-8; broken UTF-8 where none reads well."""
    sample = b"\n".join(lines[:200])[:16_384]
    best = from_bytes(sample, cp_isolation=_GUESSES).best() if b"\0" not in sample else None
    return best.encoding if best is not None else "utf-8"
