"""A real S3 server on this machine: rclone's, which `make test-integration` installs."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from data.remote import Access
from tests.journeys.serving import ROOT, free_port
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY: Final = "UNSNAGTESTKEY"
SECRET: Final = f"unsnag-test-{KEY.lower()}"
RCLONE: Final = ROOT / ".venv-s3" / "rclone_api" / "bin" / "rclone"
"""Where `make test-integration` puts it."""


@contextmanager
def serving(
    folder: Path, port: int | None = None, *, tls: tuple[Path, Path] | None = None
) -> Iterator[Access]:
    """Serve the folders of a folder as buckets until the end, with a certificate and its key over TLS."""
    port = port or free_port()
    scheme, files = ("https", ["--cert", str(tls[0]), "--key", str(tls[1])]) if tls else ("http", [])
    command = [
        str(RCLONE),
        "serve",
        "s3",
        "--auth-key",
        f"{KEY},{SECRET}",
        "--addr",
        f"127.0.0.1:{port}",
        *files,
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            eventually(lambda: _listens(port))
            yield Access(f"{scheme}://127.0.0.1:{port}", "us-east-1", KEY, SECRET)
        finally:
            server.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
