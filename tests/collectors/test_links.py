"""A symbolic link that leads out of a followed folder is not followed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from collectors.folder import Folder
from collectors.inbox import Inbox

if TYPE_CHECKING:
    from pathlib import Path


def followed(folder: Path, pattern: str = "*.log", links: tuple[str, ...] = ()) -> list[str]:
    paths = Folder([str(folder / pattern)], None, 60, links).paths()
    return [os.path.relpath(path, folder) for path in paths]


def test_links_within_the_folder_are_followed_and_others_are_not(tmp_path: Path) -> None:
    logs, secret = tmp_path / "logs", tmp_path / "secret"
    (logs / "old").mkdir(parents=True)
    secret.mkdir()
    (secret / "shadow.log").write_text("root:x\n")
    (logs / "app-1.log").write_text("line\n")
    (logs / "current.log").symlink_to("app-1.log")
    (logs / "evil.log").symlink_to(secret / "shadow.log")
    (logs / "up.log").symlink_to("../secret/shadow.log")
    (logs / "dir").symlink_to(secret)
    assert followed(logs) == ["app-1.log", "current.log"]
    assert followed(logs, "*/*.log") == []
    assert followed(logs, "**/*.log") == ["app-1.log", "current.log"]
    assert "evil.log" in followed(logs, links=(str(secret),)), "where the settings name its folder"


def test_a_folder_that_is_a_link_itself_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.log").write_text("line\n")
    (tmp_path / "logs").symlink_to(tmp_path / "real")
    assert followed(tmp_path / "logs") == ["a.log"]


def test_a_folder_in_its_name_alone_is_another_one(tmp_path: Path) -> None:
    for name in ("logs", "logs-private"):
        (tmp_path / name).mkdir()
    (tmp_path / "logs-private" / "b.log").write_text("line\n")
    (tmp_path / "logs" / "b.log").symlink_to(tmp_path / "logs-private" / "b.log")
    assert followed(tmp_path / "logs") == []


def test_a_drop_folder_does_not_read_through_a_linked_folder(tmp_path: Path) -> None:
    drop, secret = tmp_path / "drop", tmp_path / "secret"
    drop.mkdir()
    secret.mkdir()
    (secret / "a.csv").write_text("order\n1\n")
    (drop / "in").symlink_to(secret)
    (drop / "b.csv").write_text("order\n2\n")
    inbox = Inbox(drop, ["*.csv", "*/*.csv"], None, 0.0)
    inbox.scan(1.0)
    assert set(inbox.waiting) == {"b.csv"}
