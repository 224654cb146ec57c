"""Writes the table of layouts into docs/collectors.md: `python -m tests.layouts.table`."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.layouts.documented import SAMPLES
from tests.layouts.proof import FIELDS, PROOFS

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).parents[2] / "docs/collectors.md"
BEGIN: Final = "<!-- layouts: python -m tests.layouts.table -->\n"
END: Final = "<!-- end of layouts -->\n"
HEADS: Final = ("layout", "proved on", "lines", "events", *FIELDS)
NAMES: Final = {"type": "exception", "failure": "its message", "trace": "stack trace"}


def table() -> str:
    """Return the table, with what is measured now."""
    heads = [NAMES.get(head, head) for head in HEADS]
    lines = [_line(heads), _line(["---", "---", *["--:"] * (len(heads) - 2)])]
    lines += [_line(row) for row in _proved()]
    return "".join(lines) + "\n" + "".join(_documented())


def _proved() -> Iterator[list[str]]:
    for proof in PROOFS:
        shares = proof.shares()
        lines = proof.log.count(b"\n")
        yield [
            proof.layout,
            proof.program,
            str(lines),
            str(len(proof.events())),
            *map(_share, shares.values()),
        ]


def _documented() -> Iterator[str]:
    """Yield what is proved on a few samples only."""
    yield "These programs do not run where this is tested. "
    yield "The samples were written in the form that the documentation describes:\n\n"
    for layout, samples in groupby(SAMPLES, key=lambda sample: sample.layout):
        found = list(samples)
        records = sum(len(sample.expected) for sample in found)
        sources = "; ".join(sample.source for sample in found)
        noun = "record" if records == 1 else "records"
        yield f"- {layout}: {records} {noun} ({sources})\n"


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:.1f} %".replace("100.0 %", "100 %")


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def written() -> str:
    """Return the table that the document has."""
    return PAGE.read_text().partition(BEGIN)[2].partition(END)[0]


def main() -> None:
    """Put the table in its place."""
    before, begin, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(before + begin + table() + END + rest.partition(END)[2])


if __name__ == "__main__":
    main()
