"""Jupyter and IPython: ``%load_ext unsnag``, or `unsnag.init` in a cell.

IPython shows what leaves a cell and goes on, so no exception hook of Python's ever sees it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from unsnag import client as clients
from unsnag.client import harmless

_FLOW = "notebook"


def running() -> Any:
    """Return the IPython that runs this process, or None."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def load_ipython_extension(shell: Any) -> None:
    """Begin to record in a notebook, unless a cell has begun already; the flow is the notebook's name."""
    if clients.active() is None:
        from unsnag.api import init  # noqa: PLC0415

        name = os.path.basename(os.environ.get("JPY_SESSION_NAME", ""))  # noqa: PTH119 - as in settings.py
        init(name.removesuffix(".ipynb") or _FLOW, service=name or _FLOW)
    hook(shell)


def hook(shell: Any) -> None:
    """Record what leaves a cell."""
    if not getattr(shell, "_unsnag", False):
        shell._unsnag = True  # noqa: SLF001 - a mark of ours on a foreign object
        shell.events.register("post_run_cell", _record)


@harmless
def _record(result: Any) -> None:
    from unsnag.hooks import record_crash  # noqa: PLC0415 - it imports this module

    error = result.error_in_exec
    if error is not None:
        record_crash(error)
