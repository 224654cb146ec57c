"""What a retry of nightly-export does: it runs the script again, for the unit whose run had failed.

Run by ``unsnag worker examples/nightly_export/handlers.py``.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import unsnag

if TYPE_CHECKING:
    from unsnag import Retry

SCRIPT = Path(__file__).with_name("export.sh")


@unsnag.handler("nightly-export", "export-invoices")
def export_invoices(retry: Retry) -> None:
    """Export again; the block's end is the success signal that the first run did not give."""
    with unsnag.unit(retry.correlation_id):
        ended = subprocess.run([SCRIPT], capture_output=True, text=True, check=False)  # noqa: S603
        if ended.returncode:
            raise unsnag.InfrastructureError(ended.stderr.strip(), code=f"exit.{ended.returncode}")
