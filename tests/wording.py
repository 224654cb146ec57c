"""Find words that the project does not write: tests/docs/words.toml says what to write instead.

`python tests/wording.py` prints one line a finding and returns 1 if there is any; `make check` runs it.
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tokenize
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).parents[1]
WORDS = ROOT / "tests" / "docs" / "words.toml"
READ = {".py", ".sql", ".md", ".html", ".js", ".css", ".toml", ".sh", ".txt", ".yml", ".yaml", ".cfg", ""}
SELF = (
    "tests/docs/words.toml",
    "tests/docs/test_wording.py",
    "tests/wording.py",
)
FOREIGN = (
    *SELF,
    "LICENSE",
    "*requirements.txt",
    "tests/scenarios/*",
    "views/static/*",
    "*package-lock.json",
    "data/migrations/*",
)
"""The list itself, texts that others wrote, and migrations, which are never edited."""


@dataclass(frozen=True)
class Word:
    """What is not written: in text, or in identifiers."""

    pattern: re.Pattern[str]
    write: str
    is_name: bool


@dataclass(frozen=True)
class Finding:
    """A word where it should not be."""

    path: str
    line: int
    found: str
    write: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.found!r}; write instead: {self.write}"


def words() -> list[Word]:
    """Return the list, compiled."""
    listed = tomllib.loads(WORDS.read_text(encoding="utf-8"))["word"]
    return [
        Word(re.compile(one.get("name") or one["find"], re.IGNORECASE), one["write"], "name" in one)
        for one in listed
    ]


def findings(path: str, text: str, listed: Sequence[Word]) -> Iterator[Finding]:
    """Yield each word of the list in a text, and in its identifiers if it is Python."""
    is_python = path.endswith(".py")
    for word in listed:
        if word.is_name:
            if is_python:
                yield from _in_names(path, text, word)
            continue
        for match in word.pattern.finditer(text):
            if not (is_python and _is_code(text, match)):
                yield Finding(path, text.count("\n", 0, match.start()) + 1, match[0], word.write)


def _in_names(path: str, text: str, word: Word) -> Iterator[Finding]:
    for line, name in _names(text):
        if word.pattern.search(name):
            yield Finding(path, line, name, word.write)


@lru_cache(maxsize=1)
def _names(text: str) -> list[tuple[int, str]]:
    """List the identifiers of Python code with their lines; kept for the next word over the same file."""
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return [(token.start[0], token.string) for token in tokens if token.type == tokenize.NAME]


def _is_code(text: str, match: re.Match[str]) -> bool:
    """Return whether a match is an identifier rather than prose: `name` patterns judge those."""
    line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()]
    return "#" not in line and '"' not in line and not _in_docstring(text, match.start())


def _in_docstring(text: str, place: int) -> bool:
    return text.count('"""', 0, place) % 2 == 1


def files() -> list[str]:
    """List the text files that the repository holds."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    return [
        path
        for path in listed
        if Path(path).suffix in READ
        and (ROOT / path).is_file()
        and not any(fnmatch(path, pattern) for pattern in FOREIGN)
    ]


def main() -> int:
    """Print what is found; return 1 if there is anything."""
    listed = words()
    found = [
        one for path in files() for one in findings(path, (ROOT / path).read_text(encoding="utf-8"), listed)
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
