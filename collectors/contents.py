"""A whole file as a stream of bytes in which ASCII is ASCII: plain or packed, UTF-16 made UTF-8.

Offsets are those of the content: of a packed file or one in UTF-16 they differ from those on disk.
"""

from __future__ import annotations

import codecs
import contextlib
import gzip
import os
import zlib
from stat import S_ISREG
from typing import IO, TYPE_CHECKING, Any, Final

from collectors import charsets
from collectors.no_text import NoTextError, known
from collectors.packed import BLOCK_BYTES, MAGIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

HEAD_BYTES: Final = 64 * 1024
_BEGIN_BYTES: Final = 256


def opened(path: Path) -> IO[bytes]:
    """Open a regular file; a link is not followed, since anyone who may write there can point it anywhere.

    Raises:
        OSError: it cannot be read, or is no regular file.
    """
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(f"{path} is no regular file")
    return os.fdopen(number, "rb", buffering=0)


class Content:
    """What an open file holds."""

    def __init__(self, raw: IO[bytes], encoding: str | None = None) -> None:
        """Look at how the file begins; `encoding` is what the settings say.

        Raises:
            NoTextError: it is no text.
            OSError, EOFError, zlib.error: it cannot be read.
        """
        self._raw = raw
        raw.seek(0)
        is_packed = raw.read(len(MAGIC)) == MAGIC
        raw.seek(0)
        packed = gzip.GzipFile(fileobj=raw) if is_packed else None
        self._file: Any = packed or raw
        # `read` would throw away what it has unpacked when the file breaks off behind it.
        self._read: Callable[[int], bytes] = packed.read1 if packed else raw.read
        begin = self._file.read(_BEGIN_BYTES)
        self._wide = charsets.wide(begin, encoding)
        self._mark = len(codecs.BOM_UTF16) if begin[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else 0
        self.start = len(charsets.UTF8_MARK) if begin.startswith(charsets.UTF8_MARK) else 0
        """Where the content begins: behind a mark of UTF-8."""
        self.head = self._begin()
        """How the content begins."""
        found = known(begin)
        if found is None and b"\0" in self.head:
            found = "it is binary, not text: export it as CSV or JSON"
        if found is not None:
            raise NoTextError(found)

    def _begin(self) -> bytes:
        head = b""
        with contextlib.suppress(EOFError, zlib.error):  # it is met again when it is read up to there
            for block in self.blocks(self.start):
                head += block
                if len(head) >= HEAD_BYTES:
                    break
        return head[:HEAD_BYTES]

    def charset(self, setting: str | None, guessed: str | None) -> Charset:
        """Return how the bytes of the content become text; what was UTF-16 is UTF-8 by now."""
        return Charset(None if self._wide else setting, guessed)

    @property
    def position(self) -> int:
        """How far the file was read, in bytes on disk."""
        return int(self._raw.tell())

    def blocks(self, offset: int) -> Iterator[bytes]:
        """Return the content from an offset on, some megabytes at a time.

        Raises:
            OSError, EOFError, zlib.error: the rest cannot be read.
        """
        if self._wide is None:
            self._file.seek(offset)
            yield from iter(lambda: self._read(BLOCK_BYTES), b"")
            return
        yield from _behind(offset, self._as_utf8(self._wide))

    def _as_utf8(self, codec: str) -> Iterator[bytes]:
        decoder = codecs.getincrementaldecoder(codec)("replace")
        self._file.seek(self._mark)
        while block := self._read(BLOCK_BYTES):
            yield decoder.decode(block).encode("utf-8", "replace")
        yield decoder.decode(b"", final=True).encode()


def _behind(offset: int, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Leave out what lies before an offset, and what is empty."""
    for block in blocks:
        if offset < len(block):
            yield block[offset:]
        offset = max(offset - len(block), 0)


class Charset:
    """Bytes of one file to text: UTF-8, the encoding that is set, or the one that is guessed once."""

    def __init__(self, setting: str | None, guessed: str | None = None) -> None:
        self._setting = setting
        self.guessed = guessed
        """The encoding of what is not UTF-8, once something was not."""

    def text(self, raw: bytes) -> str:
        """Return bytes as text; what does not fit becomes replacement characters."""
        if self._setting is not None:
            return raw.decode(self._setting, "replace")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            if self.guessed is None:
                self.guessed = charsets.guess([raw])
            return raw.decode(self.guessed, "replace")
