"""Cells of a notebook in a real kernel, run by nbclient: what the guide shows, and what leaves a cell."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.scenarios import frameworks
from tests.scenarios.unsnag_server import UnsnagServer
from tests.scenarios.world import BIN

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.scenario, pytest.mark.timeout(180), pytest.mark.usefixtures("environment")]

INIT = "import unsnag; unsnag.init(flow='books')"
RUN = """
import json, sys, nbclient, nbformat
notebook = nbformat.v4.new_notebook()
notebook.cells = [nbformat.v4.new_code_cell(cell) for cell in json.loads(sys.argv[1])]
nbclient.NotebookClient(notebook, allow_errors=True, timeout=60).execute()
for cell in notebook.cells:
    print([output.get("ename", "ok") for output in cell.outputs])
"""


def cells() -> list[str]:
    """Return the cells of the guide."""
    section = frameworks.GUIDE.read_text().partition("\n## Jupyter\n")[2].partition("\n## ")[0]
    return re.findall(r"```python\n(.*?)```", section, re.DOTALL)


def run(server: UnsnagServer, folder: Path, *given: str) -> str:
    """Run cells as a notebook named `books.ipynb`; return what came of each."""
    import json  # noqa: PLC0415

    world = frameworks.World(folder, server.address, server.arrived)
    own = world.environment(JPY_SESSION_NAME="/home/ann/books.ipynb")
    command = [BIN / "python", "-c", RUN, json.dumps(given)]
    done = subprocess.run(
        command, cwd=folder, env=own, check=True, capture_output=True, text=True, timeout=120
    )
    return done.stdout


def test_two_notebooks_at_a_time_and_the_order_that_failed_is_recovered(tmp_path: Path) -> None:
    load, ship = cells()
    with UnsnagServer(tmp_path / "unsnag") as server:
        world, addresses = frameworks.world(tmp_path / "shop", server)

        def send(order: str) -> None:
            run(server, world.folder, load, ship.replace("SO-1", order))

        frameworks.two_orders(server, addresses, send)
        case = frameworks.the_case(server)
        assert (case["flow"], case["service"]) == ("books", "books.ipynb")
        frameworks.ship_again(server, addresses, send, after_s=frameworks.CLOCKS_AGREE_S)


@pytest.mark.parametrize("begin", ["%load_ext unsnag", INIT])
def test_what_leaves_a_cell_without_a_unit_is_recorded_once(tmp_path: Path, begin: str) -> None:
    with UnsnagServer(tmp_path / "unsnag") as server:
        folder = tmp_path / "shop"
        folder.mkdir()
        printed = run(server, folder, begin, INIT, "1 / 0", "print('on it goes')")
        assert printed.splitlines() == ["[]", "[]", "['ZeroDivisionError']", "['ok']"]
        frameworks.wait_until(server, lambda: len(frameworks.cases(server)) == 1)
        (case,) = frameworks.cases(server)
        assert (case["flow"], case["occurrences"]) == ("books", 1)
        assert "ZeroDivisionError" in str(case)
