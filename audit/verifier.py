"""Check an evidence pack of Unsnag: is the audit in it what was written, and all of it?

    python verifier.py PACK.zip|FOLDER|entries.jsonl [--checkpoints FILE] [--key HEX]

Needs Python 3.9 or newer, nothing else. Take this file from somebody you trust, not from the pack you check.
The last line says INTACT (exit code 0), BROKEN: entry and reason (1) or CANNOT BE READ: reason (2).
A pack that cannot be read has not passed.

CANONICAL JSON is RFC 8785 (JCS): sorted keys, no white space, UTF-8. Entries hold text, whole numbers, true,
false and null only, their keys are ASCII, and whole numbers are written with all their digits, so `canonical`
below is all of it. `details` is JSON as a text. H(x) is SHA-256 of the canonical JSON of x, lower-case hex.
Times are UTC with six digits behind the second: 2026-11-22T10:00:00.000000Z.

entries.jsonl: one JSON object a line, in the order of `seq`, without gaps.
  Format 2  {"v": 2, "seq", "time", "actor", "actor_type", "kind", "verb", ..., "salt", "prev_hash", "hash"};
            what is null is left out. content_hash = H(all fields but prev_hash and hash),
            hash = H({"content_hash", "prev_hash", "seq"}).
  Withheld  {"v": 2, "seq", "content_hash", "prev_hash", "hash"}: what it says is not this reader's business.
            Its place in the chain is proven, its content is not; the salt keeps it from being guessed.
  Format 1  older, has no "v": the fields of FORM_1 below, nulls kept; hash = H(all fields but hash).
  The first entry of all has seq 1 and a prev_hash of 64 zeros; every other prev_hash is the hash before it.
  No entry of format 1 stands behind one of format 2.

checkpoints.jsonl: where the chain ended at a moment, written outside the database while it ran, oldest first:
  {"count": n, "hash", "seq": n, "time"}, where signed also "key" (an Ed25519 public key, 64 hex digits) and
  "signature" (128 hex digits) over the canonical JSON of the rest. seq and time never go back.

manifest.json: {"format": 2, "made_at", "first_seq", "last_seq", "start_hash": prev_hash of the first entry,
  "end_hash": hash of the last, "entries": how many are whole, "withheld": how many are not, "head": {"seq",
  "hash"} of the whole chain when the pack was made, "period", "flow", "files": {name: SHA-256}}. files names
  every file but manifest.json and its detached signature, manifest.sig, which is not checked here. A pack
  without entries has last_seq = first_seq - 1 and end_hash = start_hash.

A pack speaks for the moment when it was made: checkpoints younger than made_at may lie beyond its end. See
that made_at is when you asked for it.

WHAT THIS CANNOT SHOW. Who can write the database can rebuild the whole chain, and a pack of it agrees with
itself. Only a checkpoint kept out of their reach (--checkpoints), or signed with a key out of their reach
(--key), distinguishes such a chain from the true one, and only up to the last entry that it saw.
"""
# ruff: noqa: T201, PLR2004, N818 - it speaks on stdout; lengths are the format's; Broken is a finding

from __future__ import annotations

import argparse
import hashlib
import io
import json
import re
import sys
import zipfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Row = dict[str, Any]
    Opener = Callable[[], IO[bytes]]
    Files = dict[str, Opener]  # the names of the pack's files, and how to open them
    Point = tuple[int, int, int, int]

START = "0" * 64
FORM_1 = {
    "seq", "time", "actor", "actor_type", "kind", "verb", "case_id", "correlation_id", "flow", "step",
    "tenant", "from_state", "to_state", "reason", "details", "prev_hash", "hash",
}  # fmt: skip
WITHHELD = {"v", "seq", "content_hash", "prev_hash", "hash"}
CHECKPOINT = {"count", "hash", "seq", "time"}
SCALARS = {str, int, bool, type(None)}
OUTSIDE = "(outside)"  # stands among the names of files, where none can be called so

