"""The content of a gzip file, block by block: memory stays bounded whatever it unpacks to.

What was unpacked before a file breaks off is given out first; the error comes after it.
"""

from __future__ import annotations

import gzip
import zlib
from typing import Any, Final

from collectors.no_text import NoTextError

MAGIC: Final = b"\x1f\x8b"
HEAD_BYTES: Final = 256
LOOK_BYTES: Final = 4096
"""How much of a file's beginning is looked at to see whether it is text."""
BEGIN_BYTES: Final = 16 * 1024
"""How much of a packed file's beginning is kept: a header of CSV may stand there."""
BLOCK_BYTES: Final = 2 * 1024 * 1024
BROKEN: Final = (OSError, EOFError, zlib.error, NoTextError)
"""What reading a file may raise; `gzip.BadGzipFile` is an OSError."""


class Unpacked:
    """A gzip file that is unpacked from an offset of its content.

    `is_final` says that nobody writes the file any more: where it breaks off is its end.

    Raises:
        OSError, EOFError, zlib.error: nothing of it can be unpacked.
    """

    def __init__(self, raw: Any, offset: int, *, is_final: bool = False) -> None:
        raw.seek(0)
        self._raw = raw
        self._file = gzip.GzipFile(fileobj=raw)
        self._is_final = is_final
        self._error: Exception | None = None
        self.is_done = False
        """The end of the content is in the buffer, or behind it."""
        self._buffer = b""
        self._fill(BEGIN_BYTES)
        if not self._buffer:
            self.complain()
        self._head = self._buffer[:BEGIN_BYTES]
        self._left = max(offset - len(self._buffer), 0)
        self._buffer = self._buffer[offset:]
        self._skipped = 0

    @property
    def position(self) -> int:
        """Bytes of the packed file that were used; less than its size until all content was taken."""
        used = int(self._raw.tell())
        return used if self.is_done and not self._buffer else max(used - 1, 0)

    def beginning(self, length: int) -> bytes:
        """Return how the content begins: some hundred bytes at least, where it has them."""
        return self._head[:length]

    def block(self) -> bytes:
        """Return what comes next, some megabytes at most; empty at the end.

        Raises:
            OSError, EOFError, zlib.error: nothing more can be unpacked.
        """
        while self._left:
            self._fill(1)
            if not self._buffer:
                break
            skipped = min(self._left, len(self._buffer))
            self._left -= skipped
            self._buffer = self._buffer[skipped:]
        self._fill(BLOCK_BYTES)
        if not self._buffer:
            self.complain()
        return self._buffer

    def ahead(self, length: int) -> bytes:
        """Return the beginning of what is unpacked already and was not taken."""
        return self._buffer[:length]

    @property
    def breaks_off(self) -> bool:
        """Return whether what is in the buffer is the last that can be unpacked, but not the end."""
        return self.is_done and self._error is not None

    def complain(self) -> None:
        """Raise the error that ended the unpacking, if one did."""
        if self._error is not None:
            raise self._error

    def drop(self, length: int) -> None:
        """Drop the first `length` bytes of the block, which were taken."""
        skipped = min(self._skipped, length)
        self._skipped -= skipped
        self._buffer = self._buffer[length - skipped :]

    def skip_line(self) -> tuple[int, int]:
        """Read over a line without keeping it; return its size without and with its end.

        Raises:
            OSError, EOFError, zlib.error: its end cannot be unpacked yet.
        """
        size = 0
        while b"\n" not in self._buffer:
            size += len(self._buffer)
            self._buffer = b""
            self._fill(BLOCK_BYTES)
            if not self._buffer:
                if not self.is_done:
                    self.complain()
                break
        line, newline, self._buffer = self._buffer.partition(b"\n")
        size += len(line)
        self._skipped = size + len(newline)
        return size, size + len(newline)

    def _fill(self, length: int) -> None:
        """Unpack until the buffer holds some length, or nothing more can be unpacked."""
        parts, size = [self._buffer], len(self._buffer)
        while size < length and not self.is_done and self._error is None:
            try:
                # `read` would throw away what it has unpacked when the file breaks off behind it.
                parts.append(self._file.read1(BLOCK_BYTES))
            except BROKEN as error:
                self._error = error
                # A file that ends early may still be written.
                self.is_done = self._is_final or not isinstance(error, EOFError)
            else:
                self.is_done = not parts[-1]
                size += len(parts[-1])
        self._buffer = b"".join(parts)
