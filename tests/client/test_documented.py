"""The examples of README.md and docs/client.md do what the text beside them says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.test_ending import CALLED_FAILED, OK, stated, units

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.client.conftest import Ran

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/client.md").read_text()
README = (ROOT / "README.md").read_text()

AROUND = """
import logging, unsnag
logging.basicConfig(filename="own.log")
log = logging.getLogger("script")
unsnag.init(flow="f")
rows = range(40)
def send_mail(order): raise ConnectionError("no mail server")
def stock_of(sku): return 0
def import_row(row): return row > 2
"""
"""What the examples take as given: the script's own functions."""


def example(heading: str, text: str = GUIDE) -> str:
    """Return the first Python example under a heading."""
    section = text.partition(f"# {heading}\n")[2]
    assert section, heading
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)[0]


EXAMPLES: dict[str, list[dict[str, Any]]] = {
    "`ok()`: it went well, whatever was logged": [OK],
    "`fail()`: it failed, and no exception says so": [CALLED_FAILED],
    "`partial()`: some of many failed": [
        {"outcome": "partial", "verdict": "partial", "partial.failed": "3", "partial.total": "40"}
    ],
    "`part` and `completes`: one unit, several programs": [
        {"outcome": "progress", "completes": False},
        {"outcome": "success", "completes": True},
    ],
}


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_of_the_guide_ends_as_it_says(run_script: Callable[..., Ran], heading: str) -> None:
    ran = run_script(AROUND + example(heading))
    assert (ran.returncode, ran.stderr) == (0, "")
    assert [stated(span) for span in units(ran.spans)] == EXAMPLES[heading]


def test_a_script_that_logs_its_own_errors_needs_three_lines(
    run_script: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text("order,total\nSO-1,100\nSO-2,n/a\nSO-3,10\n")
    ran = run_script(example("A script that logs its own errors"))
    assert (ran.returncode, ran.stdout) == (0, "SO-1 119.0\nSO-3 11.9\n")
    (error,) = [log for log in ran.logs if log["level"] == "error"]
    assert (error["unsnag.correlation_id"], error["exception.type"]) == ("SO-2", "ValueError")
    assert len(error["unsnag.exception.id"]) == 16
    spans = {span["unsnag.correlation_id"]: span for span in units(ran.spans)}
    assert spans.keys() == {"SO-1", "SO-2", "SO-3"}
    assert error["span_id"] == spans["SO-2"]["spanId"]
    assert {span["unsnag.outcome"] for span in spans.values()} == {"success"}
    assert all("unsnag.verdict" not in span for span in spans.values())


def test_the_same_script_with_its_try_around_the_block(
    run_script: Callable[..., Ran], tmp_path: Path
) -> None:
    (tmp_path / "orders.csv").write_text("order,total\nSO-1,100\nSO-2,n/a\n")
    ran = run_script("""
    import csv, logging, unsnag
    unsnag.init(flow="invoicing")
    logging.basicConfig(filename="invoices.log")
    for row in csv.DictReader(open("orders.csv")):
        try:
            with unsnag.unit(row["order"]):
                float(row["total"])
        except ValueError:
            logging.exception("cannot invoice")
    """)
    failed, logged = [log for log in ran.logs if log["level"] == "error"]
    assert {failed["unsnag.correlation_id"], logged["unsnag.correlation_id"]} == {"SO-2"}
    assert failed["unsnag.exception.id"] == logged["unsnag.exception.id"]


def test_the_readmes_three_lines_run_as_they_are(run_script: Callable[..., Ran]) -> None:
    ran = run_script(example("Three lines hook a script that you already have", README))
    (span,) = units(ran.spans)
    assert stated(span) == {"outcome": "success"}
    assert (span["unsnag.correlation_id"], span["unsnag.value.amount"]) == ("SO-1001", "129.90")
    assert example("Three lines").splitlines()[0] == "import unsnag"
