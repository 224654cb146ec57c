"""Count lines of the KPIs' SQL that stand in two files: `python -m tests.structure.duplicate_sql`.

How it counts: comments go, space is normalised, case and a comma at the end do not matter.
A line is counted if it holds at least two different names; keywords, `count`, bound parameters, numbers and
texts are no names. So `group by`, a column by itself, `limit $limit` and the bare reading of a shared noun,
`from unit_in_period($starts, $ends, ...)`, do not count on either side.
"""

from __future__ import annotations

import re
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[2] / "data" / "sql" / "kpis"
TARGET_PERCENT: Final = 10
NAMES_OF_A_COUNTED_LINE: Final = 2
KEYWORDS: Final = frozenset(
    """
    and as asc asof between by case coalesce count count_if cross desc distinct else end exists false filter
    first from full group having if in inner is join lateral left limit not null nulls offset on or order
    outer over partition right select then true union using when where with within
    """.split()  # noqa: SIM905 - a word list is read as words
)


@dataclass(frozen=True, slots=True)
class Count:
    """How many lines were counted, and which of them stand in which files."""

    lines: int
    shared: dict[str, list[str]]

    @property
    def duplicates(self) -> int:
        """Return how many lines are copies or have one."""
        return sum(len(files) for files in self.shared.values())

    @property
    def percent(self) -> float:
        """Return the share of the counted lines that stand in more than one file."""
        return 100 * self.duplicates / self.lines if self.lines else 0.0


def count(folder: Path = FOLDER) -> Count:
    """Count the lines of all statements in a folder."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.glob("*.sql")):
        for line in counted_lines(path.read_text(encoding="utf-8")):
            places[line].append(path.name)
    shared = {line: files for line, files in places.items() if len(set(files)) > 1}
    return Count(sum(map(len, places.values())), shared)


def counted_lines(sql: str) -> list[str]:
    """Return the lines of a statement that are counted, normalised."""
    lines = (" ".join(line.split("--")[0].split()).rstrip(",").lower() for line in sql.splitlines())
    return [line for line in lines if len(_names(line)) >= NAMES_OF_A_COUNTED_LINE]


def _names(line: str) -> set[str]:
    plain = re.sub(r"'[^']*'|\$\w+|::\w+", " ", line)
    return set(re.findall(r"[a-z_]\w*", plain)) - KEYWORDS


def main(folder: Path) -> int:
    """Print the count and every line that stands in more than one file; 1 if the target is missed."""
    found = count(folder)
    for line, files in sorted(found.shared.items(), key=lambda pair: -len(pair[1])):
        sys.stdout.write(f"{len(files):3} {line}  ({', '.join(files)})\n")
    sys.stdout.write(
        f"{found.duplicates} of {found.lines} lines stand in more than one file: {found.percent:.1f} %,"
        f" target {TARGET_PERCENT} %\n"
    )
    return int(found.percent > TARGET_PERCENT)


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if sys.argv[1:] else FOLDER))
