"""A real script that asks a person, and the approval that it makes."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests import shown
from tests.client.conftest import clean_environment
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from data.store import Store

SCRIPT = """
import sys
import unsnag

unsnag.init(flow="order-to-cash", service="payments")
with unsnag.unit("SO-1", tenant="acme", value=12000, currency="EUR"), unsnag.step("pay"):
    asked = unsnag.approval("Pay 12,000 EUR to ACME?", timeout_s=600)
    print("asked", asked.id, flush=True)
    answer = asked.wait({wait_s}, every_s=0.2)
    print(repr(answer), "pays" if answer else "stops", answer.reason)
"""
QUESTION = "Pay 12,000 EUR to ACME?"


@contextmanager
def script(
    folder: Path, url: str, unit: str, wait_s: float | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """Run a script that asks, as a process of its own."""
    source = textwrap.dedent(SCRIPT).format(wait_s=wait_s).replace("SO-1", unit)
    environment = clean_environment(UNSNAG_URL=url, UNSNAG_SPOOL=str(folder / "spool"), **more)
    process = subprocess.Popen(
        [sys.executable, "-c", source],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def approval_of(store: Store, unit: str) -> dict[str, Any]:
    """Return the approval of a unit, as soon as it is asked."""

    def found() -> list[dict[str, Any]]:
        return [c for c in shown.cases(store) if c["correlation_id"] == unit and c["approval_id"]]

    eventually(found, lambda: f"nobody asks about {unit}")
    (case,) = found()
    return case
