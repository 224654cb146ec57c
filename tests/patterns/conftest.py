"""Scripts in processes of their own, as the client's tests run them."""

from __future__ import annotations

from tests.client.conftest import run_script

__all__ = ["run_script"]
