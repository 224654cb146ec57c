"""Nothing unread in silence: lines of no layout, files that no pattern takes, sources with only info."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from collectors.lines import Reader
from collectors.piece import Piece
from collectors.settings import CollectorSettings
from collectors.sources import Sources
from collectors.states import SourceState
from collectors.status import Counts, SourceStatus, brings_only_info
from data.clock import utc_now
from data.nouns import noun
from tests.collectors.rows import normaliser, read
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collectors.supervisor import Supervised
    from data.store import Store

KNOWN = b"2026-11-16 10:00:00,123 - shop - ERROR - no answer"


def test_lines_of_no_layout_are_counted_and_sampled_by_their_shape() -> None:
    lines = [f"paid {n} EUR by card 4111 1111 1111 1111".encode() for n in range(50)]
    text = read(b"\n".join([*lines, KNOWN, b"done", b'{"event":"x"}'])).batch().text
    assert text.unknown == 51
    assert text.sample == ["paid 0 EUR by card [masked: card]", "done"]
    assert text.layouts == ["JSON", "a time, then level and logger in any order"]


def test_a_bare_stack_trace_is_understood() -> None:
    trace = b'Traceback (most recent call last):\n  File "a.py", line 1, in f\nValueError: x'
    assert read(trace).batch().text.unknown == 0


@pytest.mark.parametrize("cut", range(1, 60, 7))
def test_a_line_is_counted_once_however_the_file_is_cut(cut: int) -> None:
    raw = b"one of no layout\n" * 4 + KNOWN + b"\nlast\n"
    n, consumed = normaliser(), 0
    for end in (*range(cut, len(raw), cut), len(raw)):
        until = raw.rfind(b"\n", 0, end) + 1
        if until > consumed:
            lines = raw[consumed:until].split(b"\n")[:-1]
            consumed = Reader.into(n).read(Piece(lines, None, consumed, 7, final=False))
    Reader.into(n).read(Piece(raw[consumed:].split(b"\n"), None, consumed, 7, final=True))
    assert n.batch().text.unknown == 5


def counted(store: Store) -> Counts:
    (found,) = store.query("server/sources", into=noun(Counts))
    return found


def test_a_source_keeps_the_count_and_the_newest_sample(
    store: Store, tmp_path: Path, follow: Callable[..., Supervised]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(b"nothing known\n" * 3)
    (folder / "b.txt").write_bytes(b"a name that nobody thought of\n")
    (folder / "a.log.1").write_bytes(b"rotated\n")
    supervised = follow("*.log")
    eventually(lambda: store.query("server/sources") and counted(store).unknown_lines == 3)
    with (folder / "a.log").open("ab") as file:
        file.write(b"something else\n")
    eventually(lambda: counted(store).unknown_lines == 4)
    assert counted(store).unknown_sample == ["something else"]
    assert counted(store).varied_at is None
    assert supervised.source.health().untaken == (str(folder / "b.txt"),)


def test_anything_but_info_is_noted(store: Store, tmp_path: Path, follow: Callable[..., Supervised]) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "a.log").write_bytes(KNOWN + b"\n")
    follow("*.log")
    eventually(lambda: store.query("server/sources") and counted(store).records == 1)
    assert counted(store).varied_at is not None


def test_a_source_that_only_brings_info_of_one_layout_for_a_day_is_noticed() -> None:
    now = utc_now()
    base = SourceStatus(name="a", kind="jsonl", state=SourceState.RUNNING, reason="", next_step="")
    old, fresh = now - timedelta(hours=30), now - timedelta(minutes=1)
    source = replace(base, first_ingested_at=old, last_ingested_at=fresh, layouts=["logfmt"])
    assert brings_only_info(source, now)
    assert not brings_only_info(replace(source, varied_at=now - timedelta(hours=3)), now)
    # A day without an error is no fault of a source that is known to have levels.
    assert not brings_only_info(replace(source, varied_at=now - timedelta(days=29)), now)
    assert brings_only_info(replace(source, varied_at=now - timedelta(days=31)), now)
    assert not brings_only_info(replace(source, layouts=["JSON", "logfmt"]), now)
    assert not brings_only_info(replace(source, first_ingested_at=now - timedelta(hours=2)), now)
    assert not brings_only_info(replace(source, last_ingested_at=now - timedelta(hours=25)), now)
    assert not brings_only_info(base, now)


def test_a_file_of_another_source_is_not_named(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    for name in ("a.log", "b.out", "c.txt"):
        (folder / name).write_bytes(b"one\n")
    sections = [{"name": end, "paths": [str(folder / f"*.{end}")]} for end in ("log", "out")]
    sources = Sources(store, CollectorSettings.model_validate({"jsonl": sections}), ())
    sources.start()
    try:
        named = [[str(folder / "c.txt")]] * 2
        eventually(lambda: [one.untaken_files for one in sources.sources({}, utc_now())][:2] == named)
    finally:
        sources.stop()
