"""What a file is that is no text, by how it begins.

- Content that says what it is: archives, pictures, databases, programs.
- NUL bytes, which no text has. A file that was truncated while a program wrote it begins with a run of them,
  so only those between other bytes count.
- Bytes that are neither UTF-8 nor without control characters.
- Text whose encoding cannot be read by lines (UTF-32, EBCDIC), or is not the one that is set.
"""

from __future__ import annotations

from typing import Final

from collectors import charsets

_KNOWN: Final = {
    b"PK\x03\x04": "a ZIP archive or an Excel file",
    b"\xd0\xcf\x11\xe0": "an old Office file",
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\x7fELF": "a program",
    b"SQLite format 3\0": "a database of SQLite",
    b"PAR1": "a Parquet file",
    b"Obj\x01": "an Avro file",
}
_PACKED: Final = {
    b"\xfd7zXZ\0": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"\x04\x22\x4d\x18": "lz4",
    b"7z\xbc\xaf": "7z",
}
_LOGS: Final = {
    b"LPKSHHRH": ("a binary journal of systemd", "write it with `journalctl -o json -f`"),
    b"ElfFile\0": ("a Windows event log", "export it as text or JSON"),
}
_UTF32: Final = (b"\xff\xfe\0\0", b"\0\0\xfe\xff")
_TOO_MANY: Final = 0.05
_EBCDIC_SPACE: Final = 0.05
_MISFITS: Final = 0.1
_SHORTEST: Final = 16
"""With fewer bytes no share says anything."""
_CONTROLS: Final = bytes(code for code in range(32) if code not in b"\t\n\v\f\r\b\x1b")
_JOURNAL: Final = b"__"
"""How the journal's export begins: lengths of values stand in it as bytes."""


class NoTextError(ValueError):
    """A file whose content is no text, with what it is instead."""


def known(head: bytes) -> str | None:
    """Return what a file is that begins like this, and what to do; None where nothing shows it."""
    for magic, what in _KNOWN.items():
        if head.startswith(magic):
            return f"it is {what}, not text: export it as CSV or JSON"
    for magic, name in _PACKED.items():
        if head.startswith(magic):
            return f"it is packed with {name}: unpack it, or pack it with gzip"
    for magic, (what, step) in _LOGS.items():
        if head.startswith(magic):
            return f"it is {what}: {step}"
    return None


def unreadable(head: bytes, setting: str | None = None) -> str | None:
    """Return why a file that begins like this cannot be read as lines of text; None where it can.

    Args:
        head: Its first bytes, some thousand where it has them.
        setting: The encoding that the settings name.
    """
    found = known(head)
    if found or head.startswith(_JOURNAL):
        return found
    if head.startswith(_UTF32):
        return "it is in UTF-32: write it in UTF-8"
    if charsets.wide(head, setting):
        return _not_wide(head, setting)
    bare = head.strip(b"\0")
    if len(bare) < _SHORTEST:
        return None
    if bare.count(0) > len(bare) * _TOO_MANY:
        return "it is binary, not text"
    return _misfit(bare, setting)


def _not_wide(head: bytes, setting: str | None) -> str | None:
    """Return why what is taken as UTF-16 is none, as a setting says what is not so."""
    if charsets.wide(head, None) or len(head) < _SHORTEST or 0 in head or not charsets.is_utf8(_whole(head)):
        return None
    return f"it is not in {setting}, as `encoding` says, but in UTF-8: correct or remove the setting"


def _misfit(bare: bytes, setting: str | None) -> str | None:
    """Return why bytes that are not UTF-8 are no text in any other encoding either."""
    if charsets.is_utf8(_whole(bare)):
        return None
    if _share(bare, _CONTROLS) > _TOO_MANY:
        return "it is binary, not text"
    if bare.count(b"\x40") > len(bare) * _EBCDIC_SPACE and bare.count(b" ") == 0:
        return "it is in EBCDIC, as it seems: convert it to UTF-8"
    if setting is not None:
        text = bare.decode(setting, "replace")
        if text.count("\ufffd") > len(text) * _MISFITS:
            return f"it is not in {setting}, as `encoding` says: correct the setting"
    return None


def _whole(head: bytes) -> bytes:
    """Leave out a character at the end that may be cut."""
    for cut in range(1, 4):
        if head[-cut:][:1] >= b"\xc0":
            return head[:-cut]
    return head


def _share(head: bytes, of: bytes) -> float:
    return 1 - len(head.translate(None, of)) / len(head)
