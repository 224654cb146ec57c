"""What `exclude` names is neither read nor named as something that no pattern takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from collectors.exclude import Exclude
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from collectors.supervisor import Supervised
    from data.store import Store

BINARY = bytes(range(256)) * 20


@pytest.mark.parametrize(
    ("patterns", "left"),
    [
        ([], ["app.log", "btmp.log", "old/app.log"]),
        (["btmp*"], ["app.log", "old/app.log"]),
        (["app.log"], ["btmp.log"]),
        (["FOLDER/old/**"], ["app.log", "btmp.log"]),
        (["FOLDER/app.log", "*tmp*"], ["old/app.log"]),
        (["old"], ["app.log", "btmp.log", "old/app.log"]),
    ],
)
def test_a_pattern_is_of_names_or_with_a_slash_of_paths(
    tmp_path: Path, patterns: list[str], left: list[str]
) -> None:
    paths = [tmp_path / name for name in ("app.log", "btmp.log", "old/app.log")]
    for path in paths:
        path.parent.mkdir(exist_ok=True)
        path.touch()
    exclude = Exclude([pattern.replace("FOLDER", str(tmp_path)) for pattern in patterns])
    assert exclude.kept(map(str, paths)) == [str(tmp_path / name) for name in left]


@pytest.mark.parametrize("exclude", [[], ["btmp*", "notes.txt"]])
def test_one_binary_file_in_a_broad_pattern_is_left_out(
    store: Store, tmp_path: Path, follow: Callable[..., Supervised], exclude: list[str]
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "app.log").write_text("2026-11-16 10:00:00 ERROR payment refused\n")
    (folder / "btmp.log").write_bytes(BINARY)
    (folder / "notes.txt").write_text("by hand\n")
    source = follow("*.log", exclude=exclude).source
    eventually(lambda: store.query("server/sources") and not source.backlog().ready)
    refused = [file.path for file in source.backlog().files if file.error]
    assert refused == ([] if exclude else [str(folder / "btmp.log")])
    if exclude:
        assert source.health().untaken == ()
    else:
        eventually(lambda: source.health().untaken == (str(folder / "notes.txt"),))
