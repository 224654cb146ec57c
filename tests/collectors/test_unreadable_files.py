"""A file that is no text is named with its reason at once; what only looks odd is read."""

from __future__ import annotations

import gzip
import random
import struct
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from collectors import charsets
from collectors.no_text import unreadable
from tests.collectors.statuses import status
from tests.collectors.test_files import line, messages, wait_for
from tests.layouts.proof import PROOFS

if TYPE_CHECKING:
    from collections.abc import Callable

    from collectors.supervisor import Supervised
    from data.store import Store

GERMAN = "2026-11-16 10:00:00 ERROR Zahlung für Müller abgelehnt: Betrag überschritten\n" * 20
RUSSIAN = "2026-11-16 10:00:00 ERROR платёж отклонён: превышена сумма по договору\n" * 20
NOISE = random.Random(7).randbytes(4096)
UTMP = b"".join(
    struct.pack("<hxxi32s4s32s256s84x", 7, n, b"pts/1", b"ts/1", b"root", b"host") for n in range(9)
)


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        (Path(sys.executable).resolve().read_bytes()[:4096], "it is a program"),
        (UTMP, "it is binary"),
        (NOISE, "it is binary"),
        (NOISE.translate(None, b"\0\n"), "it is binary"),
        (b"%PDF-1.7\n%\xe2\xe3\n" + GERMAN.encode(), "it is a PDF"),
        (b"\xfd7zXZ\0\0\x04", "packed with xz"),
        (b"LPKSHHRH" + bytes(200), "journalctl -o json"),
        (GERMAN.encode("utf-32"), "it is in UTF-32"),
        (GERMAN.encode("cp037", "replace"), "it is in EBCDIC"),
    ],
)
def test_what_is_no_text_is_named_by_what_it_is(head: bytes, reason: str) -> None:
    assert reason in str(unreadable(head))


@pytest.mark.parametrize(
    ("text", "setting", "reason"),
    [
        (GERMAN.encode(), "utf-16", "it is not in utf-16, as `encoding` says, but in UTF-8"),
        (RUSSIAN.encode("cp1251"), "utf-8", "it is not in utf-8"),
        (RUSSIAN.encode("cp1251"), "shift_jis", "it is not in shift_jis"),
        (RUSSIAN.encode("cp1251"), "cp1251", None),
        (GERMAN.encode("cp1252"), "utf-8", None),
        (GERMAN.encode("utf-16"), "utf-16", None),
        (GERMAN.encode("utf-16-le"), "utf-16-le", None),
        (GERMAN.encode("utf-8"), "cp1252", None),
    ],
)
def test_a_setting_that_cannot_be_right_is_named(text: bytes, setting: str, reason: str | None) -> None:
    found = unreadable(text[:4096], setting)
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1251", "iso8859-5", "koi8-r", "utf-16"])
@pytest.mark.parametrize("cut", [100, 1001, 4096])
def test_text_is_text_wherever_its_beginning_is_cut(encoding: str, cut: int) -> None:
    assert unreadable(RUSSIAN.encode(encoding)[:cut]) is None


@pytest.mark.parametrize(
    "head",
    [
        *(proof.log[:4096] for proof in PROOFS),
        b"",
        b"\0" * 4096,  # a file that was truncated while its program went on writing
        b"\0" * 3000 + GERMAN.encode()[:1000],
        b"8=FIX.4.2\x019=178\x0135=8\x0149=PHLX\x0156=PERS\x0152=20261116-10:00:00\x01" * 40,
        b"\x1b[31mERROR\x1b[0m no answer\n" * 90,
        b"__CURSOR=1\nMESSAGE\n\x05\0\0\0\0\0\0\0a\nb\nc\n\n",
        "日本語のログ エラーが発生しました\n".encode("shift_jis") * 99,
    ],
    ids=lambda head: repr(head[:24]),
)
def test_logs_are_text(head: bytes) -> None:
    assert unreadable(head) is None


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_recognised(encoding: str) -> None:
    assert charsets.wide(GERMAN.encode(encoding)[:256], None) == encoding
    assert charsets.wide("kurz Größe\n".encode(encoding)[:20], None) == encoding
    for other in (
        NOISE[:256],
        UTMP[:256],
        GERMAN.encode()[:256],
        b"\0" * 256,
        struct.pack("<64h", *range(64)),
    ):
        assert charsets.wide(other, None) is None


# --- in a folder that is followed --------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "logs"
    made.mkdir()
    return made


def unreadable_of(supervised: Supervised) -> dict[str, str]:
    return {Path(file.path).name: file.reason for file in status(supervised).unreadable_files}


def wait(done: Callable[[], object]) -> None:
    until = time.monotonic() + 60
    while not done():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_files_that_cannot_be_read_are_named_and_the_others_read(
    store: Store, folder: Path, follow: Any
) -> None:
    packed = gzip.compress(line("packed") * 50)
    (folder / "noise.log").write_bytes(NOISE.translate(None, b"\n"))
    (folder / "program.log").write_bytes(Path(sys.executable).resolve().read_bytes()[:100_000])
    (folder / "short.log").write_bytes(b"\x89PNG\r\n\x1a\n\0\0")
    (folder / "bad.log.gz").write_bytes(packed[:20] + b"\xff" * 40)
    (folder / "cut.log.gz").write_bytes(packed[:-12])
    (folder / "wide.log").write_bytes("2026-11-16 10:00:00 ERROR Größe\n".encode("utf-16-le"))
    (folder / "good.log").write_bytes(line("good"))
    follower = follow()
    expected = {
        "noise.log": "it is binary, not text",
        "program.log": "it is a program, not text: export it as CSV or JSON",
        "short.log": "it is a picture, not text: export it as CSV or JSON",
        "bad.log.gz": "its gzip content is broken",
        "cut.log.gz": "its gzip content is broken",
    }
    wait(lambda: unreadable_of(follower).keys() == expected.keys())
    for name, reason in unreadable_of(follower).items():
        assert reason.startswith(expected[name])
    wait(lambda: {"good", "Größe"} <= set(messages(store)))
    assert not [row for row in messages(store) if row not in {"good", "Größe", "packed"}]
    # The file that breaks off may still be written: it is waited for, and stalled after a while.
    assert status(follower).state in ("failed", "stalled")
    # A file that holds text after all is read, and is named no more.
    (folder / "noise.log").write_bytes(line("now text"))
    wait(lambda: "now text" in messages(store))
    wait(lambda: "noise.log" not in unreadable_of(follower))


def test_a_binary_file_is_in_no_quarantine_and_stays_named_after_a_restart(
    store: Store, folder: Path, follow: Any
) -> None:
    (folder / "noise.log").write_bytes(NOISE)
    first = follow()
    wait(lambda: "noise.log" in unreadable_of(first))
    first.stop()
    second = follow()
    wait(lambda: "noise.log" in unreadable_of(second))
    (folder / "good.log").write_bytes(line("good"))
    wait_for(store, ["good"])
    assert store.query("server/quarantine", {"limit": 9, "offset": 0, "behind": None}) == []
