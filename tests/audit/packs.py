"""Build evidence packs with hashlib and json alone, so that the verifier is not checked against itself."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    Row = dict[str, Any]

START: Final = "0" * 64
HASHES: Final = ("prev_hash", "hash")
OPTIONAL_1: Final = (
    "case_id", "correlation_id", "flow", "step", "tenant", "from_state", "to_state", "reason", "details",
)  # fmt: skip


def at(second: int) -> str:
    """Return a moment as text."""
    moment = datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(seconds=second)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def jcs(value: Row) -> bytes:
    """Return canonical JSON."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha(value: Row) -> str:
    """Return SHA-256 of canonical JSON."""
    return hashlib.sha256(jcs(value)).hexdigest()


def content(seq: int, *, old: bool = False, **more: Any) -> Row:
    """Return what an entry says, without its hashes."""
    row: Row = {
        "seq": seq,
        "time": at(seq),
        "actor": "ann",
        "actor_type": "human",
        "kind": "effect",
        "verb": "claimed",
    }
    if old:
        return row | dict.fromkeys(OPTIONAL_1) | {"case_id": seq} | more
    return {"v": 2, **row, "case_id": seq, "salt": f"{seq:032x}"} | more


def sealed(row: Row, previous: str) -> Row:
    """Return an entry with its hashes; existing hashes are computed again."""
    if "content_hash" in row:
        link = {"content_hash": row["content_hash"], "prev_hash": previous, "seq": row["seq"]}
        return {**row, "prev_hash": previous, "hash": sha(link)}
    reported = {name: value for name, value in row.items() if name not in HASHES}
    if "v" not in reported:
        return {**reported, "prev_hash": previous, "hash": sha({**reported, "prev_hash": previous})}
    link = {"content_hash": sha(reported), "prev_hash": previous, "seq": reported["seq"]}
    return {**reported, "prev_hash": previous, "hash": sha(link)}


def chained(rows: Iterable[Row], previous: str = START) -> list[Row]:
    """Seal entries one after the other."""
    done: list[Row] = []
    for row in rows:
        done.append(sealed(row, previous))
        previous = done[-1]["hash"]
    return done


def withheld(row: Row) -> Row:
    """Return an entry of format 2 as somebody sees it who may not read it."""
    reported = {name: value for name, value in row.items() if name not in HASHES}
    return {"v": 2, "seq": row["seq"], "content_hash": sha(reported), **{name: row[name] for name in HASHES}}


def checkpoint(seq: int, head: str, second: int, key: Ed25519PrivateKey | None = None) -> Row:
    """Return a checkpoint, signed where there is a key."""
    row: Row = {"count": seq, "hash": head, "seq": seq, "time": at(second)}
    if key is None:
        return row
    row["key"] = public(key)
    return row | {"signature": key.sign(jcs(row)).hex()}


def checkpoints(rows: Sequence[Row], seqs: Iterable[int], key: Ed25519PrivateKey | None = None) -> list[Row]:
    """Return checkpoints that saw these entries, one second after each."""
    hashes = {row["seq"]: row["hash"] for row in rows}
    return [checkpoint(seq, hashes[seq], seq + 1, key) for seq in seqs]


def public(key: Ed25519PrivateKey) -> str:
    """Return the public half of a key in hex."""
    return key.public_key().public_bytes_raw().hex()


@dataclass
class Pack:
    """A pack in the making; tests bend what they please before they write it."""

    rows: list[Row]
    marks: list[Row] | None = None
    head: Row | None = None  # None: the pack reaches the chain's end
    start: tuple[int, str] = (1, START)  # where a pack without entries begins
    made_at: str = at(100_000)
    more: dict[str, bytes] = field(
        default_factory=lambda: {"README.md": b"Read me.\n", "definitions.md": b"\n"}
    )

    def files(self) -> dict[str, bytes]:
        """Return the files by name, with an honest manifest."""
        files = {"entries.jsonl": lines(self.rows), **self.more}
        if self.marks is not None:
            files["checkpoints.jsonl"] = lines(self.marks)
        return {**files, "manifest.json": jcs(self.manifest(files))}

    def manifest(self, files: dict[str, bytes]) -> Row:
        """Return the manifest of these files."""
        first, before = (self.rows[0]["seq"], self.rows[0]["prev_hash"]) if self.rows else self.start
        last, end = (self.rows[-1]["seq"], self.rows[-1]["hash"]) if self.rows else (first - 1, before)
        hidden = sum("content_hash" in row for row in self.rows)
        return {
            "format": 2,
            "made_at": self.made_at,
            "first_seq": first,
            "last_seq": last,
            "start_hash": before,
            "end_hash": end,
            "entries": len(self.rows) - hidden,
            "withheld": hidden,
            "head": self.head or {"seq": last, "hash": end},
            "period": {"from": None, "to": None},
            "flow": None,
            "files": {name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
        }

    def folder(self, path: Path) -> Path:
        """Write the pack as a folder."""
        return as_folder(self.files(), path)

    def zip(self, path: Path) -> Path:
        """Write the pack as a ZIP."""
        return as_zip(self.files(), path)


def lines(rows: Iterable[Row]) -> bytes:
    """Return JSON lines."""
    return b"".join(jcs(row) + b"\n" for row in rows)


def as_folder(files: dict[str, bytes], path: Path) -> Path:
    """Write files into a new folder."""
    path.mkdir(parents=True, exist_ok=True)
    for old in path.iterdir():
        old.unlink()
    for name, data in files.items():
        (path / name).write_bytes(data)
    return path


def as_zip(files: dict[str, bytes], path: Path) -> Path:
    """Write files into a ZIP."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    path.write_bytes(buffer.getvalue())
    return path
