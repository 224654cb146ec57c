"""Secrets in files: read only where nobody else may read them."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from data.errors import UnsnagError

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SecretFileError(UnsnagError):
    """A file with a secret cannot be used."""


def read_secret(path: Path) -> str:
    """Return the text of a file that only its owner may read, without white space around it.

    Raises:
        SecretFileError: it cannot be read, is empty, or others may read it.
    """
    check_private(path)
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"The secret file {path} cannot be read: {error}.") from error
    if not text:
        raise SecretFileError(f"The secret file {path} is empty.")
    return text


def check_private(path: Path) -> None:
    """Refuse a file that others than its owner may read or write.

    Raises:
        SecretFileError: others may, or the file is not there.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SecretFileError(f"The secret file {path} cannot be read: {error.strerror}.") from error
    if os.name == "posix" and mode & _OTHERS:
        raise SecretFileError(f"Others may read {path}. Say `chmod 600 {path}`, then start again.")
