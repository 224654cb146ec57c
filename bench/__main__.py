"""Run every benchmark, or those named: `python -m bench [NAME ...]`.

The names are access, applying, batches, classes, grouping, groups, growth, hook, ingest, joining, kpis,
layouts, pages, paint, reading and visible.
"""

from __future__ import annotations

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


def main(names: list[str]) -> int:
    """Run the named benchmarks, all of them if none is named."""
    unknown = set(names) - set(BENCHMARKS)
    if unknown:
        print(
            f"There is no benchmark {', '.join(sorted(unknown))}; choose from {', '.join(BENCHMARKS)}.",
            file=sys.stderr,
        )
        return 2
    for name in names or BENCHMARKS:
        print(f"\n## {name}\n")
        importlib.import_module(f"bench.{name}").main()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
