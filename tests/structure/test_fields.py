"""A context field takes two files: its row in `unsnag/fields.py` and a migration. Nothing else names it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from data import listing, queries
from data.records import LOG_COLUMNS, SPAN_COLUMNS
from kpis.definition import definitions
from tests.journeys import serving
from tests.journeys.serving import Server
from tests.waiting import eventually
from unsnag import unit
from unsnag.fields import CONTEXT_ATTRIBUTES, FIELDS, SPLITS, UnitContext

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[2]
TABLE = "unsnag/fields.py"
PACKAGES = (
    "unsnag",
    "access",
    "audit",
    "collectors",
    "data",
    "cases",
    "kpis",
    "flows",
    "server",
    "traces",
    "views",
)
READY_S = 240
ANSWER_S = 60
"""The machine may be busy with other things: how fast a server answers is tested elsewhere."""
BY_NAME = {
    "customer": {
        # A search finds the units of a customer, and calls such a hit so.
        "data/sql/units/search.sql",
        "cases/unit.py",
        "views/trace/find.py",
        # Texts about errors name customers.
        "unsnag/class_texts.py",
    },
    "segment": {
        # Settings that are proposed for a flow name the segments that were observed in it.
        "data/sql/flows/observed_splits.sql",
        "flows/proposal.py",
    },
}
"""Files that treat a field as no other field is treated."""
OF_A_FLOW = {"K28"}
"""An incident is of a flow: units of all segments and tenants fail in it."""


def test_the_table_is_the_only_file_that_names_a_context_field() -> None:
    plain = [field.name for field in FIELDS if field.on_case and field.is_context]
    assert {"business_unit", "customer", "segment"} <= set(plain)
    for name in plain:
        # Also as a constant, an option of the command line or words of a screen.
        spelled = rf"(?i)\b{name.replace('_', '[_ -]')}\b"
        assert _naming(spelled) == {TABLE} | BY_NAME.get(name, set()), name


def _naming(pattern: str) -> set[str]:
    """Return the files of the product whose code names a field; migrations name what they add."""
    files = [ROOT / "app.py", *(path for package in PACKAGES for path in (ROOT / package).rglob("*.*"))]
    wanted = re.compile(pattern)
    return {
        str(path.relative_to(ROOT))
        for path in files
        if path.suffix in {".py", ".sql"}
        and "migrations" not in path.parts
        and "var" not in path.relative_to(ROOT).parts
        and wanted.search(_code(path))
    }


def _code(path: Path) -> str:
    """Return a file without its comments and docstrings."""
    text = re.sub(r'""".*?"""', "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.sub(r"(?:#|--) .*$", "", text, flags=re.MULTILINE)


# --- what is derived from the table ----------------------------------------------------------------------


def test_every_field_is_a_column_of_logs_and_of_spans() -> None:
    names = [field.name for field in FIELDS]
    assert len(set(names)) == len(names)
    assert set(names) <= LOG_COLUMNS.keys() & SPAN_COLUMNS.keys()


def test_a_unit_takes_the_context_of_the_table_and_refuses_other_names() -> None:
    assert set(UnitContext.__annotations__) == set(CONTEXT_ATTRIBUTES)
    with pytest.raises(TypeError, match=r"unit\(\) got an unexpected keyword argument 'tennant'"):
        unit("SO-1", tennant="acme")  # type: ignore[call-arg]


def test_the_document_says_what_the_table_says() -> None:
    """Correct it with `python -m data.listing > docs/fields.md`."""
    assert (ROOT / "docs" / "fields.md").read_text(encoding="utf-8") == listing.listing()


def test_every_kpi_can_be_split_by_the_fields_of_the_table() -> None:
    for one in definitions().values():
        assert set(SPLITS) <= set(one.splits) or one.id in OF_A_FLOW, one.id
        assert "$by" in one.sql, one.id


def test_a_line_of_a_statement_is_repeated_for_each_field_that_it_stands_for() -> None:
    made = queries.with_fields("-- splits: flow, {splits}\nselect\n    unit.{split},\nfrom unit\n")
    columns = "".join(f"    unit.{name},\n" for name in SPLITS)
    assert made == f"-- splits: flow, {', '.join(SPLITS)}\nselect\n{columns}from unit\n"


@pytest.mark.parametrize("name", ["cost center", "a, b", "x) --", "", "Cost", "1st"])
def test_no_text_but_a_plain_name_gets_into_a_statement(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(queries._EACH, "{split}", (name,))
    with pytest.raises(ValueError, match="is no name of a column"):
        queries.with_fields("select {split} from unit")


# --- a field is added ----------------------------------------------------------------------------------

ROW = """    Field(
        "cost_center",
        "unsnag.cost_center",
        argument="unit",
        is_context=True,
        on_unit=True,
        on_case=True,
        split=4,
        is_mapped=True,
        is_masked=True,
        in_baggage=True,
        shown=_EVERYWHERE,
        label="Cost center",
        meaning="Who pays for the work.",
    ),
