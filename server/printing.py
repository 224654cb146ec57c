"""PDF from one HTML file, by the chromium of this machine: nothing is loaded, no script runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Final

from data.errors import UnsnagError
from data.logs import event_log

_LOG: Final = event_log("server")
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MISSING: Final = (
    "A PDF needs chromium on the server, which is not installed: `apt install chromium`. "
    "The HTML file has the same content, and any browser prints it."
)
_LONGEST_S: Final = 120.0
_ONE_AT_A_TIME: Final = threading.Lock()
"""A browser takes 200 MB for a moment."""
_SWITCHES: Final = (
    "--headless", "--disable-gpu", "--no-first-run", "--disable-extensions", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps",
    # No name leads anywhere, whatever is on the page.
    "--host-resolver-rules=MAP * ~NOTFOUND", "--no-pdf-header-footer",
)  # fmt: skip


class PrintingError(UnsnagError):
    """The PDF could not be made. The HTML file has the same content, and any browser prints it."""


def browser() -> str | None:
    """Return the path of chromium, or None where it is not installed."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


def check() -> str:
    """Return the path of chromium.

    Raises:
        PrintingError: it is not installed.
    """
    program = browser()
    if program is None:
        raise PrintingError(MISSING)
    return program


def as_pdf(html: str) -> bytes:
    """Return a self-contained HTML page as PDF, on A4 as its style says.

    Raises:
        PrintingError: chromium is not installed, failed, or took more than two minutes.
    """
    program = check()
    with _ONE_AT_A_TIME, tempfile.TemporaryDirectory(prefix="unsnag-pdf-") as name:
        folder = Path(name)
        page, made = folder / "page.html", folder / "page.pdf"
        page.write_text(html, encoding="utf-8")
        _run([program, *_SWITCHES, *_as_root(), f"--user-data-dir={folder / 'profile'}",
              f"--print-to-pdf={made}", page.as_uri()], folder)  # fmt: skip
        if not made.is_file():
            raise PrintingError
        return made.read_bytes()


def _as_root() -> list[str]:
    # Chromium refuses to start as root with its sandbox.
    return ["--no-sandbox"] if os.geteuid() == 0 else []


def _run(command: list[str], home: Path) -> None:
    environment = {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "LANG": "C.UTF-8"}
    try:
        ran = subprocess.run(  # noqa: S603 - see above
            command, capture_output=True, check=False, timeout=_LONGEST_S, env=environment
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        _LOG.error("printing.failed", reason=str(error))
        raise PrintingError from error
    if ran.returncode != 0:
        _LOG.error("printing.failed", reason=ran.stderr.decode("utf-8", "replace")[-500:])
        raise PrintingError
