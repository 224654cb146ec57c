"""One file that is followed: its identity, how far it is stored, and its next piece of whole lines.

A file's identity is its device, its inode and the hash of how it begins (its first line, 256 bytes at
most): it stays the same while the file grows and when it is renamed, and changes when the file is
truncated and rewritten. The identity of its *records* leaves out device and inode, so that a copy
of a file, or its compressed form, brings the same records and not new ones.

Three places in a file matter. `offset` is how far its content was read, `committed` how far its records
are in the store. `stored` is `committed` in bytes on disk, which differ from those of the content where
the file is packed. A file is closed only when all bytes on disk are stored.
"""

from __future__ import annotations

import os
import time
from dataclasses import InitVar, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from collectors import charsets
from collectors.growth import Growth
from collectors.losses import Dropped, Fault
from collectors.normalise import SAMPLE_BYTES, hash64
from collectors.packed import BLOCK_BYTES, HEAD_BYTES, LOOK_BYTES, MAGIC, Unpacked
from collectors.parse import MAX_LINE
from collectors.patience import ABANDONED_S, OPEN_ROW_S, QUIET_S, UNFINISHED_S, takes_half, takes_open_row
from collectors.pieces import Oversize, Splitter
from data.records import FileOffset

if TYPE_CHECKING:
    from collectors.piece import Piece
    from collectors.sheet import SheetForm

SKIM_BYTES: Final = 64 * 1024 * 1024
"""How much of a line that is too long is looked through at once: other files wait meanwhile."""
PEEK_BYTES: Final = 64 * 1024