"""
MIGRATION = """-- Who pays for the work.

alter table log add column cost_center varchar;
alter table span add column cost_center varchar;
alter table unit add column cost_center varchar;
alter table exception_case add column cost_center varchar;
"""
SCRIPT = """
import sys, unsnag
name, unit, context = sys.argv[1], sys.argv[2], dict(pair.split("=") for pair in sys.argv[3:])
unsnag.init(flow="order-to-cash", service="shop", spool=name)
try:
    with unsnag.unit(unit, tenant="acme", business_unit="wholesale", **context), unsnag.step("pay"):
        raise TimeoutError("no answer")
except TimeoutError:
    pass
unsnag.shutdown()
"""
LINE = (
    '{"timestamp": "%s", "level": "error", "event": "no answer", "exception.type": "TimeoutError", '
    '"unsnag.flow": "order-to-cash", "unsnag.step": "pay", "unsnag.correlation_id": "SO-LINE", '
    '"unsnag.cost_center": "CC-2"}\n'
)
CONFIG = """
[[collectors.jsonl]]
name = "erp"
paths = ["{folder}/erp/*.jsonl"]
mapping = "erp"

[collectors.mappings.erp]
correlation_id = "order"
flow = "'order-to-cash'"
step = "'pay'"
cost_center = "payer"
"""
MAPPED = (
    '{"timestamp": "%s", "level": "error", "event": "no answer", "exception.type": "TimeoutError", '
    '"order": "SO-MAPPED", "payer": "CC-4"}\n'
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the product and add a field: one file changed, one file new."""
    copy = tmp_path_factory.mktemp("tree") / "copy"
    # Compiled modules are taken along: compiling them is most of what a first start costs.
    unwanted = shutil.ignore_patterns(".*_cache", ".git", ".venv*", ".hypothesis", "var", "tests")
    shutil.copytree(ROOT, copy, ignore=unwanted, symlinks=True)
    _insert(copy / TABLE, "    # --- what is known of the record ---\n", ROW)
    _insert(copy / TABLE, "\n\nclass Field(", "    cost_center: str | None\n")
    folder = copy / "data" / "migrations"
    latest = max(int(path.name[:4]) for path in folder.glob("[0-9]*.sql"))
    (folder / f"{latest + 1:04}_cost_center.sql").write_text(MIGRATION, encoding="utf-8")
    return copy


def _insert(path: Path, before: str, text: str) -> None:
    whole = path.read_text(encoding="utf-8")
    assert whole.count(before) == 1
    path.write_text(whole.replace(before, text + before), encoding="utf-8")


@pytest.fixture(scope="module")
def server(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve the copy over a store that today's version has filled."""
    folder = tmp_path_factory.mktemp("served")
    config = folder / "unsnag.toml"
    config.write_text(CONFIG.format(folder=folder), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serving, "READY_S", READY_S)
        with _served(Server(folder)) as today:
            _run_script(ROOT, today, "SO-OLD")
            _found(today, "SO-OLD", lambda found: found["cases"])
        patch.setattr(serving, "ROOT", tree)
        with _served(Server(folder, config, {"PYTHONPATH": str(tree)}, cwd=tree)) as started:
            yield started


@contextmanager
def _served(server: Server) -> Iterator[Server]:
    try:
        yield server.start()
    finally:
        server.stop()


def _run_script(root: Path, server: Server, name: str, *context: str) -> None:
    command = [sys.executable, "-c", SCRIPT, str(server.spool), name, *context]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    subprocess.run(command, cwd=root, env=environment, check=True, timeout=60)


def _found(server: Server, name: str, is_there: Callable[[Any], Any]) -> Any:
    """Return a unit once it says what is expected."""

    def asked() -> httpx.Response:
        return httpx.get(f"{server.address}/api/v1/units/{name}", timeout=ANSWER_S)

    def found() -> Any:
        answer = asked()
        return answer.json() if answer.status_code == 200 and is_there(answer.json()) else None

    return eventually(found, lambda: asked().text)


def _items(server: Server, path: str) -> Any:
    return httpx.get(f"{server.address}{path}", timeout=ANSWER_S).raise_for_status().json()["items"]


def _post_log(server: Server, payer: str) -> None:
    attributes = {
        "unsnag.correlation_id": "SO-OTLP",
        "unsnag.flow": "order-to-cash",
        "unsnag.step": "pay",
        "exception.type": "TimeoutError",
        "unsnag.cost_center": payer,
    }
    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityNumber": 17,
        "body": {"stringValue": "no answer"},
        "attributes": [{"key": key, "value": {"stringValue": text}} for key, text in attributes.items()],
    }
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    httpx.post(f"{server.address}/v1/logs", json=body, timeout=ANSWER_S).raise_for_status()


