"""What orchestrators and task queues say of their runs and tasks, beside the names in `fields`.

- Airflow's spans name DAG, task and state. A task's state is the task's, never the run's.
- OpenTelemetry's instrumentation of Celery names a task by its message's ID. It sends nothing of the group,
  so the ID is the index, and the tasks of one trace and name are the group.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from collectors import fields as names
from collectors import values
from collectors.values import text
from traces.outcome import FAILED, OK, RUN_OK, SUCCESS, UNDECIDED
from unsnag import conventions as words

if TYPE_CHECKING:
    from collectors.fields import Fields

    Row = list[Any]

_DAGS: Final = ("airflow.dag_id", "airflow.dag_run.dag_id")
_TASK: Final = "airflow.task_id"
_TASK_STATE: Final = "airflow.task_instance.state"
_RUN: Final = "airflow.dag_run.run_id"
_RUN_STATE: Final = "airflow.dag_run.state"
_CELERY: Final = "celery.action"
NAMES: Final = (_CELERY, *_DAGS)
"""Attributes of a span for which `read_span` does anything."""
_CELERY_VERDICTS: Final = {"SUCCESS": OK, "RETRY": UNDECIDED, "IGNORED": UNDECIDED, "REJECTED": UNDECIDED}

_S: Final = names.SPAN_INDEX
_L: Final = names.LOG_INDEX


def read_span(row: Row, attributes: Fields, status: str) -> None:
    """Fill the empty columns of a foreign span from what its orchestrator says; `status` is the span's."""
    if _CELERY in attributes:
        _read_celery(row, attributes)
    elif (_DAGS[0] in attributes or _DAGS[1] in attributes) and (dag := _first(attributes, _DAGS)):
        row[_S["flow"]] = row[_S["flow"]] or dag
        if _TASK_STATE in attributes:
            _read_airflow_task(row, attributes)
        elif _RUN in attributes and _TASK not in attributes and row[_S["parent_span_id"]] is None:
            _read_airflow_run(row, attributes, status)


def read_log(row: Row, rest: Fields) -> None:
    """Fill flow and step of an Airflow log line, where nobody names them."""
    row[_L["flow"]] = row[_L["flow"]] or text(rest[_DAGS[0]])
    row[_L["step"]] = row[_L["step"]] or text(rest.get(_TASK))


def is_airflow(rest: Fields) -> bool:
    """Return whether a log line names the DAG that it belongs to."""
    return _DAGS[0] in rest


def _read_airflow_task(row: Row, attributes: Fields) -> None:
    state = attributes[_TASK_STATE]
    row[_S["step"]] = row[_S["step"]] or text(attributes.get(_TASK))
    if state == FAILED:
        row[_S["outcome"]] = FAILED
    else:
        # A task that is skipped or tried again has the status of an error as well.
        row[_S["verdict"]] = OK if state == SUCCESS else UNDECIDED


def _read_airflow_run(row: Row, attributes: Fields, status: str) -> None:
    """Airflow 2 names the run's state; Airflow 3 sets the span's status by it."""
    state = attributes.get(_RUN_STATE) or {"ok": SUCCESS, "error": FAILED}.get(status)
    if state == SUCCESS:
        row[_S["role"]], row[_S["outcome"]], row[_S["verdict"]] = words.KIND_UNIT, SUCCESS, RUN_OK
    elif state == FAILED:
        row[_S["outcome"]] = FAILED


def _read_celery(row: Row, attributes: Fields) -> None:
    if attributes[_CELERY] != "run":
        return
    row[_S["map_index"]] = row[_S["map_index"]] or values.map_index(attributes.get("messaging.message.id"))
    row[_S["verdict"]] = _CELERY_VERDICTS.get(str(attributes.get("celery.state")))


def _first(attributes: Fields, wanted: tuple[str, ...]) -> str | None:
    return next((found for name in wanted if (found := text(attributes.get(name)))), None)
