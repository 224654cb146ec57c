"""Install pinned packages into a virtual environment, and say how far it is. `make install` runs this.

It needs nothing but Python: it runs before anything is installed.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PIN = re.compile(r"^[A-Za-z0-9][\w.-]*==", re.MULTILINE)
FOUND = re.compile(r"(?:Collecting|Processing|Requirement already satisfied:) (?:\S*/)?([A-Za-z0-9][\w.-]*)")
OPTIONS = ("--disable-pip-version-check", "--no-input", "--progress-bar", "off")
EVERY = 10
"""A line is printed for each so many packages."""
KEPT = 20
"""Lines of pip that are shown when it fails."""


def main() -> int:
    """Return pip's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--project", action="store_true", help="install this project itself as well")
    parser.add_argument("requirements", type=Path)
    given = parser.parse_args()
    python = given.venv / "bin" / "python"
    if not python.exists():
        say(f"Making {given.venv} ...")
        subprocess.run([sys.executable, "-m", "venv", str(given.venv)], check=True)  # noqa: S603
    count = len(PIN.findall(given.requirements.read_text(encoding="utf-8")))
    say(f"Installing {count} packages of {given.requirements} into {given.venv} (first time only) ...")
    code = install(python, ["--no-deps", "-r", str(given.requirements)], count)
    if code == 0 and given.project:
        code = install(python, ["--no-deps", "--no-build-isolation", "--editable", "."], 0)
    return code


def install(python: Path, what: Sequence[str], count: int) -> int:
    """Run pip, show how far it is, and return its exit code."""
    start = time.monotonic()
    command = [str(python), "-m", "pip", "install", *OPTIONS, *what]
    with subprocess.Popen(  # noqa: S603 - pip of our own environment
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as pip:
        last = follow(pip.stdout or (), count)
    if pip.returncode:
        say(f"pip ended with code {pip.returncode}. Its last lines:", *last)
    elif count:
        say(f"Installed in {time.monotonic() - start:.0f} s.")
    return pip.returncode


def follow(lines: Iterable[str], count: int) -> list[str]:
    """Print every tenth package that pip collects, and when it begins to install; return the last lines."""
    last: deque[str] = deque(maxlen=KEPT)
    found = 0
    for line in lines:
        last.append(line.rstrip())
        if match := FOUND.match(line):
            found += 1
            if count and (found % EVERY == 0 or found == count):
                say(f"  {found} of {count} packages: {match[1]}")
        elif count and line.startswith("Installing collected packages"):
            say("  Unpacking them ...")
    return list(last)


def say(*lines: str) -> None:
    """Print at once, also into a pipe."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
