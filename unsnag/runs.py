"""Which run this process is part of, where somebody names one; a process by itself has no run ID.

A web server, a worker or a consumer does not end with its work, so no ID of its own could be a unit of work.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from unsnag.conventions import ENV_RUN_ID
from unsnag.process import new_id

if TYPE_CHECKING:
    from collections.abc import Mapping

ENVIRONMENT: Final = (
    (ENV_RUN_ID,),
    ("AIRFLOW_CTX_DAG_ID", "AIRFLOW_CTX_DAG_RUN_ID"),
    ("PREFECT__FLOW_RUN_ID",),
    ("GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"),
    ("CI_PIPELINE_ID", "CI_JOB_ID"),
    ("BUILD_TAG",),
)
"""Variables that name a run: the script's own, Airflow, Prefect, GitHub Actions, GitLab CI, Jenkins.

Of each the values that are there are joined by a slash; the first group that names a run counts.
"""
_NAMES_NO_RUN: Final = frozenset({"AIRFLOW_CTX_DAG_ID", "GITHUB_RUN_ATTEMPT", "CI_JOB_ID"})
"""Variables that complete a run's ID and are none by themselves."""
_MAX: Final = 500

_chosen: list[str | None] = []


def choose(run_id: str | None) -> None:
    """Name the run of this process, whatever its environment says; None: it is part of no run."""
    _chosen[:] = [run_id]


def new_run_id() -> str:
    """Return the ID of a run that begins now."""
    return f"run-{new_id()}"


def current(inherited: str | None) -> str | None:
    """Return the run's ID: as chosen, else as handed over by the wrapper, else from the orchestrator."""
    return _chosen[0] if _chosen else inherited or from_environment(os.environ)


def from_environment(environment: Mapping[str, str]) -> str | None:
    """Return the run that the environment names, or None."""
    return next(filter(None, (_joined(environment, names) for names in ENVIRONMENT)), None)


def _joined(environment: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    found = {name: text for name in names if (text := environment.get(name, "").strip())}
    return "/".join(found.values())[:_MAX] if found.keys() - _NAMES_NO_RUN else None
