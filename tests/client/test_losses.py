"""No outcome is lost, whatever ends the program and whatever the server does, and none arrives twice."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

import pytest

from tests.client.losing import Ended, Scene, scene

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS = 50
# What the program takes for the server, how it ends, and what it says on stderr.
SCENES: dict[str, tuple[str, str, str]] = {
    "all well": ("pass", "returns", ""),
    "an endpoint that hangs": ("hang", "returns", "not everything was sent"),
    "an endpoint that is gone, then back": ("dead", "returns", "Connection refused"),
    "a refused token": ("401", "returns", "with this token (401 Unauthorized)"),
    "503 with Retry-After": ("503", "returns", "does not take telemetry now (503 Busy)"),
    "SIGTERM": ("pass", "SIGTERM", ""),
    "SIGTERM while the endpoint hangs": ("hang", "SIGTERM", ""),
    "os._exit": ("pass", "os._exit", ""),
    "SIGKILL 0.2 s after an outcome": ("hang", "SIGKILL", ""),
    "a killed pool worker": ("pass", "killed worker", ""),
    "a full disk": ("pass", "full disk", ""),
    "a spool and SIGTERM": ("spool", "SIGTERM", ""),
    "a spool and os._exit": ("spool", "os._exit", ""),
    "a spool and SIGKILL": ("spool", "SIGKILL", ""),
    "a spool and a killed pool worker": ("spool", "killed worker", ""),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with scene(tmp_path_factory.mktemp("losing")) as made:
        yield made


def check(ended: Ended, expected: str) -> None:
    assert ended.missing == []
    ours = [line for line in ended.stderr if line.startswith("unsnag:")]
    assert len(ours) == (1 if expected else 0), ended.stderr
    assert all(expected in line and "unsnag flush" in line for line in ours)


@pytest.mark.fault
@pytest.mark.slow
@pytest.mark.parametrize("name", SCENES)
def test_no_outcome_is_lost(stage: Scene, name: str) -> None:
    gate, end, expected = SCENES[name]
    check(stage.run(gate, end), expected)


@pytest.mark.integration
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", SCENES)
def test_no_outcome_is_lost_in_fifty_runs(
    stage: Scene, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    gate, end, expected = SCENES[name]
    runs = [stage.run(gate, end) for _ in range(RUNS)]
    times = sorted(run.exit_s for run in runs)
    lost = [run.missing for run in runs if run.missing]
    with capsys.disabled():
        print(  # noqa: T201 - the figures are what it is run for
            f"\n{name}: {len(runs)} runs, {len(lost)} with losses; exit after "
            f"{statistics.median(times):.2f} s (median), {times[-1]:.2f} s (longest)"
        )
    for run in runs:
        check(run, expected)
