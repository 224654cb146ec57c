"""Kill the server at random moments: `python -m tests.crash [--kills 200] [--seed N] [--keep FOLDER]`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from pathlib import Path

from tests.crash.suite import Suite


def main(arguments: list[str] | None = None) -> int:
    """Run the suite; return 0 where every acknowledged record and act was there once after each kill."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument(
        "--seed", type=int, default=random.randrange(10**6), help="of the moments of the kills"
    )
    parser.add_argument("--keep", type=Path, help="an empty folder for the stores, which is kept")
    given = parser.parse_args(arguments)
    _say(f"{given.kills} kills, seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="unsnag-crash-") as name:
        suite = Suite(given.keep or Path(name))
        suite.run(given.kills, given.seed, _say)
    done = ", ".join(f"{count} {kind}" for kind, count in sorted(suite.kills.items()))
    found = "; ".join(suite.problems) or "nothing lost or doubled"
    _say(f"{sum(suite.kills.values())} kills ({done}): {found}")
    return int(bool(suite.problems))


def _say(words: str) -> None:
    print(words, flush=True)  # noqa: T201 - the report


if __name__ == "__main__":
    sys.exit(main())