MAX_LINE = 16 << 20  # bytes: memory stays bounded whatever a file holds
MAX_PACK = 64 << 30  # bytes, unpacked
MAX_FILES = 100
SIGNATURES = 1000  # of more checkpoints than these, some signatures go unchecked: each takes milliseconds


class Unreadable(Exception):
    """The pack is not in the format described above, so it cannot be checked."""


class Broken(Exception):
    """The pack can be read, and is not what was written."""


@dataclass(frozen=True)
class Result:
    """What was found; the numbers, and `head`, the last hash, reach as far as the chain holds."""

    entries: int  # whole ones
    withheld: int
    first_seq: int
    last_seq: int  # first_seq - 1: there is none
    head: str
    problem: str | None = None  # None: intact
    findings: tuple[str, ...] = ()  # what was checked, in sentences


def readable(ok: object, words: str) -> None:
    """Go on only if the pack is in the format."""
    if not ok:
        raise Unreadable(words)


def holds(ok: object, words: str) -> None:
    """Go on only if the pack is what was written."""
    if not ok:
        raise Broken(words)


# --- JSON, read strictly and written canonically ------------------------------------------------------------

canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def sha256(text: str) -> str:
    """Return the SHA-256 of a text; ValueError: it has half of a surrogate pair, which UTF-8 cannot hold."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _unambiguous(pairs: list[tuple[str, Any]]) -> Row:
    # Of {"actor": "ann", "actor": "bob"} one program shows Ann while another hashes Bob.
    row = dict(pairs)
    readable(len(row) == len(pairs), "a key stands twice in one object")
    return row


def _fraction(number: str) -> None:
    raise Unreadable(f"{number[:20]} is not a whole number")


# Python itself refuses whole numbers of more than 4300 digits, with which a file could keep it busy.
_decode = json.JSONDecoder(
    object_pairs_hook=_unambiguous, parse_float=_fraction, parse_constant=_fraction
).decode


def read(data: bytes, place: str, kind: Callable[[Row], Any]) -> Any:
    """Read one JSON object and return what `kind` makes of it; `place` is named where that fails."""
    try:
        row = _decode(data.decode("utf-8"))
        readable(type(row) is dict, "this is not a JSON object")
        return kind(row)
    except (Unreadable, ValueError, RecursionError) as error:
        raise Unreadable(f"{place}: {error}") from error


def _like(pattern: str) -> Callable[[object], bool]:
    match = re.compile(pattern).fullmatch
    return lambda value: type(value) is str and match(value) is not None


is_hash, is_salt, is_signature = _like("[0-9a-f]{64}"), _like("[0-9a-f]{32}"), _like("[0-9a-f]{128}")
is_time = _like(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")
is_name = _like("[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")  # of a file: no path, no folder, nothing hidden


def is_count(value: object) -> bool:
    """Return whether a value is a whole number; true, which Python takes for 1, is not."""
    return type(value) is int and value >= 0


# --- The files of a pack ------------------------------------------------------------------------------------


def _opener(path: Path) -> Opener:
    return lambda: path.open("rb")


def open_pack(path: Path, closing: ExitStack) -> Files:
    """Name the files of a folder or a ZIP; refuse what could mislead a reader or fill a memory."""
    if path.is_dir():
        found = list(path.iterdir())
        plain = all(file.is_file() and not file.is_symlink() for file in found)
        files = [(file.name, file.stat().st_size, _opener(file)) for file in found]
    else:
        archive = closing.enter_context(zipfile.ZipFile(path))
        members = archive.infolist()
        plain = all(m.compress_type in (0, 8) for m in members)
        files = [(m.filename, m.file_size, partial(archive.open, m)) for m in members]
    readable(plain, "the pack holds a folder, a link, or a file that is packed in an unusual way")
    readable(all(is_name(name) for name, _, _ in files), "a file of the pack has no plain name")
    readable(len({name.lower() for name, _, _ in files}) == len(files), "two files of the pack have one name")
    readable(len(files) <= MAX_FILES, f"the pack holds more than {MAX_FILES} files")
    readable(sum(size for _, size, _ in files) <= MAX_PACK, f"the pack unpacks to more than {MAX_PACK} bytes")
    return {name: opener for name, _, opener in files}


def read_lines(opener: Opener) -> Iterator[bytes]:
    """Yield the lines of a file."""
    with opener() as raw, io.BufferedReader(raw, 1 << 20) as file:  # type: ignore[type-var]
        while line := file.readline(MAX_LINE):
            readable(len(line) < MAX_LINE, f"a line has {MAX_LINE} bytes or more")
            yield line


def read_rows(opener: Opener, name: str, kind: Callable[[Row], Any]) -> Iterator[Any]:
    """Yield what `kind` makes of every line."""
    for number, line in enumerate(read_lines(opener), start=1):
        yield read(line, f"line {number} of {name}", kind)


# --- The chain ----------------------------------------------------------------------------------------------


def entry_hash(row: Row) -> str:
    """Compute what the hash of an entry must be."""
    content = row.copy()
    del content["hash"]
    if "v" not in row:
        return sha256(canonical(content))
    del content["prev_hash"]
    recorded = row["content_hash"] if "content_hash" in row else sha256(canonical(content))
    # This is canonical JSON too: the keys are in their order, and hex needs no escapes.
    return sha256(f'{{"content_hash":"{recorded}","prev_hash":"{row["prev_hash"]}","seq":{row["seq"]}}}')


def read_entry(row: Row) -> tuple[Row, str]:
    """Return an entry that is sound enough to be hashed, and the hash that it must have."""
    readable(SCALARS.issuperset(map(type, row.values())), "a list or an object in it")
    readable("".join(row).isascii(), "a key that is not ASCII")
    readable("v" not in row or (type(row["v"]) is int and row["v"] == 2), "its format is not known here")
    readable(is_count(row.get("seq")), "it has no number")
    readable(is_hash(row.get("prev_hash")) and is_hash(row.get("hash")), "no hash of 64 lower-case digits")
    if "content_hash" in row:
        readable(row.keys() == WITHHELD and is_hash(row["content_hash"]), "neither whole nor withheld")
    return row, entry_hash(row)


def is_complete(row: Row) -> bool:
    """Return whether an entry, whose hash holds, has the fields that its format asks for."""
    if "v" not in row:
        return row.keys() == FORM_1
    texts = [type(row.get(name)) for name in ("time", "actor", "actor_type", "kind", "verb")] == [str] * 5
    return "content_hash" in row or (texts and is_salt(row.get("salt")) and None not in row.values())


class Chain:
    """The walk along the entries: each must continue the one before."""

    def __init__(self, first_seq: int, start_hash: str) -> None:
        self.first_seq, self.last_seq, self.head = first_seq, first_seq - 1, start_hash
        self.entries = self.withheld = 0
        self._modern = False  # whether an entry of format 2 was met

    def add(self, row: Row, digest: str) -> None:
        """Add the next entry, or say what is wrong with it."""
        holds(row["seq"] == self.last_seq + 1, "it is missing or not in its place")
        holds(row["prev_hash"] == self.head, "it does not continue the entry before it")
        holds(row["hash"] == digest, "it was altered after it was written")
        holds(is_complete(row), "it has not the fields that its format asks for")
        holds("v" in row or not self._modern, "it is of format 1, behind an entry of format 2")
        self._modern, self.last_seq, self.head = "v" in row, self.last_seq + 1, row["hash"]
        self.withheld += "content_hash" in row
        self.entries += "content_hash" not in row


# --- Checkpoints --------------------------------------------------------------------------------------------


def read_checkpoint(row: Row) -> Row:
    """Return a checkpoint, signed or not, if it is one."""
    signed = row.keys() == CHECKPOINT | {"key", "signature"}
    readable(signed or row.keys() == CHECKPOINT, "these are not the fields of a checkpoint")
    readable(is_count(row["seq"]) and is_count(row["count"]) and is_time(row["time"]), "no number or no time")
    readable(is_hash(row["hash"]), "no hash of 64 lower-case digits")
    readable(not signed or (is_hash(row["key"]) and is_signature(row["signature"])), "no key or no signature")
    return row


class Witness:
    """A file of checkpoints, walked along with the entries and never held in memory."""

    def __init__(self, opener: Opener, name: str, key: str | None) -> None:
        self.name, self.key, self._opener = name, key, opener
        self.total = sum(1 for _ in read_lines(opener))
        # All of them, or as many as time allows: the first, the last, and others spread between.
        self._chosen = {step * (self.total - 1) // (SIGNATURES - 1) for step in range(SIGNATURES)}
        self.checked = self.unsigned = self.later = 0
        self.seen: Row | None = None  # the last checkpoint that saw an entry of this pack
        self._rows = self._read()
        self.next = next(self._rows, None)

    def _read(self) -> Iterator[Row]:
        before: Row = {"seq": 0, "time": "", "hash": START}
        for index, row in enumerate(read_rows(self._opener, self.name, read_checkpoint)):
            seq, which = row["seq"], f"entry {row['seq']}: line {index + 1} of {self.name}"
            holds(seq >= before["seq"], f"{which} goes back in number")
            holds(row["time"] >= before["time"], f"{which} goes back in time")
            holds(row["count"] == seq, f"{which} counts {row['count']} entries")
            holds(seq > before["seq"] or row["hash"] == before["hash"], f"{which} denies the line before")
            holds(self.key in (None, row.get("key")), f"{which} is not signed with the key expected")
            self.unsigned += "key" not in row
            if index in self._chosen:
                self._check_signature(row)
            before = row
            yield row

    def _check_signature(self, row: Row) -> None:
        if "key" in row:
            recorded = canonical({name: value for name, value in row.items() if name != "signature"}).encode()
            forged = f"entry {row['seq']}: its checkpoint in {self.name} has a forged signature"
            holds(is_signed(row["key"], recorded, row["signature"]), forged)
            self.checked += 1

    def meet(self, chain: Chain) -> None:
        """Compare the checkpoints that saw the entry at which the chain stands now."""
        while self.next is not None and self.next["seq"] <= chain.last_seq:
            same = self.next["seq"] < chain.last_seq or self.next["hash"] == chain.head
            holds(same, f"entry {chain.last_seq}: not the one that {self.name} saw at {self.next['time']}")
            if self.next["seq"] >= chain.first_seq:
                self.seen = self.next
            self.next = next(self._rows, None)

    def finish(self, chain: Chain, head: Row, made_at: str | None) -> str:
        """Look at the checkpoints beyond the last entry, and say what all of them prove."""
        if self.seen and self.total > SIGNATURES:  # chosen or not: all that it saw hangs on this one
            self._check_signature(self.seen)
        while self.next is not None:
            seq, saw = self.next["seq"], f"{self.name} saw entry {self.next['seq']} at {self.next['time']}"
            # A pack may be older than the checkpoints it is held against: it speaks for when it was made.
            late = made_at is not None and self.next["time"] > made_at
            self.later += late
            cut = f"entry {head['seq'] + 1}: the audit ends before it, but {saw}"
            holds(seq <= head["seq"] or late, f"{cut}: its end was cut off, or an older database restored")
            holds(seq != head["seq"] or self.next["hash"] == head["hash"], f"entry {seq}: not as {saw}")
            self.next = next(self._rows, None)
        seen = self.seen["seq"] if self.seen else chain.first_seq - 1
        trust = "the key expected" if self.key else "the key each names: that shows only that they fit"
        return (
            f"{self.name}: {self.total} checkpoints agree. Signatures checked: {self.checked}, by {trust}. "
            f"Unsigned checkpoints: {self.unsigned}. Younger than the pack: {self.later}. Entries that no "
            f"checkpoint saw, which hang on the chain alone: {chain.last_seq - seen}."
        )


# --- Signatures: Ed25519 after RFC 8032, section 6. Slow; no secret here that its timing could reveal -------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def _add(p: Point, q: Point) -> Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _times(factor: int, point: Point) -> Point:
    total: Point = (0, 1, 1, 0)
    while factor:
        total = _add(total, point) if factor & 1 else total
        point, factor = _add(point, point), factor >> 1
    return total


def _point(packed: bytes) -> Point:
    """Unpack a point of the curve; ValueError: it is none."""
    number = int.from_bytes(packed, "little")
    sign, y = number >> 255, number % 2**255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x if x * x % P == square else x * pow(2, (P - 1) // 4, P) % P
    if y >= P or x * x % P != square or (x == 0 and sign):
        raise ValueError
    x = x if x % 2 == sign else P - x
    return x, y, 1, x * y % P


BASE = _point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(key: str, message: bytes, signature: str) -> bool:
    """Return whether the owner of a public key signed a message; key and signature in hex."""
    public, half, s = bytes.fromhex(key), bytes.fromhex(signature[:64]), bytes.fromhex(signature[64:])
    factor = int.from_bytes(s, "little")
    h = int.from_bytes(hashlib.sha512(half + public + message).digest(), "little") % ORDER
    try:
        left, right = _times(factor, BASE), _add(_point(half), _times(h, _point(public)))
    except ValueError:
        return False
    same = all((left[i] * right[2] - right[i] * left[2]) % P == 0 for i in (0, 1))
    return same and factor < ORDER  # a larger factor would be a second signature of the same message


# --- The pack as a whole ------------------------------------------------------------------------------------


def read_manifest(row: Row) -> Row:
    """Return the manifest, if all that is compared below is in it."""
    head, named = row.get("head"), row.get("files")
    readable(type(row.get("format")) is int and row["format"] == 2, "it is not of format 2")
    if type(head) is not dict or type(named) is not dict:
        raise Unreadable("it names no head or no files")
    numbers = [row.get(name) for name in ("first_seq", "last_seq", "entries", "withheld")] + [head.get("seq")]
    hashes = [row.get("start_hash"), row.get("end_hash"), head.get("hash"), *named.values()]
    readable(all(map(is_count, numbers)) and row["first_seq"] > 0, "it lacks a whole number")
    readable(all(map(is_hash, hashes)), "it lacks a hash of 64 lower-case digits")
    readable(is_time(row.get("made_at")), "it lacks the time when the pack was made")
    return row


def check_manifest(row: Row, chain: Chain) -> str:
    """Compare what the manifest says with what the entries showed."""
    last, head = chain.last_seq, row["head"]
    holds(row["last_seq"] <= last, f"entry {last + 1}: it is missing, the manifest goes to {row['last_seq']}")
    for name in ("last_seq", "entries", "withheld"):
        found = getattr(chain, name)
        holds(row[name] == found, f"entry {last}: the manifest says {name} {row[name]}, the entries {found}")
    holds(row["end_hash"] == chain.head, f"entry {last}: it is not the one with which the manifest ends")
    reached = head["seq"] > last or (head["seq"] == last and head["hash"] == chain.head)
    holds(reached, f"entry {last}: the manifest has another end of the chain, entry {head['seq']}")
    return f"The manifest agrees. It says: made at {row['made_at']}, when the chain ended with {head['seq']}."


def check_files(named: dict[str, str], files: Files) -> str:
    """Compare every file with the hash that the manifest has for it."""
    for name in sorted(named.keys() | (files.keys() - {"manifest.json", "manifest.sig", OUTSIDE})):
        holds(name in named, f"the manifest does not name the file {name}")
        holds(name in files, f"the file {name!a} is missing")
        digest = hashlib.sha256()
        for line in read_lines(files[name]):
            digest.update(line)
        holds(digest.hexdigest() == named[name], f"the file {name} is not the one that the manifest names")
    unchecked = " manifest.sig was not checked." if "manifest.sig" in files else ""
    return f"{len(named)} files have the SHA-256 that the manifest names.{unchecked}"


def walk(chain: Chain, files: Files, witnesses: list[Witness]) -> str:
    """Go along all entries, and along the checkpoints with them."""
    holds(chain.first_seq > 1 or chain.head == START, "entry 1: the first of all must follow 64 zeros")
    for witness in witnesses:
        witness.meet(chain)
    for row, digest in read_rows(files["entries.jsonl"], "entries.jsonl", read_entry):
        try:
            chain.add(row, digest)
        except Broken as broken:
            raise Broken(f"entry {chain.last_seq + 1}: {broken}") from broken
        for witness in witnesses:
            witness.meet(chain)
    return (
        f"Entries {chain.first_seq} to {chain.last_seq} are one chain: {chain.entries} whole, "
        f"{chain.withheld} withheld (their place is proven, what they say is not)."
    )


def _check(files: Files, manifest: Row | None, key: str | None) -> Result:
    recorded = manifest or {"first_seq": 1, "start_hash": START, "made_at": None}
    chain, findings, problem = Chain(recorded["first_seq"], recorded["start_hash"]), list[str](), None
    try:
        sources = {"checkpoints.jsonl": "the pack's checkpoints.jsonl", OUTSIDE: "the file of --checkpoints"}
        witnesses = [Witness(files[name], words, key) for name, words in sources.items() if name in files]
        findings.append(walk(chain, files, witnesses))
        if manifest:
            findings += [check_manifest(manifest, chain), check_files(manifest["files"], files)]
        head = recorded.get("head", {"seq": chain.last_seq, "hash": chain.head})
        findings += [witness.finish(chain, head, recorded["made_at"]) for witness in witnesses]
        proven = any(witness.seen for witness in witnesses) or chain.last_seq < chain.first_seq
        holds(proven or key is None, "the key proves nothing: no checkpoint saw an entry of this pack")
        if OUTSIDE not in files:
            findings.append("No checkpoints kept elsewhere were given: a rebuilt chain would not be noticed.")
    except Broken as broken:
        problem = str(broken)
    reach = (chain.entries, chain.withheld, chain.first_seq, chain.last_seq, chain.head)
    return Result(*reach, problem, tuple(findings))


def verify(path: Path, checkpoints: Path | None = None, key: str | None = None) -> Result:
    """Check a pack (ZIP or folder) or a bare entries.jsonl, which must hold the chain from its beginning.

    Raises:
        Unreadable: it is not in the format, so it cannot be checked.
    """
    with ExitStack() as closing:
        try:
            readable(key is None or is_hash(key), "the key is not 64 lower-case digits")
            bare = path.suffix == ".jsonl" and path.is_file()
            files = {"entries.jsonl": _opener(path)} if bare else open_pack(path, closing)
            readable(bare or {"entries.jsonl", "manifest.json"} <= files.keys(), "no entries or no manifest")
            manifest = None
            if not bare:
                with files["manifest.json"]() as file:
                    manifest = read(file.read(MAX_LINE), "manifest.json", read_manifest)
            if checkpoints is not None:  # read twice, which a pipe cannot be
                readable(checkpoints.stat().st_size, "the file of --checkpoints is empty, or a pipe")
                files[OUTSIDE] = _opener(checkpoints)
            return _check(files, manifest, key)
        except (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
            raise Unreadable(f"{type(error).__name__}: {error}") from error


def main() -> int:
    """Check what the command line names."""
    parser = argparse.ArgumentParser(description="Check an evidence pack of Unsnag.")
    parser.add_argument("pack", type=Path, help="a ZIP, a folder, or entries.jsonl alone")
    parser.add_argument("--checkpoints", type=Path, help="checkpoints that were kept elsewhere")
    parser.add_argument("--key", help="the public key that signed them, 64 hex digits")
    asked = parser.parse_args()
    try:
        result = verify(asked.pack, asked.checkpoints, asked.key)
    except Unreadable as reason:
        print(f"CANNOT BE READ: {str(reason).encode('ascii', 'backslashreplace').decode()}")
        return 2
    print(*result.findings, f"BROKEN: {result.problem}" if result.problem else "INTACT", sep="\n")
    return 1 if result.problem else 0


if __name__ == "__main__":
    sys.exit(main())