@dataclass(slots=True)
class Tail:
    """A file and how far it was read."""

    path: str
    inode: tuple[int, int]
    encoding: InitVar[str | None] = None
    """What the source's setting says."""
    rows: InitVar[SheetForm | None] = None
    """The form of its CSV, where it may be one."""
    unfinished_s: float = UNFINISHED_S
    offset: int = 0
    committed: int = 0
    stored: int = 0
    head: bytes = b""
    gone: bool = False
    """No path that is followed names this file any more."""
    moved: bool = False
    """It has another path since its offset was committed."""
    size: int = -1
    grew_at: float = field(default_factory=time.monotonic)
    growth: Growth = field(default_factory=Growth)
    half: int = 0
    """Bytes at the end that are a line without its end yet."""
    dropped: Dropped | None = None
    fault: Fault | None = None
    homeless: bool = False
    """It was deleted and is read through the open handle only."""
    served: int = 0
    """The round in which something of it was last read."""
    progressed_at: float = field(default_factory=time.monotonic)
    """When something of it was last stored."""
    closed_stamp: tuple[int, ...] | None = None
    _is_final: bool = False
    _raw: Any = None
    _unpacked: Unpacked | None = None
    _splitter: Splitter = field(init=False)
    _held_at: tuple[int, int] | None = None
    _skimmed: int = 0
    _shrunk_from: int = 0
    _packed_size: int = 0
    _closed_at: int = 0

    def __post_init__(self, encoding: str | None, rows: SheetForm | None) -> None:
        self._splitter = Splitter(encoding, rows)

    # --- life ------------------------------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        """Return whether the file is held open."""
        return self._raw is not None

    @property
    def is_stored(self) -> bool:
        """Return whether everything that the file was seen to hold is in the store."""
        return self.growth.since is None

    @property
    def is_broken(self) -> bool:
        """Return whether the file cannot be read until its content is another."""
        return self.fault is not None and self.fault.is_broken

    @property
    def is_final(self) -> bool:
        """Return whether the file was opened as one that nobody writes any more."""
        return self._is_final

    @property
    def unread_bytes(self) -> int:
        """Bytes on disk whose records are not in the store."""
        return max(self.size - self.stored, 0)

    def open(self, *, is_final: bool = False) -> None:
        """Open the file. `is_final`: a packed file is not written any more, it ends where it breaks off.

        Raises:
            OSError, EOFError, zlib.error: it cannot be read.
        """
        self._raw = Path(self.path).open("rb", buffering=0)  # noqa: SIM115 - held open across renames
        self._is_final = is_final
        self._unpack_if_packed()

    def _unpack_if_packed(self) -> None:
        if os.pread(self._raw.fileno(), len(MAGIC), 0) == MAGIC:
            self._unpack()

    def _unpack(self) -> None:
        self._packed_size = os.fstat(self._raw.fileno()).st_size
        self._unpacked = Unpacked(self._raw, self.offset, is_final=self._is_final)

    def close(self) -> None:
        """Give the file back; how far it was read stays known."""
        if self._raw is not None:
            self._closed_at = self.position
            self._raw.close()
            self._raw = self._unpacked = None
        self._held_at = None

    def close_if_stored(self, now: float) -> bool:
        """Close the file if all that it holds is stored; say whether it is closed."""
        status = os.fstat(self._raw.fileno())
        self.see(status.st_size, now)
        if not self.is_stored:
            return False
        self.close()
        # What is written from here on changes the stamp, so the file is opened again.
        self.closed_stamp = (status.st_size, status.st_mtime_ns)
        return True

    def rewind(self) -> None:
        """Go back to what is committed: what was read behind it was lost before it was handed over.

        Raises:
            OSError, EOFError, zlib.error: the file cannot be read.
        """
        self._go_to(self.committed)
        if self._unpacked is not None:
            self._unpack()

    def _go_to(self, offset: int) -> None:
        self.offset, self._held_at, self._skimmed = offset, None, 0

    @property
    def seed(self) -> int:
        """Identity of the content: what records are named by."""
        return hash64(self.head)

    @property
    def position(self) -> int:
        """How far the file was read, in bytes on disk."""
        if self._raw is None:
            return self._closed_at
        return self.offset if self._unpacked is None else self._unpacked.position

    def mark(self) -> FileOffset:
        """Return how far the file was read."""
        device, inode = self.inode
        identity = f"{device}:{inode}:{len(self.head)}:{self.seed:016x}"
        return FileOffset(self.path, identity, self.offset)

    def resume(self, mark: FileOffset) -> bool:
        """Go on where a mark says, if it is of this very file; say whether it is."""
        device, inode, length, seed = mark.identity.split(":")
        if (int(device), int(inode)) != self.inode:
            return False
        head = self._beginning(int(length))
        if f"{hash64(head):016x}" != seed or len(head) != int(length):
            return False
        self._know_head(head)
        self.offset = self.committed = mark.byte_offset
        self.moved = mark.path != self.path
        if self._unpacked is not None:
            self._unpack()
        else:
            self.stored = mark.byte_offset
        return True

    def commit(self, mark: FileOffset, position: int, now: float) -> int:
        """Note that the records up to a mark are stored; return how many bytes on disk that adds.

        `position` is what the property of that name was when the mark was made.
        """
        if mark.identity != self.mark().identity:
            return 0  # truncated since: the mark is of what the file held before
        added = max(position - self.stored, 0)
        self.committed, self.stored, self.progressed_at = mark.byte_offset, position, now
        self.growth.settle(position)
        return added

    # --- reading ---------------------------------------------------------------------------------

    def look(self, now: float) -> None:
        """Note the size that the open file has now."""
        self.see(os.fstat(self._raw.fileno()).st_size, now)

    def see(self, size: int, now: float) -> None:
        """Note the size of the file."""
        if size != self.size:
            self._shrunk_from = max(self._shrunk_from, self.size) if size < self.size else self._shrunk_from
            self.size, self.grew_at, self.half = size, now, 0
        if self.offset == self.committed and self.is_open:
            self.stored = self.position
        self.growth.saw(size, self.stored, now)

    def next_piece(self, now: float) -> Piece | Oversize | None:
        """Return the next whole lines, or None where there is nothing to be read yet.

        Raises:
            OSError, EOFError, zlib.error: the file cannot be read, or is no whole gzip file.
        """
        self.look(now)
        quiet = now - self.grew_at
        if self._held_at == (self.offset, self.size) and quiet < QUIET_S:
            return None
        if self._is_another():
            self._restart(now)
            self.see(self.size, now)
        self.half = 0
        if not self.head and self._unpacked is None:
            self._unpack_if_packed()  # it may have been empty when it was opened
        if not self.head and not self._find_head(quiet):
            return None
        block = self._block()
        return self._piece(block, quiet) if block else None

    def rest(self) -> bytes:
        """Return what a packed file still holds where it breaks off."""
        return b"" if self._unpacked is None else self._unpacked.ahead(SAMPLE_BYTES)

    def peek(self) -> Piece | None:
        """Return the oldest line whose record is not stored; None where no whole line is there."""
        block = self._peeked()
        cut = charsets.first_line_end(block, self._splitter.wide)[1]
        return self._splitter.split(block[:cut], self.offset, self.seed, final=True) if cut > 0 else None

    def _peeked(self) -> bytes:
        if self._unpacked is not None:
            return self._unpacked.ahead(PEEK_BYTES)
        return os.pread(self._raw.fileno(), PEEK_BYTES, self.committed)

    def advance(self, consumed: int) -> None:
        """Note that a piece is read up to an offset."""
        if self._unpacked is not None:
            self._unpacked.drop(consumed - self.offset)
        self._held_at = (self.offset, self.size) if consumed == self.offset else None
        self.offset, self._skimmed = consumed, 0

    def _is_another(self) -> bool:
        """Return whether the file holds another content than the one that was read so far."""
        if self._unpacked is None:
            return self.size < self.offset or not self._is_same()
        if self._unpacked.is_done and self.size != self._packed_size:
            self._unpack()  # written over, or one more member was added behind the last
        return not self._is_same()

    def _is_same(self) -> bool:
        return not self.head or self._beginning(len(self.head)) == self.head

    def _restart(self, now: float) -> None:
        """The file was truncated: what it holds now is another file's content."""
        if self._shrunk_from > self.position:
            self.dropped = Dropped(self._shrunk_from - self.position, self.head, now)
        self.committed = self.stored = self._shrunk_from = 0
        self.head = b""
        self._splitter.forget()
        self.growth.clear()
        self._go_to(0)
        if self._unpacked is not None:
            self._unpack()

    def _find_head(self, quiet: float) -> bool:
        head = self._beginning(HEAD_BYTES)
        line, newline, _ = head.partition(b"\n")
        if newline or len(head) == HEAD_BYTES or (head and quiet >= ABANDONED_S):
            self._know_head(line + newline)
            return True
        self.half = len(head)
        return False

    def _know_head(self, head: bytes) -> None:
        self._splitter.know_head(head, self._beginning(LOOK_BYTES))
        self.head = head

    def _beginning(self, length: int) -> bytes:
        if self._unpacked is None:
            return os.pread(self._raw.fileno(), length, 0)
        return self._unpacked.beginning(length)

    def _block(self) -> bytes:
        if self._unpacked is not None:
            return self._unpacked.block()
        return os.pread(self._raw.fileno(), BLOCK_BYTES, self.offset)

    def _piece(self, block: bytes, quiet: float) -> Piece | Oversize | None:
        packed = self._unpacked
        at_end = packed.is_done if packed is not None else self.offset + len(block) >= self.size
        cut = charsets.last_line_end(block, self._splitter.wide)
        if cut == 0 and len(block) > MAX_LINE:
            return self._oversize(block, quiet)
        if at_end and cut < len(block):
            if self._takes_half(block[cut:], quiet):
                cut = len(block)
            self.half = len(block) - cut
        is_whole = at_end and cut == len(block)
        if cut and not self._splitter.knows_columns(self._beginning, is_all=is_whole and quiet >= OPEN_ROW_S):
            cut = 0
        if cut == 0:
            if packed is not None:
                packed.complain()
            return None
        if packed is not None and packed.breaks_off:
            return self._splitter.split(block[:cut], self.offset, self.seed, final=True)
        final = is_whole and (packed is not None or self._is_over(quiet))
        return self._splitter.split(block[:cut], self.offset, self.seed, final=final)

    def _takes_half(self, half: bytes, quiet: float) -> bool:
        """Return whether a line without an end is taken: nobody is going to finish it."""
        if self._unpacked is not None:
            # The last line of a file that breaks off is left unread: a whole copy may replace the file.
            return not self._unpacked.breaks_off
        return takes_half(half, quiet, self.unfinished_s, is_gone=self.gone)

    def _is_over(self, quiet: float) -> bool:
        """Return whether what is open at the end is complete."""
        if self._splitter.sheet is None:
            return quiet >= QUIET_S
        since = self.growth.since if self.offset == self.committed else None
        waiting = 0 if since is None else self.grew_at + quiet - since
        return takes_open_row(quiet, waiting, is_gone=self.gone)

    def _oversize(self, block: bytes, quiet: float) -> Oversize | None:
        """Look for the end of a line that is too long, without holding it in memory."""
        sample, start = block[:SAMPLE_BYTES], self.offset
        if self._unpacked is not None:
            size, whole = self._unpacked.skip_line()
            return Oversize(sample, start, size, start + whole)
        size = max(self._skimmed, len(block) - len(block) % 2)  # UTF-16: a character is two bytes
        limit = size + SKIM_BYTES
        while size < limit and (more := os.pread(self._raw.fileno(), BLOCK_BYTES, start + size)):
            line, whole = charsets.first_line_end(more, self._splitter.wide)
            if whole > 0:
                return Oversize(sample, start, size + line, start + size + whole)
            size += len(more)
        self._skimmed = size - size % 2
        if size >= limit:
            return None
        if self._takes_half(sample, quiet):
            return Oversize(sample, start, size, start + size)
        self.half = size
        return None
