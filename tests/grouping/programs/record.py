"""Run every program six times and write what it raised: `python -m tests.grouping.programs.record`."""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path

from . import held_out, looked_at
from .world import CAUSES, order

FILE = Path(__file__).parents[1] / "recorded.jsonl"
RUNS = 6


def main() -> int:
    """Write the file again."""
    here = Path(__file__).parent
    lines = []
    for name, run in CAUSES.items():
        half = "held out" if name.startswith(held_out.__name__) else "looked at"
        for n in range(RUNS):
            try:
                run(order(n, name))
            except Exception as error:
                kind = type(error)
                module = (
                    ""
                    if kind.__module__ == "builtins"
                    else f"{kind.__module__.removeprefix(f'{__package__}.')}."
                )
                # As if the programs were installed: a folder of tests is no automation's own.
                stack = traceback.format_exc().replace(str(here), "/srv/app")
                stack = stack.replace(str(here.parents[2]), "/srv/app")
                message = str(error)
            else:
                print(f"{name} does not fail")
                return 1
            made = {"cause": name.rpartition(".")[2], "half": half, "type": f"{module}{kind.__qualname__}"}
            lines.append(json.dumps({**made, "message": message, "stack": stack}, ensure_ascii=False))
    FILE.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} failures of {len(CAUSES)} causes, {looked_at.__name__} and {held_out.__name__}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
