"""What the client's tests share: real scripts in processes of their own, and the lines they leave behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]


class Ran:
    """A script that has ended, and its spool."""

    def __init__(self, done: subprocess.CompletedProcess[str], spool: Path) -> None:
        self.returncode = done.returncode
        self.stdout = done.stdout
        self.stderr = done.stderr
        self.spool = spool

    @property
    def lines(self) -> list[dict[str, Any]]:
        files = sorted(
            [*self.spool.glob("*.jsonl"), *self.spool.glob("outbox*/*/*.jsonl")],
            key=lambda file: file.stat().st_mtime_ns,
        )
        found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        return [line for line in found if "unsnag.resource" not in line]

    @property
    def logs(self) -> list[dict[str, Any]]:
        return [line for line in self.lines if "resourceSpans" not in line]

    @property
    def events(self) -> list[str]:
        return [log["event"] for log in self.logs]

    def named(self, event: str) -> list[dict[str, Any]]:
        return [log for log in self.logs if log["event"] == event]

    @property
    def spans(self) -> list[dict[str, Any]]:
        found = [line["resourceSpans"][0] for line in self.lines if "resourceSpans" in line]
        return [flat(span) for span in found]


def flat(resource_spans: dict[str, Any]) -> dict[str, Any]:
    span = resource_spans["scopeSpans"][0]["spans"][0]
    attributes = {item["key"]: next(iter(item["value"].values())) for item in span["attributes"]}
    return {**span, "resource": resource_spans["resource"], **attributes}


def clean_environment(**more: str) -> dict[str, str]:
    names_a_run = ("AIRFLOW_", "PREFECT_", "GITHUB_", "CI_", "BUILD_TAG")
    kept = {
        key: text
        for key, text in os.environ.items()
        if not key.startswith(("OTEL_", "UNSNAG_", "TRACE", "BAGGAGE", *names_a_run))
    }
    return {**kept, "PYTHONPATH": str(ROOT), "UNSNAG_DEBUG": "1", **more}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Count tests that start interpreters as slow: a third of a second each, and there are a hundred."""
    for item in items:
        if "run_script" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture
def run_script(tmp_path: Path) -> Callable[..., Ran]:
    """Return a function that runs a script in a process of its own."""

    def run(
        source: str, *arguments: str, spool: Path | None = None, timeout: float = 60, **environment: str
    ) -> Ran:
        script = tmp_path / "script.py"
        script.write_text(textwrap.dedent(source))
        folder = spool or tmp_path / "spool"
        done = subprocess.run(
            [sys.executable, str(script), *arguments],
            env=clean_environment(**{"UNSNAG_SPOOL": str(folder), **environment}),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
        )
        return Ran(done, folder)

    return run
