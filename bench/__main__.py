"""Run every benchmark, or those named: `python -m bench [NAME ...]`; soak only where it is named.

The names are access, applying, batches, classes, grouping, groups, growth, hook, ingest, joining, kpis,
layouts, pages, paint, reading, visible, and soak, of so many `--minutes`.
"""

from __future__ import annotations

import argparse
import importlib
import sys

BENCHMARKS = (
    "access",
    "applying",
    "batches",
    "classes",
    "grouping",
    "groups",
    "growth",
    "hook",
    "ingest",
    "joining",
    "kpis",
    "layouts",
    "pages",
    "paint",
    "reading",
    "visible",
)
SOAK = "soak"


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, all of them but the soak if none is named."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--minutes", type=float, default=30.0, help="of the soak")
    given = parser.parse_args(arguments)
    names = given.names
    known = (*BENCHMARKS, SOAK)
    unknown = set(names) - set(known)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(known)}.",
            file=sys.stderr,
        )
        return 2
    for name in names or BENCHMARKS:
        print(f"\n## {name}\n")
        module = importlib.import_module(f"bench.{name}")
        module.main(given.minutes) if name == SOAK else module.main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
