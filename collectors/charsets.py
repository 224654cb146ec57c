"""The encodings of log files: UTF-8, UTF-16 by its mark, and the rest by setting or by guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from charset_normalizer import from_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

UTF8_MARK: Final = b"\xef\xbb\xbf"
_UTF16: Final = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}
_NAMES: Final = {"utf-16": "utf-16-le", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
_SHORTEST: Final = 8
_NULS: Final = 0.4
"""Of the bytes of a line in UTF-16, where most letters are ASCII: one half is NUL."""
_SPACES: Final = dict.fromkeys(map(ord, "\t\r\x1b"), " ")
_GUESSES: Final = ["cp1252", "latin_1", "cp1250", "cp1251"]


def is_utf8(raw: bytes) -> bool:
    """Return whether bytes are UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True


def wide(head: bytes, setting: str | None) -> str | None:
    """Return the UTF-16 encoding of a file by its mark, its setting or its look; None where it is no UTF-16.

    `head`: how it begins, up to its first line end at least.
    """
    return _UTF16.get(head[:2]) or _wide_setting(setting) or _wide_look(head)


def _wide_look(head: bytes) -> str | None:
    """Return the UTF-16 encoding of text without a mark: every other byte of its first line is NUL."""
    line = head.partition(b"\n")[0]
    even, odd = line[::2].count(0), line[1::2].count(0)
    if len(line) < _SHORTEST or max(even, odd) < len(line) * _NULS:
        return None
    codec = "utf-16-le" if odd > even else "utf-16-be"
    text = line[: len(line) // 2 * 2].decode(codec, "replace")
    return codec if text.translate(_SPACES).isprintable() else None


def _wide_setting(setting: str | None) -> str | None:
    name = (setting or "").lower().replace("_", "-")
    name = _NAMES.get(name, name)
    return name if name in _UTF16.values() else None


def last_line_end(block: bytes, codec: str | None) -> int:
    """Return where the last whole line of a block ends; 0 where it holds none. `codec`: see `wide`."""
    if codec is None:
        return block.rfind(b"\n") + 1
    mark = "\n".encode(codec)
    at = block.rfind(mark)
    while at > 0 and at % 2:
        at = block.rfind(mark, 0, at + 1)
    return at + 2 if at >= 0 else 0


def first_line_end(block: bytes, codec: str | None) -> tuple[int, int]:
    """Return where the first line of a block ends, without and with its end; (-1, -1) where it does not."""
    if codec is None:
        at = block.find(b"\n")
        return at, at + 1 if at >= 0 else -1
    mark = "\n".encode(codec)
    at = block.find(mark)
    while at % 2 and at >= 0:
        at = block.find(mark, at + 1)
    return at, at + 2 if at >= 0 else -1


def guess(lines: Sequence[bytes]) -> str:
    """Guess the encoding of lines that are not UTF-8; broken UTF-8 where none reads well."""
    sample = b"\n".join(lines[:200])[:16_384]
    best = from_bytes(sample, cp_isolation=_GUESSES).best() if b"\0" not in sample else None
    return best.encoding if best is not None else "utf-8"