def _write(server: Server, folder: str, line: str) -> None:
    path = server.folder / folder / "shop.jsonl"
    path.parent.mkdir(exist_ok=True)
    path.write_text(line % time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), encoding="utf-8")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_a_field_of_the_table_and_a_migration_is_found_everywhere(tree: Path, server: Server) -> None:
    _run_script(tree, server, "SO-CLIENT", "cost_center=CC-1")
    _write(server, "spool", LINE)
    _write(server, "erp", MAPPED)
    _post_log(server, "ann@example.com")
    expected = {
        "SO-CLIENT": "CC-1",
        "SO-LINE": "CC-2",
        "SO-OTLP": "[masked: email]",
        "SO-MAPPED": "CC-4",
    }
    for name, payer in expected.items():
        found = _found(server, name, lambda unit: unit["cases"] and unit["cost_center"])
        assert (found["cost_center"], found["cases"][0]["cost_center"]) == (payer, payer), name
    old = _found(server, "SO-OLD", lambda unit: unit["cases"])
    assert (old["business_unit"], old["cost_center"]) == ("wholesale", None)
    listed = {case["correlation_id"]: case["cost_center"] for case in _items(server, "/api/v1/cases")}
    assert listed | expected | {"SO-OLD": None} == listed


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_an_exception_inherits_an_added_field_from_its_unit(tree: Path, server: Server) -> None:
    _run_script(tree, server, "SO-HEIR")
    _found(server, "SO-HEIR", lambda unit: unit["cases"])
    path = server.spool / "late.jsonl"
    path.write_text(
        '{"event": "payer known", "unsnag.flow": "order-to-cash", "unsnag.correlation_id": "SO-HEIR", '
        '"unsnag.tenant": "acme", "unsnag.cost_center": "CC-5"}\n',
        encoding="utf-8",
    )
    found = _found(server, "SO-HEIR", lambda unit: unit["cost_center"] and unit["cases"][0]["cost_center"])
    (case,) = found["cases"]
    assert (found["cost_center"], case["cost_center"], case["inherited"]) == ("CC-5", "CC-5", ["cost_center"])


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_kpis_are_split_by_an_added_field(tree: Path, server: Server) -> None:
    _run_script(tree, server, "SO-SPLIT", "cost_center=CC-6")
    _found(server, "SO-SPLIT", lambda unit: unit["cases"])
    figures = _items(server, "/api/v1/kpis?by=cost_center")
    parts = {one["id"]: {part["key"]: part["n"] for part in one["breakdown"]} for one in figures}
    # Exceptions that are open, and units that finished with an error.
    assert parts["K16"]["CC-6"] == 1
    assert parts["K7"]["CC-6"] == 1
    assert parts["K8"]["CC-6"] == 1
    refused = httpx.get(f"{server.address}/api/v1/kpis", params={"by": "cost_centre"}, timeout=ANSWER_S)
    assert "Choose one of: flow, segment, tenant, business_unit, cost_center, class" in refused.text


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_command_line_and_baggage_carry_an_added_field(tree: Path, server: Server) -> None:
    environment = {**os.environ, "PYTHONPATH": str(tree), "UNSNAG_SPOOL": str(server.spool)}
    seen = "import os, sys; print(os.environ['BAGGAGE']); sys.exit(3)"
    command = [sys.executable, "-m", "unsnag", "run", "--flow", "nightly", "--unit", "SO-RUN"]
    command += ["--cost-center", "CC-7", "--", sys.executable, "-c", seen]
    ran = subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert "unsnag.cost_center=CC-7" in ran.stdout
    found = _found(server, "SO-RUN", lambda unit: unit["cases"] and unit["cost_center"])
    assert (found["cost_center"], found["cases"][0]["cost_center"]) == ("CC-7", "CC-7")
