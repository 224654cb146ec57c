"""Where the running server is, for commands on the same machine: a file that only its owner may read."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final, Self

from data.secrets import SecretFileError, read_secret

if TYPE_CHECKING:
    from pathlib import Path

    from server.settings import Settings

_NAME: Final = "running.json"
_EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - where to reach it from here


@dataclass(frozen=True, slots=True)
class Running:
    """A running server: its address, its certificate, and the secret that its commands show."""

    url: str
    secret: str
    cert: str | None = None
    instance: str | None = None
    """What `/readyz` of this very server answers."""

    @classmethod
    def of(cls, settings: Settings, secret: str, instance: str) -> Self:
        """Describe the server that runs with these settings."""
        plain = f"[{settings.host}]" if ":" in settings.host else settings.host
        host = _EVERYWHERE.get(settings.host, plain)
        cert = str(settings.tls_cert.resolve()) if settings.tls_cert else None
        return cls(f"{settings.scheme}://{host}:{settings.port}", secret, cert, instance)

    @classmethod
    def find(cls, data: Path) -> Self | None:
        """Read what the server of this data folder wrote; None where there is nothing to be trusted."""
        try:
            return cls(**json.loads(read_secret(data / _NAME)))
        except (SecretFileError, json.JSONDecodeError, TypeError):
            return None

    def write(self, data: Path) -> None:
        """Write the file by which commands find this server."""
        self.remove(data)
        handle = os.open(data / _NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)

    @staticmethod
    def remove(data: Path) -> None:
        """Remove the file, so that commands no longer find this server."""
        with contextlib.suppress(FileNotFoundError):
            (data / _NAME).unlink()
